"""The statistics of a table, in one place: what the report shows and ``facekit summarise`` writes.

Rows whose status is ``ok`` count, each for as long as its frame was shown; others, and missing
values, are counted and never taken as zero. Nothing here reads or writes a file of its own.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.columns import Column
from facekit.facs import ACTION_UNITS
from facekit.study.columnwise import Columnwise
from facekit.study.groups import Group, everyone, people
from facekit.study.trust import Verdict, judge

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
PRESENT_INTENSITY = 1.0
"""Intensity from which an action unit is present where the table has no probability: FACS A."""
PRESENT_PROBABILITY = 0.5

Values = NDArray[np.float64]

_NOT_SUMMARISED = frozenset(
    {"frame", "time_s", "track", "person", "box_x", "box_y", "marker", "dropped"}
)
_CODES = tuple(unit.code for unit in ACTION_UNITS)


@dataclass(frozen=True, slots=True)
class Moments:
    """Statistics of one measurement over the rows of a group; NaN where nothing was measured.

    Attributes:
        missing: rows without a value.
        mean: each value for as long as its frame was shown, as all here.
        sd: standard deviation of the sample: at equal durations the usual one with n - 1.
        low: smallest value.
        quantiles: for each of `QUANTILES` the smallest value that is not exceeded for at least
            this share of the time.
        high: largest value.
    """

    missing: int
    mean: float
    sd: float
    low: float
    quantiles: tuple[float, ...]
    high: float


@dataclass(frozen=True, slots=True)
class Presence:
    """How long an action unit was present.

    Attributes:
        share: of the time in which it was measured; NaN where it was not.
        measured_s: that time, seconds; NaN without times.
    """

    share: float
    measured_s: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything measured of one group.

    Attributes:
        rows: rows with status ok.
        moments: by column.
        present: by action unit.
    """

    rows: int
    moments: dict[str, Moments]
    present: dict[str, Presence]


@dataclass(frozen=True, slots=True)
class Quality:
    """How much of a group can be relied on.

    Shares are of the time of the group's frames (without times: of the frames); those of `flagged`
    of the time of its ok rows.

    Attributes:
        frames: frames of the table (in the window).
        seconds: time that they stand for, gaps left out; NaN without times.
        ok_share: with a face of status ok.
        low_quality_share: with a face, but none of status ok.
        absent_share: without a face of it.
        trusted_share: with a face to which no reason of `facekit.study.trust` applies.
        ok_rows: rows of status ok, over which all statistics are.
        ok_s: their time; of two faces in a frame both count. NaN without times.
        gaps: places where time is missing between two frames.
        gap_s: how much of it.
        repeated_times: frames whose time is not later than that of a frame before.
        first_s: time of the first row with a face.
        last_s: time of the last.
        score_mean: mean of ``score``.
        flagged: share of the ok rows' time to which a reason applies, by reason.
    """

    frames: int
    seconds: float
    ok_share: float
    low_quality_share: float
    absent_share: float
    trusted_share: float
    ok_rows: int
    ok_s: float
    gaps: int
    gap_s: float
    repeated_times: int
    first_s: float
    last_s: float
    score_mean: float
    flagged: dict[str, float]

    def cells(self) -> dict[str, float]:
        """Name and value of each, as tables show them."""
        values: dict[str, float] = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "flagged"
        }
        return values | {f"{name}_share": share for name, share in self.flagged.items()}


def quantile_name(quantile: float) -> str:
    """The column of a quantile: ``q05``."""
    return f"q{round(100 * quantile):02d}"


def summarised_columns(table: Columnwise) -> tuple[Column, ...]:
    """The columns that have statistics."""
    return tuple(column for column in table.columns if is_summarised(column))


def is_summarised(column: Column) -> bool:
    """Whether a column is a measurement, and not a number or the place of a point."""
    measurement = column.kind != "text" and column.name not in _NOT_SUMMARISED
    return measurement and not column.group.startswith("landmarks")


def moments(values: Values, weights: Values) -> Moments:
    """Statistics of values, each counting as much as its weight.

    Args:
        values: (n,); NaN where missing.
        weights: (n,) >= 0. At equal weights mean and sd (n - 1) are the usual ones.
    """
    there = np.isfinite(values)
    missing = len(values) - int(there.sum())
    there &= weights > 0
    known, weight = values[there], weights[there]
    if len(known) == 0:
        nan = float("nan")
        return Moments(missing, nan, nan, nan, (nan,) * len(QUANTILES), nan)
    order = np.argsort(known, kind="stable")
    known, weight = known[order], weight[order]
    reached = np.cumsum(weight)
    total = float(reached[-1])
    mean = float((known * weight).sum()) / total
    spread = float((weight * (known - mean) ** 2).sum()) / total
    count = len(known)
    sd = float(np.sqrt(spread * count / (count - 1))) if count > 1 else float("nan")
    # Sums of many durations are not exact: a hair less than the share is the share.
    places = np.searchsorted(reached, np.asarray(QUANTILES) * total * (1 - 1e-9))
    quantiles = tuple(known[places].tolist())
    return Moments(missing, mean, sd, float(known[0]), quantiles, float(known[-1]))


def presence(values: Values, weights: Values, threshold: float, timed: bool) -> Presence:
    """For which share of the time in which it was measured a value reaches a threshold.

    Args:
        values: (n,); NaN where missing.
        weights: (n,) seconds; without times 1.
        threshold: that counts as present.
        timed: whether `weights` are seconds.
    """
    measured = np.where(np.isfinite(values), weights, 0.0)
    total = float(measured.sum())
    share = float(measured[values >= threshold].sum()) / total if total > 0 else float("nan")
    return Presence(share, total if timed else float("nan"))


def ok_rows(table: Columnwise, group: Group) -> NDArray[np.intp]:
    """The rows of a group that its statistics are over."""
    return group.rows[np.asarray(table.status[group.rows] == "ok", np.bool_)]


def measure(
    table: Columnwise, groups: Sequence[Group], columns: Sequence[Column]
) -> list[Measures]:
    """Statistics of `columns` for each group, holding few columns in memory at a time.

    Raises:
        OutputError: the table is damaged.
    """
    weights, timed = table.row_weights, table.times.timed
    chosen = [ok_rows(table, group) for group in groups]
    found = [Measures(len(rows), {}, {}) for rows in chosen]
    judges = _judges([column.name for column in columns])
    for name, values in table.numbers([column.name for column in columns]):
        for rows, measures in zip(chosen, found, strict=True):
            measures.moments[name] = moments(values[rows], weights[rows])
            if name in judges:
                code, threshold = judges[name]
                measures.present[code] = presence(values[rows], weights[rows], threshold, timed)
    return found


def _judges(names: Sequence[str]) -> dict[str, tuple[str, float]]:
    """By which column, from where on, each action unit counts as present."""
    found = {}
    for code in _CODES:
        if code in names:
            probable = f"{code}_prob"
            by_probability = (probable, PRESENT_PROBABILITY)
            name, threshold = by_probability if probable in names else (code, PRESENT_INTENSITY)
            found[name] = (code, threshold)
    return found


def assess(table: Columnwise, groups: Sequence[Group], verdict: Verdict) -> list[Quality]:
    """How much of each group can be relied on.

    Args:
        table: the table.
        groups: of it.
        verdict: on its rows.
    """
    return [_quality(table, group, verdict) for group in groups]


def _quality(table: Columnwise, group: Group, verdict: Verdict) -> Quality:
    times, weights = table.times, table.row_weights
    weight = times.weights[group.frames]
    total = float(weight.sum())
    ok, nan = ok_rows(table, group), float("nan")
    ok_weight = weights[ok]
    ok_total = float(ok_weight.sum())

    def share_of_frames(rows: NDArray[np.intp]) -> float:
        # Of two faces in a frame one is enough.
        seen = np.zeros(len(times.times), np.bool_)
        seen[times.of_row[rows]] = True
        return float(weight[seen[group.frames]].sum()) / total if total > 0 else nan

    def share_of_ok(flags: NDArray[np.bool_]) -> float:
        return float(ok_weight[flags[ok]].sum()) / ok_total if ok_total > 0 else nan

    ok_share, seen_share = share_of_frames(ok), share_of_frames(group.rows)
    shown = times.times[times.of_row[group.rows]]
    scores = _key(table, "score", ok)
    gaps = times.gaps[group.frames]
    return Quality(
        frames=len(group.frames),
        seconds=total if times.timed else nan,
        ok_share=ok_share,
        low_quality_share=seen_share - ok_share,
        absent_share=1 - seen_share,
        trusted_share=share_of_frames(group.rows[verdict.trusted[group.rows]]),
        ok_rows=len(ok),
        ok_s=ok_total if times.timed else nan,
        gaps=int((gaps > 0).sum()),
        gap_s=float(gaps.sum()) if times.timed else nan,
        repeated_times=int(times.repeated[group.frames].sum()),
        first_s=float(shown.min()) if len(shown) else nan,
        last_s=float(shown.max()) if len(shown) else nan,
        score_mean=moments(scores, ok_weight).mean,
        flagged={
            reason.name: share_of_ok(reason.rows)
            for reason in verdict.reasons
            # Rows of status ok are neither.
            if reason.name not in ("no_face", "low_quality")
        },
    )


def _key(table: Columnwise, name: str, rows: NDArray[np.intp]) -> Values:
    if name not in table.keys:
        return np.full(len(rows), np.nan)
    return np.asarray(table.keys[name].to_numpy(np.float64, na_value=np.nan)[rows], np.float64)


def statistics(table: pd.DataFrame | Columnwise) -> pd.DataFrame:
    """Mean, spread and quantiles of every measurement, for everyone in a table.

    Args:
        table: as `facekit.output.read_table` gives it.

    Returns:
        One row for each subject and column: ``subject``, ``column``, ``unit``, ``rows`` (with
        status ok), ``missing`` (of those), ``mean``, ``sd`` (of the sample, n - 1), ``min``,
        ``q05`` ... ``q95``, ``max``; for an action unit ``present_share``, the share of the time
        in which it was measured that it was present (probability >= 0.5, without probabilities
        intensity >= 1), and ``measured_s``, that time; NaN for others. Each value counts for as
        long as its frame was shown; in still images once.
    """
    held = _columnwise(table)
    columns = summarised_columns(held)
    groups = people(held)
    entries = []
    for group, measures in zip(groups, measure(held, groups, columns), strict=True):
        for column in columns:
            entry: dict[str, Any] = {"subject": group.label, "column": column.name}
            entry |= {"unit": column.unit, "rows": measures.rows}
            entry |= statistic_cells(measures.moments[column.name])
            present = measures.present.get(column.name, Presence(float("nan"), float("nan")))
            entry |= {"present_share": present.share, "measured_s": present.measured_s}
            entries.append(entry)
    names = ["subject", "column", "unit", "rows", "missing", "mean", "sd", "min"]
    names += [quantile_name(quantile) for quantile in QUANTILES]
    return pd.DataFrame(entries, columns=[*names, "max", "present_share", "measured_s"])


def statistic_cells(found: Moments) -> dict[str, float]:
    """Name and value of each statistic, as tables show them."""
    names = [quantile_name(quantile) for quantile in QUANTILES]
    return {
        "missing": found.missing,
        "mean": found.mean,
        "sd": found.sd,
        "min": found.low,
        **dict(zip(names, found.quantiles, strict=True)),
        "max": found.high,
    }


def quality(table: pd.DataFrame | Columnwise) -> pd.DataFrame:
    """How much of a table can be relied on, for everyone in it.

    Args:
        table: as `facekit.output.read_table` gives it.

    Returns:
        First the whole table (``subject`` is ``all``), where a frame counts as ok if it has a
        row that is; then one row for each subject: ``subject`` and what `Quality.cells` holds.
    """
    held = _columnwise(table)
    groups = everyone(held)
    found = assess(held, groups, judge(held))
    return pd.DataFrame(
        [{"subject": group.label, **one.cells()} for group, one in zip(groups, found, strict=True)]
    )


def _columnwise(table: pd.DataFrame | Columnwise) -> Columnwise:
    return table if isinstance(table, Columnwise) else Columnwise.of(table)


def present_shares(found: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Share of time with each action unit: one row for each subject, one column for each code.

    Args:
        found: as `statistics` gives it.
        codes: of action units, such as ``AU12``; those without statistics are left out.
    """
    units = found[found["column"].isin(list(codes))]
    wide = units.pivot(index="subject", columns="column", values="present_share")
    return wide.reindex(columns=[code for code in codes if code in wide.columns])
