"""Spans: when something began, was strongest and ended. The definition of an event, in one place.

Fed frame by frame in constant memory; a span comes out when it has ended. `PhaseSpans` and
`ProbabilitySpans` read the temporal network's answers, `ThresholdSpans` the raw intensity: the
baseline that the network has to beat.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

SHORTEST_S = 0.1
"""Less is a flicker: the shortest expressions take a sixth of a second (Yan et al., "How fast are
the leaked facial expressions", Journal of Nonverbal Behavior 2013)."""

LEAST_PEAK = 1.0
"""Intensity below which an action unit is not taken to have been shown: level A."""

ONSET_SHARE = 0.1
"""An event begins, and ends, where it has a tenth of its height."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that happened.

    Attributes:
        onset_s: when it began.
        apex_s: when it was strongest.
        offset_s: when it had ended.
        peak: largest intensity (or probability).
        mean: intensity (or probability) on average.
        confidence: mean probability that it was there, 0-1; NaN for a threshold, which has none.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    mean: float
    confidence: float

    @property
    def length_s(self) -> float:
        """From onset to offset."""
        return self.offset_s - self.onset_s


class _Running:
    """A span that has not ended."""

    def __init__(self, time_s: float) -> None:
        self.onset_s = self.apex_s = self.offset_s = time_s
        self.peak = -math.inf
        self.total = self.confidence = 0.0
        self.count = 0

    def add(self, time_s: float, value: float, confidence: float) -> None:
        if value > self.peak:
            self.peak, self.apex_s = value, time_s
        self.total += value
        self.confidence += confidence
        self.count += 1
        self.offset_s = time_s

    def ended(self, offset_s: float, *, shortest_s: float, least: float) -> Span | None:
        """The span, unless it was too short or too weak."""
        if offset_s - self.onset_s < shortest_s or self.peak < least:
            return None
        count = max(self.count, 1)
        return Span(
            self.onset_s,
            self.apex_s,
            offset_s,
            self.peak,
            self.total / count,
            self.confidence / count,
        )


class ProbabilitySpans:
    """Spans in which a probability is high: blinks, nods, shakes.

    Args:
        threshold: a span begins at this probability, and ends below.
        shortest_s: shorter ones are none.
        bridge_s: an interruption of at most this is none.
        longest_s: without a frame for longer than this, a span has ended.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        shortest_s: float = 0.0,
        bridge_s: float = 0.0,
        longest_s: float = 0.5,
    ) -> None:
        """Nothing seen yet."""
        self._threshold, self._shortest_s = threshold, shortest_s
        self._bridge_s, self._longest_s = bridge_s, longest_s
        self._running: _Running | None = None
        self._below_s = math.nan
        self._last_s = math.nan

    def push(self, time_s: float, probability: float) -> Span | None:
        """The next frame; a span that has ended with it, or None."""
        return self._step(time_s, probability >= self._threshold, probability, probability)

    def end(self) -> Span | None:
        """The span that was under way when the track ended."""
        return self._close(self._last_s)

    @property
    def began_s(self) -> float | None:
        """When the span that is under way began; None without one."""
        return None if self._running is None else self._running.onset_s

    def so_far(self) -> Span | None:
        """The span under way as if it ended with the last frame; None while it would be none."""
        if self._running is None:
            return None
        end_s = self._last_s if math.isnan(self._below_s) else self._below_s
        return self._running.ended(end_s, shortest_s=self._shortest_s, least=self._least())

    def _step(self, time_s: float, active: bool, value: float, confidence: float) -> Span | None:
        done = None
        if self._running is not None and time_s - self._last_s > self._longest_s:
            done = self._close(self._last_s)
        self._last_s = time_s
        if active:
            self._running = self._running or _Running(time_s)
            self._below_s = math.nan
            self._running.add(time_s, value, confidence)
        elif self._running is not None:
            if math.isnan(self._below_s):
                self._below_s = time_s
            if time_s - self._below_s >= self._bridge_s:
                done = self._close(self._below_s)
        return done

    def _close(self, offset_s: float) -> Span | None:
        running, self._running = self._running, None
        if running is None:
            return None
        end_s = offset_s if math.isnan(self._below_s) else self._below_s
        self._below_s = math.nan
        return running.ended(end_s, shortest_s=self._shortest_s, least=self._least())

    def _least(self) -> float:
        return self._threshold


class PhaseSpans(ProbabilitySpans):
    """Events of one action unit: as long as its phase is not neutral.

    Args:
        least: peak intensity below which there was no event.
    """

    def __init__(self, least: float = LEAST_PEAK) -> None:
        """Nothing seen yet."""
        super().__init__(shortest_s=SHORTEST_S, bridge_s=SHORTEST_S)
        self._least_peak = least

    def push_phase(
        self, time_s: float, smooth: float, phase: int, phase_prob: float
    ) -> Span | None:
        """The next frame.

        Args:
            time_s: of the frame.
            smooth: intensity over time.
            phase: 0 neutral, 1 onset, 2 apex, 3 offset.
            phase_prob: its probability.
        """
        return self._step(time_s, phase > 0, smooth, phase_prob)

    def _least(self) -> float:
        return self._least_peak


class ThresholdSpans:
    """Events by two thresholds on a median-smoothed intensity: the baseline.

    An event is there while the intensity is above `high`, and until it falls below `low`; its
    onset is where it last left the level of a tenth of its height before.

    Args:
        high: an event begins above this.
        low: it ends below this.
        window: frames of the median, an odd number.
    """

    def __init__(self, high: float = 1.0, low: float = 0.7, window: int = 5) -> None:
        """Nothing seen yet."""
        self._high, self._low = high, low
        self._window: deque[tuple[float, float]] = deque(maxlen=window)
        self._before: deque[tuple[float, float]] = deque(maxlen=64)
        self._running: _Running | None = None

    def push(self, time_s: float, intensity: float) -> Span | None:
        """The next frame; the event that has ended with it, or None."""
        self._window.append((time_s, intensity))
        middle_s = self._window[len(self._window) // 2][0]
        value = float(np.median([entry[1] for entry in self._window]))
        if self._running is None:
            if value > self._high:
                self._running = _Running(self._onset(value))
                self._running.add(middle_s, value, math.nan)
            self._before.append((middle_s, value))
            return None
        if value >= self._low:
            self._running.add(middle_s, value, math.nan)
            return None
        return self._close(middle_s)

    def end(self) -> Span | None:
        """The event that was under way when the track ended."""
        return None if self._running is None else self._close(self._running.offset_s)

    def _onset(self, value: float) -> float:
        """Where the rise to `value` began: the last frame that was not yet on the way."""
        onset_s, higher = math.nan, value
        for time_s, earlier in reversed(self._before):
            if earlier >= higher:
                break
            onset_s, higher = time_s, earlier
        return onset_s if math.isfinite(onset_s) else self._window[len(self._window) // 2][0]

    def _close(self, offset_s: float) -> Span | None:
        running, self._running = self._running, None
        self._before.clear()
        assert running is not None
        return running.ended(offset_s, shortest_s=SHORTEST_S, least=self._high)
