"""Persons out of made-up vectors: what must hold whatever the faces look like."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekit.track.persons import (
    GOOD,
    Decision,
    Known,
    Persons,
    Thresholds,
    TrackFaces,
    decide,
    face_number,
)
from facekit.types import Floats

LIMITS = Thresholds(0.6, 0.6)
PEOPLE = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
"""Sixteen people who have nothing in common."""


def _face(person: int, seed: int = 0, noise: float = 0.1) -> Floats:
    vector = PEOPLE[person] + noise * np.random.default_rng(seed).normal(size=16)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _tracks(seed: int, count: int, noise: float = 0.25) -> list[TrackFaces]:
    """Tracks of four people in two files; some side by side, some seen badly only."""
    random = np.random.default_rng(seed)
    tracks = []
    for number in range(count):
        track = TrackFaces((number % 2, number), float(random.integers(0, 5)))
        for _ in range(random.integers(0, 4)):
            quality = float(random.choice([0.05, 0.3, 1.0]))
            who, look = random.integers(0, 4), random.integers(10**6)
            track.add(_face(int(who), int(look), noise), quality)
        tracks.append(track)
    for _ in range(count):
        one, other = random.integers(0, count, 2).tolist()
        if one != other and tracks[one].key[0] == tracks[other].key[0]:
            tracks[one].apart.add(tracks[other].key)
            tracks[other].apart.add(tracks[one].key)
    return tracks


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 10**6), st.booleans())
def test_order_of_tracks_does_not_matter(seed: int, count: int, mixed: int, named: bool) -> None:
    tracks = _tracks(seed, count)
    known = [Known("ann", PEOPLE[0]), Known("bob", PEOPLE[1])] if named else []
    order = np.random.default_rng(mixed).permutation(count)
    first = decide(tracks, LIMITS, known)
    assert decide([tracks[i] for i in order], LIMITS, known) == first
    # Numbers are given in order of appearance, without gaps.
    assert sorted(set(first.persons.values())) == list(range(len(set(first.persons.values()))))
    by_key = {track.key: track for track in tracks}
    for key, person in first.persons.items():
        others = [other for other, same in first.persons.items() if same == person]
        assert by_key[key].apart.isdisjoint(others)


def test_who_was_seen_side_by_side_is_never_one_person() -> None:
    twins = Persons(LIMITS)
    twins.observe(0.0, [0, 1])
    twins.add(0, _face(3), 1.0)
    twins.add(1, _face(3), 1.0)
    assert twins.person(0) != twins.person(1)
    assert twins.decide().persons == {(0, 0): 0, (0, 1): 1}


def test_tracks_after_cuts_are_the_same_person() -> None:
    persons = Persons(LIMITS)
    for track, who in enumerate([0, 1, 0, 2, 1, 0]):
        persons.observe(float(track), [track])
        persons.add(track, _face(who, track), 0.8)
    assert [persons.person(track) for track in range(6)] == [0, 1, 0, 2, 1, 0]
    assert persons.decide() == Decision(
        {(0, t): p for t, p in enumerate([0, 1, 0, 2, 1, 0])}, names={}
    )


def test_numbers_merge_later_and_the_decision_is_of_one_piece() -> None:
    persons = Persons(LIMITS)
    half = np.asarray((PEOPLE[0] + 0.75 * PEOPLE[1]) / 1.25, np.float32)
    other = np.asarray((PEOPLE[0] - 0.75 * PEOPLE[1]) / 1.25, np.float32)
    for track, vector in enumerate([half, other]):
        persons.observe(float(track), [track])
        persons.add(track, vector, 1.0)
    assert [persons.person(0), persons.person(1)] == [0, 1]
    persons.observe(2.0, [2])
    persons.add(2, _face(5), 1.0)
    assert persons.person(2) == 2
    # Enough looks in between show that both were the same.
    for seed in range(6):
        persons.add(1, _face(0, seed, 0.02), 1.0)
    assert [persons.person(t) for t in range(3)] == [0, 0, 2]
    # A number that was shown is not given to somebody else.
    persons.observe(3.0, [3])
    persons.add(3, _face(7), 1.0)
    assert persons.person(3) == 3
    assert persons.decide().persons == {(0, 0): 0, (0, 1): 0, (0, 2): 1, (0, 3): 2}


def test_who_turns_out_to_be_two_parts_again() -> None:
    persons = Persons(LIMITS)
    for track in (0, 1):
        persons.observe(float(track), [track])
        persons.add(track, _face(0), 1.0)
    assert persons.person(0) == persons.person(1) == 0
    persons.observe(2.0, [0, 1])
    assert [persons.person(0), persons.person(1)] == [0, 1]
    persons.add(1, _face(0), 1.0)
    assert persons.person(1) == 1


def test_bad_looks_found_nobody_but_may_recognise() -> None:
    persons = Persons(LIMITS)
    persons.observe(0.0, [0])
    persons.add(0, _face(0), GOOD / 2)
    assert persons.person(0) is None
    assert persons.decide().persons == {}
    persons.observe(1.0, [1])
    persons.add(1, _face(0, 1), 1.0)
    persons.observe(2.0, [2])
    persons.add(2, _face(1, 2), GOOD / 2)
    # Track 2 is like nobody; track 0 was seen first, so its person has the first number.
    assert persons.decide().persons == {(0, 0): 0, (0, 1): 0}


def test_a_gallery_names_and_joins() -> None:
    apart = Thresholds(persons=0.99, known=0.6)
    persons = Persons(apart, [Known("ann", PEOPLE[0]), Known("bob", 0.9 * PEOPLE[1])])
    for track, who in enumerate([0, 0, 1, 2]):
        persons.observe(float(track), [track])
        persons.add(track, _face(who, track, 0.12), 1.0)
    assert [persons.name(track) for track in range(4)] == ["ann", "ann", "bob", None]
    decision = persons.decide()
    assert decision.persons == {(0, 0): 0, (0, 1): 0, (0, 2): 1, (0, 3): 2}
    assert {person: name for person, (name, _) in decision.names.items()} == {0: "ann", 1: "bob"}
    assert 0.6 <= decision.names[1][1] < decision.names[0][1] <= 1
    # Side by side, only one of the two can be Ann: the one who is more like her.
    persons.observe(9.0, [0, 1])
    names = persons.decide().names
    assert [name for name, _ in names.values()].count("ann") == 1


def test_the_same_frames_again_give_the_same() -> None:
    def run(persons: Persons, frames: Sequence[Sequence[int]]) -> list[tuple[int | None, ...]]:
        told = []
        for time, tracks in enumerate(frames):
            persons.observe(float(time), tracks)
            for track in tracks:
                persons.add(track, _face(track % 3, 10 * time + track, 0.3), 0.5)
            told.append(tuple(persons.person(track) for track in range(6)))
        return told

    frames = [[0, 1], [0, 1, 2], [3], [3, 4], [5], [4, 5]]
    persons = Persons(LIMITS)
    first, decision = run(persons, frames), persons.decide()
    persons.reset()
    assert persons.decide() == Decision({}, {})
    assert run(persons, frames) == first
    assert persons.decide() == decision


def test_files_of_one_run_share_people() -> None:
    tracks = []
    for file, people in enumerate([(0, 1), (1, 2)]):
        for number, who in enumerate(people):
            track = TrackFaces((file, number), 0.0)
            track.add(_face(who, 7 * file + number), 1.0)
            tracks.append(track)
    assert decide(tracks, LIMITS).persons == {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 2}


def test_a_still_face_has_a_number_of_its_own() -> None:
    assert face_number(3, 9, 0) == 3
    numbers = {face_number(None, frame, place) for frame in range(30) for place in range(30)}
    assert len(numbers) == 900


@pytest.mark.parametrize("quality", [0.05, 0.9])
def test_sums_are_weighted_by_quality(quality: float) -> None:
    track = TrackFaces((0, 0), 0.0)
    track.add(_face(0), quality)
    track.add(_face(1), 1.0)
    mean = track.good / track.good_weight
    assert (mean @ PEOPLE[0] > 0.3) == (quality >= GOOD)
