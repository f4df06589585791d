"""The cache that the temporal network learns from, with networks and renderer that cost nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facekit.facs import EXPRESSIONS
from facekit.train import temporal_data
from facekit.train.temporal_data import ClipPlan, answers, clips, ferplus
from facekit.train.temporal_dynamics import RATE, simulate
from facekit.types import Face, Frame, Region
from tests.temporal.builders import face

NAMES = (*EXPRESSIONS, "contempt", "unknown", "NF")
PLAN = ClipPlan("val", 2, 0.5, 30, 5)


class Reader:
    """Stands for the per-frame networks: finds the same face in every second picture."""

    def __init__(self) -> None:
        self.seen = 0

    def process(self, frame: Frame, regions: Sequence[Region] | None = None) -> list[Face]:
        self.seen += 1
        found = face(np.random.default_rng(0))
        return [found] if regions is not None or frame.index % 2 == 0 else []

    def reset(self) -> None:
        pass


def _jpegs(count: int) -> tuple[np.ndarray, np.ndarray]:
    image = np.full((48, 48, 3), 128, np.uint8)
    file = cv2.imencode(".jpg", image)[1].ravel()
    return np.tile(file, count), np.arange(count + 1) * len(file)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    votes = np.zeros((6, 10), np.uint8)
    votes[0, [0, 1]] = 7, 3  # neutral wins
    votes[1, [1, 3]] = 5, 5  # nobody wins
    votes[2, [7, 1]] = 6, 4  # contempt wins
    votes[3, [2, 9]] = 6, 4  # four say that it is no face
    votes[4, 6] = 10
    votes[5, 5] = 10
    split = np.array(["train"] * 5 + ["valid_public"])
    jpg, off = _jpegs(6)
    (tmp_path / "photos").mkdir()
    np.savez(
        tmp_path / "photos" / "ferplus.npz",
        votes=votes,
        vote_names=np.array(NAMES),
        split=split,
        jpg=jpg,
        off=off,
    )
    return tmp_path


def test_votes_become_shares_and_a_winner_only_where_one_wins(data: Path) -> None:
    train, test = ferplus(data, "train"), ferplus(data, "valid_public")
    assert train.person.tolist() == [0, 1, 2, 4] and test.person.tolist() == [5]
    np.testing.assert_allclose(train.labels["votes"][0, :2], [0.7, 0.3])
    np.testing.assert_allclose(train.labels["votes"].sum(axis=1), 1)
    assert train.labels["winner"].tolist() == [0, -1, -1, 6]
    assert EXPRESSIONS[test.labels["winner"][0]] == "disgust"


def test_photos_are_read_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    region = face(np.random.default_rng(0)).region
    monkeypatch.setattr(temporal_data, "_typical", lambda pictures: region)
    reader: Any = Reader()
    pictures = ferplus(data, "train")
    assert np.isnan(answers(pictures, data / "cache", None)).all()
    first = answers(pictures, data / "cache", reader)
    assert reader.seen == 4 and np.isfinite(first[:, :-1]).all()
    np.testing.assert_array_equal(answers(pictures, data / "cache", None), first)
    answers(pictures, data / "cache", reader)
    assert reader.seen == 4


def _rendered(studio: object, plan: ClipPlan, number: int) -> dict[str, Any]:
    truth = simulate(np.random.default_rng(number), 2)
    count = round(plan.seconds * plan.rate)
    jpg, off = _jpegs(count)
    moment = 12 + np.arange(count) * (RATE // plan.rate)
    fields = {name: getattr(truth, name) for name in temporal_data._FIELDS}
    return {"jpg": jpg, "off": off, "shown": truth.visible()[moment], "moment": moment, **fields}


def test_clips_are_rendered_once_and_read_again_by_other_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[int] = []

    def render(studio: object, plan: ClipPlan, number: int) -> dict[str, Any]:
        rendered.append(number)
        return _rendered(studio, plan, number)

    monkeypatch.setattr(temporal_data, "_studio", lambda *given: object())
    monkeypatch.setattr(temporal_data, "_rendered", render)
    monkeypatch.setattr(temporal_data, "networks", lambda: {"gaze": "old"})
    reader: Any = Reader()
    assert list(clips(tmp_path, tmp_path, PLAN)) == []
    made = list(clips(tmp_path, tmp_path, PLAN, reader))
    assert rendered == [0, 1] and reader.seen == 30 and len(made) == 2
    np.testing.assert_allclose(made[0].time_s, np.arange(15) / 30)
    assert np.isfinite(made[0].rows[::2, :-1]).all() and np.isnan(made[0].rows[1::2]).all()
    np.testing.assert_array_equal(made[0].shown, made[0].truth.visible()[made[0].moment])
    assert len(list(clips(tmp_path, tmp_path, PLAN))) == 2 and reader.seen == 30
    monkeypatch.setattr(temporal_data, "networks", lambda: {"gaze": "new"})
    list(clips(tmp_path, tmp_path, PLAN, reader))
    assert rendered == [0, 1] and reader.seen == 60
