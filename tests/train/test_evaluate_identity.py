"""Verification numbers, on pairs whose answers are known, and the whole table on made pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from facekit.train.evaluation import identity, persons
from facekit.train.evaluation.identity_pairs import all_pairs, best_threshold, cross_validated
from facekit.train.evaluation.report import Report
from facekit.train.evaluation.settings import Settings
from facekit.train.identity_faces import face_set

POINTS = np.array([[40, 50], [80, 50], [60, 75], [44, 92], [76, 92]], np.float32)


def test_the_best_threshold_lies_between() -> None:
    cosine = np.array([0.1, 0.2, 0.4, 0.6, 0.7], np.float32)
    same = np.array([False, False, True, True, True])
    assert best_threshold(cosine, same) == pytest.approx(0.3)
    assert best_threshold(cosine, np.ones(5, bool)) < 0.1
    assert best_threshold(cosine, np.zeros(5, bool)) > 0.69999


def test_a_fold_is_judged_by_the_others() -> None:
    cosine = np.array([0.1, 0.5, 0.3, 0.9], np.float32)
    same = np.array([False, True, False, True])
    # The second fold's threshold, .6, is too high for the first fold's like pair.
    right = cross_validated(cosine, same, np.array([0, 0, 1, 1]))
    assert right.tolist() == [True, False, True, True]


def test_all_pairs_are_those_of_a_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facekit.train.evaluation.identity_pairs._BLOCK", 7)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(40, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    person = random.integers(0, 6, 40)
    found = all_pairs(vectors, person)
    like, names, unlike = [], [], []
    for i in range(40):
        for j in range(i + 1, 40):
            cosine = float(vectors[i] @ vectors[j])
            if person[i] == person[j]:
                like.append(cosine)
                names.append(person[i])
            else:
                unlike.append(cosine)
    np.testing.assert_allclose(np.sort(found.like), np.sort(like), atol=1e-6)
    assert sorted(found.person.tolist()) == sorted(names)
    assert int(found.unlike.sum()) == len(unlike)
    assert found.limit(0.1) == pytest.approx(np.quantile(unlike, 0.9), abs=0.01)
    assert found.share_above(0.2) == pytest.approx(np.mean(np.array(unlike) > 0.2), abs=1e-3)


class FixedTeacher:
    """Stands in for the teacher, whose vectors are in the cache."""

    name = "teacher"

    def __init__(self, teachers: Path) -> None:
        self.folder = teachers


def _write(path: Path, shown: np.ndarray, **columns: np.ndarray) -> None:
    random = np.random.default_rng(5)
    patterns = random.integers(0, 256, (int(shown.max()) + 1, 5, 5, 3), np.uint8)
    files = []
    for number in shown:
        picture = cv2.resize(patterns[number], (110, 116), interpolation=cv2.INTER_CUBIC)
        picture[random.integers(0, 100) :, :3] = 0
        files.append(cv2.imencode(".jpg", picture)[1])
    offsets = np.cumsum([0, *(len(file) for file in files)])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, jpg=np.concatenate(files), off=offsets, **columns)  # type: ignore[arg-type]


def _cache(folder: Path, data: Path, name: str) -> None:
    faces = face_set(data, name)
    teacher = np.eye(256, dtype=np.float16)[faces.person]
    folder.mkdir(exist_ok=True)
    count = len(faces)
    np.savez(
        folder / f"{name}.000000.npz",
        points=np.tile(POINTS, (count, 1, 1)),
        score=np.ones(count, np.float32),
        teacher=teacher,
    )


def test_the_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "Teacher", FixedTeacher)
    clips = Report([], {"persons_precision": 1.0})
    monkeypatch.setattr(persons, "evaluate_persons", lambda settings: clips)
    data, person = tmp_path / "data", np.repeat(np.arange(4), 4)
    pairs = np.array(
        [[i % 2, int(person[i] == person[j]), i, j] for i in range(16) for j in (i ^ 1, i ^ 5)]
    )
    _write(
        data / "identity/lfw.npz", person, person=person, split=np.repeat("test", 16), pairs=pairs
    )
    kinds = [np.column_stack([np.full(len(pairs), kind), pairs]) for kind in (0, 1)]
    cfp = np.concatenate(kinds)
    cfp[:, 1] += 7
    fold = np.repeat([7, 8], 8)
    _write(data / "identity/cfp.npz", person, identity=person, fold=fold, pairs=cfp)
    settings = Settings(data, tmp_path / "renders", tmp_path / "figure.png")
    for name in ("lfw", "cfp"):
        _cache(settings.faces, data, name)
    report = identity.evaluate(settings)
    for key in ("lfw_accuracy", "lfw_tar_at_1e-3", "cfp_ff", "cfp_fp"):
        assert report.metrics[key] > 0.9, key
        assert report.metrics[f"{key}_teacher"] == 1
    assert report.metrics["persons_precision"] == 1
    assert {row.set for row in report.rows} == {"LFW test", "CFP folds 7-8"}
    for file in ("figure.png", "figure-histogram.png"):
        assert cv2.imread(str(tmp_path / file)) is not None
