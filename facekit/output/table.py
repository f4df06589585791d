"""Tables while they grow: CSV, Parquet and JSON lines, each a context manager.

    with open_table("clip.csv", columns) as table:
        for frame, faces in pipeline:
            table.append(rows(frame, faces, columns))
        table.finish()

Rows go to ``NAME.partial``; `finish` gives the file its name. Without it (an exception, Ctrl-C)
the partial file stays, with every row that was appended.
"""

import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias, get_args

from facekit.columns import Column
from facekit.errors import OutputError
from facekit.output import arrow, text
from facekit.output.partial import PartialFile, whole_pieces
from facekit.output.rows import Row

Format: TypeAlias = Literal["csv", "parquet", "jsonl"]
SUFFIXES: dict[str, Format] = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}
"""File name suffix to format."""

FLUSH_S = 1.0
_CELLS_PENDING = 200_000
"""Rows are written at this many cells even within a second: memory stays constant."""


_log = logging.getLogger(__name__)


class PipeClosedError(OutputError, BrokenPipeError):
    """Nobody reads standard output any more, as after ``| head``: an end, not a failure."""


class Target(Protocol):
    """Where the bytes of a table go."""

    path: Path

    def write(self, offset: int, pieces: Sequence[bytes]) -> int:
        """Write `pieces` at `offset`; returns the offset after them."""

    def publish(self) -> None:
        """The table is complete."""

    def close(self) -> None:
        """Let go, complete or not."""


class Encoder(Protocol):
    """How rows become bytes."""

    head: bytes

    def encode(self, rows: Sequence[Row]) -> tuple[list[bytes], list[int]]:
        """`rows` as pieces that are whole or not at all, and the number of rows in each."""


class Unfinished(Protocol):
    """A table that is not finished: a `TableSink` and the like."""

    path: Path

    @property
    def rows_written(self) -> int:
        """Rows appended."""

    def flush(self) -> None:
        """Write every row appended so far."""

    def finish(self) -> None:
        """Complete the table and give it its name."""


class StandardOutput:
    """Standard output as a target."""

    path = Path("-")

    def __init__(self) -> None:
        """Take standard output as it is now.

        Raises:
            OutputError: there is none, as without a console or in a notebook.
        """
        stream = getattr(sys.stdout, "buffer", None)
        if stream is None:
            raise OutputError("there is no standard output", where="-", advice="Name a file")
        sys.stdout.flush()
        # Unbuffered: what a buffer still holds when the reader has gone would be reported by
        # Python at exit, after the end was already taken quietly.
        self._stream = getattr(stream, "raw", stream)

    def write(self, offset: int, pieces: Sequence[bytes]) -> int:
        """Write `pieces`; `offset` is only counted.

        Raises:
            PipeClosedError: nobody reads any more.
            OutputError: it cannot be written.
        """
        data = memoryview(b"".join(pieces))
        done = 0
        try:
            while done < len(data):
                done += self._stream.write(data[done:]) or 0
        except BrokenPipeError as error:
            raise PipeClosedError("the reader has gone", where="standard output") from error
        except OSError as error:
            raise OutputError(
                f"cannot be written ({error.strerror})", where="standard output"
            ) from error
        return offset + done

    def publish(self) -> None:
        """Nothing to do: every row is out."""

    def close(self) -> None:
        """Nothing to do: standard output is not ours to close."""


class TableSink:
    """A table that grows; see the module. Made by `open_table`."""

    def __init__(self, target: Target, encoder: Encoder, columns: Sequence[Column]) -> None:
        """Write the head of the table to `target`."""
        self.path = target.path
        self._target = target
        self._encoder = encoder
        self._width = len(columns)
        self._pending: list[Row] = []
        self._written = 0
        self._failure: OutputError | None = None
        self._finished = False
        self._flushed_at = time.monotonic()
        self._streaming = isinstance(target, StandardOutput)
        try:
            self._offset = target.write(0, [encoder.head])
        except OutputError:
            target.close()
            raise

    @property
    def rows_written(self) -> int:
        """Rows appended; after a failure those that the partial file holds."""
        return self._written + len(self._pending)

    def append(self, rows: Sequence[Row]) -> None:
        """Take `rows` over; at least every second all go to the file.

        Raises:
            OutputError: they cannot be written (`PipeClosedError`: standard output was closed).
            ValueError: a row has another number of values than there are columns.
        """
        self._check()
        for row in rows:
            if len(row) != self._width:
                raise ValueError(f"{len(row)} values for {self._width} columns")
        self._pending.extend(rows)
        cells = len(self._pending) * self._width
        due = time.monotonic() - self._flushed_at >= FLUSH_S
        if due or cells >= _CELLS_PENDING or self._streaming:
            self.flush()

    def flush(self) -> None:
        """Write every row appended so far.

        Raises:
            OutputError: as `append`.
        """
        self._check()
        self._flushed_at = time.monotonic()
        if not self._pending:
            return
        pieces, counts = self._encoder.encode(self._pending)
        try:
            offset = self._target.write(self._offset, pieces)
        except OutputError as error:
            self._fail(error, pieces, counts)
            raise
        # Plain assignments, which Ctrl-C does not come between: the rows are either still
        # pending, and written again at the same offset, or they are done.
        written = self._written + len(self._pending)
        self._offset, self._written, self._pending = offset, written, []

    def finish(self) -> None:
        """Complete the table: everything on the disk, then its final name.

        Raises:
            OutputError: as `append`; the partial file stays.
        """
        self.flush()
        self._target.publish()
        self._finished = True

    def discard(self) -> None:
        """Give the table up: nothing of it stays on the disk."""
        self._finished, self._pending = True, []
        self._target.close()
        if isinstance(self._target, PartialFile):
            self._target.partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """The sink itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; a table that was not finished stays as ``NAME.partial``, whole rows only."""
        try:
            if not self._finished and self._failure is None:
                self.flush()
        except OutputError as failure:
            # What stopped the run is what its caller must hear of.
            if error is None:
                raise
            _log.warning("%s", failure)
        finally:
            self._target.close()

    def _check(self) -> None:
        # Rows after a gap would be a table with silently missing rows.
        if self._failure is not None:
            raise self._failure
        if self._finished:
            raise ValueError(f"{self.path}: the table is finished")

    def _fail(self, error: OutputError, pieces: Sequence[bytes], counts: Sequence[int]) -> None:
        self._failure = error
        if isinstance(self._target, PartialFile):
            whole, _ = whole_pieces(pieces, self._target.size() - self._offset)
            self._written += sum(counts[:whole])
        self._pending = []


def open_table(
    path: str | os.PathLike[str], columns: Sequence[Column], format: Format | None = None
) -> TableSink:
    """Begin a table.

    Args:
        path: file, or ``-`` for standard output.
        columns: as `facekit.columns.columns` gives them.
        format: None goes by the suffix of `path`; JSON lines on standard output.

    Returns:
        A context manager to append rows to.

    Raises:
        OutputError: unknown suffix, or the file cannot be written.
    """
    if format is not None and format not in get_args(Format):
        raise OutputError(f"no format named {format!r}", advice="Formats are csv, parquet, jsonl")
    if os.fspath(path) == "-":
        if format == "parquet":
            raise OutputError(
                "Parquet needs a file", where="-", advice="Name one, or use --format jsonl"
            )
        return TableSink(StandardOutput(), _text_encoder(format or "jsonl", columns), columns)
    file = Path(path)
    chosen = format or format_of(file)
    if chosen == "parquet":
        return TableSink(arrow.ParquetFile(file), arrow.StreamEncoder(columns), columns)
    return TableSink(PartialFile(file), _text_encoder(chosen, columns), columns)


def _text_encoder(format: Format, columns: Sequence[Column]) -> text.LineEncoder:
    return text.LineEncoder(columns, text.CSV if format == "csv" else text.JSON_LINES)


def format_of(path: Path) -> Format:
    """The format that the suffix of `path` names.

    Raises:
        OutputError: it names none.
    """
    chosen = SUFFIXES.get(path.suffix.lower())
    if chosen is None:
        raise OutputError(
            f"no table format has the suffix {path.suffix!r}",
            where=path,
            advice=f"Use {', '.join(SUFFIXES)}",
        )
    return chosen
