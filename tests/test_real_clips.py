"""Real footage: what is seen on it is what the tables say. Skips without ../shared/data."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import facekit

LABELS = Path(__file__).parent / "track" / "labels"


@pytest.mark.parametrize("clip", ["three_men.avi", "classroom_leaves.mp4"])
def test_labelled_people_keep_their_track(shared_data: Path, clip: str) -> None:
    """At least 95 % of hand-labelled moments are covered by that person's commonest track."""
    table = facekit.extract(shared_data / "videos" / clip)
    labels = pd.read_csv(LABELS / f"{Path(clip).stem}.csv")
    assert len(labels) >= 60
    labels["track"] = [_track_at(table, row) for row in labels.itertuples()]
    covered = sum(
        int((own.track == own.track[own.track >= 0].mode().iloc[0]).sum())
        for _, own in labels.groupby("person")
    )
    assert covered / len(labels) >= 0.95


def _track_at(table: pd.DataFrame, label: Any) -> int:
    """The track whose box centre lies within 0.6 face widths of a label; -1 for none."""
    faces = table[(table.frame == label.frame) & table.track.notna()]
    x = faces.box_x + faces.box_w / 2 - label.x
    y = faces.box_y + faces.box_h / 2 - label.y
    distance = np.hypot(x.to_numpy(), y.to_numpy()) / label.width
    if len(distance) == 0 or distance.min() > 0.6:
        return -1
    return int(faces.track.iloc[int(distance.argmin())])


def test_somebody_comes_and_goes(shared_data: Path) -> None:
    table = facekit.extract(shared_data / "videos" / "comes_and_goes_vfr.mp4")
    assert table.frame.nunique() == 810
    seen = table[table.status != "no_face"].time_s
    assert 14.5 <= seen.min() < 20
    assert 40 < seen.max() <= 47.5


def test_nobody_is_there(shared_data: Path) -> None:
    table = facekit.extract(shared_data / "videos" / "no_face.mp4")
    assert table.status.tolist() == ["no_face"] * 95


def test_a_lying_video_is_put_upright(shared_data: Path) -> None:
    table = facekit.extract(shared_data / "videos" / "rotated_selfie.mov")
    assert table[table.status != "no_face"].frame.nunique() >= 0.95 * 352


def test_a_cut_ends_the_track(shared_data: Path) -> None:
    table = facekit.extract(shared_data / "videos" / "face_then_none_vfr.mov")
    seen = table[table.status != "no_face"]
    assert seen.track.unique().tolist() == [0]
    assert seen.time_s.max() == pytest.approx(2.367, abs=0.001)
