"""Which tables a folder, a ``study.csv`` or a list of files holds."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facekit.errors import FacekitError, OutputError
from facekit.output import sidecar
from facekit.output.partial import SUFFIX
from facekit.output.reading import read_head
from facekit.output.table import SUFFIXES
from facekit.study.columnwise import NEEDED
from facekit.study.plan import is_summary_name

SUMMARY_KEY = "summary"
"""What the sidecar of a summary holds beside what every table's does."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was found.

    Attributes:
        path: its file.
        name: how it is called: below the folder that was named, with forward slashes.
        input: of which input it is, as ``study.csv`` calls it; empty where none names it.
    """

    path: Path
    name: str
    input: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        tables: in order of their names, for files that were named in the order given.
        errors: what cannot be used although it should be there, in sentences.
        left_out: what is no table or not complete, in sentences.
    """

    tables: tuple[Table, ...]
    errors: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def find_tables(paths: Sequence[Path]) -> Found:
    """The tables that `paths` name.

    Args:
        paths: folders (all tables below them, and those that a ``study.csv`` in them lists),
            ``study.csv`` files (the tables that they list) and tables.

    Raises:
        OutputError: a path does not exist, or there is no table at all.
    """
    tables: dict[Path, Table] = {}
    errors: list[str] = []
    left_out: list[str] = []
    for path in paths:
        for found in _find(path, alone=len(paths) == 1):
            errors += found.errors
            left_out += found.left_out
            for table in found.tables:
                tables.setdefault(table.path.resolve(), table)
    if not tables and not errors:
        where = ", ".join(map(str, paths))
        told = f" ({'; '.join(left_out[:3])})" if left_out else ""
        raise OutputError(
            f"there is no table{told}", where=where, advice="Run facekit extract first"
        )
    # Shards and the whole study may list the same input.
    return Found(
        tuple(tables.values()), tuple(dict.fromkeys(errors)), tuple(dict.fromkeys(left_out))
    )


def _find(path: Path, alone: bool) -> Iterator[Found]:
    prefix = "" if alone else f"{path.as_posix()}/"
    if path.is_dir():
        for summary in sorted(path.glob("study*.csv")):
            if is_summary_name(summary.name):
                yield _listed(summary, prefix)
        yield _below(path, prefix)
    elif is_summary_name(path.name) and path.is_file():
        yield _listed(path, "" if alone else f"{path.parent.as_posix()}/")
    elif _is_events(path):
        yield Found((), left_out=(f"{path}: holds events, not a table of faces",))
    else:
        yield Found((Table(path, path.name if alone else path.as_posix()),))


def _listed(summary: Path, prefix: str) -> Found:
    """The tables that a study's summary lists."""
    try:
        with summary.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        listed = [(row["input"], row["table"], row["status"]) for row in rows]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        return Found((), errors=(f"{summary}: is damaged ({type(error).__name__}: {error})",))
    tables, errors, left_out = [], [], []
    for name, table, status in listed:
        path = summary.parent / (table or "")
        if table and path.is_file():
            tables.append(Table(path, prefix + table, name))
        elif table:
            errors.append(f"{path}: is in the study's list, but there is no such table")
        else:
            left_out.append(f"{name}: has no table ({status})")
    return Found(tuple(tables), tuple(errors), tuple(left_out))


def _below(folder: Path, prefix: str) -> Found:
    """The tables below a folder, however they came there."""
    tables, left_out, partial = [], [], 0
    for path in sorted(folder.rglob("*")):
        partial += path.name.endswith(SUFFIX) and not path.name.endswith(f".json{SUFFIX}")
        usual = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        if not usual or _is_events(path) or is_summary_name(path.name) or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        kind = _kind(path)
        if kind == "table":
            tables.append(Table(path, prefix + name))
        elif kind == "other":
            left_out.append(f"{path}: is no table of faces")
    if partial:
        left_out.append(f"{folder}: files that are not complete (NAME{SUFFIX}): {partial}")
    return Found(tuple(tables), left_out=tuple(left_out))


def _kind(path: Path) -> Literal["table", "summary", "other"]:
    """A table if facekit wrote it (what is wrong with it is then to be said) or it looks so."""
    described = sidecar.find(path)
    if described is not None:
        try:
            values = sidecar.read_mapping(described)
        except OutputError:
            return "table"
        return "summary" if SUMMARY_KEY in values else "table"
    try:
        return "table" if {*NEEDED} <= {*map(str, read_head(path).columns)} else "other"
    except FacekitError:
        return "other"


def _is_events(path: Path) -> bool:
    return path.name.lower().endswith((".events.csv", ".events.parquet"))


def source_name(table: Table, described: dict[str, object]) -> str:
    """The input of a table: as a study calls it, else as the table's sidecar does."""
    source = described.get("source")
    named = source.get("name") if isinstance(source, dict) else None
    return table.input or str(named or "")
