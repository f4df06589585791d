"""What a clip tells only when it has ended: who is who, and how each person's face is at rest.

Rows are written with what is known by then, and once more at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from facekit.columns import Column
from facekit.estimate.recognition import UNKNOWN, Recogniser
from facekit.output.rows import Row
from facekit.personal import PersonalBaseline
from facekit.track.persons import GOOD, Decision, face_number

_NO_BASELINE_YET = (
    "The baseline was not taken off (AUxx_rel is missing): that is done when the video has ended."
)
_NO_PERSONS_YET = (
    "Who is who was not decided at the end: one person may have several numbers, and a number "
    "that was merged into another stands in the rows before."
)


class WholeClip:
    """Takes the rows of a clip to what they are when it has ended.

    Args:
        columns: of the finished table.
        personal: baselines; None without.
        recogniser: that the clip ran through; None without.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        personal: PersonalBaseline | None,
        recogniser: Recogniser | None,
    ) -> None:
        """Nothing to tell yet."""
        self.after = tuple(columns)
        relative = personal is not None and personal.needs_second_pass
        self._personal = personal if relative else None
        self.before = self._personal.before if self._personal else self.after
        told = recogniser is not None and any(c.group == "person" for c in columns)
        self._recogniser = recogniser if told else None
        self._persons = None if self._recogniser is None else PersonCells(columns)
        self._decision: Decision | None = None

    @property
    def is_needed(self) -> bool:
        """Whether rows are complete only after a second pass."""
        return self._personal is not None or self._recogniser is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of rows that had no second pass should know."""
        notes = []
        if self._personal is not None:
            notes.append(_NO_BASELINE_YET)
        if self._recogniser is not None:
            notes.append(_NO_PERSONS_YET)
        return tuple(notes)

    def settle(self) -> Callable[[Row], Row]:
        """Decide, now that the clip has ended.

        Returns:
            What completes each row, called in the table's order.
        """
        if self._recogniser is None or self._persons is None:
            assert self._personal is not None
            return self._personal.complete
        decision = self._decision = self._recogniser.persons.decide()
        if self._personal is not None:
            self._personal.share(tracks_by_person(decision).values())
        personal, persons = self._personal, self._persons
        persons.begin(decision)

        def complete(row: Row) -> Row:
            return persons.fill(row if personal is None else personal.complete(row))

        return complete

    @property
    def person_of(self) -> Callable[[int], int | None] | None:
        """Track to person, after `settle`; None where people were not told apart."""
        decision = self._decision
        return None if decision is None else lambda track: decision.persons.get((0, track))

    def identity_record(self) -> Mapping[str, Any] | None:
        """Who was told apart and how, for the sidecar; complete after `settle`. No embeddings."""
        if self._recogniser is None or self._decision is None:
            return None
        limits, looks = self._recogniser.persons.thresholds, self._recogniser.looks_taken
        faces = self._recogniser.faces_seen
        return {
            "threshold": round(limits.persons, 4),
            "threshold_of_names": round(limits.known, 4),
            "least_quality": GOOD,
            "looks": looks,
            "faces_per_look": round(faces / looks, 1) if looks else None,
            "persons": persons_record(self._decision),
        }


class PersonCells:
    """Fills the cells of rows that say who it is.

    Args:
        columns: of the rows, ``person`` among them.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Find the places of what is read and of what is filled."""
        names = [column.name for column in columns]
        self._track, self._frame = names.index("track"), names.index("frame")
        self._status = names.index("status")
        self._person = names.index("person")
        self._name = names.index("person_name") if "person_name" in names else None

    def begin(self, decision: Decision, file: int = 0) -> None:
        """The first row is next.

        Args:
            decision: who is who.
            file: number of the table's file in it.
        """
        self._decision, self._file = decision, file
        self._last: int | None = None
        self._place = 0

    def number(self, row: Row) -> int | None:
        """The number of a row's track (`face_number`), called in the table's order."""
        frame, track = row[self._frame], row[self._track]
        assert isinstance(frame, int)
        self._place = self._place + 1 if frame == self._last else 0
        self._last = frame
        if row[self._status] == "no_face":
            return None
        return face_number(None if track is None else int(track), frame, self._place)

    def fill(self, row: Row) -> Row:
        """A row with its person, called in the table's order."""
        number = self.number(row)
        person = None if number is None else self._decision.persons.get((self._file, number))
        cells = list(row)
        cells[self._person] = person
        if self._name is not None:
            known = None if person is None else self._decision.names.get(person, (UNKNOWN, 0.0))
            cells[self._name] = None if known is None else known[0]
        return tuple(cells)


def tracks_by_person(decision: Decision, file: int = 0) -> dict[int, list[int]]:
    """The tracks of each person in one file."""
    tracks: dict[int, list[int]] = {}
    for (of, track), person in decision.persons.items():
        if of == file:
            tracks.setdefault(person, []).append(track)
    return tracks


def persons_record(decision: Decision, file: int = 0) -> dict[str, Any]:
    """The persons of one file, with their tracks and names, for its sidecar."""
    found: dict[str, Any] = {}
    for person, tracks in sorted(tracks_by_person(decision, file).items()):
        found[str(person)] = {"tracks": sorted(tracks)}
        if person in decision.names:
            name, likeness = decision.names[person]
            found[str(person)] |= {"name": name, "likeness": round(likeness, 4)}
    return found
