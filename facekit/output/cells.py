"""Cells as they are stored: the same value in every format, typed by its column."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from facekit.columns import Column, Kind
from facekit.output.rows import Cell, Row

ARROW_TYPES: dict[Kind, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}


def clean_text(cell: Cell) -> str | None:
    """Text that every format can hold; empty text is missing.

    File names may hold bytes that are no UTF-8 (lone surrogates in Python): shown as escapes.
    """
    if cell is None or cell != cell:
        return None
    return str(cell).encode("utf-8", "backslashreplace").decode("utf-8") or None


def rounded(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """`values` at `digits` decimals, exactly as ``float(format(value, f'.{digits}f'))``.

    Values that are not finite become NaN, and -0.0 becomes 0.0.
    """
    power = 10.0**digits
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * power
        nearest = np.rint(scaled)
        result = nearest / power
        # Scaling itself rounds: only next to a tie can that tip the result, or where a number
        # has no decimals left to round. Python's own rounding knows every binary digit.
        doubtful = np.abs(np.abs(scaled - nearest) - 0.5) <= np.abs(scaled) * 2.0**-51
    doubtful |= np.abs(scaled) >= 2.0**51
    for place in np.flatnonzero(doubtful & np.isfinite(values)):
        result.flat[place] = round(float(values.flat[place]), digits)
    result[~np.isfinite(values)] = np.nan
    return result + 0.0


def arrow_schema(columns: Sequence[Column]) -> Any:
    """The Arrow schema of `columns`: int64, double, string; all nullable."""
    return pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in columns])


def record_batch(rows: Sequence[Row], columns: Sequence[Column]) -> Any:
    """`rows` as an Arrow record batch, numbers rounded to their columns' digits."""
    numbers = [place for place, column in enumerate(columns) if column.kind == "number"]
    block = np.array([[row[place] for place in numbers] for row in rows], dtype=np.float64)
    by_number = np.ascontiguousarray(block.reshape(len(rows), len(numbers)).T)
    by_column = dict(zip(numbers, by_number, strict=True))
    arrays = []
    for place, column in enumerate(columns):
        if column.kind == "number":
            values = rounded(by_column[place], column.digits or 0)
            arrays.append(pa.array(values, from_pandas=True))
        elif column.kind == "integer":
            cells = [_whole(row[place]) for row in rows]
            arrays.append(pa.array(cells, type=pa.int64()))
        else:
            texts = [clean_text(row[place]) for row in rows]
            arrays.append(pa.array(texts, type=pa.string()))
    return pa.record_batch(arrays, schema=arrow_schema(columns))


def _whole(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def to_frame(rows: Sequence[Row], columns: Sequence[Column]) -> pd.DataFrame:
    """`rows` in memory, with the types and values that a written table reads back with.

    Args:
        rows: as `facekit.output.rows.rows` gives them.
        columns: the columns of the rows.

    Returns:
        Integers as Int64, numbers as float64 (rounded as in a file), text as string.
    """
    return frame_of(pa.Table.from_batches([record_batch(rows, columns)]))


def frame_of(table: Any) -> pd.DataFrame:
    """An Arrow table as a DataFrame: int64 as Int64, double as float64, string as string."""
    types = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
    return frame
