"""The facial action units that facekit measures (FACS: Ekman, Friesen and Hager, 2002)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One action unit.

    Attributes:
        number: as in FACS.
        name: what the muscle does, as FACS calls it.
        sided: whether left and right are measured apart.
    """

    number: int
    name: str
    sided: bool

    @property
    def code(self) -> str:
        """The column's name: ``AU01``."""
        return f"AU{self.number:02d}"


ACTION_UNITS = (
    ActionUnit(1, "inner brow raiser", True),
    ActionUnit(2, "outer brow raiser", True),
    ActionUnit(4, "brow lowerer", True),
    ActionUnit(5, "upper lid raiser", True),
    ActionUnit(6, "cheek raiser", True),
    ActionUnit(7, "lid tightener", True),
    ActionUnit(9, "nose wrinkler", True),
    ActionUnit(10, "upper lip raiser", True),
    ActionUnit(12, "lip corner puller", True),
    ActionUnit(14, "dimpler", True),
    ActionUnit(15, "lip corner depressor", True),
    ActionUnit(16, "lower lip depressor", False),
    ActionUnit(17, "chin raiser", False),
    ActionUnit(18, "lip pucker", False),
    ActionUnit(20, "lip stretcher", True),
    ActionUnit(22, "lip funneler", False),
    ActionUnit(23, "lip tightener", False),
    ActionUnit(24, "lip pressor", False),
    ActionUnit(25, "lips part", False),
    ActionUnit(26, "jaw drop up to mouth stretch (26, 27)", False),
    ActionUnit(28, "lip suck", False),
    ActionUnit(43, "eye closure", True),
)
"""In the order of every array and table: the 22 rows of an `ActionUnits` record."""

PHASES = ("neutral", "onset", "apex", "offset")
"""Of an action unit over time, in the order of their numbers in a `Temporal` record."""

EXPRESSIONS = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger")
"""In the order of a `Temporal` record's posteriors."""

SIDED = tuple(row for row, unit in enumerate(ACTION_UNITS) if unit.sided)
"""Rows of the sided ones."""
