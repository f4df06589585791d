"""The table of an evaluation: printed for people, written as JSON for machines."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facekit.train.evaluation.bootstrap import Estimate

_HEAD = ("set", "metric", "value [95 %]", "peer", "peer's value [95 %]", "bar", "truth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured number.

    Attributes:
        set: the pictures.
        metric: what was measured, with its unit.
        value: facekit's.
        low: lower end of the 95 % interval by person.
        high: upper end.
        peer: the method beside it, on the same pictures; empty without one.
        peer_value: the peer's number.
        peer_low: lower end of its interval.
        peer_high: upper end.
        bar: what was promised; empty where nothing was.
        truth: kind of truth: exact, by hand, by a program, opinion of a teacher.
        faces: faces in the set.
        not_found: share of them that facekit did not find; they count as errors.
        peer_not_found: share that the peer did not find.
    """

    set: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    peer: str = ""
    peer_value: float | None = None
    peer_low: float | None = None
    peer_high: float | None = None
    bar: str = ""
    truth: str
    faces: int
    not_found: float = 0.0
    peer_not_found: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All rows, and the numbers that an issue asks for by name."""

    rows: Sequence[Row]
    metrics: Mapping[str, float]


def measured(estimate: Estimate | None) -> dict[str, Any]:
    """Fields of a row that hold facekit's estimate."""
    return _fields("value", "low", "high", estimate)


def beside(peer: str, estimate: Estimate | None) -> dict[str, Any]:
    """Fields of a row that hold a peer's estimate."""
    return {"peer": peer, **_fields("peer_value", "peer_low", "peer_high", estimate)}


def _fields(value: str, low: str, high: str, estimate: Estimate | None) -> dict[str, Any]:
    if estimate is None:
        return {value: None, low: None, high: None}
    return {value: estimate.value, low: estimate.low, high: estimate.high}


def to_markdown(rows: Sequence[Row]) -> str:
    """The rows as a table of the README."""
    lines = [_HEAD, tuple("---" for _ in _HEAD)]
    for row in rows:
        lines.append(
            (
                f"{row.set} ({row.faces}{_share(row.not_found)})",
                row.metric,
                _interval(row.value, row.low, row.high),
                f"{row.peer}{_share(row.peer_not_found)}",
                _interval(row.peer_value, row.peer_low, row.peer_high),
                row.bar,
                row.truth,
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(report: Report, path: Path) -> None:
    """Write ``{"metrics": {...}, "rows": [...]}``; what is not finite becomes null."""
    content = {
        "metrics": {key: _finite(value) for key, value in report.metrics.items()},
        "rows": [
            {key: _finite(value) for key, value in dataclasses.asdict(row).items()}
            for row in report.rows
        ],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _finite(value: str | float | None) -> str | float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _share(share: float | None) -> str:
    return f", {share:.1%} not found" if share else ""


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    digits = 1 if abs(value) >= 20 else 2 if abs(value) >= 1 else 4
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
