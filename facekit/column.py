"""What is known of a column of a table."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["integer", "number", "text"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the output table.

    Attributes:
        name: header.
        group: the group that brings it (``--columns``); ``frame`` columns are always there.
        kind: integer, number or text.
        unit: physical unit; empty for numbers without one.
        low: smallest value, None when unbounded.
        high: largest value, None when unbounded.
        digits: decimals written to text tables; None for integers and text.
        meaning: one sentence.
        stage: the stage whose network or method produced it.
        family: how documentation names it together with its siblings (``x_0 ... x_67``).
    """

    name: str
    group: str
    kind: Kind
    unit: str
    low: float | None
    high: float | None
    digits: int | None
    meaning: str
    stage: str
    family: str


def number(
    name: str,
    group: str,
    unit: str,
    meaning: str,
    stage: str,
    digits: int,
    low: float | None = None,
    high: float | None = None,
    family: str = "",
) -> Column:
    """A column of numbers; `family` is `name` where it has no siblings."""
    return Column(name, group, "number", unit, low, high, digits, meaning, stage, family or name)
