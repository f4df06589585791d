"""The Arrow stream that a Parquet table is while it grows, and its conversion."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from facekit.columns import Column
from facekit.output.cells import arrow_schema, record_batch
from facekit.output.partial import PartialFile, output_error, replace
from facekit.output.rows import Row

_CELLS_PER_ROW_GROUP = 2_000_000
"""About 16 MB at a time: memory stays constant."""


class StreamEncoder:
    """Rows of given columns as messages of an Arrow IPC stream."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Prepare the message that begins the stream."""
        self._columns = tuple(columns)
        self.head = bytes(arrow_schema(columns).serialize())

    def encode(self, rows: Sequence[Row]) -> tuple[list[bytes], list[int]]:
        """One message for all of `rows`, and how many rows it holds."""
        return [bytes(record_batch(rows, self._columns).serialize())], [len(rows)]


class ParquetFile(PartialFile):
    """A Parquet file, which nothing can read before its end is written.

    The partial file is therefore an Arrow IPC stream: what was written survives a kill, and
    `publish` converts it in bounded pieces.
    """

    def publish(self) -> None:
        """Convert the stream, give the result its name and remove the stream.

        Raises:
            OutputError: the disk refuses; the stream stays.
        """
        self.sync()
        convert(self.partial, self.path)
        self.partial.unlink(missing_ok=True)


def stream_batches(reader: Any) -> Iterator[Any]:
    """The whole batches of a stream; one cut short by a kill is the end."""
    # A torn message shows as ArrowInvalid or OSError, by where it is torn.
    with suppress(StopIteration, pa.ArrowInvalid, OSError):
        while True:
            yield reader.read_next_batch()


def convert(partial: Path, path: Path) -> None:
    """Write the Arrow stream in `partial` as Parquet to `path`; `partial` stays.

    Raises:
        OutputError: the Parquet file cannot be written.
    """
    unfinished = path.with_name(path.name + ".finishing")
    try:
        try:
            _write_parquet(partial, unfinished)
        except OSError as error:
            raise output_error(path, error, partial) from error
        replace(unfinished, path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _write_parquet(partial: Path, unfinished: Path) -> None:
    with pa.OSFile(str(partial)) as stream, open(unfinished, "wb") as file:
        reader = pa.ipc.open_stream(stream)
        with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
            for group in _row_groups(reader):
                writer.write_table(group)
        file.flush()
        os.fsync(file.fileno())


def _row_groups(reader: Any) -> Iterator[Any]:
    rows_per_group = max(1, _CELLS_PER_ROW_GROUP // len(reader.schema))
    group: list[Any] = []
    rows = 0
    for batch in reader:
        group.append(batch)
        rows += batch.num_rows
        if rows >= rows_per_group:
            yield pa.Table.from_batches(group)
            group, rows = [], 0
    if group:
        yield pa.Table.from_batches(group)
