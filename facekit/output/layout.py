"""Tables in the columns of another program: what turns facekit's rows into its rows."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from facekit.columns import Column
from facekit.output.rows import Row


class Layout(Protocol):
    """How rows are written when not in facekit's own columns; the file is a CSV."""

    @property
    def name(self) -> str:
        """What the sidecar calls the format."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of the written table."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sidecar says about them, in sentences."""

    def rows(self, new: Sequence[Row]) -> list[Row]:
        """All rows of one frame, as they are written."""


MakeLayout: TypeAlias = Callable[[Sequence[Column]], Layout]
"""A layout for the columns that facekit measures."""
