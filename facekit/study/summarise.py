"""``facekit summarise``: a row for everyone in every table of a study.

The tables are gone through twice: once for their columns and kinds of events, which the rows of
all share, then for the rows. Only a table's few columns at a time and the rows of one table are
in memory.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekit._version import __version__
from facekit.columns import GROUPS, Column
from facekit.errors import FacekitError, OptionsError, OutputError
from facekit.output import sidecar
from facekit.output.partial import output_error, write_whole
from facekit.output.reading import read_head
from facekit.output.rows import Cell, Row
from facekit.output.table import TableSink, format_of, open_table
from facekit.study import summary_columns
from facekit.study.columnwise import Columnwise
from facekit.study.contents import table_columns
from facekit.study.found import SUMMARY_KEY, Found, Table, find_tables, source_name
from facekit.study.groups import By, Group, divide
from facekit.study.happenings import events_path, read_events
from facekit.study.summary import (
    Measures,
    assess,
    is_summarised,
    measure,
    ok_rows,
    statistic_cells,
)
from facekit.study.trust import Limits, judge

_SAME_S = 1e-6
"""Times of events and of frames have microseconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be summarised, and how.

    Attributes:
        by: how each table is divided.
        groups: column groups that get statistics; None for all.
        limits: from where on a row is not trusted.
    """

    by: By = By("person")
    groups: tuple[str, ...] | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        """Refuse groups that do not exist."""
        unknown = [name for name in self.groups or () if name not in GROUPS]
        if unknown:
            raise OptionsError(
                f"no column group named {', '.join(unknown)}",
                where="columns",
                advice=f"Groups are: {', '.join(GROUPS)}",
            )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a summary.

    Attributes:
        tables: tables that have rows in it.
        rows: its rows.
        errors: what could not be used, in sentences.
        left_out: what is no table or not complete, in sentences.
    """

    tables: int
    rows: int
    errors: tuple[str, ...]
    left_out: tuple[str, ...]


def summarise(
    paths: Sequence[Path],
    output: Path | None,
    request: Request | None = None,
    *,
    overwrite: bool = False,
    watch: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Write a row for everyone in every table.

    Args:
        paths: folders of tables, ``study.csv`` files and tables.
        output: CSV, Parquet or JSON lines by its suffix, with a sidecar; None for CSV on standard
            output.
        request: None for the defaults.
        overwrite: replace a file that is not a summary, too.
        watch: called after each table with the number done and of all.

    Raises:
        OutputError: there is no table that can be used, or the summary cannot be written.
    """
    chosen = request or Request()
    found = find_tables(paths)
    if output is not None:
        format_of(output)
        _check_output(output, found, overwrite)
    survey = _survey(found, chosen)
    columns = survey.columns(chosen)
    errors = [*found.errors, *survey.errors]
    if not survey.tables:
        raise OutputError("; ".join(errors), advice="No table can be summarised")
    done = written = 0
    with _open(output, columns) as target:
        for number, table in enumerate(survey.tables, 1):
            try:
                rows = _rows(table, chosen, columns, survey.kinds)
            except FacekitError as error:
                errors.append(str(error))
            else:
                target.append(rows)
                done, written = done + 1, written + len(rows)
            if watch is not None:
                watch(number, len(survey.tables))
        if not done:
            target.discard()
            raise OutputError("; ".join(errors), advice="No table can be summarised")
        if output is not None:
            _remove(sidecar.schema_path(output))
        target.finish()
    if output is not None:
        _describe(output, columns, chosen, written, done, errors)
    return Outcome(done, written, tuple(errors), found.left_out)


def _open(output: Path | None, columns: Sequence[Column]) -> TableSink:
    return open_table("-", columns, "csv") if output is None else open_table(output, columns)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error


def _check_output(output: Path, found: Found, overwrite: bool) -> None:
    """Refuse to replace what is not a summary: above all the tables themselves."""
    if output.resolve() in {table.path.resolve() for table in found.tables}:
        raise OutputError(
            "is one of the tables to summarise", where=output, advice="Name another file with -o"
        )
    path = sidecar.schema_path(output)
    described = sidecar.read_mapping(path) if path.exists() else {}
    theirs = described.get("table")
    if described and SUMMARY_KEY not in described and theirs != output.name:
        raise OutputError(
            f"is the sidecar of {theirs}", where=path, advice="Name another file with -o"
        )
    if output.exists() and not overwrite and SUMMARY_KEY not in described:
        raise OutputError(
            "exists and is not a summary",
            where=output,
            advice="Name another file, or replace it with --overwrite",
        )


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the tables hold.

    Attributes:
        tables: those whose head can be read.
        measured: columns that have statistics, of all tables together.
        names: of all columns of numbers, of all tables together.
        kinds: of events, of all tables together.
        errors: why the other tables cannot be read.
    """

    tables: tuple[Table, ...]
    measured: tuple[Column, ...]
    names: frozenset[str]
    kinds: tuple[str, ...]
    errors: tuple[str, ...]

    def columns(self, request: Request) -> tuple[Column, ...]:
        """The columns of the summary."""
        return (
            *summary_columns.identity_columns(request.by),
            *summary_columns.quality_columns(self.names, request.limits),
            *summary_columns.event_columns(self.kinds),
            *summary_columns.measurement_columns(self.measured),
        )


def _survey(found: Found, request: Request) -> _Survey:
    tables, errors = [], []
    measured: dict[str, Column] = {}
    names: set[str] = set()
    kinds: Counter[str] = Counter()
    for table in found.tables:
        try:
            columns = table_columns(read_head(table.path))
            kinds.update(str(event["kind"]) for event in read_events(table.path, ()) or ())
        except FacekitError as error:
            errors.append(str(error))
            continue
        tables.append(table)
        names.update(column.name for column in columns if column.kind != "text")
        for column in columns:
            if is_summarised(column) and _is_wanted(column, request):
                measured.setdefault(column.name, column)
    return _Survey(
        tuple(tables),
        tuple(measured.values()),
        frozenset(names),
        tuple(sorted(kinds)),
        tuple(errors),
    )


def _is_wanted(column: Column, request: Request) -> bool:
    # The score is among the columns of quality.
    return column.name != "score" and (request.groups is None or column.group in request.groups)


def _rows(
    table: Table, request: Request, columns: Sequence[Column], kinds: Sequence[str]
) -> list[Row]:
    """The rows of one table."""
    held = Columnwise.open(table.path)
    groups = divide(held, request.by)
    measured = [c for c in held.columns if is_summarised(c) and _is_wanted(c, request)]
    qualities = assess(held, groups, judge(held, request.limits))
    events = _Events(table.path, held, kinds)
    same: dict[str, Cell] = {
        "table": table.name,
        "input": source_name(table, held.described) or None,
        "warnings": "; ".join(held.described.get("warnings", ())) or None,
    }
    found = []
    for group, quality, measures in zip(
        groups, qualities, measure(held, groups, measured), strict=True
    ):
        cells: dict[str, Cell] = {**same, "subject": group.label or None}
        cells |= {"window_start_s": group.start_s, "window_end_s": group.end_s}
        cells |= quality.cells()
        cells |= events.cells(held, group, quality.ok_s)
        cells |= _measure_cells(measures)
        found.append(tuple(cells.get(column.name) for column in columns))
    return found


def _measure_cells(measures: Measures) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for name, moments in measures.moments.items():
        cells |= {f"{name}_{key}": value for key, value in statistic_cells(moments).items()}
    for code, presence in measures.present.items():
        cells[f"{code}_present_share"] = presence.share
    return cells


class _Events:
    """The events of a table, each with the row in which it begins."""

    def __init__(self, path: Path, table: Columnwise, kinds: Sequence[str]) -> None:
        """Read them.

        Raises:
            OutputError: they are damaged.
        """
        listed = read_events(path, table.subjects)
        self._kinds: Sequence[str] = () if listed is None else kinds
        self._of_kind: list[str] = []
        rows = []
        for event in listed or ():
            if event["onset_s"] is None:
                raise OutputError("has an event without onset_s", where=events_path(path))
            row = _row_at(table, event["subject"], float(event["onset_s"]))
            if row is not None:
                rows.append(row)
                self._of_kind.append(str(event["kind"]))
        self._rows: NDArray[np.intp] = np.array(rows, np.intp)

    def cells(self, table: Columnwise, group: Group, ok_s: float) -> dict[str, Cell]:
        """Number and rate of each kind in a group; nothing where there is no file of events."""
        inside = np.isin(self._rows, ok_rows(table, group))
        counts = Counter(
            kind for kind, counted in zip(self._of_kind, inside, strict=True) if counted
        )
        cells: dict[str, Cell] = {}
        for kind in self._kinds:
            cells[f"{kind}_events"] = counts[kind]
            cells[f"{kind}_per_min"] = 60 * counts[kind] / ok_s if ok_s > 0 else math.nan
        return cells


def _row_at(table: Columnwise, subject: int | None, time_s: float) -> int | None:
    """The row of a subject in whose frame a moment lies."""
    if subject is None or not table.times.timed:
        return None
    rows = table.subjects[subject].rows
    places = table.times.of_row[rows]
    place = int(np.searchsorted(table.times.times[places], time_s + _SAME_S, side="right")) - 1
    if place < 0:
        return None
    frame = places[place]
    ends = table.times.times[frame] + table.times.durations[frame]
    return int(rows[place]) if time_s < ends + _SAME_S else None


def _describe(
    output: Path,
    columns: Sequence[Column],
    request: Request,
    rows: int,
    tables: int,
    errors: Sequence[str],
) -> None:
    values = {
        "facekit": __version__,
        "created": sidecar.now(),
        "table": output.name,
        "format": format_of(output),
        "state": "complete",
        "rows": rows,
        "columns": [asdict(record) for record in sidecar.describe(columns, {})],
        SUMMARY_KEY: {
            "by": request.by.kind,
            "window_s": request.by.window_s or None,
            "limits": asdict(request.limits),
            "tables": tables,
            "not_summarised": list(errors),
        },
    }
    text = sidecar.mapping_to_json(values)
    write_whole(sidecar.schema_path(output), text.encode("utf-8", "backslashreplace"))
