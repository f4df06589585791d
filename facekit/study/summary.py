"""The statistics of a table, in one place: what the report shows and a summary prints.

Rows whose status is ``ok`` count; others, and missing values, are counted and never taken as
zero. Nothing here reads or writes a file.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.columns import Column
from facekit.facs import ACTION_UNITS
from facekit.study.contents import Subject, bare, subjects, table_columns

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
PRESENT_INTENSITY = 1.0
"""Intensity from which an action unit is present where the table has no probability: FACS A."""
PRESENT_PROBABILITY = 0.5

_NOT_SUMMARISED = frozenset(
    {"frame", "time_s", "track", "person", "box_x", "box_y", "marker", "dropped"}
)
_CODES = frozenset(unit.code for unit in ACTION_UNITS)


def quantile_name(quantile: float) -> str:
    """The column of a quantile: ``q05``."""
    return f"q{round(100 * quantile):02d}"


def summarised_columns(table: pd.DataFrame) -> tuple[Column, ...]:
    """The columns that have statistics: measurements, without numbers and places of points."""
    return tuple(
        column
        for column in table_columns(table)
        if column.kind != "text"
        and column.name not in _NOT_SUMMARISED
        and not column.group.startswith("landmarks")
    )


def statistics(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and quantiles of every measurement, for everyone in a table.

    Args:
        table: as `facekit.output.read_table` gives it.

    Returns:
        One row for each subject and column: ``subject``, ``column``, ``unit``, ``rows`` (with
        status ok), ``missing`` (of those), ``mean``, ``sd`` (of the sample, n - 1), ``min``,
        ``q05`` ... ``q95``, ``max``; for an action unit ``present_share``, the share of the time
        in which it was measured that it was present (probability >= 0.5, without probabilities
        intensity >= 1), and ``measured_s``, that time; NaN for others and for still images,
        ``present_share`` of which is by pictures.
    """
    wanted = summarised_columns(table)
    table = bare(table)
    shown = frame_durations(table)
    entries = []
    for subject in subjects(table):
        rows = _ok_rows(table, subject)
        for column in wanted:
            values = _numbers(table, column.name, rows)
            entry: dict[str, Any] = {"subject": subject.label, "column": column.name}
            entry |= {"unit": column.unit, "rows": len(rows)}
            entry |= _moments(values)
            entry |= _presence(table, column.name, rows, shown)
            entries.append(entry)
    names = ["subject", "column", "unit", "rows", "missing", "mean", "sd", "min"]
    names += [quantile_name(quantile) for quantile in QUANTILES]
    return pd.DataFrame(entries, columns=[*names, "max", "present_share", "measured_s"])


def quality(table: pd.DataFrame) -> pd.DataFrame:
    """How much of a table can be relied on, for everyone in it.

    Args:
        table: as `facekit.output.read_table` gives it.

    Returns:
        First the whole table (``subject`` is ``all``), where a frame counts as ok if it has a
        row that is, as absent if it has no face; then one row for each subject: ``subject``,
        ``frames`` (of the table), ``ok``, ``low_quality``, ``absent`` (the three add up to
        ``frames``), ``coverage`` (ok / frames), ``first_s`` and ``last_s`` (time of the first
        and last row with a face), ``score_mean`` (over ok rows).
    """
    table = bare(table)
    frame = table["frame"].to_numpy(np.int64)
    total = len(np.unique(frame))
    status = table["status"].to_numpy(object)
    everyone = subjects(table)
    shown = np.flatnonzero(status != "no_face")
    whole = _quality_row("all", table, shown, total)
    # Of two faces in a frame one is enough.
    ok = len(np.unique(frame[status == "ok"]))
    with_face = len(np.unique(frame[shown]))
    whole |= {"ok": ok, "low_quality": with_face - ok, "absent": total - with_face}
    whole["coverage"] = ok / total if total else float("nan")
    parts = [_quality_row(subject.label, table, subject.rows, total) for subject in everyone]
    return pd.DataFrame([whole, *parts])


def frame_durations(table: pd.DataFrame) -> NDArray[np.float64]:
    """(rows,) for how many seconds each row's frame was shown: up to the next frame's time.

    The last frame is taken to last the median. NaN for still images.
    """
    frame, first, back = np.unique(
        table["frame"].to_numpy(np.int64), return_index=True, return_inverse=True
    )
    if len(frame) == 0:
        return np.zeros(0)
    steps = np.diff(table["time_s"].to_numpy(np.float64)[first])
    last = float(np.median(steps)) if len(steps) else float("nan")
    return np.asarray(np.r_[steps, last][back], np.float64)


def _quality_row(
    label: str, table: pd.DataFrame, rows: NDArray[np.intp], total: int
) -> dict[str, Any]:
    status = table["status"].to_numpy(object)[rows]
    times = table["time_s"].to_numpy(np.float64)[rows]
    ok = int((status == "ok").sum())
    scores = _numbers(table, "score", rows[status == "ok"])
    scores = scores[np.isfinite(scores)]
    return {
        "subject": label,
        "frames": total,
        "ok": ok,
        "low_quality": len(rows) - ok,
        "absent": total - len(rows),
        "coverage": ok / total if total else float("nan"),
        "first_s": float(times[0]) if len(times) else float("nan"),
        "last_s": float(times[-1]) if len(times) else float("nan"),
        "score_mean": float(scores.mean()) if len(scores) else float("nan"),
    }


def _ok_rows(table: pd.DataFrame, subject: Subject) -> NDArray[np.intp]:
    status = table["status"].to_numpy(object)[subject.rows]
    return subject.rows[np.asarray(status == "ok", np.bool_)]


def _numbers(table: pd.DataFrame, name: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    if name not in table:
        return np.full(len(rows), np.nan)
    return np.asarray(table[name].to_numpy(np.float64, na_value=np.nan)[rows], np.float64)


def _moments(values: NDArray[np.float64]) -> dict[str, Any]:
    there = values[np.isfinite(values)]
    names = [quantile_name(quantile) for quantile in QUANTILES]
    if len(there) == 0:
        nothing = dict.fromkeys(["mean", "sd", "min", *names, "max"], float("nan"))
        return {"missing": len(values), **nothing}
    return {
        "missing": len(values) - len(there),
        "mean": float(there.mean()),
        "sd": float(there.std(ddof=1)) if len(there) > 1 else float("nan"),
        "min": float(there.min()),
        **dict(zip(names, np.quantile(there, QUANTILES).tolist(), strict=True)),
        "max": float(there.max()),
    }


def _presence(
    table: pd.DataFrame, name: str, rows: NDArray[np.intp], shown: NDArray[np.float64]
) -> dict[str, float]:
    if name not in _CODES:
        return {"present_share": float("nan"), "measured_s": float("nan")}
    judged, threshold = f"{name}_prob", PRESENT_PROBABILITY
    if judged not in table:
        judged, threshold = name, PRESENT_INTENSITY
    values = _numbers(table, judged, rows)
    measured = np.isfinite(values)
    seconds = shown[rows]
    timed = bool(np.isfinite(seconds).all())
    weights = np.where(measured, seconds if timed else 1.0, 0.0)
    total = float(weights.sum())
    share = float(weights[values >= threshold].sum()) / total if total > 0 else float("nan")
    return {"present_share": share, "measured_s": total if timed else float("nan")}


def present_shares(found: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Share of time with each action unit: one row for each subject, one column for each code.

    Args:
        found: as `statistics` gives it.
        codes: of action units, such as ``AU12``; those without statistics are left out.
    """
    units = found[found["column"].isin(list(codes))]
    wide = units.pivot(index="subject", columns="column", values="present_share")
    return wide.reindex(columns=[code for code in codes if code in wide.columns])
