"""Batches, losses and a whole run of the gaze network, on strips made of random numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from facekit.estimate.eye_crops import HEIGHT, WIDTH
from facekit.geometry import gaze_angles, gaze_vectors, rotation
from facekit.network.gaze import GazeNetwork
from facekit.runtime.runner import OnnxRunner, TorchRunner
from facekit.runtime.weights import MANIFEST
from facekit.synthetic.eye_shards import TRUTH
from facekit.train import gaze
from facekit.train.eye_batches import EyeBatches, EyeJitter, EyeMix, cut, lone_crop, stacked
from facekit.train.eye_data import LoneEyes, Strips, renders
from facekit.train.loop import Plan, Trainer
from facekit.train.settings import Settings

STILL = EyeJitter(0, 0, 0, 0, 0)
CORNERS = np.array([[[183, 60], [147, 60]], [[75, 60], [111, 60]]], np.float32)


def _write(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    truth = {name: np.zeros((count, *shape), kind) for name, (shape, kind) in TRUTH.items()}
    for row in range(count):
        turn = rotation(random.uniform(-20, 20), random.uniform(-20, 20), 0)
        looks = rotation(random.uniform(-20, 20), random.uniform(-20, 20), 0) @ [0, 0, -1]
        truth["rotation"][row] = turn
        truth["optical"][row] = truth["sight"][row] = looks
        truth["points"][row, :, :2] = CORNERS
        truth["points"][row, :, 2:] = CORNERS.mean(1)[:, None]
        truth["open"][row] = row % 2
        truth["eye_distance"][row] = 72
    np.save(folder / "00000.images.npy", random.integers(0, 256, (count, 116, 256), np.uint8))
    np.savez(folder / "00000.truth.npz", **truth)  # type: ignore[arg-type]
    return folder


@pytest.fixture
def strips(tmp_path: Path) -> Strips:
    return renders([_write(tmp_path / "train", 8)])


def _lone() -> LoneEyes:
    random = np.random.default_rng(1)
    return LoneEyes(
        [random.integers(0, 256, (64, 64), np.uint8) for _ in range(4)], np.arange(4) > 1
    )


def test_targets_are_lines_of_sight_inside_of_the_optical_axes(strips: Strips) -> None:
    row = 3
    head = gaze_angles(strips.gaze[row] @ strips.rotation[row])
    assert head[1, 0] - head[0, 0] == pytest.approx(2 * 4.5, abs=0.01)
    assert head[0, 1] == pytest.approx(head[1, 1])


def test_a_crop_keeps_truth_and_picture_together(strips: Strips) -> None:
    crop = cut(strips, 0, np.random.default_rng(0), STILL, eye_distance=72.0)
    assert crop.eyes.shape == (2, HEIGHT, WIDTH)
    # The left eye's outer corner is right of the crop's middle, the right eye's left of it.
    assert crop.points[:, 0, 0] == pytest.approx([23 / 36, -23 / 36], abs=0.03)
    assert crop.points[:, :2].mean(1) == pytest.approx(np.zeros((2, 2)), abs=0.01)
    assert crop.gaze == pytest.approx(gaze_angles(strips.gaze[0]), abs=1e-3)
    assert crop.head[:2] == pytest.approx(
        gaze_angles(strips.rotation[0] @ np.array([0, 0, -1.0])), abs=0.1
    )


def test_a_rolled_crop_rolls_the_truth(strips: Strips) -> None:
    crop = cut(strips, 1, np.random.default_rng(0), EyeJitter(0, 0, 0, 10.0, 0), 72.0)
    assert abs(crop.roll_deg) > 0.5
    back = gaze_vectors(crop.gaze.astype(float)) @ rotation(0, 0, crop.roll_deg).T
    assert back == pytest.approx(strips.gaze[1], abs=1e-4)


def test_the_same_step_gives_the_same_batch_and_photos_come_in_pairs(strips: Strips) -> None:
    batches = EyeBatches(strips, strips, _lone(), EyeMix(12, 0.34, 0.2), seed=3)
    one, again, other = batches(5), batches(5), batches(6)
    for name, values in one.items():
        torch.testing.assert_close(values, again[name], equal_nan=True)
    assert not torch.equal(one["eyes"], other["eyes"])
    assert one["pair"].tolist() == [1, 0, 1, 0] + [0] * 8
    assert torch.isnan(one["gaze"][4:6]).all()


def test_a_lone_eye_is_shown_to_both_branches_as_the_same_eye() -> None:
    crop = lone_crop(_lone(), 2, None)
    assert (crop.eyes[0] == crop.eyes[1][:, ::-1]).all()
    assert crop.open.tolist() == [1, 1]
    assert np.isnan(crop.gaze).all()


def test_the_loss_ignores_what_is_unknown_and_grows_with_the_error() -> None:
    answer = torch.zeros(3, 2, 4)
    truth = torch.tensor([[[3.0, 0.0], [3.0, 0.0]]]).repeat(3, 1, 1)
    weight = torch.ones(3, 2)
    small, large = (
        gaze.spread_loss(answer, truth, weight),
        gaze.spread_loss(answer, 3 * truth, weight),
    )
    assert float(large) == pytest.approx(3 * float(small))
    truth[1:] = float("nan")
    assert float(gaze.spread_loss(answer, truth, weight)) == pytest.approx(float(small))
    assert float(gaze.spread_loss(answer, truth, 0 * weight)) == 0


def test_two_crops_of_one_face_may_differ_by_their_roll_alone() -> None:
    looks = rotation(12, 5, 0) @ [0, 0, -1]
    rolled = [rotation(0, 0, -roll_deg) @ looks for roll_deg in (0.0, 6.0)]
    found = torch.tensor(np.array([gaze_angles(v) for v in rolled]), dtype=torch.float32)
    batch = {"roll_deg": torch.tensor([0.0, 6.0]), "pair": torch.tensor([1.0, 0.0])}
    same = float(gaze._pair_loss(found, batch))
    assert same < 0.15
    assert float(gaze._pair_loss(found, {**batch, "roll_deg": torch.zeros(2)})) > 1


def test_angles_between_directions() -> None:
    one = torch.tensor([[0.0, 0.0], [20.0, 30.0]])
    other = torch.tensor([[0.0, 10.0], [20.0, 30.0]])
    assert gaze.angle_between(one, other).tolist() == pytest.approx([10, 0], abs=1e-3)


def _settings(folder: Path) -> Settings:
    return Settings(
        data=folder,
        shards=folder,
        photos=None,
        out=folder / "run",
        minutes=10,
        steps=2,
        seed=0,
        batch=8,
        threads=1,
        limit=None,
        validation=4,
        validate_every_s=1e6,
        resume=False,
        start=None,
        publish=folder / "weights",
        command="python -m facekit.train gaze",
    )


def test_a_run_learns_is_published_and_runs_alike_on_both_backends(tmp_path: Path) -> None:
    strips = renders([_write(tmp_path / "train", 8)])
    _write(tmp_path / "val", 4)
    task = gaze.GazeTask(EyeBatches(strips, None, _lone(), EyeMix(8), 0), strips, _lone(), 4)
    settings = _settings(tmp_path)
    torch.manual_seed(0)
    plan = Plan(minutes=10, steps=2, bfloat16=False)
    network = GazeNetwork()
    trainer = Trainer(network, task, plan, settings.out)
    before = network.points.weight.detach().clone()
    trainer.run()
    assert not torch.equal(before, network.points.weight)
    gaze.publish_best(settings)

    from facekit.runtime.weights import NetworkEntry, WeightsFile
    from facekit.train.publish import read_raw

    raw = read_raw(tmp_path / "weights" / MANIFEST)["networks"]["gaze"]
    files = {n: WeightsFile(n, f["sha256"], f["bytes"]) for n, f in raw["files"].items()}
    assert all(file.size < 5e6 for file in files.values())
    entry = NetworkEntry(
        "gaze",
        files["gaze.onnx"],
        files["gaze.safetensors"],
        raw["architecture"],
        raw["arguments"],
        tuple(raw["inputs"]),
        tuple(raw["outputs"]),
        {},
    )
    crops = stacked([cut(strips, row, np.random.default_rng(row), STILL) for row in range(3)])
    given = {"eyes": crops["eyes"].numpy(), "head": crops["head"].numpy()}
    on_cpu = OnnxRunner(tmp_path / "weights" / "gaze.onnx", 1).run(given)
    in_torch = TorchRunner(entry, tmp_path / "weights" / "gaze.safetensors", "cpu").run(given)
    assert len(on_cpu) == len(raw["outputs"])
    for one, other in zip(on_cpu, in_torch, strict=True):
        assert one == pytest.approx(other, abs=1e-3)
