"""Scores of what happened when, as pure functions of spans and arrays."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS
from facekit.temporal.spans import PhaseSpans, ProbabilitySpans, Span, ThresholdSpans
from facekit.train.evaluation.bootstrap import Statistic
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.temporal_dynamics import UNJUDGED
from facekit.types import Temporal

OVERLAP = 0.5
"""Spans are the same event when what both share is at least half of what either covers."""

BLINK_REACH_S = 0.2
"""A counted blink is found when a span's middle lies this near to it."""

UNITS = len(ACTION_UNITS)


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened, of one kind, in one clip.

    Attributes:
        spans: events.
        unjudged: what is neither an event nor none.
    """

    spans: Sequence[Span]
    unjudged: Sequence[Span] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """How found spans stand to the true ones.

    Attributes:
        hits: matched pairs.
        found: spans that were found and count.
        true: spans that there were.
        onset_s: (hits,) by how much found onsets are late, seconds.
    """

    hits: int
    found: int
    true: int
    onset_s: NDArray[np.float64]

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where there was nothing to find."""
        total = self.found + self.true
        return 2 * self.hits / total if total else float("nan")

    def __add__(self, other: "Matches") -> "Matches":
        """Both together."""
        onset_s = np.concatenate([self.onset_s, other.onset_s])
        hits, found = self.hits + other.hits, self.found + other.found
        return Matches(hits, found, self.true + other.true, onset_s)


NOTHING = Matches(0, 0, 0, np.empty(0))


def matched(found: Sequence[Span], truth: Truth, least: float = OVERLAP) -> Matches:
    """Match spans one to one, the best overlap first.

    Args:
        found: spans.
        truth: of the same kind and clip; what was found on an unjudged stretch does not count.
        least: intersection over union from which spans are the same event.
    """
    pairs = sorted(
        (
            (overlap(one, other), i, j)
            for i, one in enumerate(found)
            for j, other in enumerate(truth.spans)
        ),
        reverse=True,
    )
    taken: dict[int, int] = {}
    for share, i, j in pairs:
        if share >= least and i not in taken and j not in taken.values():
            taken[i] = j
    free = [one for i, one in enumerate(found) if i not in taken]
    wrong = [one for one in free if not any(overlap(one, other) > 0 for other in truth.unjudged)]
    late = [found[i].onset_s - truth.spans[j].onset_s for i, j in taken.items()]
    return Matches(len(taken), len(taken) + len(wrong), len(truth.spans), np.array(late, float))


def overlap(one: Span, other: Span) -> float:
    """Intersection over union of two spans of time."""
    shared = min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s)
    both = max(one.offset_s, other.offset_s) - min(one.onset_s, other.onset_s)
    return max(shared, 0.0) / both if both > 0 else 0.0


def near(
    found: Sequence[Span], times_s: Sequence[float], reach_s: float = BLINK_REACH_S
) -> Matches:
    """Match spans with moments that were counted by eye, the nearest first."""
    middles = [(one.onset_s + one.offset_s) / 2 for one in found]
    pairs = sorted(
        (abs(middle - at), i, j) for i, middle in enumerate(middles) for j, at in enumerate(times_s)
    )
    taken: dict[int, int] = {}
    for apart, i, j in pairs:
        if apart <= reach_s and i not in taken and j not in taken.values():
            taken[i] = j
    late = [middles[i] - times_s[j] for i, j in taken.items()]
    return Matches(len(taken), len(found), len(times_s), np.array(late, float))


def true_spans(time_s: NDArray[np.floating], phase: NDArray[np.integer]) -> Truth:
    """Events out of (n,) phases; `UNJUDGED` ones apart."""
    return Truth(list(runs(time_s, phase > 0)), list(runs(time_s, phase == UNJUDGED)))


def runs(time_s: NDArray[np.floating], active: NDArray[np.bool_]) -> Iterator[Span]:
    """A span for each stretch of time in which something is so."""
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, end in edges:
        onset, offset = float(time_s[first]), float(time_s[end - 1]) + step
        yield Span(onset, (onset + offset) / 2, offset, 1.0, 1.0, 1.0)


def unit_events(time_s: Sequence[float], answers: Sequence[Temporal], row: int) -> list[Span]:
    """Events of one unit by the temporal network."""
    decoder = PhaseSpans()
    found = [
        decoder.push_phase(
            t, float(now.smooth[row]), int(now.phase[row]), float(now.phase_prob[row])
        )
        for t, now in zip(time_s, answers, strict=True)
    ]
    return _there([*found, decoder.end()])


def threshold_events(
    time_s: Sequence[float], intensity: NDArray[np.floating], high: float
) -> list[Span]:
    """Events of one unit by thresholds on its median-smoothed intensity: the baseline."""
    decoder = ThresholdSpans(high, 0.7 * high)
    pairs = zip(time_s, np.nan_to_num(intensity).tolist(), strict=True)
    return _there([*(decoder.push(t, value) for t, value in pairs), decoder.end()])


def probable(time_s: Sequence[float], probability: Sequence[float]) -> list[Span]:
    """Blinks, nods or shakes."""
    decoder = ProbabilitySpans(shortest_s=0.03)
    pairs = zip(time_s, probability, strict=True)
    return _there([*(decoder.push(t, value) for t, value in pairs), decoder.end()])


def closures(time_s: Sequence[float], opened: NDArray[np.floating], low: float) -> list[Span]:
    """Blinks by a threshold on the median-smoothed opening of the eyes: the baseline."""
    return threshold_events(time_s, 1 - np.nan_to_num(opened, nan=1.0), 1 - low)


def total(matches: Iterable[Matches]) -> Matches:
    """All of them together."""
    return sum(matches, NOTHING)


def as_set(name: str, truth: str, count: int) -> PictureSet:
    """Clips as a set: intervals go by clip."""

    def no_picture(number: int) -> NDArray[np.uint8]:
        raise IndexError(number)

    return PictureSet(name, truth, np.arange(count), no_picture)


def f1_of(each: Sequence[Matches]) -> Statistic:
    """F1 over the clips of a draw."""
    return lambda rows: total(each[row] for row in rows).f1


def onset_of(each: Sequence[Matches]) -> Statistic:
    """Median of the onsets' errors over the clips of a draw, in frames at 30 a second."""

    def statistic(rows: NDArray[np.intp]) -> float:
        late = total(each[row] for row in rows).onset_s
        return float(30 * np.median(np.abs(late))) if len(late) else float("nan")

    return statistic


def _there(spans: Sequence[Span | None]) -> list[Span]:
    return [span for span in spans if span is not None]
