"""Tables back into pandas: finished or still growing, with the types that the sidecar states."""

import io
import json
import logging
from collections.abc import Callable, Iterable
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

_log = logging.getLogger(__name__)


def read_table(path: str | PathLike[str]) -> pd.DataFrame:
    """A table that facekit wrote, in any format, finished or partial.

    Args:
        path: the table, or its ``.partial``; a table's name finds its partial file when only
            that exists. A last line that was cut short is left out.

    Returns:
        Integers as Int64, numbers as float64, text as string; ``attrs["facekit"]`` is the
        sidecar as a mapping. Without a sidecar types are inferred, with a logged warning.

    Raises:
        OutputError: missing, unknown format, or damaged.
    """
    file = _existing(Path(path))
    try:
        return _read(file)
    except OutputError:
        if file.exists():
            raise
    # A partial file that took its name in between.
    return _read(_existing(sidecar.final_path(file)))


def _read(file: Path) -> pd.DataFrame:
    described = _described(file)
    entries = described.get("columns", ())
    types = {entry["name"]: ARROW_TYPES[entry["kind"]] for entry in entries}
    reader = _READERS[format_of(sidecar.final_path(file))]
    try:
        table = reader(file, types)
    except OutputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise OutputError(
            f"is damaged ({error})", where=file, advice="Run the extraction again"
        ) from error
    if types and table.column_names != list(types):
        _log.warning("%s: the sidecar describes other columns", file)
    frame = frame_of(table)
    frame.attrs["facekit"] = described
    return frame


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.name.endswith(SUFFIX) and partial_path(path).is_file():
        return partial_path(path)
    raise OutputError("there is no such table", where=path, advice="Check the path")


def _described(file: Path) -> dict[str, Any]:
    path = sidecar.find(file)
    if path is None:
        _log.warning("%s: there is no sidecar; column types are inferred", file)
        return {}
    return sidecar.read_mapping(path)


def _types_by_name(groups: Iterable[str] = GROUPS, *, images: bool = True) -> Types:
    """What a column is by its name alone, for tables that lost their sidecar."""
    return {column.name: ARROW_TYPES[column.kind] for column in columns(groups, images=images)}


def _read_csv(file: Path, types: Types) -> Any:
    return pa.csv.read_csv(
        _whole_lines(file) if file.name.endswith(SUFFIX) else file,
        read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=types or _types_by_name(),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _whole_lines(file: Path) -> io.BytesIO:
    """The file up to its last whole line; a line feed between quotes does not end one."""
    data = file.read_bytes()
    end = data.rfind(b"\n") + 1
    while end and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return io.BytesIO(data[:end])


def _read_json_lines(file: Path, types: Types) -> Any:
    # JSON keeps line feeds and quotes in text apart from its own, so lines are lines.
    data = file.read_bytes()
    data = data[: data.rfind(b"\n") + 1]
    if not data:
        types = types or _types_by_name((), images=False)
        return pa.table({name: pa.array([], type=kind) for name, kind in types.items()})
    types = types or _types_by_name()
    names = list(json.loads(data[: data.index(b"\n")]))
    known = pa.schema([(name, types[name]) for name in names if name in types])
    table = pa.json.read_json(
        io.BytesIO(data),
        read_options=pa.json.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=pa.json.ParseOptions(explicit_schema=known),
    )
    return table.select(names)


def _read_parquet(file: Path, types: Types) -> Any:
    """Parquet, or the Arrow stream that it is while it grows; both know their types."""
    if not file.name.endswith(SUFFIX):
        # Not read_table, which would take folders named a=b for columns.
        with pq.ParquetFile(file) as parquet:
            return parquet.read()
    with pa.OSFile(str(file)) as stream:
        reader = pa.ipc.open_stream(stream)
        return pa.Table.from_batches(stream_batches(reader), schema=reader.schema)


_READERS: dict[Format, Callable[[Path, Types], Any]] = {
    "csv": _read_csv,
    "jsonl": _read_json_lines,
    "parquet": _read_parquet,
}
