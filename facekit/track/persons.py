"""Persons: which tracks show the same face, told by embeddings.

A track's faces are embedded now and then (`facekit.track.looks`). What counts are faces that are
seen well; tracks that were seen side by side are different people; the others come together by
average linkage (`facekit.track.clustering`). While frames come in, `Persons` keeps numbers that
may still be merged; `decide` says at the end, from everything, who is who.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from facekit.track.clustering import Vectors, cluster
from facekit.types import Floats

GOOD = 0.2
"""A face of this quality or better takes part in deciding who there is."""

Key: TypeAlias = tuple[int, int]
"""A track: the number of its file within the run, and its own number there."""

_FACES_OF_A_STILL = 10_000


def face_number(track: int | None, frame: int, place: int) -> int:
    """The number of a face's track; of a face in a still image a number that no other face has.

    Args:
        track: None for still images.
        frame: number of the image.
        place: of the face among those of its image, in the order of the table's rows.
    """
    return frame * _FACES_OF_A_STILL + place if track is None else track


@dataclass(frozen=True, slots=True)
class Known:
    """Someone with a name.

    Attributes:
        name: of the person.
        mean: (d,) weighted mean of the person's unit vectors, not normalised.
    """

    name: str
    mean: Vectors


@dataclass(slots=True)
class TrackFaces:
    """What is known of the faces of one track.

    Attributes:
        key: the track.
        first_s: when it was first seen.
        good: (d,) sum of quality times unit vector, over the faces of quality `GOOD` and better.
        good_weight: sum of those qualities.
        good_faces: how many they are.
        poor: the same of the other faces.
        poor_weight: sum of their qualities.
        apart: tracks that were seen side by side with it.
    """

    key: Key
    first_s: float
    good: Vectors = field(default_factory=lambda: np.zeros(0))
    good_weight: float = 0.0
    good_faces: int = 0
    poor: Vectors = field(default_factory=lambda: np.zeros(0))
    poor_weight: float = 0.0
    apart: set[Key] = field(default_factory=set)

    def add(self, vector: Floats, quality: float) -> None:
        """A face: its (d,) unit vector, and how well it is seen, > 0 to 1."""
        weighted = quality * np.asarray(vector, np.float64)
        if quality >= GOOD:
            self.good = weighted if self.good_weight == 0 else self.good + weighted
            self.good_weight += quality
            self.good_faces += 1
        else:
            self.poor = weighted if self.poor_weight == 0 else self.poor + weighted
            self.poor_weight += quality


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which similarity on faces belong together.

    Attributes:
        persons: least mean cosine of two groups of faces that are one person.
        known: least mean cosine with someone known for a name.
    """

    persons: float
    known: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is who.

    Attributes:
        persons: number of the person, from 0 in order of appearance, by track; tracks without a
            face that tells are missing.
        names: name and similarity by number of the person, for those who are known.
    """

    persons: Mapping[Key, int]
    names: Mapping[int, tuple[str, float]]


def decide(
    tracks: Iterable[TrackFaces], thresholds: Thresholds, known: Sequence[Known] = ()
) -> Decision:
    """Who is who, from everything that was seen; in whatever order it is given.

    Args:
        tracks: all tracks.
        thresholds: from which similarity on faces belong together.
        known: people with names.
    """
    ordered = sorted(tracks, key=lambda track: (track.key[0], track.first_s, track.key[1]))
    groups = _groups([track for track in ordered if track.good_weight > 0], thresholds.persons)
    groups = _named(groups, known, thresholds.known)
    _take_in(groups, [track for track in ordered if track.good_weight == 0], thresholds.persons)
    place = {track.key: number for number, track in enumerate(ordered)}
    groups.sort(key=lambda group: min(place[key] for key in group.keys))
    return Decision(
        {key: person for person, group in enumerate(groups) for key in sorted(group.keys)},
        {person: group.name for person, group in enumerate(groups) if group.name is not None},
    )


class _Group:
    """Tracks of one person."""

    def __init__(self, tracks: Sequence[TrackFaces], number: int = -1) -> None:
        self.number = number
        self.tracks = list(tracks)
        self.name: tuple[str, float] | None = None

    @property
    def keys(self) -> set[Key]:
        return {track.key for track in self.tracks}

    @property
    def mean(self) -> Vectors:
        weight = sum(track.good_weight for track in self.tracks)
        told = [track.good for track in self.tracks if track.good_weight > 0]
        return np.asarray(np.sum(told, axis=0) / weight, np.float64)

    def allows(self, tracks: Sequence[TrackFaces]) -> bool:
        """Whether none of `tracks` was seen beside one of the group's."""
        keys = self.keys
        return all(keys.isdisjoint(track.apart) for track in tracks)

    def recognise(self, known: Sequence[Known], threshold: float) -> None:
        mean = self.mean
        alike = max(((float(mean @ who.mean), who.name) for who in known), default=None)
        self.name = None if alike is None or alike[0] < threshold else (alike[1], alike[0])


def _groups(tracks: Sequence[TrackFaces], threshold: float) -> list[_Group]:
    if not tracks:
        return []
    places = {track.key: place for place, track in enumerate(tracks)}
    labels = cluster(
        np.stack([track.good for track in tracks]),
        np.array([track.good_weight for track in tracks]),
        [{places[key] for key in track.apart if key in places} for track in tracks],
        threshold,
    )
    members: dict[int, list[TrackFaces]] = {}
    for track, label in zip(tracks, labels.tolist(), strict=True):
        members.setdefault(label, []).append(track)
    return [_Group(together) for together in members.values()]


def _named(groups: Sequence[_Group], known: Sequence[Known], threshold: float) -> list[_Group]:
    """The groups with names; those of one name are one person, unless they were seen apart."""
    claims = sorted(
        (-float(mean @ someone.mean), place, someone.name)
        for place, mean in enumerate([group.mean for group in groups])
        for someone in known
    )
    named: dict[str, _Group] = {}
    given: set[int] = set()
    for unlikeness, place, name in claims:
        if place in given or -unlikeness < threshold:
            continue
        tracks = groups[place].tracks
        if name not in named:
            named[name] = _Group(tracks)
            named[name].name = (name, -unlikeness)
        elif named[name].allows(tracks):
            named[name].tracks += tracks
        else:
            continue
        given.add(place)
    return [*named.values(), *(group for place, group in enumerate(groups) if place not in given)]


def _take_in(groups: Sequence[_Group], tracks: Sequence[TrackFaces], threshold: float) -> None:
    """Give tracks that were never seen well to the person whom they are most like, if to any."""
    means = [group.mean for group in groups]
    claims = sorted(
        (-float(track.poor @ mean) / track.poor_weight, number, place)
        for number, track in enumerate(tracks)
        if track.poor_weight > 0
        for place, mean in enumerate(means)
    )
    given: set[int] = set()
    for unlikeness, number, place in claims:
        if number in given or -unlikeness < threshold or not groups[place].allows([tracks[number]]):
            continue
        groups[place].tracks.append(tracks[number])
        given.add(number)


class Persons:
    """The persons of one stream, as far as they are known while its frames come in.

    Numbers may still be merged, the larger into the smaller; `decide` has the last word.

    Args:
        thresholds: from which similarity on faces belong together.
        known: people with names.
    """

    def __init__(self, thresholds: Thresholds, known: Sequence[Known] = ()) -> None:
        """Nobody was seen yet."""
        self.thresholds, self.known = thresholds, tuple(known)
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as before another stream; numbers start from 0 again."""
        self._tracks: dict[int, TrackFaces] = {}
        self._groups: dict[int, _Group] = {}
        self._of: dict[int, _Group] = {}
        self._next = 0

    def observe(self, time_s: float, tracks: Sequence[int]) -> None:
        """The tracks of one frame, each of them another face.

        Args:
            time_s: of the frame.
            tracks: their numbers.
        """
        for track in tracks:
            if track not in self._tracks:
                self._tracks[track] = TrackFaces((0, track), time_s)
        together = {(0, track) for track in tracks}
        for track in tracks:
            faces = self._tracks[track]
            if not together <= faces.apart | {faces.key}:
                faces.apart |= together - {faces.key}
                self._split(faces)

    def add(self, track: int, vector: Floats, quality: float) -> None:
        """An embedded face of a track that was observed.

        Args:
            track: its number.
            vector: (d,) unit length.
            quality: how well it is seen, > 0 to 1.
        """
        faces = self._tracks[track]
        faces.add(vector, quality)
        if quality < GOOD:
            return
        first = track not in self._of
        started = self._start(faces) if first else self._of[track]
        number = started.number
        group = self._gather(started)
        if first and group.number != number:
            # Nobody has seen this number: the next person has it.
            self._next = number
        group.recognise(self.known, self.thresholds.known)

    def person(self, track: int) -> int | None:
        """Number of a track's person as far as is known now; None while nobody can tell."""
        group = self._of.get(track)
        return None if group is None else group.number

    def name(self, track: int) -> str | None:
        """Name of a track's person as far as is known now; None for whom nobody knows."""
        group = self._of.get(track)
        return None if group is None or group.name is None else group.name[0]

    def decide(self) -> Decision:
        """Who is who, from everything up to now."""
        return decide(self._tracks.values(), self.thresholds, self.known)

    def tracks(self) -> tuple[TrackFaces, ...]:
        """What is known of each track, in order of their first frames."""
        return tuple(self._tracks.values())

    def _start(self, faces: TrackFaces) -> _Group:
        group = _Group([faces], self._next)
        self._groups[self._next] = self._of[faces.key[1]] = group
        self._next += 1
        return group

    def _gather(self, group: _Group) -> _Group:
        """Merge a group with all that are alike enough; the group that it has become."""
        while True:
            mean = group.mean
            alike = [
                (float(mean @ other.mean), -other.number)
                for other in self._groups.values()
                if other is not group and other.allows(group.tracks)
            ]
            likeness, negative = max(alike, default=(-1.0, 0))
            if likeness < self.thresholds.persons:
                return group
            group = self._merge(group, self._groups[-negative])

    def _merge(self, one: _Group, other: _Group) -> _Group:
        kept, gone = (one, other) if one.number < other.number else (other, one)
        kept.tracks += gone.tracks
        for track in gone.tracks:
            self._of[track.key[1]] = kept
        del self._groups[gone.number]
        return kept

    def _split(self, faces: TrackFaces) -> None:
        """Take a track out of its group if another of the group is seen beside it."""
        group = self._of.get(faces.key[1])
        if group is None or group.keys.isdisjoint(faces.apart):
            return
        # Of the two the later track came in by mistake; it may find its way again.
        late = max(t.key for t in group.tracks if t.key in faces.apart or t is faces)
        leaving = self._tracks[late[1]]
        group.tracks.remove(leaving)
        self._start(leaving)
