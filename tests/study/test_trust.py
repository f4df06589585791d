"""Which rows can be trusted, and why the others cannot."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit import read_table
from facekit.errors import OptionsError, OutputError
from facekit.study.columnwise import Columnwise
from facekit.study.summary import quality
from facekit.study.table_quality import table_quality
from facekit.study.trust import Limits, judge, trusted
from tests.study.twelve import NAN, twelve, write_twelve


def faults(table: pd.DataFrame, limits: Limits | None = None) -> dict[str, list[int]]:
    """The rows to which each reason applies, where it does to any."""
    verdict = judge(Columnwise.of(table), limits)
    rows = {reason.name: np.flatnonzero(reason.rows).tolist() for reason in verdict.reasons}
    return {name: found for name, found in rows.items() if found}


def test_twelve_rows_by_hand() -> None:
    assert faults(twelve()) == {
        "no_face": [4],
        "low_quality": [3],
        "low_score": [2, 3, 11],
        "small_face": [6, 7],
        "extreme_pose": [3, 10, 11],
        "not_measured": [2],
        "repeated_time": [10],
    }
    assert np.flatnonzero(trusted(twelve())).tolist() == [0, 1, 5, 8, 9]


def test_what_the_table_has_no_columns_for_is_not_judged() -> None:
    verdict = judge(Columnwise.of(twelve()))
    expected = ("uncertain_pose", "uncertain_gaze", "uncertain_units", "uncertain_landmarks")
    assert verdict.unjudged == expected


@pytest.mark.parametrize(
    ("columns", "limits", "reason"),
    [
        ({"yaw_sd": [3.0, 11.0], "roll_sd": [NAN, 2.0]}, Limits(), "uncertain_pose"),
        ({"gaze_pitch_sd": [19.0, 21.0]}, Limits(), "uncertain_gaze"),
        ({"AU12_sd": [0.1, 1.9], "AU01_sd": [0.1, 0.2]}, Limits(), "uncertain_units"),
        ({"AU12_sd": [NAN, 1.9], "AU01_sd": [NAN, NAN]}, Limits(), "uncertain_units"),
        ({"landmark_sd": [3.9, 4.1]}, Limits(), "uncertain_landmarks"),
        ({"pitch": [29.0, -31.0]}, Limits(), "extreme_pose"),
        ({"yaw": [59.0, -61.0]}, Limits(max_yaw=60), "extreme_pose"),
        ({"AU01": [0.0, NAN]}, Limits(), "not_measured"),
        ({"box_w": [48.0, 47.9]}, Limits(), "small_face"),
    ],
)
def test_a_reason_applies_beyond_its_limit(
    columns: dict[str, list[float]], limits: Limits, reason: str
) -> None:
    table = twelve().iloc[:2].drop(columns=["yaw", "AU12"]).assign(**columns)
    assert faults(table, limits) == {reason: [1]}


def test_a_picture_that_stands_still_is_frozen_from_its_second_row_on() -> None:
    table = pd.DataFrame(
        {
            "frame": range(12),
            "time_s": np.arange(12) / 10,
            "track": 0,
            "status": "ok",
            "box_x": [1.0, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 5],
            "box_y": 7.0,
            "box_w": 60.0,
            "box_h": 60.0,
        }
    )
    # Still for .2 s from frame 1 and for .5 s from frame 5.
    assert faults(table) == {"frozen_picture": [6, 7, 8, 9, 10]}
    assert faults(table, Limits(max_frozen_s=0.6)) == {}


@pytest.mark.parametrize("value", [-1.0, NAN])
def test_a_limit_that_is_none(value: float) -> None:
    with pytest.raises(OptionsError, match=r"max_yaw: .* is not valid"):
        Limits(max_yaw=value)


def test_the_quality_of_a_table_adds_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write_twelve(tmp_path_factory.mktemp("quality") / "clip.csv")
    found = table_quality(path)
    assert (found.rows, found.trusted, found.trusted_share) == (12, 5, 5 / 12)
    by_reason = {fault.reason: (fault.rows, fault.alone) for fault in found.faults}
    assert by_reason["extreme_pose"] == (3, 0)
    assert by_reason["small_face"] == (2, 2)
    assert by_reason["low_score"] == (3, 0)
    assert found.longest_gap_s == pytest.approx(2.8)
    assert list(found.subjects) == ["all", "track 0", "track 1"]
    # Frames 0, 1, 5, 7 and 8, of which the last was shown for no time.
    assert found.subjects["all"].trusted_share == pytest.approx(0.8 / 2.2)


def without(name: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.drop(columns=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("status"), "has no column status"),
        (without("track"), "has no column track"),
        (lambda table: table.assign(status="OK"), "has the status 'OK' in row 0"),
        (lambda table: table.assign(frame=table["frame"].where(table.index != 3)), "row 3"),
    ],
)
def test_a_table_that_is_none_is_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        trusted(change(twelve()))


def test_rows_are_left_out_as_the_documentation_says(tmp_path: Path) -> None:
    table = twelve()
    doubtful = ~trusted(table) & (table["status"] == "ok")
    table["status"] = table["status"].mask(doubtful, "low_quality")
    table.to_csv(tmp_path / "clip.csv", index=False)
    found = quality(read_table(tmp_path / "clip.csv")).set_index("subject")
    # Of track 0 frames 0, 1, 5, 7 and 8 stay, of track 1 none.
    assert found["ok_rows"].tolist() == [5, 5, 0]
    assert found["ok_share"].tolist() == pytest.approx([0.8 / 2.2, 0.8 / 2.2, 0])
    assert found["absent_share"].tolist() == pytest.approx([0.2 / 2.2, 0.4 / 2.2, 1.8 / 2.2])


def test_an_empty_table_has_no_row_to_trust() -> None:
    assert trusted(twelve().iloc[:0]).tolist() == []
