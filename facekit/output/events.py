"""The events beside a table, ``clip.events.csv`` beside ``clip.csv``: a row for each, by its end.

They are written like tables: to ``NAME.partial`` while the run goes on, renamed when complete.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from facekit.errors import OutputError
from facekit.output.cells import to_frame
from facekit.output.partial import output_error, partial_path
from facekit.output.rows import Row
from facekit.output.second_pass import SecondPass
from facekit.output.sidecar import final_path, schema_path
from facekit.output.table import Format, open_table
from facekit.temporal.events import Event
from facekit.temporal_columns import EVENT_COLUMNS

_NAMES = [column.name for column in EVENT_COLUMNS]
_TRACK, _PERSON = _NAMES.index("track"), _NAMES.index("person")


def events_path(table: Path) -> Path:
    """Where the events of a table lie: ``clip.events.csv``; Parquet beside a Parquet table.

    Args:
        table: its path, or that of its partial file.
    """
    final = final_path(table)
    suffix = ".parquet" if final.suffix.lower() == ".parquet" else ".csv"
    return final.with_name(f"{final.stem}.events{suffix}")


def row_of(event: Event) -> Row:
    """An event as a row of `EVENT_COLUMNS`."""
    numbers = (
        event.onset_s,
        event.apex_s,
        event.offset_s,
        event.peak,
        event.mean,
        event.asymmetry,
        event.confidence,
    )
    finite = (value if math.isfinite(value) else None for value in numbers)
    return (event.track, event.person, event.kind, event.side or None, *finite)


def events_frame(events: Sequence[Event]) -> pd.DataFrame:
    """Events as a DataFrame with the columns, types and digits of their file."""
    return to_frame([row_of(event) for event in events], EVENT_COLUMNS)


class EventSink:
    """The events of a table while it grows; a context manager like `TableSink`.

    Args:
        table: the table's path.
    """

    def __init__(self, table: Path) -> None:
        """Begin the file.

        Raises:
            OutputError: it cannot be written, or a table of another input has its name.
        """
        self.path = events_path(table)
        if schema_path(self.path).exists():
            raise OutputError(
                "is a table; the events would take its place",
                where=self.path,
                advice="Name another table with -o, or leave temporal out of --columns",
            )
        self._format: Format = "parquet" if self.path.suffix == ".parquet" else "csv"
        self._sink = open_table(self.path, EVENT_COLUMNS)

    def append(self, events: Sequence[Event]) -> None:
        """Take over those of `events` that have ended.

        Raises:
            OutputError: they cannot be written.
        """
        self._sink.append([row_of(event) for event in events if event.ended])

    def finish(self, person_of: Callable[[int], int | None] | None = None) -> None:
        """Complete the file and give it its name.

        Args:
            person_of: the number of a track's person, now that it is decided; None where
                nothing is to be decided.

        Raises:
            OutputError: it cannot be written; the partial file stays.
        """
        if person_of is None:
            self._sink.finish()
            return
        decided = person_of

        def settle(row: Row) -> Row:
            track = row[_TRACK]
            assert isinstance(track, int)
            return (*row[:_PERSON], decided(track), *row[_PERSON + 1 :])

        with SecondPass(self._sink, EVENT_COLUMNS, EVENT_COLUMNS, self._format) as second:
            second.run(settle)
            second.finish()

    def __enter__(self) -> Self:
        """The sink itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; events that were not finished stay as ``NAME.partial``."""
        self._sink.__exit__(kind, error, trace)


def renumber_events(table: Path, person_of: Callable[[int], int | None]) -> None:
    """Give the finished events of a table, if it has any, the persons that were decided later.

    Args:
        table: its path.
        person_of: the number of a track's person.

    Raises:
        OutputError: they cannot be written; the file stays as it was.
    """
    path = events_path(table)
    if not path.exists() or schema_path(path).exists():
        return

    def settle(row: Row) -> Row:
        track = row[_TRACK]
        assert isinstance(track, int)
        return (*row[:_PERSON], person_of(track), *row[_PERSON + 1 :])

    with SecondPass.of_finished(path, EVENT_COLUMNS) as second:
        second.run(settle)
        second.finish()


def remove_events(table: Path) -> None:
    """Take away the events of an earlier table of this name, which a new one has none of.

    Raises:
        OutputError: they cannot be removed.
    """
    path = events_path(table)
    if schema_path(path).exists():
        return  # a table of its own
    try:
        path.unlink(missing_ok=True)
        partial_path(path).unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
