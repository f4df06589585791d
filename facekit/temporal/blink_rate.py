"""Blinks per minute, as it is known at any moment."""

import math
from collections import deque

from facekit.temporal.resample import RATE

WINDOW_S = 60.0
"""Over the last minute: people blink 4 to 26 times in one (Bentivoglio et al., "Analysis of blink
rate patterns in normal subjects", Movement Disorders 1997)."""

LEAST_S = 10.0
"""Less than this of a face says nothing of its rate."""

_BEGINS, _ENDS = 0.5, 0.3


class BlinkRate:
    """Counts blinks of one track on the grid. Constant memory."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._steps: deque[tuple[bool, bool]] = deque()
        self._blinking = False
        self._begun = self._seen = 0

    def push(self, probability: float, seen: bool) -> None:
        """One step of the grid.

        Args:
            probability: that a blink is under way.
            seen: whether there was a face at this step.
        """
        begins = not self._blinking and probability >= _BEGINS
        self._blinking = probability >= (_ENDS if self._blinking else _BEGINS)
        self._steps.append((begins, seen))
        self._begun += begins
        self._seen += seen
        if len(self._steps) > WINDOW_S * RATE:
            begun, was_seen = self._steps.popleft()
            self._begun -= begun
            self._seen -= was_seen

    @property
    def per_minute(self) -> float:
        """Blinks per minute of seen face; NaN before `LEAST_S`."""
        seen_s = self._seen / RATE
        return 60 * self._begun / seen_s if seen_s >= LEAST_S else math.nan
