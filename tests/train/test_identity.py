"""Losses, batches and whole runs of the embedder, on people made of random numbers."""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from facekit.detect import Detector
from facekit.errors import OptionsError
from facekit.network.identity import IdentityNetwork
from facekit.runtime.runner import OnnxRunner
from facekit.runtime.weights import MANIFEST
from facekit.train import identity, identity_data, identity_faces, identity_losses
from facekit.train.identity_batches import Gathered, IdentityBatches, Mix, gather
from facekit.train.identity_data import Judge, Split
from facekit.train.identity_faces import FaceSet, Places, folder_set
from facekit.train.loop import Plan, Trainer
from facekit.train.publish import read_raw
from facekit.types import Detection, Floats, Image

WIDTH = torch.tensor(1.0)
POINTS = np.array([[40, 50], [80, 50], [60, 75], [44, 92], [76, 92]], np.float32)


def _set(people: int, pictures: int, name: str = "made", profiles: bool = True) -> FaceSet:
    """Every person has a pattern of their own; pictures of it differ by noise."""
    random = np.random.default_rng(len(name))
    patterns = random.integers(0, 256, (people, 6, 6, 3), np.uint8)
    person = np.repeat(np.arange(people), pictures)
    side = np.tile(np.arange(pictures) % 2 == 1, people)

    def image(row: int) -> np.ndarray:
        noise = np.random.default_rng(row).normal(0, 12, (120, 120, 3))
        big = cv2.resize(patterns[person[row]], (120, 120), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(big + noise, 0, 255), np.uint8)

    columns = {"profile": side} if profiles else {}
    return FaceSet(name, person.astype(np.int64), image, columns)


def _places(faces: FaceSet, vectors: int = 256) -> Places:
    random = np.random.default_rng(1)
    own = random.normal(size=(int(faces.person.max()) + 1, vectors))
    teacher = own[faces.person] + 0.3 * random.normal(size=(len(faces), vectors))
    teacher /= np.maximum(np.linalg.norm(teacher, axis=1, keepdims=True), 1e-9)
    count = len(faces)
    return Places(
        np.tile(POINTS, (count, 1, 1)), np.ones(count, np.float32), teacher.astype(np.float32)
    )


def _gathered(people: int = 6, pictures: int = 4, vectors: int = 256) -> Gathered:
    faces = _set(people, pictures)
    return gather([(faces, _places(faces, vectors), np.arange(len(faces)))])


def test_batch_hard_takes_the_worst_of_each() -> None:
    alike = torch.tensor(
        [
            [1.0, 0.9, 0.4, 0.3],
            [0.9, 1.0, 0.6, 0.1],
            [0.4, 0.6, 1.0, 0.2],
            [0.3, 0.1, 0.2, 1.0],
        ]
    )
    person = torch.tensor([0, 0, 0, 1])
    # The worst own and worst other: (.4, .3), (.6, .1), (.4, .2); the fourth is alone.
    expected = np.mean([0.2 + 0.3 - 0.4, 0, 0.2 + 0.2 - 0.4])
    assert float(identity_losses.batch_hard(alike, person)) == pytest.approx(expected)
    doubtful = torch.zeros(4, 4, dtype=torch.bool)
    doubtful[:3, 3] = True
    assert float(identity_losses.batch_hard(alike, person, doubtful)) == 0


def test_relations_weigh_like_and_unlike_pairs_alike() -> None:
    person = torch.tensor([0, 0, 1])
    teacher = torch.tensor([[1, 0.3, 0.2], [0.3, 1, 0.2], [0.2, 0.2, 1]])
    alike = torch.tensor([[1, 0.6, 0.2], [0.6, 1, 0.4], [0.2, 0.4, 1]])
    # Like: (.6 - .5)^2, since one person is at least .5; unlike: 0 and (.4 - .2)^2.
    expected = 0.01 / 2 + (0 + 0.04) / 2 / 2
    assert float(identity_losses.relations(alike, teacher, person)) == pytest.approx(expected)


def test_faces_without_a_class_do_not_count() -> None:
    alike = torch.tensor([[0.9, 0.1], [0.2, 0.3], [0.5, 0.1]])
    some = identity_losses.class_loss(alike, torch.tensor([0, -1, -1]))
    alone = identity_losses.class_loss(alike[:1], torch.tensor([0]))
    assert float(some) == pytest.approx(float(alone))
    assert float(identity_losses.class_loss(alike, torch.tensor([1, -1, -1]))) > float(some)


def test_triplets_teach_who_is_whom() -> None:
    torch.manual_seed(0)
    faces = torch.randn(8, 1, 20) + 2.5 * torch.randn(8, 6, 20) * (torch.arange(20) > 6)
    inputs, person = faces.flatten(0, 1), torch.arange(8).repeat_interleave(6)
    network = nn.Linear(20, 8, bias=False)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)

    def ordered() -> float:
        with torch.no_grad():
            vectors = functional.normalize(network(inputs)).numpy()
        return identity_data.area(*identity_data.pairs(vectors, person.numpy()))

    before = ordered()
    for _ in range(150):
        vectors = functional.normalize(network(inputs))
        alike = identity_losses.likeness(vectors, vectors, WIDTH)
        loss = identity_losses.batch_hard(alike, person)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert before < 0.75
    assert ordered() > before + 0.15


def test_a_batch_has_both_sides_of_its_people_and_is_always_the_same() -> None:
    faces = _gathered(people=6, pictures=4)
    batches = IdentityBatches(faces, Mix(profiled=3, others=2, singles=5), seed=1)
    one, again, other = batches(3), batches(3), batches(4)
    assert one["image"].shape == (3 * 4 + 5, 3, 150, 150)
    for name, values in one.items():
        assert torch.equal(values, again[name])
    assert not torch.equal(one["image"], other["image"])
    for group in one["face"][:12].reshape(3, 4).numpy():
        assert len(set(faces.person[group])) == 1
        assert faces.profile[group].tolist() == [False, False, True, True]


def test_without_profiles_people_are_drawn_all_the_same() -> None:
    faces = _set(5, 4, profiles=False)
    rows = gather([(faces, _places(faces), np.arange(20))])
    batch = IdentityBatches(rows, Mix(profiled=3, others=1, singles=0), seed=0)(0)
    assert sorted(torch.bincount(batch["person"]).tolist())[1:] == [4, 4, 4, 4]


def test_people_of_different_sets_are_different_people() -> None:
    one, other = _set(2, 2, "a"), _set(3, 2, "bb")
    both = gather([(one, _places(one), np.arange(4)), (other, _places(other), np.arange(2, 6))])
    assert both.person.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(both.image(5), other.image(3))


def test_whom_the_teacher_takes_for_a_stranger_is_left_out() -> None:
    faces = _set(4, 3)
    places = _places(faces)
    part = faces, places, np.arange(12)
    _, vectors = identity_data.means(part)
    kept = identity_data.without(part, vectors[[2]])[2]
    assert kept.tolist() == [0, 1, 2, 3, 4, 5, 9, 10, 11]


def test_unsure_faces_do_not_train() -> None:
    faces = _set(2, 2)
    places = _places(faces)
    places.score[1] = 0.5
    assert identity_data.sure((faces, places, np.arange(4)))[2].tolist() == [0, 2, 3]


def test_area_is_the_chance_of_the_right_order() -> None:
    like, unlike = np.array([0.5, 0.9], np.float32), np.array([0.1, 0.6], np.float32)
    assert identity_data.area(like, unlike) == pytest.approx(0.75)


def test_a_folder_of_people(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        (tmp_path / name).mkdir()
        for number in range(2):
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), np.full((9, 8, 3), 50, np.uint8))
    faces = folder_set(tmp_path)
    assert faces.person.tolist() == [0, 0, 1, 1]
    assert faces.image(3).shape == (9, 8, 3)


class _Missing:
    """A detector that must not be asked."""

    def detect(self, *_: object) -> list[Detection]:
        raise AssertionError("asked")


def test_a_stopped_preparation_continues_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_faces, "_PART", 4)
    faces = _set(3, 3)
    asked: list[int] = []

    def place(image: Image, detector: Detector) -> Detection:
        if len(asked) == 6:
            raise KeyboardInterrupt
        asked.append(len(asked))
        return Detection(np.zeros(4, np.float32), 0.9, POINTS + len(asked))

    monkeypatch.setattr(identity_faces, "place", place)
    detector = cast(Detector, _Missing())
    with pytest.raises(KeyboardInterrupt):
        identity_faces.prepare(faces, tmp_path, detector, None)
    with pytest.raises(OptionsError, match="identity-faces"):
        identity_faces.read(tmp_path, faces)
    asked.clear()
    places = identity_faces.prepare(faces, tmp_path, detector, None)
    assert len(asked) == 5
    moved = places.points[:, 0, 0] - POINTS[0, 0]
    assert moved.tolist() == [1, 2, 3, 4, 1, 2, 3, 4, 5]
    assert places.teacher.shape == (9, 0)


def test_a_face_that_mtcnn_misses_is_looked_for_in_the_middle() -> None:
    class Blind:
        def detect(self, image: Image, smallest: float) -> list[Detection]:
            assert smallest == 40
            return []

        def place_points(self, image: Image, boxes: Floats) -> list[Detection]:
            assert boxes.tolist() == [[10, 0, 100, 100]]
            return [Detection(boxes[0], 0.3, POINTS)]

    found = identity_faces.place(np.zeros((100, 120, 3), np.uint8), cast(Detector, Blind()))
    assert found.score == 0.3


def _run(folder: Path, scratch: bool) -> identity.Run:
    return identity.Run(
        data=None,
        people=folder,
        faces=folder,
        out=folder / "run",
        scratch=scratch,
        minutes=10,
        steps=2,
        seed=0,
        threads=1,
        validate_every_s=1e6,
        resume=False,
        publish=folder / "weights",
        command="python -m facekit.train identity",
    )


def _trainer(run: identity.Run, split: Split, network: IdentityNetwork) -> Trainer:
    label = identity.labels_of(split.train)
    student = identity.Student(network, int(label.max()) + 1, split.train.teacher.shape[1])
    identity.begin(student, split.train, label)
    task = identity.IdentityTask(split, label, 0)
    task.batch = IdentityBatches(split.train, Mix(profiled=2, others=0, singles=2), 0)
    plan = Plan(minutes=10, steps=run.steps, bfloat16=False)
    return Trainer(student, task, plan, run.out, student.rates())


def test_a_tuned_network_is_published_with_its_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    start = IdentityNetwork().eval()
    monkeypatch.setattr(identity, "convert", lambda: start)
    faces = _gathered(4)
    split = Split(faces, (_gathered(3),))
    run = _run(tmp_path, scratch=False)
    network = IdentityNetwork()
    network.load_state_dict(start.state_dict())
    trainer = _trainer(run, split, network)
    before = network.vector.weight.detach().clone()
    trainer.run()
    after = network.vector.weight.detach()
    moved = (after - before).abs().max() / before.std()
    assert 0 < float(moved) < 0.01
    identity.publish_best(run, split)
    entry = read_raw(tmp_path / "weights" / MANIFEST)["networks"]["identity"]
    assert entry["scores"]["share_of_tuned_weights"] in (0, 0.25, 0.5, 0.75, 1)
    assert -1 < entry["scores"]["threshold"] < 1
    assert entry["files"]["identity.onnx"]["bytes"] < 12e6
    planes = np.full((3, 3, 150, 150), 90, np.float32)
    (vectors,) = OnnxRunner(tmp_path / "weights" / "identity.onnx", 1).run(planes)
    assert vectors.shape == (3, 128)


def test_from_scratch_without_a_teacher_the_norms_are_folded_in(tmp_path: Path) -> None:
    faces = _gathered(4, vectors=0)
    split = Split(faces, (_gathered(3, vectors=0),))
    run = _run(tmp_path, scratch=True)
    trainer = _trainer(run, split, IdentityNetwork(norms=True))
    assert trainer.network.auxiliary is None
    trainer.run()
    network, share = identity.chosen(run, Judge(split.validation))
    assert share == 1
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
