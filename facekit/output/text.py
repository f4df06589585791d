"""Rows as lines of text: CSV and JSON lines, with the digits of the column registry."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from facekit.columns import Column
from facekit.output.cells import clean_text
from facekit.output.rows import Cell, Row


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text format writes a line.

    Attributes:
        start: before the first cell.
        end: after the last cell.
        between: between cells.
        missing: a missing cell.
        label: what stands before a cell, given its column's name.
        quote: text as the format writes it.
        header: whether the first line names the columns.
    """

    start: str
    end: str
    between: str
    missing: str
    label: Callable[[str], str]
    quote: Callable[[str], str]
    header: bool


def _csv_quote(value: str) -> str:
    """A CSV field (RFC 4180): in quotes where it would otherwise be taken apart."""
    if any(mark in value for mark in ',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _json_quote(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _no_label(name: str) -> str:
    return ""


def _json_label(name: str) -> str:
    return f"{_json_quote(name)}: "


CSV = Dialect("", "\n", ",", "", _no_label, _csv_quote, True)
JSON_LINES = Dialect("{", "}\n", ", ", "null", _json_label, _json_quote, False)


class LineEncoder:
    """Rows of given columns as lines in a dialect, UTF-8."""

    def __init__(self, columns: Sequence[Column], dialect: Dialect) -> None:
        """Prepare one template for a whole row and one for each cell."""
        self._dialect = dialect
        self._labels = [dialect.label(column.name) for column in columns]
        self._formats = [_template(column).format for column in columns]
        self._texts = [place for place, column in enumerate(columns) if column.kind == "text"]
        figures = [place for place, column in enumerate(columns) if column.kind != "text"]
        # The same place twice is harmless, and makes itemgetter return a tuple in any case.
        self._figures = itemgetter(figures[0], *figures)
        self._whole_row = self._join([_template(column) for column in columns], braces=True).format
        names = [dialect.quote(column.name) for column in columns]
        self.head = (dialect.between.join(names) + dialect.end).encode() if dialect.header else b""

    def encode(self, rows: Sequence[Row]) -> tuple[list[bytes], list[int]]:
        """A line for each of `rows`, and how many rows each holds: one."""
        return [self._line(row).encode() for row in rows], [1] * len(rows)

    def _line(self, row: Row) -> str:
        cells = list(row)
        for place in self._texts:
            value = clean_text(cells[place])
            cells[place] = None if value is None else self._dialect.quote(value)
        # A row without gaps, which nearly every row is, needs no look at each of its cells: a
        # value that is no number would show in the sum.
        if None not in cells and math.isfinite(sum(self._figures(row))):
            return self._whole_row(*cells)
        return self._join(list(map(self._cell, self._formats, cells)))

    def _cell(self, template: Callable[[Cell], str], cell: Cell) -> str:
        if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
            return self._dialect.missing
        return template(cell)

    def _join(self, cells: Sequence[str], *, braces: bool = False) -> str:
        start, end, labels = self._dialect.start, self._dialect.end, self._labels
        if braces:
            start, end = _escaped(start), _escaped(end)
            labels = [_escaped(label) for label in labels]
        labelled = map(str.__add__, labels, cells)
        return start + self._dialect.between.join(labelled) + end


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


def _template(column: Column) -> str:
    if column.kind == "integer":
        return "{:d}"
    # z: what rounds to zero has no sign.
    return "{}" if column.kind == "text" else f"{{:z.{column.digits}f}}"
