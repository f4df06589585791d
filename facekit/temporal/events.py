"""Events: one for each time that an action unit, a blink, a nod or a shake begins and ends.

When something begins and ends is decided by `facekit.temporal.spans`; here it gets a track, a
person and a side.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facekit.facs import ACTION_UNITS
from facekit.temporal.spans import PhaseSpans, ProbabilitySpans, Span
from facekit.temporal_columns import DIGITS, TIME_DIGITS
from facekit.types import Face

FORGET_S = 2.0
"""A track that was not seen for so long has nothing under way any more: its spans end sooner."""

ONE_SIDED = 0.5
"""An event is one-sided if the other side showed less than this share of it."""

LEAST_APART = 0.5
"""... and if the sides were at least this far apart, in intensity (of 5)."""

LEAST_CLOSURE = 0.15
"""... of blinks: if one eye closed by so much more than the other (of 1)."""

_LIKELY = 0.5
_OPEN_S = 0.5  # how open an eye was before a blink: the most in this time


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a face did.

    Attributes:
        track: number of its track.
        person: number of its person, as far as that was known; None without.
        kind: code of the action unit, ``blink``, ``nod`` or ``shake``.
        side: ``left``, ``right`` (the subject's own) or ``both``; empty for what has no sides,
            or where nothing tells.
        onset_s: time_s at which it began.
        apex_s: time_s at which it was strongest.
        offset_s: time_s at which it had ended; NaN while it is under way.
        peak: largest smooth intensity, 0-5; of acts the largest probability.
        mean: mean of the same.
        asymmetry: mean of left less right; of blinks how much further the left eye closed than
            the right; NaN for what has no sides.
        confidence: mean probability, 0-1.
    """

    track: int
    person: int | None
    kind: str
    side: str
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    mean: float
    asymmetry: float
    confidence: float

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return not math.isnan(self.offset_s)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What events are told by, of one face in one frame: rounded as in tables.

    So a table tells the same events as the run that wrote it.

    Attributes:
        time_s: of the frame.
        person: number of its person, or None.
        smooth: (22,) intensity over time; NaN where missing.
        phase: (22,) 0 neutral, 1 onset, 2 apex, 3 offset.
        phase_prob: (22,) its probability.
        acts: probability of a blink, a nod and a shake.
        left: (22,) intensity of the left side; NaN where not sided or not measured.
        right: as `left`, of the right side.
        left_open: how open the left eye is, 0-1; NaN where unknown.
        right_open: as `left_open`, of the right eye.
    """

    time_s: float
    person: int | None
    smooth: Sequence[float]
    phase: Sequence[int]
    phase_prob: Sequence[float]
    acts: Sequence[float]
    left: Sequence[float]
    right: Sequence[float]
    left_open: float
    right_open: float


_UNKNOWN = np.full(len(ACTION_UNITS), np.nan, np.float32)


def round_time(time_s: float) -> float:
    """A time as it stands in tables."""
    return round(time_s, TIME_DIGITS)


def moment_of(time_s: float, face: Face) -> Moment | None:
    """The moment of a face; None for one without `Face.temporal`."""
    now, units, gaze = face.temporal, face.action_units, face.gaze
    if now is None:
        return None
    sides = (_UNKNOWN, _UNKNOWN) if units is None else (units.left, units.right)
    of_units = np.stack([now.smooth, now.phase_prob, *sides]).astype(np.float64)
    smooth, phase_prob, left, right = np.round(of_units, DIGITS).tolist()
    return Moment(
        round_time(time_s),
        face.person,
        smooth,
        now.phase.tolist(),
        phase_prob,
        [round(act, DIGITS) for act in (now.blink, now.nod, now.shake)],
        left,
        right,
        math.nan if gaze is None else round(float(gaze.left_open), DIGITS),
        math.nan if gaze is None else round(float(gaze.right_open), DIGITS),
    )


class EventFinder:
    """Finds the events of one stream, frame by frame. Constant memory per track that is seen.

    Example:
        >>> finder = EventFinder()
        >>> for frame, faces in pipeline.run(source):                  # doctest: +SKIP
        ...     for event in finder.push(frame.time_s, faces):
        ...         print(event.kind, event.onset_s, event.ended)
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._tracks: dict[int, _Track] = {}

    def push(self, time_s: float, faces: Sequence[Face]) -> list[Event]:
        """The next frame.

        Args:
            time_s: of the frame; where it falls, as in a damaged video, events end.
            faces: with `Face.temporal`; others, and those without a track, are passed over.

        Returns:
            Events that have ended, and those under way (once each, as soon as they are long and
            strong enough to be one), by onset. One that was under way comes again when it has
            ended: with the same track, kind and onset. A short one may come only then.
        """
        moments = [
            (face.region.track, moment)
            for face in faces
            if face.region.track is not None and (moment := moment_of(time_s, face)) is not None
        ]
        return self.push_moments(round_time(time_s), moments)

    def push_moments(self, time_s: float, moments: Sequence[tuple[int, Moment]]) -> list[Event]:
        """As `push`, of tracks and their moments at this time."""
        found: list[Event] = []
        for number, track in list(self._tracks.items()):
            if time_s < track.last_s or time_s - track.last_s > FORGET_S:
                found += self._tracks.pop(number).end()
        for number, moment in moments:
            if number not in self._tracks:
                self._tracks[number] = _Track(number)
            found += self._tracks[number].push(moment)
        return sorted(found, key=_order)

    def end(self) -> list[Event]:
        """The stream has ended: what was under way, ended with it."""
        found = [event for track in self._tracks.values() for event in track.end()]
        self._tracks.clear()
        return sorted(found, key=_order)


def _order(event: Event) -> tuple[float, int, str]:
    return event.onset_s, event.track, event.kind


@dataclass(frozen=True, slots=True)
class _Found:
    """A span of some kind, ended or under way, and its sides."""

    kind: str
    span: Span
    ended: bool
    side: str
    asymmetry: float


class _Track:
    """What one track is doing."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.last_s = math.nan
        self._person: int | None = None
        self._kinds: tuple[_Kind, ...] = (
            *(_Unit(place) for place in range(len(ACTION_UNITS))),
            _Blink(),
            _Turn("nod", 1),
            _Turn("shake", 2),
        )

    def push(self, moment: Moment) -> list[Event]:
        """See `EventFinder.push`."""
        self.last_s = moment.time_s
        self._person = self._person if moment.person is None else moment.person
        return [self._event(found) for kind in self._kinds for found in kind.push(moment)]

    def end(self) -> list[Event]:
        """See `EventFinder.end`."""
        return [self._event(found) for kind in self._kinds for found in kind.end()]

    def _event(self, found: _Found) -> Event:
        span = found.span
        return Event(
            self._number,
            self._person,
            found.kind,
            found.side,
            span.onset_s,
            span.apex_s,
            span.offset_s if found.ended else math.nan,
            span.peak,
            span.mean,
            found.asymmetry,
            span.confidence,
        )


class _Kind:
    """The spans of one kind: told of once they have begun, and when they have ended."""

    def __init__(self, kind: str, spans: ProbabilitySpans) -> None:
        self._kind, self._spans = kind, spans
        self._began_s: float | None = None
        self._told = False

    def push(self, moment: Moment) -> list[_Found]:
        """The next frame."""
        active = self._is_active(moment)
        if not active and self._began_s is None:
            self._rest(moment)
            return []
        out = self._ended(self._advance(moment))
        if self._spans.began_s != self._began_s:
            self._began_s, self._told = self._spans.began_s, False
            self._begin()
        if self._began_s is None:
            self._rest(moment)
        elif active:
            self._add(moment)
            so_far = None if self._told else self._spans.so_far()
            if so_far is not None:
                self._told = True
                out.append(_Found(self._kind, so_far, False, *self._sides()))
        return out

    def end(self) -> list[_Found]:
        """The track has ended."""
        return self._ended(self._spans.end())

    def _ended(self, span: Span | None) -> list[_Found]:
        return [] if span is None else [_Found(self._kind, span, True, *self._sides())]

    def _is_active(self, moment: Moment) -> bool:
        raise NotImplementedError

    def _advance(self, moment: Moment) -> Span | None:
        raise NotImplementedError

    def _begin(self) -> None:
        """A span has begun, or none is under way: forget the sides of the last one."""

    def _add(self, moment: Moment) -> None:
        """A frame of the span."""

    def _rest(self, moment: Moment) -> None:
        """A frame between spans."""

    def _sides(self) -> tuple[str, float]:
        """Side and asymmetry of the span."""
        return "", math.nan


class _Turn(_Kind):
    """Nods, shakes."""

    def __init__(self, kind: str, place: int) -> None:
        super().__init__(kind, ProbabilitySpans(_LIKELY, shortest_s=0.3, bridge_s=0.2))
        self._place = place

    def _is_active(self, moment: Moment) -> bool:
        return moment.acts[self._place] >= _LIKELY

    def _advance(self, moment: Moment) -> Span | None:
        return self._spans.push(moment.time_s, moment.acts[self._place])


class _Unit(_Kind):
    """One action unit."""

    def __init__(self, place: int) -> None:
        self._phases = PhaseSpans()
        super().__init__(ACTION_UNITS[place].code, self._phases)
        self._place = place
        self._begin()

    def _is_active(self, moment: Moment) -> bool:
        return moment.phase[self._place] > 0

    def _advance(self, moment: Moment) -> Span | None:
        place = self._place
        return self._phases.push_phase(
            moment.time_s, moment.smooth[place], moment.phase[place], moment.phase_prob[place]
        )

    def _begin(self) -> None:
        self._left = self._right = 0.0
        self._count = 0

    def _add(self, moment: Moment) -> None:
        left, right = moment.left[self._place], moment.right[self._place]
        if math.isfinite(left + right):
            self._left, self._right = self._left + left, self._right + right
            self._count += 1

    def _sides(self) -> tuple[str, float]:
        if self._count == 0:
            return "", math.nan
        left, right = self._left / self._count, self._right / self._count
        return _side(left, right, LEAST_APART), left - right


class _Blink(_Kind):
    """Blinks and winks: their side is that of the eye that closes further."""

    def __init__(self) -> None:
        super().__init__("blink", ProbabilitySpans(_LIKELY, shortest_s=0.03))
        self._before: deque[tuple[float, float, float]] = deque()
        self._begin()

    def _is_active(self, moment: Moment) -> bool:
        return moment.acts[0] >= _LIKELY

    def _advance(self, moment: Moment) -> Span | None:
        return self._spans.push(moment.time_s, moment.acts[0])

    def _rest(self, moment: Moment) -> None:
        if math.isfinite(moment.left_open + moment.right_open):
            self._before.append((moment.time_s, moment.left_open, moment.right_open))
        while self._before and moment.time_s - self._before[0][0] > _OPEN_S:
            self._before.popleft()

    def _begin(self) -> None:
        self._opened = [max((seen[eye] for seen in self._before), default=0.0) for eye in (1, 2)]
        self._closed = [math.inf, math.inf]

    def _add(self, moment: Moment) -> None:
        for eye, opening in enumerate((moment.left_open, moment.right_open)):
            if math.isfinite(opening):
                self._opened[eye] = max(self._opened[eye], opening)
                self._closed[eye] = min(self._closed[eye], opening)

    def _sides(self) -> tuple[str, float]:
        left, right = (o - c for o, c in zip(self._opened, self._closed, strict=True))
        if not math.isfinite(left + right):
            return "", math.nan
        return _side(left, right, LEAST_CLOSURE), left - right


def _side(left: float, right: float, least_apart: float) -> str:
    weaker, stronger = sorted((left, right))
    if stronger - weaker < least_apart or weaker >= ONE_SIDED * stronger:
        return "both"
    return "left" if left > right else "right"
