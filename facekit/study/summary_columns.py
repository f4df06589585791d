"""The columns of a summary: name, unit, range and definition of each."""

from collections.abc import Collection, Sequence

from facekit.columns import Column, Kind
from facekit.facs import ACTION_UNITS
from facekit.study.groups import By
from facekit.study.summary import QUANTILES, quantile_name
from facekit.study.trust import Limits, judgeable, meanings

STAGE = "summary"
_MORE_DIGITS = 2
"""Decimals of a mean beyond those of what it is the mean of."""

_QUALITY: tuple[tuple[str, Kind, str, int | None, str], ...] = (
    ("frames", "integer", "", None, "Frames of the table (that begin in the window)."),
    (
        "seconds",
        "number",
        "s",
        3,
        "Time that these frames stand for: each until the next one; the last one, and one before a "
        "gap, the median. Empty for still images, where everything counts by pictures.",
    ),
    ("ok_share", "number", "", 4, "Share of this time with a face of status ok."),
    (
        "low_quality_share",
        "number",
        "",
        4,
        "Share of this time with a face, but none of status ok.",
    ),
    ("absent_share", "number", "", 4, "Share of this time without a face of the subject."),
    (
        "trusted_share",
        "number",
        "",
        4,
        "Share of this time with a row that facekit quality finds no fault with.",
    ),
    ("ok_rows", "integer", "", None, "Rows of status ok, over which all statistics are."),
    (
        "ok_s",
        "number",
        "s",
        3,
        "Time of these rows; of two faces in one frame (--by file) both count.",
    ),
    (
        "gaps",
        "integer",
        "",
        None,
        "Places where the time to the next frame is over 0.5 s and over three median steps.",
    ),
    ("gap_s", "number", "s", 3, "Time lost in them; it is in no share and no statistic."),
    (
        "repeated_times",
        "integer",
        "",
        None,
        "Frames whose time_s is not later than that of a frame before.",
    ),
    ("first_s", "number", "s", 6, "time_s of the subject's first row with a face."),
    ("last_s", "number", "s", 6, "time_s of its last."),
    ("score_mean", "number", "", 4, "Mean of score over the ok rows' time."),
)


def identity_columns(by: By) -> tuple[Column, ...]:
    """The columns that say what a row is about."""
    named = [
        _column("table", "text", "", None, "The table, below the folder that was named."),
        _column("input", "text", "", None, "What the table was made from."),
        _column(
            "subject",
            "text",
            "",
            None,
            "Whom the row is about: person N; track N (followed, but not recognised); face N (of "
            "still images); all; empty where nobody is in the table.",
        ),
    ]
    if by.kind == "window":
        named += [
            _column("window_start_s", "number", "s", 3, "time_s at which the window begins."),
            _column("window_end_s", "number", "s", 3, "time_s before which it ends."),
        ]
    return tuple(named)


def quality_columns(names: Collection[str], limits: Limits) -> tuple[Column, ...]:
    """The columns to exclude on, for tables that have columns of these names."""
    listed = meanings(limits)
    flags = tuple(
        _column(
            f"{reason}_share",
            "number",
            "",
            4,
            f"Share of the ok rows' time to which this applies: {listed[reason]}.",
        )
        for reason in judgeable(names)
        if reason not in ("no_face", "low_quality")
    )
    warnings = _column("warnings", "text", "", None, "What the table's sidecar warns of.")
    return (*(_column(*entry) for entry in _QUALITY), *flags, warnings)


def event_columns(kinds: Sequence[str]) -> tuple[Column, ...]:
    """Number and rate of each kind of event."""
    where = "that begin in a row of status ok; empty where the table has no NAME.events.csv."
    return tuple(
        column
        for kind in kinds
        for column in (
            _column(f"{kind}_events", "integer", "", None, f"Events of the kind {kind} {where}"),
            _column(f"{kind}_per_min", "number", "1/min", 4, f"{kind}_events per minute of ok_s."),
        )
    )


def measurement_columns(measured: Sequence[Column]) -> tuple[Column, ...]:
    """Statistics of columns of tables: all of measurements, of their doubts only the mean."""
    return tuple(column for one in measured for column in _statistics_of(one))


def is_doubt(column: Column) -> bool:
    """Whether a column states how sure another one is: a deviation or a probability of one."""
    return column.name.endswith(("_sd", "_prob"))


def _statistics_of(one: Column) -> list[Column]:
    digits = (one.digits or 0) + _MORE_DIGITS

    def number(name: str, meaning: str) -> Column:
        text = f"{meaning} of {one.name} over the ok rows, by time. {one.name}: {one.meaning}"
        return Column(
            f"{one.name}_{name}",
            one.group,
            "number",
            one.unit,
            one.low,
            one.high,
            digits,
            text.strip(),
            STAGE,
            f"{one.family}_{name}",
        )

    if is_doubt(one):
        return [number("mean", "Mean")]
    found = [
        _column(
            f"{one.name}_missing", "integer", "", None, f"ok rows in which {one.name} is empty."
        ),
        number("mean", "Mean"),
        _unbounded(number("sd", "Standard deviation (n - 1)")),
    ]
    for quantile in QUANTILES:
        share = f"Value not exceeded for {quantile:.0%} of the time"
        found.append(number(quantile_name(quantile), share))
    if one.name in {unit.code for unit in ACTION_UNITS}:
        present = (
            f"Share of the time in which {one.name} was measured that it was present: "
            f"{one.name}_prob >= 0.5, in tables without it {one.name} >= 1."
        )
        found.append(_column(f"{one.name}_present_share", "number", "", 4, present))
    return found


def _unbounded(column: Column) -> Column:
    return _column(column.name, "number", column.unit, column.digits, column.meaning)


def _column(name: str, kind: Kind, unit: str, digits: int | None, meaning: str) -> Column:
    low = None if kind == "text" else 0.0
    high = 1.0 if name.endswith("_share") else None
    return Column(name, STAGE, kind, unit, low, high, digits, meaning, STAGE, name)
