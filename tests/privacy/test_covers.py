"""What is covered where nothing was found: between sights, before the first, after the last."""

from typing import Any, cast

import numpy as np
import pytest

from facekit.privacy.covers import Covers
from facekit.privacy.finding import Finder, Trail


class Found:
    """What a `Finder` holds after a video, written by hand: 25 frames per second."""

    def __init__(self, frames: int, cuts: tuple[int, ...] = ()) -> None:
        self.times = [index / 25 for index in range(frames)]
        self.shots = [sum(index >= cut for cut in cuts) for index in range(frames)]
        self.trails: dict[int, Trail] = {}

    def see(self, track: int, frame: int, box: tuple[float, ...], *, sure: bool = True) -> None:
        trail = self.trails.setdefault(track, Trail(self.shots[frame], sure))
        trail.add(frame, np.array(box, np.float32))

    def covers(self) -> Covers:
        return Covers(cast(Finder, cast(Any, self)))


def test_a_gap_is_a_straight_line() -> None:
    found = Found(60)
    found.see(0, 20, (100, 50, 40, 50))
    found.see(0, 30, (200, 70, 60, 70))
    covers = found.covers()
    (middle,) = covers.at(25)
    np.testing.assert_allclose(middle.box, (150, 60, 50, 60))
    assert not middle.seen
    assert covers.at(20)[0].seen


def test_ends_are_held_for_half_a_second_and_grow() -> None:
    found = Found(100)
    found.see(0, 50, (100, 100, 40, 40))
    covers = found.covers()
    held = [index for index in range(100) if covers.at(index)]
    assert held == list(range(38, 63))  # 12 frames are 0.48 s
    first = covers.at(38)[0].box
    assert first[2] == pytest.approx(40 * (1 + 0.6 * 0.48))
    np.testing.assert_allclose(first[:2] + first[2:] / 2, (120, 120), rtol=1e-5)


def test_a_moving_face_is_held_a_little_further_on() -> None:
    found = Found(100)
    for frame in range(30, 41):
        found.see(0, frame, (10.0 * frame, 0, 40, 40))
    x = [found.covers().at(frame)[0].box[0] for frame in (40, 44)]
    assert x[1] - x[0] > 30


def test_nothing_is_held_over_a_cut() -> None:
    found = Found(60, cuts=(30,))
    found.see(0, 29, (0, 0, 40, 40))
    found.see(1, 40, (0, 0, 40, 40))
    covers = found.covers()
    assert [index for index in range(60) if covers.at(index)] == [
        *range(17, 30),
        *range(30, 53),
    ]
    assert [cover.track for cover in covers.at(30)] == [1]


@pytest.mark.parametrize(
    ("second", "frame", "bridged"),
    [
        ((104, 100, 40, 40), 100, True),
        ((300, 100, 40, 40), 100, False),
        ((100, 100, 40, 40), 190, False),
    ],
)
def test_tracks_at_one_place_are_joined(
    second: tuple[float, ...], frame: int, bridged: bool
) -> None:
    """Five seconds at most, and not farther than the face's own size."""
    found = Found(200)
    found.see(0, 40, (100, 100, 40, 40))
    found.see(1, frame, second)
    assert bool(found.covers().at(70)) == bridged


def test_what_nobody_took_for_a_face_is_not_covered() -> None:
    found = Found(10)
    found.see(0, 5, (0, 0, 40, 40), sure=False)
    assert found.covers().at(5) == []


def test_the_reach_holds_the_neighbours_in_time() -> None:
    found = Found(30)
    for frame in range(30):
        found.see(0, frame, (20.0 * frame, 0, 40, 40))
    (cover,) = found.covers().at(15)
    np.testing.assert_allclose(cover.box, (300, 0, 40, 40))
    assert cover.reach[0] <= 260
    assert cover.reach[0] + cover.reach[2] >= 380


def test_no_face_at_all() -> None:
    assert Found(3).covers().at(1) == []
    assert Found(0).covers().at(0) == []
