"""For how long each frame was shown, and where time is missing."""

import numpy as np
import pandas as pd
import pytest

from facekit.study.timing import FrameTimes, frame_times


def of(times: list[float]) -> FrameTimes:
    return frame_times(pd.DataFrame({"frame": range(len(times)), "time_s": times}))


def test_a_frame_lasts_until_the_next_and_the_last_one_the_median() -> None:
    found = of([0.0, 1.0, 4.0, 5.0, 6.0])
    assert found.durations.tolist() == [1, 3, 1, 1, 1]
    assert found.gaps.tolist() == [0] * 5


def test_two_rows_of_a_frame_share_it() -> None:
    table = pd.DataFrame({"frame": [4, 4, 7], "time_s": [0.0, 0.0, 0.5]})
    found = frame_times(table)
    assert found.of_row.tolist() == [0, 0, 1]
    assert found.durations.tolist() == [0.5, 0.5]


def test_a_gap_is_nobodys_time() -> None:
    found = of([0.0, 0.1, 0.2, 0.8, 0.9])
    assert found.durations.tolist() == pytest.approx([0.1] * 5)
    assert found.gaps.tolist() == pytest.approx([0, 0, 0.5, 0, 0])


def test_a_slow_recording_has_no_gaps() -> None:
    assert not of([0.0, 10.0, 20.0, 45.0, 55.0]).gaps.any()
    assert of([0.0, 10.0, 20.0, 55.0, 65.0]).gaps.tolist() == [0, 0, 25, 0, 0]


def test_time_that_stands_still_or_jumps_back_counts_once() -> None:
    found = of([0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 3.0])
    assert found.repeated.tolist() == [False, False, False, True, True, False, True]
    assert found.durations.tolist() == [1, 1, 0, 0, 1, 0, 1]


@pytest.mark.parametrize("times", [[], [1.0], [2.0, 2.0], [np.nan, np.nan]])
def test_without_rising_times_everything_counts_by_frames(times: list[float]) -> None:
    found = of(times)
    assert not found.timed
    assert found.weights.tolist() == [1] * len(times)
