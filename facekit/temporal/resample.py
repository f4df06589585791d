"""From frames at any times to an even grid, and back: 30 steps a second out of real timestamps.

The grid begins with a track's first frame. A step between two frames is interpolated; where they
lie too far apart, the steps between are missing. Only frames are needed that have been seen when
the first frame at or after a step is there: nothing waits longer than for that.
"""

import math

import numpy as np

from facekit.temporal.features import SIZE, places
from facekit.types import Floats

RATE = 30.0
"""Steps a second."""

BRIDGE_S = 0.35
"""Frames that lie further apart are not joined: dropped frames at 10 a second still are."""

_EARLY_S = 0.002  # time stamps are often rounded to milliseconds
_INTERVAL = places()["interval"]


class Grid:
    """The grid of one track, as it grows. Constant memory."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._first_s = math.nan
        self._last_s = math.nan
        self._last: Floats = np.empty(0, np.float32)
        self._steps = 0

    @property
    def steps(self) -> int:
        """How many steps were given out."""
        return self._steps

    @property
    def last_s(self) -> float:
        """Time of the last frame; NaN before the first."""
        return self._last_s

    def position(self, time_s: float) -> float:
        """A moment, counted in steps from the first frame."""
        return (time_s - self._first_s) * RATE

    def latest(self, time_s: float) -> int:
        """The last step that lies at or before a moment."""
        return math.floor(self.position(time_s + _EARLY_S))

    def push(self, time_s: float, row: Floats) -> Floats:
        """The steps up to a new frame.

        Args:
            time_s: of the frame; not before the last one's.
            row: (SIZE,) of `features.features_of`.

        Returns:
            (k, SIZE) the steps since the last frame, this one's moment included; all NaN where
            missing.

        Raises:
            ValueError: time falls.
        """
        if math.isnan(self._first_s):
            self._first_s = time_s
            self._keep(time_s, row)
            self._steps = 1
            first = row.copy()
            first[_INTERVAL] = 1 / RATE
            return first[None]
        if time_s < self._last_s:
            raise ValueError(f"time falls from {self._last_s} to {time_s} s within a track")
        until = self.latest(time_s) + 1
        times = self._first_s + np.arange(self._steps, until) / RATE
        out = _between(times, self._last_s, time_s, self._last, row)
        self._steps = max(until, self._steps)
        self._keep(time_s, row)
        return out

    def _keep(self, time_s: float, row: Floats) -> None:
        self._last_s, self._last = time_s, row


def _between(
    times: np.ndarray, before_s: float, after_s: float, before: Floats, after: Floats
) -> Floats:
    """(k, SIZE) rows at `times` on the line from one frame to the next."""
    gap = after_s - before_s
    out = np.full((len(times), SIZE), np.nan, np.float32)
    if not len(times):
        return out
    if gap <= BRIDGE_S:
        share = np.clip((times - before_s) / max(gap, 1e-9), 0, 1).astype(np.float32)[:, None]
        out[:] = (1 - share) * before + share * after
        out[:, _INTERVAL] = gap
    # A frame a moment early stands for its step.
    here = times >= after_s - _EARLY_S
    out[here] = after
    out[here, _INTERVAL] = min(gap, BRIDGE_S)
    return out
