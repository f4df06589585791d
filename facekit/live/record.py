"""What streams send: table rows and events, with the times of capture and of sending."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facekit import temporal_columns
from facekit.columns import DROPPED, SENT, Column
from facekit.output import text
from facekit.output.cells import rounded
from facekit.output.rows import Cell, Row

STATUS_CODES = {"ok": 0, "low_quality": 1, "no_face": 2}
"""``status`` where a stream holds numbers alone."""

EVENT_COLUMNS = (*temporal_columns.EVENT_COLUMNS, *SENT)
"""What is sent of an event."""

EVENT_TRACK = [column.name for column in EVENT_COLUMNS].index("track")


@dataclass(frozen=True, slots=True)
class Record:
    """One row on its way out.

    Attributes:
        row: as the table gets it.
        captured_s: when its frame was taken, by ``time.monotonic``.
        dropped: frames before it that were never analysed.
    """

    row: Row
    captured_s: float
    dropped: int


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event on its way out, when it has ended or, before that, when it has begun.

    Attributes:
        row: as the events' table gets it; ``offset_s`` is missing while it is under way.
        captured_s: when the frame that told was taken, by ``time.monotonic``.
    """

    row: Row
    captured_s: float


def _unix_minus_monotonic() -> float:
    return time.time() - time.monotonic()


@dataclass(frozen=True, slots=True)
class StreamLayout:
    """What the records of a run hold.

    Attributes:
        table: columns of the rows.
        name: of the source.
        options: of the run, as `PipelineOptions.to_mapping` gives them.
        has_events: whether events are sent as well.
        unix_offset_s: from ``time.monotonic`` to Unix time; one per run, so that the differences
            of times are exact even if the system's clock is set meanwhile.
    """

    table: tuple[Column, ...]
    name: str
    options: Mapping[str, Any]
    has_events: bool = False
    unix_offset_s: float = field(default_factory=_unix_minus_monotonic)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of what is sent: the table's, ``dropped``, ``capture_s`` and ``send_s``."""
        dropped = () if self._counts_dropped else (DROPPED,)
        return (*self.table, *dropped, *SENT)

    @property
    def _counts_dropped(self) -> bool:
        # The group ``live``, which holds it, is a table's last.
        return bool(self.table) and self.table[-1].group == DROPPED.group

    @property
    def track(self) -> int:
        """Place of the track number in a row."""
        return [column.name for column in self.table].index("track")

    def cells(self, record: Record | EventRecord) -> Row:
        """What is sent of `record` if that is done now.

        Returns:
            A value for each of `columns`; of an event, for each of `EVENT_COLUMNS` below.
        """
        sent_s = time.monotonic() + self.unix_offset_s
        dropped: Row = ()
        if isinstance(record, Record) and not self._counts_dropped:
            dropped = (record.dropped,)
        return (*record.row, *dropped, record.captured_s + self.unix_offset_s, sent_s)


class Sink(Protocol):
    """Where records go. Made on one thread, then used and closed by another alone."""

    def send(self, record: Record | EventRecord) -> None:
        """Send one record; may wait for the receiver.

        Raises:
            LostError: this record could not be sent, the next one may.
            EndedError: nothing more can be sent.
        """

    def close(self) -> None:
        """Let go; may wait a second for what is still on its way."""

    def unheard(self) -> int:
        """How many records were sent while nobody listened, as far as the protocol tells."""


class LostError(Exception):
    """A record could not be sent; the message says why."""


class EndedError(Exception):
    """Nothing more can be sent; the message says why.

    Attributes:
        wanted: whether the receiver ended it, as ``| head`` does.
    """

    def __init__(self, why: str, *, wanted: bool = False) -> None:
        """Keep who wanted it."""
        super().__init__(why)
        self.wanted = wanted


class Lines:
    """Records as lines of JSON: rows with the table's digits, events as in theirs.

    Args:
        layout: of the records.
    """

    def __init__(self, layout: StreamLayout) -> None:
        """Prepare both."""
        self._layout = layout
        self._rows = text.LineEncoder(layout.columns, text.JSON_LINES)
        self._events = text.LineEncoder(EVENT_COLUMNS, text.JSON_LINES)

    def of(self, record: Record | EventRecord) -> bytes:
        """The line of `record`, sent now."""
        encoder = self._rows if isinstance(record, Record) else self._events
        return encoder.encode([self._layout.cells(record)])[0][0]


class Numbers:
    """Rows as numbers alone, equal to the table's: text is coded, missing is NaN.

    Args:
        columns: of the rows.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Sort the columns by their digits."""
        self._codes = {i: STATUS_CODES for i, c in enumerate(columns) if c.name == "status"}
        self._codes |= {
            i: {} for i, c in enumerate(columns) if c.kind == "text" and c.name != "status"
        }
        digits = {column.digits for column in columns if column.digits is not None}
        self._places = {
            number: np.array([i for i, c in enumerate(columns) if c.digits == number], np.intp)
            for number in sorted(digits)
        }

    def of(self, row: Row) -> NDArray[np.float64]:
        """(columns,) the row; text without a code is NaN."""
        cells: list[Cell] = list(row)
        for place, codes in self._codes.items():
            cells[place] = codes.get(str(cells[place]))
        values = np.array(cells, np.float64)  # None becomes NaN
        for digits, places in self._places.items():
            values[places] = rounded(values[places], digits)
        return values
