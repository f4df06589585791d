"""A second pass over a table that is all there but for columns that only the whole clip can tell.

The table is read back from ``NAME.partial`` in pieces and written anew beside it, as
``NAME.second``, until that is complete and takes the table's name. Until then nothing is
taken away: stopped at any point, the first pass is in ``NAME.partial``.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from facekit.columns import Column
from facekit.output.cells import arrow_schema
from facekit.output.partial import partial_path, replace
from facekit.output.rows import Row
from facekit.output.table import Format, format_of, open_table

_BLOCK_BYTES = 1 << 22
_ROWS = 1000


class FirstPass(Protocol):
    """What a second pass is made of: a table that is not finished, or one that is."""

    path: Path

    def flush(self) -> None:
        """Write every row so far."""

    def discard(self) -> None:
        """It is not needed any more."""


class _Finished:
    """A finished table, which stays until another takes its name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def flush(self) -> None:
        pass

    def discard(self) -> None:
        pass


class SecondPass:
    """A finished-to-be table, made of the first pass; a context manager like `TableSink`.

    Args:
        first: the table of the first pass, every row appended, not finished.
        before: its columns.
        after: the columns of the finished table.
        format: of both.
    """

    def __init__(
        self,
        first: FirstPass,
        before: Sequence[Column],
        after: Sequence[Column],
        format: Format,
    ) -> None:
        """Begin the new file."""
        self.path = first.path
        self._first, self._before, self._format = first, before, format
        # No table of another input can have this name.
        second = first.path.with_name(f"{first.path.name}.second")
        self._second = open_table(second, after, format)

    @classmethod
    def of_finished(cls, path: Path, columns: Sequence[Column]) -> "SecondPass":
        """A pass over a table that was finished already, which then replaces it.

        Args:
            path: of the table.
            columns: of its rows, before and after.
        """
        return cls(_Finished(path), columns, columns, format_of(path))

    @property
    def rows_written(self) -> int:
        """Rows of the new table so far."""
        return self._second.rows_written

    def run(self, change: Callable[[Row], Row]) -> None:
        """Write every row of the first pass, changed.

        Raises:
            OutputError: they cannot be written.
        """
        self._first.flush()
        if isinstance(self._first, _Finished):
            first = read_finished(self.path, self._before)
        else:
            first = read_rows(partial_path(self.path), self._before, self._format)
        for rows in first:
            self._second.append([change(row) for row in rows])

    def flush(self) -> None:
        """Write every row so far.

        Raises:
            OutputError: they cannot be written.
        """
        self._second.flush()

    def finish(self) -> None:
        """Complete the new file, give it the table's name and remove the first pass.

        Raises:
            OutputError: the disk refuses; the first pass stays.
        """
        self._second.finish()
        replace(self._second.path, self.path)
        self._first.discard()

    def __enter__(self) -> Self:
        """The pass itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; a pass that was not finished leaves nothing: the first one has every row."""
        with ExitStack() as stack:
            stack.callback(self._remove_leftovers)
            self._second.__exit__(kind, error, trace)

    def _remove_leftovers(self) -> None:
        for path in (partial_path(self._second.path), self._second.path):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def read_rows(partial: Path, columns: Sequence[Column], format: Format) -> Iterator[list[Row]]:
    """The rows of a partial table, in pieces of bounded size.

    Args:
        partial: the file; whole rows only.
        columns: of its rows.
        format: of the finished table.
    """
    if format == "jsonl":
        yield from _json_rows(partial, columns)
        return
    for batch in _csv_batches(partial, columns) if format == "csv" else _stream(partial):
        yield from _rows_of(batch)


def read_finished(path: Path, columns: Sequence[Column]) -> Iterator[list[Row]]:
    """The rows of a finished table, in pieces of bounded size.

    Args:
        path: of the table.
        columns: of its rows.
    """
    format = format_of(path)
    if format != "parquet":
        yield from read_rows(path, columns, format)
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS):
            yield from _rows_of(batch)


def _rows_of(batch: Any) -> Iterator[list[Row]]:
    for start in range(0, batch.num_rows, _ROWS):
        cells = [column.to_pylist() for column in batch.slice(start, _ROWS).columns]
        yield list(zip(*cells, strict=True))


def _json_rows(partial: Path, columns: Sequence[Column]) -> Iterator[list[Row]]:
    names = [column.name for column in columns]
    rows: list[Row] = []
    with open(partial, encoding="utf-8") as lines:
        for line in lines:
            values = json.loads(line)
            rows.append(tuple(values[name] for name in names))
            if len(rows) == _ROWS:
                yield rows
                rows = []
    if rows:
        yield rows


def _csv_batches(partial: Path, columns: Sequence[Column]) -> Iterator[Any]:
    with pa.csv.open_csv(
        partial,
        read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=arrow_schema(columns),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ) as reader:
        yield from reader


def _stream(partial: Path) -> Iterator[Any]:
    with pa.OSFile(str(partial)) as file:
        yield from pa.ipc.open_stream(file)
