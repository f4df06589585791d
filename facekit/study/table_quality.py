"""``facekit quality``: which share of a table's rows can be trusted, and why the others cannot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facekit.study.columnwise import Columnwise
from facekit.study.groups import everyone
from facekit.study.summary import Quality, assess
from facekit.study.trust import Limits, judge


@dataclass(frozen=True, slots=True)
class Fault:
    """How many rows a reason applies to.

    Attributes:
        reason: as in `facekit.study.trust`.
        meaning: a clause with the limit.
        rows: rows to which it applies.
        share: of all rows.
        alone: rows to which no other reason applies.
    """

    reason: str
    meaning: str
    rows: int
    share: float
    alone: int


@dataclass(frozen=True, slots=True)
class TableQuality:
    """What can be trusted of a table.

    Attributes:
        table: its name.
        rows: all rows, frames without a face among them.
        trusted: rows to which no reason applies.
        trusted_share: of all rows; NaN without any.
        faults: every reason that was looked for, also those that apply to no row.
        unjudged: reasons that cannot be looked for, as the table lacks the columns.
        longest_gap_s: the longest time missing between two frames.
        subjects: quality of everybody together (``all``), then of everyone, by label.
        warnings: of the sidecar.
    """

    table: str
    rows: int
    trusted: int
    trusted_share: float
    faults: tuple[Fault, ...]
    unjudged: tuple[str, ...]
    longest_gap_s: float
    subjects: dict[str, Quality]
    warnings: tuple[str, ...]

    def to_mapping(self) -> dict[str, Any]:
        """Names and values for JSON; what is not known is None."""
        return {
            "table": self.table,
            "rows": self.rows,
            "trusted": self.trusted,
            "trusted_share": _known(self.trusted_share),
            "reasons": [
                {
                    "reason": fault.reason,
                    "meaning": fault.meaning,
                    "rows": fault.rows,
                    "share": _known(fault.share),
                    "alone": fault.alone,
                }
                for fault in self.faults
            ],
            "not_judged": list(self.unjudged),
            "longest_gap_s": self.longest_gap_s,
            "subjects": [
                {"subject": label, **{name: _known(v) for name, v in quality.cells().items()}}
                for label, quality in self.subjects.items()
            ],
            "warnings": list(self.warnings),
        }


def table_quality(path: Path, limits: Limits | None = None) -> TableQuality:
    """Look for every reason not to trust a row of a table.

    Args:
        path: the table.
        limits: None for the defaults.

    Raises:
        OutputError: missing or damaged, or no table of facekit's.
    """
    table = Columnwise.open(path)
    verdict = judge(table, limits)
    rows = len(table.keys)
    reasons = np.zeros(rows, np.int64)
    for reason in verdict.reasons:
        reasons += reason.rows
    groups = everyone(table)
    found = assess(table, groups, verdict)
    trusted = int(verdict.trusted.sum())
    return TableQuality(
        table=str(path),
        rows=rows,
        trusted=trusted,
        trusted_share=_share(trusted, rows),
        faults=tuple(
            Fault(
                reason.name,
                reason.meaning,
                int(reason.rows.sum()),
                _share(int(reason.rows.sum()), rows),
                int((reason.rows & (reasons == 1)).sum()),
            )
            for reason in verdict.reasons
        ),
        unjudged=verdict.unjudged,
        longest_gap_s=float(table.times.gaps.max(initial=0.0)),
        subjects={group.label: one for group, one in zip(groups, found, strict=True)},
        warnings=tuple(table.described.get("warnings", ())),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _known(value: float) -> float | None:
    return None if value != value else value
