"""A table a few columns at a time, from memory or from the disk.

Two hours of video are 200,000 rows of hundreds of columns; their statistics need one column at a
time, and of each row only when it was and whose it is.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.columns import Column
from facekit.errors import OutputError
from facekit.output.reading import read_head, read_table
from facekit.study.contents import Subject, bare, subjects, table_columns
from facekit.study.timing import FrameTimes, frame_times
from facekit.types import Status

NEEDED = ("frame", "time_s", "track", "status")
"""Columns without which a table says nothing."""
_ALSO = ("person", "score", "box_x", "box_y", "box_w", "box_h")
_CELLS = 8_000_000
"""Numbers held at a time, about 64 MB and what reading them takes."""

Read = Callable[[Sequence[str]], pd.DataFrame]


class Columnwise:
    """A table of which only the columns that say when and whose a row is are in memory.

    Attributes:
        columns: what each column is.
        described: the sidecar; empty without one.
        keys: the columns in memory, without ``attrs``.
        times: of the frames.
        subjects: everyone in it.
        status: (rows,) text.
    """

    def __init__(self, head: pd.DataFrame, read: Read, where: object) -> None:
        """Read the columns that are kept; `of` and `open` make one.

        Raises:
            OutputError: it is no table of facekit's, or is damaged.
        """
        self.described: dict[str, Any] = head.attrs.get("facekit", {})
        self.columns: tuple[Column, ...] = table_columns(head)
        names = [column.name for column in self.columns]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise OutputError(
                f"has no column {', '.join(missing)}",
                where=where,
                advice="Tables need facekit's own columns; OpenFace's: facekit import-openface",
            )
        self._read = read
        self.keys = bare(read([name for name in (*NEEDED, *_ALSO) if name in names]))
        _check_keys(self.keys, where)
        self.status: NDArray[np.object_] = self.keys["status"].to_numpy(object)
        self.times: FrameTimes = frame_times(self.keys)
        self.subjects: tuple[Subject, ...] = subjects(self.keys)

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Columnwise":
        """A table in memory, as `facekit.read_table` gives it.

        Raises:
            OutputError: it is no table of facekit's.
        """
        head = table.iloc[:0]
        head.attrs = table.attrs
        everything = bare(table)
        return cls(head, lambda names: everything[list(names)], "table")

    @classmethod
    def open(cls, path: Path) -> "Columnwise":
        """A table on the disk.

        Raises:
            OutputError: missing or damaged, or no table of facekit's.
        """
        return cls(read_head(path), lambda names: read_table(path, names), path)

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """(rows,) what each row counts: for how long its frame was shown, without times 1."""
        return self.times.weights[self.times.of_row]

    def numbers(self, names: Sequence[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """The values of columns of numbers, one after the other; NaN where missing.

        Yields:
            Name and (rows,) values.

        Raises:
            OutputError: the table is damaged or has gone.
        """
        at_once = max(1, _CELLS // max(1, len(self.keys)))
        kept = [name for name in names if name in self.keys]
        for name in kept:
            yield name, _floats(self.keys[name])
        others = [name for name in names if name not in self.keys]
        for start in range(0, len(others), at_once):
            part = bare(self._read(others[start : start + at_once]))
            for name in others[start : start + at_once]:
                yield name, _floats(part[name])


def _floats(values: "pd.Series[Any]") -> NDArray[np.float64]:
    return np.asarray(values.to_numpy(np.float64, na_value=np.nan), np.float64)


def _check_keys(keys: pd.DataFrame, where: object) -> None:
    if keys["frame"].isna().any():
        row = int(keys["frame"].isna().to_numpy().argmax())
        raise OutputError(
            f"has no frame in row {row}", where=where, advice="Run the extraction again"
        )
    known = pd.Series(keys["status"]).isin(get_args(Status)).to_numpy()
    if not known.all():
        row = int((~known).argmax())
        raise OutputError(
            f"has the status {keys['status'].iloc[row]!r} in row {row}",
            where=where,
            advice=f"Expected one of {', '.join(get_args(Status))}",
        )
