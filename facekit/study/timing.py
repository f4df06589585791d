"""How long each frame of a table was shown, and where time is missing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.study.contents import bare

GAP_S = 0.5
GAP_STEPS = 3.0
"""A step of time is a gap from more than `GAP_S` and more than so many median steps on."""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """The frames of a table, each once, in order of their number.

    Attributes:
        times: (n,) seconds; NaN for still images.
        durations: (n,) seconds that each frame stands for: up to the next frame's time; the last
            one, and one before a gap, the median. 0 where time stands still. NaN for still
            images, and where the time never rises.
        gaps: (n,) seconds missing after each frame; 0 but at gaps.
        repeated: (n,) whether the time is not later than that of a frame before.
        of_row: (rows,) place of each row's frame.
    """

    times: NDArray[np.float64]
    durations: NDArray[np.float64]
    gaps: NDArray[np.float64]
    repeated: NDArray[np.bool_]
    of_row: NDArray[np.intp]

    @property
    def timed(self) -> bool:
        """Whether durations are known; else everything counts by frames."""
        return bool(len(self.durations)) and bool(np.isfinite(self.durations).all())

    @property
    def weights(self) -> NDArray[np.float64]:
        """(n,) what each frame counts: its duration, without times 1."""
        return self.durations if self.timed else np.ones(len(self.times))


def frame_times(table: pd.DataFrame) -> FrameTimes:
    """How long each frame of a table was shown.

    Args:
        table: with the columns ``frame`` and ``time_s``.
    """
    table = bare(table)
    numbers, first, of_row = np.unique(
        table["frame"].to_numpy(np.int64), return_index=True, return_inverse=True
    )
    times = np.asarray(table["time_s"].to_numpy(np.float64, na_value=np.nan)[first], np.float64)
    unknown = np.full(len(numbers), np.nan)
    still = np.zeros(len(numbers), np.bool_)
    if not np.isfinite(times).all():
        return FrameTimes(times, unknown, np.zeros(len(numbers)), still, of_row)
    # Where a clock jumps back, nothing is counted until it has caught up with itself.
    reached = np.maximum.accumulate(times) if len(times) else times
    steps = np.diff(reached)
    still[1:] = steps <= 0
    rising = steps[steps > 0]
    if len(rising) == 0:
        return FrameTimes(times, unknown, np.zeros(len(numbers)), still, of_row)
    median = float(np.median(rising))
    is_gap = steps > max(GAP_S, GAP_STEPS * median)
    durations = np.r_[np.where(is_gap, median, steps), median]
    gaps = np.r_[np.where(is_gap, steps - median, 0.0), 0.0]
    return FrameTimes(times, durations, gaps, still, of_row)
