"""The events of a finished table: those beside it, or found anew in its columns."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from facekit.errors import OutputError
from facekit.facs import ACTION_UNITS, PHASES
from facekit.output.events import events_frame, events_path
from facekit.output.partial import SUFFIX
from facekit.output.reading import read_head, read_table
from facekit.temporal.events import Event, EventFinder, Moment, round_time
from facekit.temporal_columns import EVENT_COLUMNS

_ACTS = ("blink", "nod", "shake")
_TOLD = "AU01_phase"
"""Of the group, what every row has that was told anything."""
_CODES = [unit.code for unit in ACTION_UNITS]
_NEEDED = (
    "time_s",
    "track",
    *(f"{code}_{kind}" for code in _CODES for kind in ("smooth", "phase", "phase_prob")),
    *_ACTS,
)
_USED = (
    *_NEEDED,
    "person",
    "eye_open_left",
    "eye_open_right",
    *(f"{unit.code}_{side}" for unit in ACTION_UNITS if unit.sided for side in ("left", "right")),
)
_EVENTS_KEPT = [column.name for column in EVENT_COLUMNS]


def read_or_find_events(table: Path) -> pd.DataFrame:
    """The events of a table, by onset: those of the file beside it, else out of its columns.

    Args:
        table: the table's path.

    Returns:
        The columns of `EVENT_COLUMNS`.

    Raises:
        OutputError: the table is missing or damaged, or has neither.
    """
    beside = events_path(table)
    if beside.is_file() and table.is_file() and not table.name.endswith(SUFFIX):
        found = read_events_file(beside)
    else:
        there = [name for name in _USED if name in read_head(table).columns]
        found = find_events(read_table(table, there), where=table)
    order = ["onset_s", "track", "kind"]
    return found.sort_values(order, kind="stable", ignore_index=True)


def read_events_file(path: Path) -> pd.DataFrame:
    """A file of events, with the types of `EVENT_COLUMNS`.

    Raises:
        OutputError: damaged, or not such a file.
    """
    types = {"integer": "Int64", "number": "float64", "text": "string"}
    try:
        found = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        return found[_EVENTS_KEPT].astype({c.name: types[c.kind] for c in EVENT_COLUMNS})
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(
            f"is damaged ({error})", where=path, advice="Run the extraction again"
        ) from error


def find_events(table: pd.DataFrame, where: object = "table") -> pd.DataFrame:
    """The events that a table's columns over time tell: as the run that wrote it found them.

    Args:
        table: with the group ``temporal``, as `facekit.read_table` gives it; sides are told by
            ``au`` and ``gaze``, where they are.
        where: named in the error.

    Returns:
        The columns of `EVENT_COLUMNS`, in the order in which they ended.

    Raises:
        OutputError: it has no such columns.

    Example:
        >>> import facekit
        >>> facekit.find_events(facekit.read_table("clip.csv"))        # doctest: +SKIP
    """
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        raise OutputError(
            f"has no column {missing[0]}", where=where, advice="Extract with the group temporal"
        )
    finder = EventFinder()
    events: list[Event] = []
    for time_s, moments in _frames(table):
        events += finder.push_moments(time_s, moments)
    events += finder.end()
    return events_frame([event for event in events if event.ended])


def _frames(table: pd.DataFrame) -> Iterator[tuple[float, list[tuple[int, Moment]]]]:
    """The moments of each frame that has any."""
    told = table["track"].notna() & table["time_s"].notna() & table[_TOLD].notna()
    seen = table.loc[told.to_numpy(bool)].reset_index(drop=True)
    times = [round_time(float(time_s)) for time_s in seen["time_s"]]
    tracks = seen["track"].to_numpy(np.int64).tolist()
    frame: list[tuple[int, Moment]] = []
    for place, moment in enumerate(_moments(seen, times)):
        if frame and moment.time_s != frame[0][1].time_s:
            yield frame[0][1].time_s, frame
            frame = []
        frame.append((tracks[place], moment))
    if frame:
        yield frame[0][1].time_s, frame


def _moments(seen: pd.DataFrame, times: list[float]) -> Iterator[Moment]:
    def block(names: list[str]) -> list[list[float]]:
        found = seen.reindex(columns=names).to_numpy(np.float64, na_value=np.nan)
        rows: list[list[float]] = found.tolist()
        return rows

    smooth = block([f"{code}_smooth" for code in _CODES])
    phase_prob = block([f"{code}_phase_prob" for code in _CODES])
    number = {name: place for place, name in enumerate(PHASES)}
    phases = seen[[f"{code}_phase" for code in _CODES]].replace(number).to_numpy(np.int64).tolist()
    acts = block(list(_ACTS))
    left = block([f"{code}_left" for code in _CODES])
    right = block([f"{code}_right" for code in _CODES])
    eyes = block(["eye_open_left", "eye_open_right"])
    persons = block(["person"])
    for place, time_s in enumerate(times):
        (person,) = persons[place]
        yield Moment(
            time_s,
            None if math.isnan(person) else int(person),
            smooth[place],
            phases[place],
            phase_prob[place],
            acts[place],
            left[place],
            right[place],
            *eyes[place],
        )
