"""Rows whose intensities have a person's baseline taken off, beside the intensities themselves."""

from collections.abc import Callable, Sequence

import numpy as np

from facekit.columns import Column
from facekit.facs import ACTION_UNITS
from facekit.output.rows import Cell, Row
from facekit.types import Floats

GROUP = "au_rel"
"""The columns that are added here."""

BaselineOf = Callable[[int | None], Floats | None]
"""Track number to (22,) intensities at rest; None where they are not known."""


class Relative:
    """Adds the columns of `GROUP` to rows that were written without them.

    Args:
        columns: of the finished table, with the group and ``au``.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Find the places of what is read and of what is added."""
        self.after = tuple(columns)
        self.before = tuple(column for column in columns if column.group != GROUP)
        names = [column.name for column in self.before]
        self._track = names.index("track")
        self._units = [names.index(unit.code) for unit in ACTION_UNITS]
        groups = [column.group for column in self.after]
        self._place = groups.index(GROUP)

    def intensity(self, row: Row) -> Floats:
        """(22,) intensities of a row without the group; NaN where missing."""
        cells = [row[place] for place in self._units]
        return np.array([np.nan if cell is None else cell for cell in cells], np.float32)

    def add(self, row: Row, baseline_of: BaselineOf) -> Row:
        """A row of `before` as a row of `after`."""
        track = row[self._track]
        baseline = baseline_of(None if track is None else int(track))
        added: Sequence[Cell] = [None] * len(ACTION_UNITS)
        if baseline is not None:
            less = self.intensity(row) - baseline
            added = [float(value) if np.isfinite(value) else None for value in less]
        return (*row[: self._place], *added, *row[self._place :])
