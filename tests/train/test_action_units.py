"""Training of action units on noise: that it runs, resumes, calibrates and ships the result."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.estimate.crops import SIZE
from facekit.facs import ACTION_UNITS
from facekit.network.action_units import ActionUnitNetwork, whole_face
from facekit.runtime.device import choose
from facekit.runtime.runner import load
from facekit.train import action_units, unit_calibration, unit_faces
from facekit.train.loop import LOG
from facekit.train.unit_batches import (
    NEUTRAL,
    PHOTO,
    RENDER,
    FixedUnits,
    Taught,
    UnitBatches,
    fixed,
    half_and_half,
)
from facekit.train.unit_calibration import answers, calibrate, rising_line, true_whole
from facekit.train.unit_faces import UnitFaces, joined
from facekit.train.unit_geometry import NUMBERS, fit, read
from facekit.train.unit_teacher import BLIND, appoint
from facekit.types import Floats

MIRROR = list(range(478))


class _Found:
    """Landmarks without a network: a cloud of points about the middle of each noise picture."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._random = np.random.default_rng(0)

    def find(self, name: str, images: NDArray[np.uint8], known: Floats) -> Floats:
        return self.ask(name, images)

    def ask(self, name: str, images: NDArray[np.uint8]) -> Floats:
        points = self._random.uniform(30, 66, (len(images), 478, 3)).astype(np.float32)
        points[0] = np.nan  # a face that was not found
        return points


@pytest.fixture
def unit_shards(shards: Path) -> Path:
    """Renders of noise with action units."""
    for split in ("train", "val"):
        path = shards / split / "00000.truth.npz"
        truth = dict(np.load(path))
        random = np.random.default_rng(3)
        units = random.uniform(0, 5, (len(truth["index"]), 2, 22)) * random.integers(0, 2, (22,))
        truth["action_units"] = units.astype(np.float32)
        np.savez(path, **truth)
    return shards


def _faces(count: int, seed: int = 0) -> UnitFaces:
    """Faces whose AU12 is how high some of their landmarks are, on either side alike."""
    random = np.random.default_rng(seed)
    points = random.normal(0, 0.1, (count, 478, 2))
    high = random.uniform(0, 1, count)
    points[:, :40, 1] -= high[:, None]
    units = np.zeros((count, 2, 22))
    units[:, :, NUMBERS.index(12)] = 5 * high[:, None]
    return UnitFaces(
        images=[random.integers(0, 256, (count, 64, 64), np.uint8)],
        squares=np.tile(np.array([32, 32, 40, 5], np.float32), (count, 1)),
        points=points.astype(np.float32),
        teacher=points.astype(np.float32),
        units=units.astype(np.float32),
        neutral=np.arange(count) % 3 == 0,
        drawn=np.full(count, 1 / count),
        source=np.zeros(count, np.int64),
    )


def test_train_resume_publish_run(
    unit_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_units, "point_mirror", lambda data: np.arange(478))
    monkeypatch.setattr(action_units, "Finder", _Found)
    out, folder = tmp_path / "run", tmp_path / "weights"
    places = ["--data", str(tmp_path), "--shards", str(unit_shards), "--out", str(out)]
    arguments = [*places, "--batch", "4", "--minutes", "5"]
    assert action_units.main([*arguments, "--steps", "2"]) == 0
    fitted = (out / "geometry.pt").read_bytes()
    assert (
        action_units.main([*arguments, "--steps", "3", "--resume", "--publish", str(folder)]) == 0
    )
    assert (out / "geometry.pt").read_bytes() == fitted
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 3]
    assert all(np.isfinite(line["losses"]["total"]) for line in lines)

    monkeypatch.setenv("FACEKIT_WEIGHTS", str(folder))
    random = np.random.default_rng(0)
    faces = {
        "image": random.uniform(0, 255, (3, 3, SIZE, SIZE)).astype(np.float32),
        "points": random.uniform(-0.5, 0.5, (3, 478, 2)).astype(np.float32),
    }
    outputs = load("action_units", choose("cpu")).run(faces)
    assert [o.shape for o in outputs] == [(3, 22), (3, 22), (3, 22), (3, 2, 22), (3, 64)]
    entry = json.loads((folder / "manifest.json").read_text())["networks"]["action_units"]
    assert entry["inputs"] == ["image", "points"]
    assert entry["training_data"] and all("licence" in row for row in entry["training_data"])
    assert "renders_r" in entry["scores"]["validation"]


def test_shards_without_action_units_are_refused(shards: Path, tmp_path: Path) -> None:
    path = shards / "train" / "00000.truth.npz"
    truth = dict(np.load(path))
    truth.pop("action_units", None)
    np.savez(path, **truth)
    with pytest.raises(SourceError, match="without action units"):
        unit_faces.rendered(shards / "train", _Found(tmp_path, tmp_path))  # type: ignore[arg-type]


def test_renders_keep_their_truth_and_lose_faces_that_were_not_found(
    unit_shards: Path, tmp_path: Path
) -> None:
    finder = _Found(tmp_path, tmp_path)
    made = unit_faces.rendered(unit_shards / "train", finder)  # type: ignore[arg-type]
    truth = np.load(unit_shards / "train" / "00000.truth.npz")["action_units"]
    images = np.load(unit_shards / "train" / "00000.images.npy")
    assert len(made) == len(truth) - 1
    assert np.array_equal(made.units, truth[1:])
    weights = np.array([0.299, 0.587, 0.114])
    assert made.image(3) == pytest.approx(images[4] @ weights, abs=1)


def test_a_batch_is_half_renders_and_depends_on_seed_and_step_alone() -> None:
    made, seen = _faces(9), _faces(12, 1)
    lessons = torch.rand(12, 2, 22)
    batches = UnitBatches(made, Taught(seen, lessons), 20, seed=4)
    one, other = batches(7), batches(7)
    for key, value in one.items():
        assert torch.equal(value, other[key]), key
    assert not torch.equal(one["image"], batches(8)["image"])
    assert [int((one["kind"] == kind).sum()) for kind in (RENDER, PHOTO, NEUTRAL)] == [10, 8, 2]
    assert one["image"].shape == (20, 3, SIZE, SIZE)
    assert (one["target"][one["kind"] == NEUTRAL] < 0.02).all()
    whole = one["target"][(one["kind"] == PHOTO) & ~one["chimera"]]
    assert all((lesson == lessons).flatten(1).all(1).any() for lesson in whole)


def test_halves_of_two_faces_keep_their_own_truth() -> None:
    made, seen = _faces(9), _faces(12, 1)
    lessons = torch.rand(12, 2, 22)
    batches = UnitBatches(made, Taught(seen, lessons), 20, seed=4)
    found = [batches(step) for step in range(4)]
    mixed = torch.cat([b["target"][b["chimera"] & (b["kind"] == PHOTO)] for b in found])
    assert 4 < len(mixed) < 20
    for side in range(2):
        assert all((one[side] == lessons[:, side]).all(1).any() for one in mixed)
    assert not all((one == lessons).flatten(1).all(1).any() for one in mixed)
    assert not any((b["chimera"] & (b["kind"] == NEUTRAL)).any() for b in found)


def test_the_subjects_left_half_is_on_image_right() -> None:
    dark, bright = np.full((SIZE, SIZE), 20, np.uint8), np.full((SIZE, SIZE), 220, np.uint8)
    left = half_and_half(dark, bright, side=0)
    assert (left[:, : SIZE // 2 - 8] == 20).all()
    assert (left[:, SIZE // 2 + 8 :] == 220).all()
    assert np.array_equal(half_and_half(dark, bright, side=1), left[:, ::-1])


def test_sets_are_drawn_by_their_shares() -> None:
    both = joined([_faces(10), _faces(30)], [0.75, 0.25])
    assert both.drawn[:10].sum() == pytest.approx(0.75)
    assert both.drawn.sum() == pytest.approx(1)
    assert len(both) == 40
    assert np.array_equal(both.image(10), both.images[1][0])
    quiet = both.rows(both.neutral)
    assert quiet.neutral.all()
    assert quiet.drawn.sum() == pytest.approx(1)


def _small() -> ActionUnitNetwork:
    return ActionUnitNetwork(MIRROR, hidden=(32, 16), stem=(8, 8), widths=(8, 8))


def test_landmarks_learn_what_they_show_and_the_teacher_is_mute_where_they_do_not() -> None:
    torch.manual_seed(0)
    network, smile = _small(), NUMBERS.index(12)
    made, held_out = _faces(300), _faces(80, 1)
    fit(network, made.points, made.units, seed=0, steps=120)
    found = read(network, torch.from_numpy(held_out.points))[:, 0, smile].numpy()
    assert np.corrcoef(found, held_out.units[:, 0, smile])[0, 1] > 0.8
    teacher, taught = appoint(network, None, fixed(made, 300), fixed(held_out, 80))
    assert teacher.trust[smile] == 1
    assert (teacher.trust[[*BLIND, NUMBERS.index(2)]] < 1).all()
    for lessons in (taught, teacher.lessons(fixed(held_out, 80))):
        assert lessons.min() >= 0 and lessons.max() <= 1


def test_the_picture_speaks_where_there_are_no_landmarks_and_each_set_rests_at_its_own_level() -> (
    None
):
    torch.manual_seed(0)
    reader, looker, smile = _small(), _small(), NUMBERS.index(12)
    made = _faces(300)
    fit(reader, made.points, made.units, seed=0, steps=120)
    # A second set whose faces all seem to smile a little, whatever they do.
    points = _faces(300, 2).points
    points[:, :40, 1] -= 0.3
    higher = dataclasses.replace(_faces(300, 2), points=points, teacher=points)
    photos = fixed(joined([made, higher], [1, 1]), 600)
    photos.teacher[:50] = torch.nan
    teacher, taught = appoint(reader, looker, photos, fixed(_faces(80, 1), 80))
    # The untrained picture's part says nothing, but where landmarks are blind it speaks alone.
    assert teacher.share[smile] > 0.3
    assert (teacher.share[BLIND] == 0).all()
    assert teacher.low[1, smile] > teacher.low[0, smile]
    lessons = teacher.lessons(photos)
    assert torch.equal(taught, lessons)
    assert lessons.isfinite().all()
    first, second = lessons[50:300, 0, smile].mean(), lessons[300:, 0, smile].mean()
    raw = torch.sigmoid(read(reader, photos.teacher[50:]))[:, 0, smile]
    assert second - first < raw[250:].mean() - raw[:250].mean()


def test_the_rising_line_never_falls_and_follows_its_data() -> None:
    random = np.random.default_rng(0)
    x = np.sort(random.normal(0, 2, 3000))
    truth = 5 / (1 + np.exp(-1.5 * x))
    knots, levels = rising_line(x, truth + random.normal(0, 0.3, x.shape))
    assert (np.diff(levels) >= 0).all()
    inside = (x > -3) & (x < 3)
    assert np.interp(x[inside], knots, levels) == pytest.approx(truth[inside], abs=0.35)


def test_calibration_gives_intensity_presence_and_spread_their_meaning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    network = ActionUnitNetwork(MIRROR, stem=(8, 8), widths=(8, 8), hidden=(16, 8))
    random = np.random.default_rng(0)
    truth = torch.from_numpy(np.clip(random.normal(0, 2, (600, 2, 22)), 0, 5)).float()
    truth[:, 1] = truth[:, 0]
    # Scores that say the truth in a unit of their own, with errors.
    said = (truth - 2.5) * 0.4 + 0.2 * torch.randn(600, 2, 22)
    with torch.no_grad():
        scores = network.eval().scores(torch.rand(600, 3, SIZE, SIZE), torch.rand(600, 478, 2))
    plain = scores._replace(joint=said, log_sd=torch.zeros(600, 22))
    resting = scores._replace(joint=torch.full((600, 2, 22), -0.4), log_sd=torch.zeros(600, 22))
    unused = torch.zeros(600)
    faces = FixedUnits(unused, unused, truth, unused, unused, unused)
    quiet = FixedUnits(*(torch.ones(600) for _ in range(6)))

    def stand_in(given: ActionUnitNetwork, whom: FixedUnits) -> unit_calibration.Answers:
        chosen = plain if whom is faces else resting
        sides = given.intensity(chosen.joint)
        whole = whole_face(sides)
        return unit_calibration.Answers(chosen, sides, whole, given.sd(chosen), whole)

    monkeypatch.setattr(unit_calibration, "answers", stand_in)
    calibrate(network, faces, None)
    whole = stand_in(network, faces).whole
    error = (whole - true_whole(truth)).abs()
    assert float(error.mean()) < 0.5
    within = (error < network.sd(plain)).float().mean()
    assert 0.6 < float(within) < 0.76
    assert ((network.present > 0.4) & (network.present < 1.6)).all()

    # Neutral photos that look like something raise the level that counts as present.
    calibrate(network, faces, quiet)
    level = stand_in(network, quiet).whole[0].clamp(max=2.5)
    active = [row for row, unit in enumerate(ACTION_UNITS) if unit.number not in (25, 43)]
    assert (network.present >= level - 1e-4)[active].all()


def test_crops_of_validation_are_seen_in_several_sizes() -> None:
    seen = fixed(_faces(6), 4, (0, 16))
    assert len(seen) == 8
    assert torch.equal(seen.points[:4], seen.points[4:])
    sharp, coarse = seen.image[0, 0], seen.image[4, 0]
    assert coarse.diff(dim=1).abs().mean() < 0.7 * sharp.diff(dim=1).abs().mean()


def test_answers_come_in_the_order_of_the_faces() -> None:
    network = ActionUnitNetwork(MIRROR, stem=(8, 8), widths=(8, 8), hidden=(16, 8))
    seen = fixed(_faces(70), 70)
    whole = answers(network, seen).whole
    with torch.inference_mode():
        alone = network(seen.image[66:67], seen.points[66:67])[0]
    torch.testing.assert_close(whole[66:67], alone, rtol=1e-4, atol=1e-4)
