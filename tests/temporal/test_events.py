"""What faces do, as events: who, what, on which side, when."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from facekit.temporal.events import FORGET_S, Event, EventFinder
from facekit.temporal.faces import FacesOverTime
from facekit.types import Face, Frame
from tests.temporal.echo import echo, shown

PICTURE = np.zeros((6, 8, 3), np.uint8)


def events(
    show: Callable[[float], Sequence[Face]], until_s: float = 4.0, rate: float = 30
) -> list[Event]:
    """Everything that the finder says of what `show` gives at a time."""
    over_time, finder, found = FacesOverTime(echo("causal")), EventFinder(), []
    for index in range(round(until_s * rate)):
        ((frame, faces),) = over_time.push(Frame(index, index / rate, PICTURE), show(index / rate))
        found += finder.push(frame.time_s, faces)
    return found + finder.end()


def ended(found: Sequence[Event]) -> list[Event]:
    return [event for event in found if event.ended]


def during(begin: float, end: float, value: float) -> Callable[[float], float]:
    return lambda time_s: value if begin <= time_s < end else 0.0


def test_a_smile_has_its_times_and_its_strength() -> None:
    def rise(t: float) -> float:
        return max(0.0, 3 - 4 * abs(t - 2))

    (smile,) = ended(events(lambda t: [shown(3, {"AU12": rise(t)})]))
    assert (smile.track, smile.person, smile.kind, smile.side) == (3, None, "AU12", "both")
    assert smile.onset_s == pytest.approx(1.375, abs=0.034)
    assert smile.apex_s == pytest.approx(2, abs=0.001)
    assert smile.offset_s == pytest.approx(2.625, abs=0.034)
    assert smile.peak == pytest.approx(3, abs=0.001)
    assert 1.5 < smile.mean < 2 and smile.asymmetry == 0
    assert smile.confidence == pytest.approx(0.9, abs=0.001)


@pytest.mark.parametrize(
    ("left", "right", "side"),
    [
        (3.0, 3.0, "both"),
        (3.0, 2.0, "both"),
        (3.0, 0.6, "left"),
        (0.2, 2.5, "right"),
    ],
)
def test_a_side_shows_alone_when_the_other_shows_less_than_half(
    left: float, right: float, side: str
) -> None:
    at = during(1, 2, 1.0)

    def show(t: float) -> list[Face]:
        whole, *sides = ({"AU12": at(t) * level} for level in (max(left, right), left, right))
        return [shown(0, whole, left=sides[0], right=sides[1])]

    (event,) = ended(events(show))
    assert event.side == side
    assert event.asymmetry == pytest.approx(left - right, abs=0.001)


def test_sides_that_hardly_differ_are_both() -> None:
    at = during(1, 2, 1.0)

    def show(t: float) -> list[Face]:
        whole, left, right = ({"AU12": at(t) * level} for level in (1.2, 0.7, 0.3))
        return [shown(0, whole, left=left, right=right)]

    (event,) = ended(events(show))
    assert event.side == "both"
    assert event.asymmetry == pytest.approx(0.4, abs=0.001)


def test_what_has_no_sides_has_none() -> None:
    (event,) = ended(events(lambda t: [shown(0, {"AU25": during(1, 2, 2.0)(t)})]))
    assert event.kind == "AU25" and event.side == "" and math.isnan(event.asymmetry)


@pytest.mark.parametrize(
    ("closed", "side"), [((0.05, 0.05), "both"), ((0.1, 0.7), "left"), ((0.75, 0.05), "right")]
)
def test_blinks_and_winks(closed: tuple[float, float], side: str) -> None:
    def show(t: float) -> list[Face]:
        return [shown(0, eyes=closed if 1 <= t < 1.2 else (0.9, 0.9))]

    (event,) = ended(events(show))
    assert (event.kind, event.side) == ("blink", side)
    assert event.onset_s == pytest.approx(1) and event.offset_s == pytest.approx(1.2)
    assert event.asymmetry == pytest.approx(closed[1] - closed[0], abs=0.001)


def test_flickers_and_traces_are_no_events() -> None:
    assert events(lambda t: [shown(0, {"AU12": during(1, 1.05, 3.0)(t)})]) == []
    assert events(lambda t: [shown(0, {"AU12": during(1, 3, 0.45)(t)})]) == []


def test_what_is_under_way_is_told_once_and_again_when_it_has_ended() -> None:
    said: list[tuple[float, Event]] = []
    finder, over_time = EventFinder(), FacesOverTime(echo("causal"))
    for index in range(90):
        faces = [shown(0, {"AU12": during(1, 2, 3.0)(index / 30)})]
        ((frame, complete),) = over_time.push(Frame(index, index / 30, PICTURE), faces)
        said += [(frame.time_s, event) for event in finder.push(frame.time_s, complete)]
    (first_s, begun), (second_s, over) = said
    assert not begun.ended and over.ended
    assert (begun.track, begun.kind, begun.onset_s) == (over.track, over.kind, over.onset_s)
    assert 1.09 < first_s < 1.14  # as soon as it is too long for a flicker
    assert 2.0 <= second_s < 2.15
    assert begun.peak == over.peak == 3 and begun.side == "both"


def test_an_event_ends_with_its_track_even_while_others_go_on() -> None:
    def show(t: float) -> list[Face]:
        gone = [] if t > 1.5 else [shown(0, {"AU04": during(1, 9, 2.0)(t)})]
        return [*gone, shown(1)]

    found = events(show, 5)
    (frown,) = ended(found)
    assert frown.offset_s == pytest.approx(1.5)
    finder = EventFinder()
    finder.push(0.0, [])
    over_time = FacesOverTime(echo("causal"))
    for index in range(200):
        ((frame, faces),) = over_time.push(Frame(index, index / 30, PICTURE), show(index / 30))
        finder.push(frame.time_s, faces)
    assert set(finder._tracks) == {1}  # forgotten
    assert 200 / 30 - 1.5 > FORGET_S


def test_what_was_under_way_ends_with_the_stream() -> None:
    found = events(lambda t: [shown(0, {"AU12": during(1, 9, 3.0)(t)})], 2)
    (smile,) = ended(found)
    assert smile.offset_s == pytest.approx(59 / 30)
    assert [event.ended for event in found] == [False, True]


def test_tracks_have_events_of_their_own_in_order_of_onset() -> None:
    def show(t: float) -> list[Face]:
        return [
            shown(0, {"AU12": during(1, 2, 3.0)(t), "AU06": during(1.3, 2, 2.0)(t)}),
            shown(1, {"AU12": during(0.5, 2, 3.0)(t)}),
        ]

    found = ended(events(show))
    assert [(e.track, e.kind) for e in found] == [(1, "AU12"), (0, "AU12"), (0, "AU06")]


def test_events_are_the_same_at_half_the_rate_within_a_frame_of_it() -> None:
    def show(t: float) -> list[Face]:
        smile = {"AU12": max(0.0, 3 - 4 * abs(t - 2)), "AU01": during(2.5, 3.4, 1.5)(t)}
        return [shown(0, smile, eyes=(0.1, 0.1) if 0.98 <= t < 1.21 else (0.9, 0.9))]

    fast, slow = (ended(events(show, rate=rate)) for rate in (30, 15))
    assert [(e.kind, e.side) for e in fast] == [(e.kind, e.side) for e in slow]
    for one, other in zip(fast, slow, strict=True):
        for name in ("onset_s", "apex_s", "offset_s"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1 / 15 + 1e-6)


def test_where_time_falls_events_end() -> None:
    finder, over_time = EventFinder(), FacesOverTime(echo("causal"))
    found = []
    for index, time_s in enumerate([*np.arange(30) / 30, *np.arange(30) / 30]):
        frame = Frame(index, float(time_s), PICTURE)
        ((_, faces),) = over_time.push(frame, [shown(0, {"AU12": 3.0})])
        found += finder.push(frame.time_s, faces)
    first, second = ended(found + finder.end())
    assert first.onset_s == second.onset_s == 0
    assert first.offset_s == second.offset_s == pytest.approx(29 / 30)


def test_faces_without_answers_or_tracks_are_passed_over() -> None:
    finder = EventFinder()
    assert finder.push(0.0, [shown(0), shown(None)]) == finder.end() == []
