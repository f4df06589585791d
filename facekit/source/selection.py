"""Which frames are wanted: a stretch of time and a rate, both in seconds of `time_s`."""

import math

from facekit.errors import OptionsError

# A microsecond, the precision of the table: 0.1 * 3 is due at a timestamp of 0.3.
_SLACK_S = 1e-6


class Selection:
    """Decides frame by frame, in order of time; used once per source."""

    def __init__(
        self, start: float | None = None, end: float | None = None, every: float | None = None
    ) -> None:
        """Check the values.

        Args:
            start: first time wanted, seconds.
            end: last time wanted, seconds.
            every: the first frame at or after `start` and each multiple of this many seconds
                from there.

        Raises:
            OptionsError: a value that makes no sense.
        """
        for name, value in (("start", start), ("end", end), ("every", every)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise OptionsError(f"{value!r} is not valid", where=name, advice="Expected seconds")
        if every == 0:
            raise OptionsError("0 is not valid", where="every", advice="Expected seconds > 0")
        self._start = start or 0.0
        self._end = math.inf if end is None else end
        self._every = every
        self._due = self._start
        self.keeps_all = start is None and end is None and every is None

    def is_over(self, time_s: float) -> bool:
        """Whether no frame from `time_s` on is wanted."""
        return time_s > self._end + _SLACK_S

    def wants(self, time_s: float) -> bool:
        """Whether the frame at `time_s` is wanted; remembers it."""
        if time_s < self._due - _SLACK_S or self.is_over(time_s):
            return False
        if self._every is not None:
            passed = math.floor((time_s - self._start + _SLACK_S) / self._every)
            self._due = self._start + (passed + 1) * self._every
        return True
