"""The statistics of a table, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from facekit.study.columnwise import Columnwise
from facekit.study.contents import subjects, table_columns
from facekit.study.summary import (
    moments,
    present_shares,
    quality,
    statistics,
    summarised_columns,
)

NAN = float("nan")


def table(**changes: object) -> pd.DataFrame:
    """Five frames, unevenly spaced: ok, ok, nobody, low quality, ok; AU12 missing in the last."""
    values: dict[str, object] = {
        "frame": [0, 1, 2, 3, 4],
        "time_s": [0.0, 1.0, 4.0, 5.0, 6.0],
        "track": pd.array([7, 7, None, 7, 7], "Int64"),
        "status": ["ok", "ok", "no_face", "low_quality", "ok"],
        "score": [0.8, 0.6, NAN, 0.1, 0.7],
        "yaw": [10.0, 20.0, NAN, 90.0, 60.0],
        "AU12": [2.0, 0.0, NAN, 5.0, NAN],
    }
    return pd.DataFrame(values | changes)


def row(found: pd.DataFrame, column: str, subject: str = "track 7") -> "pd.Series[float]":
    chosen = found[(found["column"] == column) & (found["subject"] == subject)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_only_ok_rows_count_for_their_time_and_missing_is_never_zero() -> None:
    # Shown for 1, 3 and 1 s.
    yaw = row(statistics(table()), "yaw")
    assert (yaw["rows"], yaw["missing"]) == (3, 0)
    assert yaw["mean"] == pytest.approx((10 + 3 * 20 + 60) / 5)
    assert yaw["sd"] == pytest.approx(np.sqrt((16**2 + 3 * 6**2 + 34**2) / 5 * 3 / 2))
    assert (yaw["min"], yaw["q25"], yaw["q50"], yaw["q95"], yaw["max"]) == (10, 20, 20, 60, 60)
    smile = row(statistics(table()), "AU12")
    assert (smile["rows"], smile["missing"]) == (3, 1)
    assert smile["mean"] == pytest.approx(2 / 4)


def test_at_an_even_pace_mean_and_sd_are_the_usual_ones() -> None:
    values = [10.0, 20.0, 60.0]
    found = moments(np.array(values), np.full(3, 0.04))
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    assert found.quantiles[2] == 20


def test_quantiles_are_of_time_and_values_that_occur() -> None:
    found = moments(np.arange(1.0, 11.0), np.full(10, 0.1))
    assert found.quantiles == (1, 3, 5, 8, 10)
    late = moments(np.array([1.0, 2.0]), np.array([0.2, 0.8]))
    assert late.quantiles == (1, 2, 2, 2, 2)


def test_presence_is_a_share_of_measured_time_not_of_frames() -> None:
    # Frame 0 is shown for 1 s with AU12 at 2, frame 1 for 3 s with AU12 at 0.
    smile = row(statistics(table()), "AU12")
    assert smile["measured_s"] == pytest.approx(4)
    assert smile["present_share"] == pytest.approx(0.25)
    assert np.isnan(row(statistics(table()), "yaw")["present_share"])


def test_a_probability_decides_presence_where_there_is_one() -> None:
    sure = table(AU12_prob=[0.1, 0.9, NAN, 1.0, 0.2])
    smile = row(statistics(sure), "AU12")
    assert smile["measured_s"] == pytest.approx(5)
    assert smile["present_share"] == pytest.approx(3 / 5)


def test_quality_adds_up() -> None:
    found = quality(table())
    assert found["subject"].tolist() == ["all", "track 7"]
    for _, one in found.iterrows():
        # Shown for 1, 3, 1, 1 and 1 s.
        assert (one["frames"], one["seconds"], one["ok_rows"], one["ok_s"]) == (5, 7, 3, 5)
        shares = one[["ok_share", "low_quality_share", "absent_share"]]
        assert shares.tolist() == pytest.approx([5 / 7, 1 / 7, 1 / 7])
    assert found["score_mean"].tolist() == pytest.approx([(0.8 + 3 * 0.6 + 0.7) / 5] * 2)
    assert (found["first_s"][1], found["last_s"][1]) == (0, 6)


def test_two_people_in_one_frame_are_two_subjects_and_one_frame() -> None:
    both = pd.concat([table(), table(track=pd.array([8] * 5, "Int64"), status=["ok"] * 5)])
    both = both.sort_values("frame", kind="stable", ignore_index=True)
    assert [subject.label for subject in subjects(both)] == ["track 7", "track 8"]
    whole = quality(both).iloc[0]
    assert (whole["frames"], whole["ok_rows"], whole["seconds"]) == (5, 8, 7)
    assert (whole["ok_share"], whole["absent_share"]) == (1, 0)


def test_a_person_joins_tracks_and_the_better_of_two_rows_counts() -> None:
    twice = pd.DataFrame(
        {
            "frame": [0, 1, 1, 2],
            "time_s": [0.0, 0.1, 0.1, 0.2],
            "track": pd.array([0, 0, 1, 2], "Int64"),
            "person": pd.array([3, 3, 3, None], "Int64"),
            "status": ["ok"] * 4,
            "score": [0.5, 0.4, 0.9, 0.5],
        }
    )
    found = subjects(twice)
    assert [subject.label for subject in found] == ["person 3", "track 2"]
    assert found[0].rows.tolist() == [0, 2]


def test_still_images_have_shares_of_pictures() -> None:
    still = table(time_s=[NAN] * 5, track=pd.array([None] * 5, "Int64"))
    assert [subject.label for subject in subjects(still)] == ["face 0"]
    smile = row(statistics(still), "AU12", "face 0")
    assert smile["present_share"] == pytest.approx(0.5)
    assert np.isnan(smile["measured_s"])


def test_a_table_without_anyone() -> None:
    nobody = table(status=["no_face"] * 5)
    assert subjects(nobody) == ()
    assert statistics(nobody).empty
    found = quality(nobody)
    assert (found["ok_share"][0], found["absent_share"][0]) == (0, 1)
    assert quality(nobody.iloc[:0])["frames"].tolist() == [0]


def test_numbers_and_points_are_not_summarised() -> None:
    wide = table(x_0=[1.0] * 5, box_x=[1.0] * 5, box_w=[50.0] * 5)
    names = [column.name for column in summarised_columns(Columnwise.of(wide))]
    assert names == ["score", "yaw", "AU12", "box_w"]


def test_shares_side_by_side() -> None:
    shares = present_shares(statistics(table()), ["AU01", "AU12"])
    assert shares.columns.tolist() == ["AU12"]
    assert shares.loc["track 7", "AU12"] == pytest.approx(0.25)


def test_meanings_come_from_the_sidecar_then_the_registry() -> None:
    told = table()
    entry = {
        "name": "AU12", "group": "au", "kind": "number", "unit": "u", "range": [0, 5],
        "digits": 2, "meaning": "Smile.", "stage": "au",
    }  # fmt: skip
    told.attrs["facekit"] = {"columns": [entry]}
    found = {column.name: column for column in table_columns(told)}
    assert (found["AU12"].meaning, found["AU12"].high) == ("Smile.", 5)
    assert found["yaw"].unit == "deg"
    unknown = table_columns(table(mystery=[1, 2, 3, 4, 5]))[-1]
    assert (unknown.kind, unknown.meaning) == ("integer", "")
