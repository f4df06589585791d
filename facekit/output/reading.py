"""Tables back into pandas: finished or still growing, with the types that the sidecar states."""

import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from facekit.columns import GROUPS, columns
from facekit.errors import OutputError
from facekit.output import sidecar
from facekit.output.arrow import stream_batches
from facekit.output.cells import ARROW_TYPES, frame_of
from facekit.output.partial import SUFFIX, partial_path
from facekit.output.table import Format, format_of

Types: TypeAlias = dict[str, Any]

_BLOCK_BYTES = 1 << 24
"""A line must fit into one block of Arrow's readers."""
_HEAD_BYTES = 1 << 20
"""As much of a file tells the types of columns that nothing else does."""

_log = logging.getLogger(__name__)


def read_table(path: str | PathLike[str], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A table that facekit wrote, in any format, finished or partial.

    Args:
        path: the table, or its ``.partial``; a table's name finds its partial file when only
            that exists. A last line that was cut short is left out.
        columns: only these, in this order; None for all. Of a finished CSV or Parquet table no
            other is held in memory.

    Returns:
        Integers as Int64, numbers as float64, text as string; ``attrs["facekit"]`` is the
        sidecar as a mapping. Without a sidecar types are inferred, with a logged warning.

    Raises:
        OutputError: missing, unknown format, or damaged; or it lacks one of `columns`.
    """
    return _whole_or_moved(Path(path), lambda file: _read(file, columns))


def read_head(path: str | PathLike[str]) -> pd.DataFrame:
    """What `read_table` gives, without its rows: the names and types of the columns.

    Args:
        path: as in `read_table`.

    Raises:
        OutputError: missing, unknown format, or damaged at its beginning.
    """
    return _whole_or_moved(Path(path), _read_head)


def _whole_or_moved(path: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    file = _existing(path)
    try:
        return read(file)
    except OutputError:
        if file.exists():
            raise
    # A partial file that took its name in between.
    return read(_existing(sidecar.final_path(file)))


def _read(file: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    described = _described(file, tell=columns is None)
    types = _types_of(described)
    reader = _READERS[format_of(sidecar.final_path(file))]
    with _said_as_damaged(file):
        table = reader(file, types, columns)
    if columns is None and types and table.column_names != list(types):
        _log.warning("%s: the sidecar describes other columns", file)
    return _framed(table, described)


def _read_head(file: Path) -> pd.DataFrame:
    described = _described(file, tell=False)
    types, format = _types_of(described), format_of(sidecar.final_path(file))
    with _said_as_damaged(file):
        if format == "parquet" and not file.name.endswith(SUFFIX):
            table = pq.read_schema(file).empty_table()
        elif format == "csv":
            whole = _whole_lines(file) if file.name.endswith(SUFFIX) else file
            options = _csv_options(types) | {
                "read_options": pa.csv.ReadOptions(block_size=_HEAD_BYTES)
            }
            with pa.csv.open_csv(whole, **options) as beginning:
                table = beginning.schema.empty_table()
        else:
            table = _READERS[format](file, types, None).slice(0, 0)
    return _framed(table, described)


def _framed(table: Any, described: dict[str, Any]) -> pd.DataFrame:
    frame = frame_of(table)
    frame.attrs["facekit"] = described
    return frame


def _types_of(described: dict[str, Any]) -> Types:
    return {entry["name"]: ARROW_TYPES[entry["kind"]] for entry in described.get("columns", ())}


@contextmanager
def _said_as_damaged(file: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        cause = error.args[0] if isinstance(error, KeyError) else error
        raise OutputError(
            f"is damaged ({cause})", where=file, advice="Run the extraction again"
        ) from error


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.name.endswith(SUFFIX) and partial_path(path).is_file():
        return partial_path(path)
    raise OutputError("there is no such table", where=path, advice="Check the path")


def _described(file: Path, tell: bool) -> dict[str, Any]:
    path = sidecar.find(file)
    if path is None and not tell:
        return {}
    if path is None:
        _log.warning("%s: there is no sidecar; column types are inferred", file)
        return {}
    return sidecar.read_mapping(path)


def _types_by_name(groups: Iterable[str] = GROUPS, *, images: bool = True) -> Types:
    """What a column is by its name alone, for tables that lost their sidecar."""
    return {column.name: ARROW_TYPES[column.kind] for column in columns(groups, images=images)}


def _read_csv(file: Path, types: Types, chosen: Sequence[str] | None) -> Any:
    return pa.csv.read_csv(
        _whole_lines(file) if file.name.endswith(SUFFIX) else file, **_csv_options(types, chosen)
    )


def _csv_options(types: Types, chosen: Sequence[str] | None = None) -> dict[str, Any]:
    return {
        "read_options": pa.csv.ReadOptions(block_size=_BLOCK_BYTES),
        "parse_options": pa.csv.ParseOptions(newlines_in_values=True),
        "convert_options": pa.csv.ConvertOptions(
            column_types=types or _types_by_name(),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            include_columns=chosen,
        ),
    }


def _whole_lines(file: Path) -> io.BytesIO:
    """The file up to its last whole line; a line feed between quotes does not end one."""
    data = file.read_bytes()
    end = data.rfind(b"\n") + 1
    while end and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return io.BytesIO(data[:end])


def _read_json_lines(file: Path, types: Types, chosen: Sequence[str] | None) -> Any:
    # JSON keeps line feeds and quotes in text apart from its own, so lines are lines.
    data = file.read_bytes()
    data = data[: data.rfind(b"\n") + 1]
    if not data:
        types = types or _types_by_name((), images=False)
        empty = pa.table({name: pa.array([], type=kind) for name, kind in types.items()})
        return empty if chosen is None else empty.select(list(chosen))
    types = types or _types_by_name()
    names = list(json.loads(data[: data.index(b"\n")]))
    known = pa.schema([(name, types[name]) for name in names if name in types])
    table = pa.json.read_json(
        io.BytesIO(data),
        read_options=pa.json.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=pa.json.ParseOptions(explicit_schema=known),
    )
    return table.select(names if chosen is None else list(chosen))


def _read_parquet(file: Path, types: Types, chosen: Sequence[str] | None) -> Any:
    """Parquet, or the Arrow stream that it is while it grows; both know their types."""
    if not file.name.endswith(SUFFIX):
        # Not read_table, which would take folders named a=b for columns.
        with pq.ParquetFile(file) as parquet:
            return _selected(parquet.schema_arrow.names, chosen, parquet.read)
    with pa.OSFile(str(file)) as stream:
        reader = pa.ipc.open_stream(stream)
        table = pa.Table.from_batches(stream_batches(reader), schema=reader.schema)
        return table if chosen is None else table.select(list(chosen))


def _selected(
    names: Sequence[str], chosen: Sequence[str] | None, read: Callable[[list[str]], Any]
) -> Any:
    # Parquet's reader keeps the file's order, and leaves out in silence what is not there.
    wanted = list(names if chosen is None else chosen)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise KeyError(f"no column {', '.join(missing)}")
    return read(wanted).select(wanted)


_READERS: dict[Format, Callable[[Path, Types, Sequence[str] | None], Any]] = {
    "csv": _read_csv,
    "jsonl": _read_json_lines,
    "parquet": _read_parquet,
}
