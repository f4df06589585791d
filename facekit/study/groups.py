"""What one row of a summary is about: a person, a file, or a person within a window of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from facekit.errors import OptionsError, OutputError
from facekit.study.columnwise import Columnwise

Kind: TypeAlias = Literal["person", "file", "window"]
EVERYBODY = "all"

_RESOLUTION_S = 1e-6
"""Times have microseconds: what begins at 0.3 s is in the fourth window of 0.1 s."""


@dataclass(frozen=True, slots=True)
class By:
    """How a table is divided.

    Attributes:
        kind: person: everyone by themselves; file: all faces together; window: everyone by
            themselves in windows of time.
        window_s: length of a window; 0 for the others.
    """

    kind: Kind
    window_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "By":
        """``person``, ``file`` or ``window:SECONDS``.

        Raises:
            OptionsError: it is neither.
        """
        kind, _, length = text.partition(":")
        advice = "Expected person, file or window:SECONDS, such as window:60"
        if kind not in get_args(Kind) or (kind == "window") != bool(length):
            raise OptionsError(f"{text!r} is not valid", where="by", advice=advice)
        if kind != "window":
            return cls("person" if kind == "person" else "file")
        try:
            seconds = float(length)
        except ValueError as error:
            raise OptionsError(f"{text!r} is not valid", where="by", advice=advice) from error
        if not 0.001 <= seconds < float("inf"):
            raise OptionsError(f"{text!r} is not valid", where="by", advice=advice)
        return cls("window", seconds)


@dataclass(frozen=True, slots=True)
class Group:
    """What one row of a summary is about.

    Attributes:
        label: ``person 1``, ``track 0``, ``face 0``; ``all`` for everybody; empty where there is
            nobody in the table.
        rows: (n,) row numbers of its faces.
        frames: (m,) frames that it is observed in, as places in the table's `FrameTimes`.
        start_s: where its window begins; None without one.
        end_s: where its window ends; None without one.
    """

    label: str
    rows: NDArray[np.intp]
    frames: NDArray[np.intp]
    start_s: float | None = None
    end_s: float | None = None


def divide(table: Columnwise, by: By) -> tuple[Group, ...]:
    """The groups of a table, in order of appearance, windows in order of time.

    A table in which nobody is has one group without a label (in windows: one for each). A
    person has a group for every window in which there is a frame; a track, which is nobody
    before it begins and after it ends, for those between.

    Raises:
        OutputError: windows of a table without times.
    """
    frames = np.arange(len(table.times.times))
    if by.kind == "file":
        together = [subject.rows for subject in table.subjects]
        rows = np.sort(np.concatenate(together)) if together else _nobody()
        return (Group(EVERYBODY, rows, frames),)
    if by.kind == "window" and not table.times.timed:
        raise OutputError(
            "has no times to cut windows by", where="table", advice="Use --by person or --by file"
        )
    found = [] if table.subjects else [Group("", _nobody(), frames)]
    found += [Group(subject.label, subject.rows, frames) for subject in table.subjects]
    if by.kind == "person":
        return tuple(found)
    kinds = [subject.kind for subject in table.subjects] or ["person"]
    return tuple(
        part
        for group, kind in zip(found, kinds, strict=True)
        for part in _windows(table, group, by.window_s, lasting=kind == "person")
    )


def everyone(table: Columnwise) -> tuple[Group, ...]:
    """All faces together, then everyone by themselves."""
    return (*divide(table, By("file")), *people(table))


def people(table: Columnwise) -> tuple[Group, ...]:
    """Everyone by themselves; none where nobody is in the table."""
    return tuple(group for group in divide(table, By("person")) if group.label)


def _windows(table: Columnwise, group: Group, length: float, lasting: bool) -> Iterator[Group]:
    window = np.floor((table.times.times + _RESOLUTION_S) / length).astype(np.int64)
    of_row = window[table.times.of_row[group.rows]]
    for number in np.unique(window):
        if not lasting and not of_row.min() <= number <= of_row.max():
            continue
        yield Group(
            group.label,
            group.rows[of_row == number],
            np.flatnonzero(window == number),
            float(number * length),
            float((number + 1) * length),
        )


def _nobody() -> NDArray[np.intp]:
    return np.zeros(0, np.intp)
