"""What a table that was read back holds: its columns' meanings, and who is in it."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.columns import GROUPS, Column, Kind, columns
from facekit.errors import OutputError

SubjectKind: TypeAlias = Literal["person", "track", "face"]

_INFERRED_DIGITS = 6
"""Decimals of a number that neither a sidecar nor the registry knows."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One face through a table: a person, else a track, else the n-th face of still images.

    Attributes:
        kind: what tells this subject from the others.
        name: the person's or track's number (or name) in the table; for faces of still images
            their place in the frame, from 0.
        rows: (n,) row numbers, in frame order, at most one for each frame.
    """

    kind: SubjectKind
    name: str
    rows: NDArray[np.intp]

    @property
    def label(self) -> str:
        """How the subject is called: ``person 1``."""
        return f"{self.kind} {self.name}"


def bare(table: pd.DataFrame) -> pd.DataFrame:
    """The same table without its ``attrs``, of which pandas copies all for each column taken."""
    same = table.copy(deep=False)
    same.attrs = {}
    return same


def table_columns(table: pd.DataFrame) -> tuple[Column, ...]:
    """What each column of a table is: by its sidecar, else by the registry, else by its type.

    Args:
        table: as `facekit.output.read_table` gives it.
    """
    described = table.attrs.get("facekit", {})
    table = bare(table)
    stated = {entry["name"]: _from_entry(entry) for entry in described.get("columns", ())}
    known = {column.name: column for column in columns(GROUPS, images=True)}
    return tuple(
        stated.get(name) or known.get(name) or _inferred(name, table[name])
        for name in map(str, table.columns)
    )


def _from_entry(entry: dict[str, Any]) -> Column:
    low, high = entry["range"]
    return Column(
        entry["name"],
        entry["group"],
        entry["kind"],
        entry["unit"],
        low,
        high,
        entry["digits"],
        entry["meaning"],
        entry["stage"],
        entry["name"],
    )


def _inferred(name: str, values: "pd.Series[Any]") -> Column:
    kind: Kind = "text"
    if pd.api.types.is_integer_dtype(values.dtype):
        kind = "integer"
    elif pd.api.types.is_numeric_dtype(values.dtype):
        kind = "number"
    digits = _INFERRED_DIGITS if kind == "number" else None
    return Column(name, "", kind, "", None, None, digits, "", "", name)


def subjects(table: pd.DataFrame) -> tuple[Subject, ...]:
    """Everyone in a table, in order of appearance; frames without a face belong to nobody.

    Rows that name a person are that person's, whatever their track. Where a person has two rows
    in one frame, the one with the higher score counts.

    Args:
        table: with the columns ``frame``, ``track`` and ``status``; ``person`` if it was run.

    Raises:
        OutputError: it has not, as a table in another program's columns.
    """
    missing = [name for name in ("frame", "time_s", "track", "status") if name not in table]
    if missing:
        raise OutputError(
            f"is not a table in facekit's own columns: there is no {missing[0]}",
            where=table.attrs.get("facekit", {}).get("table", ""),
            advice="One in OpenFace's becomes one by: facekit import-openface FILE -o OUT",
        )
    table = bare(table)
    shown: NDArray[np.intp] = np.flatnonzero(
        (table["status"] != "no_face").to_numpy(bool, na_value=True)
    )
    if len(shown) == 0:
        return ()
    part = table.iloc[shown]
    frame = part["frame"].to_numpy(np.int64)
    codes, identities = _identities(part, frame)
    score = part["score"].to_numpy(np.float64) if "score" in part else np.zeros(len(part))
    found = []
    for code in np.unique(codes):
        places = np.flatnonzero(codes == code)
        # Frames rise; within one the best score comes first and is the one kept.
        order = np.lexsort((-np.nan_to_num(score[places], nan=-1.0), frame[places]))
        ordered = places[order]
        first = np.concatenate([[True], np.diff(frame[ordered]) > 0])
        kind, name = identities[int(code)]
        found.append(Subject(kind, name, shown[ordered[first]].astype(np.intp)))
    return tuple(sorted(found, key=lambda subject: int(subject.rows[0])))


def _identities(
    part: pd.DataFrame, frame: NDArray[np.int64]
) -> tuple[NDArray[np.intp], list[tuple[SubjectKind, str]]]:
    """Whose each row is, as a number into a list of kinds and names."""
    nobody = pd.Series([None] * len(part), dtype=object)
    person, persons = pd.factorize(part.get("person", nobody))
    track, tracks = pd.factorize(part["track"])
    # The n-th face of its frame, for still images, which have no tracks.
    nth = pd.Series(frame).groupby(frame).cumcount().to_numpy()
    by_place = len(persons) + len(tracks) + nth
    codes = np.where(person >= 0, person, np.where(track >= 0, len(persons) + track, by_place))
    identities: list[tuple[SubjectKind, str]] = [("person", _name(who)) for who in persons]
    identities += [("track", _name(number)) for number in tracks]
    identities += [("face", str(place)) for place in range(int(nth.max()) + 1)]
    return codes.astype(np.intp), identities


def _name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
