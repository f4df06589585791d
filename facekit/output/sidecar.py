"""The sidecar of a table, ``clip.schema.json``: what each column is and how it was made.

While the table grows it is ``clip.schema.json.partial``, so that a partial table reads with the
right types. `finish` completes both. A crash at any point leaves no finished table beside a
sidecar that is not its own:

1. the complete sidecar replaces its partial file;
2. the sidecar of an earlier run is removed;
3. the table takes its name (over the earlier run's table);
4. the sidecar takes its name.

Between 2 and 3 an earlier table has no sidecar; between 3 and 4 the new table's is still called
partial, which `find` recognises by the table no longer being partial.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from facekit.columns import Column
from facekit.errors import OutputError
from facekit.output.partial import SUFFIX, output_error, partial_path, replace, write_whole
from facekit.output.table import Unfinished

State: TypeAlias = Literal["running", "complete", "stopped"]


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """A network: its name in the manifest and the sha256 of its weights."""

    name: str
    sha256: str


Networks: TypeAlias = Mapping[str, tuple[NetworkRecord, ...]]
"""The networks that each stage runs."""


@dataclass(frozen=True, slots=True)
class ColumnRecord:
    """A column of the table; see `facekit.columns.Column`.

    Attributes:
        name: header.
        group: the group that brought it.
        kind: integer, number or text.
        unit: physical unit; empty without one.
        range: smallest and largest value; None where unbounded.
        digits: decimals; None for integers and text.
        meaning: one sentence.
        stage: the stage that produced it.
        networks: the networks of that stage; none for stages without.
    """

    name: str
    group: str
    kind: str
    unit: str
    range: tuple[float | None, float | None]
    digits: int | None
    meaning: str
    stage: str
    networks: tuple[NetworkRecord, ...]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What the table was made from.

    Attributes:
        name: file name without folder.
        bytes: size; None for a camera.
        sha256: of the whole file; None when it was not computed.
        kind: video, images, camera, or openface (a table that OpenFace wrote).
        width: pixels; None when pictures differ.
        height: pixels; None when pictures differ.
        frame_count_header: frames that the container claims; None when it claims nothing.
        frames: frames analysed.
        frames_with_face: those in which a face was found.
        start_time_s: container time of the first frame; add it to ``time_s`` to find a row's
            place in the file.
        duration_s: time from the first frame to the last; None without timestamps.
        damaged: whether pictures were lost or damaged.
    """

    name: str
    bytes: int | None
    sha256: str | None
    kind: str
    width: int | None = None
    height: int | None = None
    frame_count_header: int | None = None
    frames: int | None = None
    frames_with_face: int | None = None
    start_time_s: float | None = None
    duration_s: float | None = None
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """Where the networks ran, and why there."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Everything about a table that is not in it.

    Attributes:
        facekit: version.
        created: UTC, ISO 8601.
        table: file name of the table.
        format: csv, parquet or jsonl; openface: CSV in OpenFace's columns.
        state: running, complete or stopped.
        rows: rows in the table; while running those known last.
        columns: in table order.
        options: as `PipelineOptions.to_mapping` gives them.
        networks: by stage.
        source: what the table was made from.
        device: where the networks ran.
        warnings: what the reader of the table should know, such as a damaged stream.
        notes: anything else, in sentences.
        mean_score: mean of ``score`` over the rows with a face; None without any.
        seconds_taken: how long the analysis took; None while it runs.
        baseline: the intensities at rest that were taken off for ``AUxx_rel``, by track or, out
            of a file, for all; None where none were.
        identity: how people were told apart, and which tracks are whose; None where they were
            not.
    """

    facekit: str
    created: str
    table: str
    format: str
    state: State
    rows: int
    columns: tuple[ColumnRecord, ...]
    options: Mapping[str, Any]
    networks: Networks
    source: SourceRecord
    device: DeviceRecord
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mean_score: float | None = None
    seconds_taken: float | None = None
    baseline: Mapping[str, Any] | None = None
    identity: Mapping[str, Any] | None = None


def now() -> str:
    """The present in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe(columns: Sequence[Column], networks: Networks) -> tuple[ColumnRecord, ...]:
    """The records of `columns`, each with the networks of its stage out of `networks`."""
    return tuple(
        ColumnRecord(
            name=column.name,
            group=column.group,
            kind=column.kind,
            unit=column.unit,
            range=(column.low, column.high),
            digits=column.digits,
            meaning=column.meaning,
            stage=column.stage,
            networks=networks.get(column.stage, ()),
        )
        for column in columns
    )


def schema_path(table_path: Path) -> Path:
    """The sidecar of a table: ``clip.schema.json`` for ``clip.csv`` (and for its partial)."""
    table = final_path(table_path)
    return table.with_name(f"{table.stem}.schema.json")


def final_path(path: Path) -> Path:
    """`path` without ``.partial``."""
    return path.with_name(path.name.removesuffix(SUFFIX))


def write(record: Sidecar, table_path: Path) -> Path:
    """Write the sidecar of a table that is not complete, atomically.

    Args:
        record: its state is up to the caller.
        table_path: the table's final path.

    Returns:
        The file written, ``NAME.schema.json.partial``.

    Raises:
        OutputError: it cannot be written; an earlier one stays.
    """
    path = partial_path(schema_path(table_path))
    write_whole(path, to_json(record).encode("utf-8", "backslashreplace"))
    return path


def finish(table: Unfinished, record: Sidecar) -> None:
    """Complete a table and its sidecar, in the order that the module explains.

    Args:
        table: not yet finished.
        record: complete but for its state and rows, which are set here.

    Raises:
        OutputError: one of them cannot be written.
    """
    table.flush()
    complete = dataclasses.replace(record, state="complete", rows=table.rows_written)
    partial = write(complete, table.path)
    path = schema_path(table.path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    table.finish()
    replace(partial, path)


def find(table_path: Path) -> Path | None:
    """The sidecar file that belongs to a table as it lies on the disk.

    Args:
        table_path: a finished table, or a partial one by its ``.partial`` name.
    """
    path = schema_path(table_path)
    partial = partial_path(path)
    if table_path.name.endswith(SUFFIX):
        candidate = partial
    elif not path.is_file() and not partial_path(table_path).exists():
        # Finished, but stopped before the sidecar took its name too.
        candidate = partial
    else:
        candidate = path
    return candidate if candidate.is_file() and _is_of(candidate, table_path) else None


def _is_of(path: Path, table_path: Path) -> bool:
    """Whether a sidecar is this table's, and not of ``clip.parquet`` beside ``clip.csv``."""
    try:
        named = read_mapping(path).get("table")
    except OutputError:
        # Damaged: for its reader to say.
        return True
    if not isinstance(named, str) or named == final_path(table_path).name:
        return True
    other = table_path.with_name(named)
    # A table that was renamed together with its sidecar keeps it.
    return not (other.exists() or partial_path(other).exists())


def to_json(record: Sidecar) -> str:
    """The record as JSON, one column a line."""
    return mapping_to_json(dataclasses.asdict(record))


def mapping_to_json(values: Mapping[str, Any]) -> str:
    """Names and values as JSON, one entry of ``columns`` a line."""
    lines = []
    for name, value in values.items():
        if name == "columns":
            entries = ",\n".join(f"    {json.dumps(c, ensure_ascii=False)}" for c in value)
            text = f"[\n{entries}\n  ]"
        else:
            text = json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        lines.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_mapping(path: Path) -> dict[str, Any]:
    """The sidecar file `path` as names and values.

    Raises:
        OutputError: missing, or not a JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OutputError(
            "there is no such file", where=path, advice="Run the extraction again"
        ) from error
    except OSError as error:
        raise OutputError(f"cannot be read ({error.strerror})", where=path) from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(values, dict):
        raise _damaged(path, "not a JSON object")
    return values


def read(path: Path) -> Sidecar:
    """The sidecar in the file `path`.

    Raises:
        OutputError: missing or damaged; what and where.
    """
    values = read_mapping(path)
    try:
        return _from_mapping(values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _damaged(path: Path, cause: str) -> OutputError:
    return OutputError(
        f"is damaged ({cause})", where=path, advice="Remove it and run the extraction again"
    )


def _from_mapping(values: Mapping[str, Any]) -> Sidecar:
    fields = dict(values)
    fields["columns"] = tuple(_column(entry) for entry in values["columns"])
    fields["networks"] = {
        stage: _networks(entries) for stage, entries in values["networks"].items()
    }
    fields["source"] = SourceRecord(**values["source"])
    fields["device"] = DeviceRecord(**values["device"])
    fields["warnings"] = tuple(values["warnings"])
    fields["notes"] = tuple(values["notes"])
    fields["options"] = dict(values["options"])
    if values["state"] not in ("running", "complete", "stopped"):
        raise ValueError(f"state {values['state']!r}")
    return Sidecar(**fields)


def _column(entry: Mapping[str, Any]) -> ColumnRecord:
    low, high = entry["range"]
    known = {**entry, "range": (low, high), "networks": _networks(entry["networks"])}
    return ColumnRecord(**known)


def _networks(entries: Sequence[Mapping[str, Any]]) -> tuple[NetworkRecord, ...]:
    return tuple(NetworkRecord(**entry) for entry in entries)
