"""Figures of tables, drawn by matplotlib (``pip install 'facekit[plot]'``).

    table = facekit.read_table("clip.csv")
    axes = facekit.plot.traces(table, ["AU12", "AU06"])
    axes.figure.savefig("smile.png")

Each function draws into `axes` (the current ones of pyplot when None) and gives them back, to be
changed as any others. Missing values are gaps.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.columns import Column
from facekit.errors import MissingExtraError, OptionsError
from facekit.facs import ACTION_UNITS
from facekit.study.contents import Subject, bare, subjects, table_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HIGHEST = 5.0
_MOST_COLUMNS = 2000
"""Of a heat map: more cannot be seen, and intensities are averaged over time instead."""

_POOR = "#e8c468"


def traces(
    table: pd.DataFrame,
    columns: Sequence[str],
    *,
    who: int | str | None = None,
    axes: "Axes | None" = None,
) -> "Axes":
    """Values over time, with one standard deviation as a band where the table states it.

    Stretches of low quality are shaded.

    Args:
        table: as `facekit.read_table` gives it.
        columns: names of numbers in it.
        who: person, or track where the table names no persons; None for whoever has most rows.
        axes: to draw into.

    Raises:
        OptionsError: there is no such column or nobody, or the table has no times.
        MissingExtraError: matplotlib is not installed.
    """
    known = {column.name: column for column in table_columns(table)}
    for name in columns:
        _require(table, name)
    rows = _rows(table, who)
    time_s = rows["time_s"].to_numpy(np.float64)
    axes = _axes(axes)
    for name in columns:
        values = _numbers(rows, name)
        line = axes.plot(*_with_gaps(time_s, values), label=name, linewidth=1)[0]
        if f"{name}_sd" in rows:
            sd = _numbers(rows, f"{name}_sd")
            times, lower = _with_gaps(time_s, values - sd)
            upper = _with_gaps(time_s, values + sd)[1]
            colour = line.get_color()
            axes.fill_between(times, lower, upper, color=colour, alpha=0.2, linewidth=0)
    poor = (rows["status"] == "low_quality").to_numpy(bool, na_value=False)
    for start, end in _stretches(time_s, poor):
        axes.axvspan(start, end, color=_POOR, alpha=0.3, linewidth=0)
    axes.set_xlabel("time [s]")
    axes.set_ylabel(_label([known[name] for name in columns]))
    axes.legend(loc="upper right")
    return axes


def events(
    table: pd.DataFrame, *, who: int | str | None = None, axes: "Axes | None" = None
) -> "Axes":
    """Events as bars from onset to offset, a row for each kind and side, a tick at the apex.

    Paler bars are less sure.

    Args:
        table: of events (``clip.events.csv``): track, person, kind, side, onset_s, apex_s,
            offset_s, peak, mean, asymmetry, confidence.
        who: person, or track where the table names no persons; None for all.
        axes: to draw into.

    Raises:
        OptionsError: a column is missing.
        MissingExtraError: matplotlib is not installed.
    """
    for name in ("kind", "onset_s", "offset_s"):
        _require(table, name)
    chosen = table if who is None else table[_whose(table) == str(who)]
    sides = chosen["side"].fillna("") if "side" in chosen else pd.Series("", chosen.index)
    labels = (chosen["kind"].astype(str) + " " + sides.astype(str)).str.strip()
    order = sorted(labels.unique())
    row = labels.map({label: place for place, label in enumerate(order)}).to_numpy(np.float64)
    onset, offset = (_numbers(chosen, name) for name in ("onset_s", "offset_s"))
    sure = np.ones(len(chosen))
    if "confidence" in chosen:
        sure = np.nan_to_num(_numbers(chosen, "confidence"), nan=1.0).clip(0, 1)
    axes = _axes(axes)
    bars = axes.barh(row, offset - onset, left=onset, height=0.7)
    for bar, confidence in zip(bars, sure.tolist(), strict=True):
        bar.set_alpha(0.25 + 0.75 * confidence)
    if "apex_s" in chosen:
        axes.vlines(_numbers(chosen, "apex_s"), row - 0.35, row + 0.35, color="black", linewidth=1)
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel("time [s]")
    return axes


def au_heatmap(
    table: pd.DataFrame, *, who: int | str | None = None, axes: "Axes | None" = None
) -> "Axes":
    """Intensities of all action units over time, 0 to 5; white where nothing was measured.

    Args:
        table: with the column group ``au``.
        who: person, or track where the table names no persons; None for whoever has most rows.
        axes: to draw into.

    Raises:
        OptionsError: there are no action units, nobody, or no times.
        MissingExtraError: matplotlib is not installed.
    """
    codes = [unit.code for unit in ACTION_UNITS]
    for code in codes:
        _require(table, code)
    rows = _rows(table, who)
    edges, mean = _averaged(
        rows["time_s"].to_numpy(np.float64), rows[codes].to_numpy(np.float64, na_value=np.nan)
    )
    axes = _axes(axes)
    mesh = axes.pcolormesh(
        edges, np.arange(len(codes) + 1), mean.T, vmin=0, vmax=_HIGHEST, cmap="magma_r"
    )
    axes.set_yticks(np.arange(len(codes)) + 0.5, codes)
    axes.invert_yaxis()
    axes.set_xlabel("time [s]")
    axes.figure.colorbar(mesh, ax=axes, label="intensity")
    return axes


def gaze_map(
    table: pd.DataFrame,
    *,
    who: int | str | None = None,
    bins: int = 40,
    axes: "Axes | None" = None,
) -> "Axes":
    """How often somebody looked where: rows with open eyes by direction, in camera axes.

    Right in the figure is to image right, up is up; (0, 0) is straight back along the camera's
    axis.

    Args:
        table: with the column group ``gaze``.
        who: person, or track where the table names no persons; None for whoever has most rows.
        bins: along each side.
        axes: to draw into.

    Raises:
        OptionsError: there is no gaze, or nobody.
        MissingExtraError: matplotlib is not installed.
    """
    for name in ("gaze_yaw", "gaze_pitch"):
        _require(table, name)
    rows = _rows(table, who, timed=False)
    yaw, pitch = _numbers(rows, "gaze_yaw"), _numbers(rows, "gaze_pitch")
    seen = np.isfinite(yaw) & np.isfinite(pitch)
    axes = _axes(axes)
    drawn = axes.hist2d(yaw[seen], pitch[seen], bins=bins, cmin=1, cmap="viridis")
    axes.axhline(0, color="grey", linewidth=0.5)
    axes.axvline(0, color="grey", linewidth=0.5)
    axes.set_aspect("equal")
    axes.set_xlabel("gaze_yaw [deg], > 0 towards image right")
    axes.set_ylabel("gaze_pitch [deg], > 0 up")
    axes.figure.colorbar(drawn[3], ax=axes, label="rows")
    return axes


def _axes(given: "Axes | None") -> "Axes":
    if given is not None:
        return given
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingExtraError(
            "matplotlib is not installed", where="plot", advice="pip install 'facekit[plot]'"
        ) from error
    return pyplot.gca()


def _require(table: pd.DataFrame, name: str) -> None:
    if name not in table:
        raise OptionsError(
            f"there is no column {name}",
            where="table",
            advice=f"Columns are: {', '.join(map(str, table.columns[:30]))}",
        )


def _rows(table: pd.DataFrame, who: int | str | None, *, timed: bool = True) -> pd.DataFrame:
    """The rows of one subject in order of time."""
    everyone = subjects(table)
    chosen: Subject | None = max(everyone, key=lambda one: len(one.rows), default=None)
    if who is not None:
        chosen = next((one for one in everyone if one.name == str(who)), None)
    if chosen is None:
        names = ", ".join(one.label for one in everyone) or "nobody"
        raise OptionsError(
            "nobody is in it" if who is None else f"{who} is not in it",
            where="table",
            advice=f"Seen were: {names}",
        )
    rows = bare(table).iloc[chosen.rows]
    if timed and rows["time_s"].isna().all():
        raise OptionsError("has no times", where="table", advice="Still images have no traces")
    return rows


def _whose(table: pd.DataFrame) -> "pd.Series[str]":
    """Person of each event, else its track, as text."""
    nobody = pd.Series(pd.NA, table.index, dtype="Int64")
    person = table["person"] if "person" in table else nobody
    track = table["track"] if "track" in table else nobody
    return person.where(person.notna(), track).map(
        lambda value: str(int(value)) if isinstance(value, float) else str(value)
    )


def _numbers(rows: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return rows[name].to_numpy(np.float64, na_value=np.nan)


def _label(columns: Sequence[Column]) -> str:
    units = {column.unit for column in columns}
    return f"[{units.pop()}]" if len(units) == 1 and units != {""} else ""


def _longest_step_s(time_s: NDArray[np.float64]) -> float:
    """Two rows further apart than this are not neighbours."""
    return 3 * float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0


def _with_gaps(
    time_s: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with a missing value wherever somebody was not seen for a while."""
    gaps = np.flatnonzero(np.diff(time_s) > _longest_step_s(time_s)) + 1
    return np.insert(time_s, gaps, time_s[gaps]), np.insert(values, gaps, np.nan)


def _stretches(
    time_s: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> Iterator[tuple[float, float]]:
    """Start and end of each stretch of neighbouring rows that are chosen."""
    longest = _longest_step_s(time_s)
    places = np.flatnonzero(chosen)
    if len(places) == 0:
        return
    breaks = (np.diff(places) > 1) | (np.diff(time_s[places]) > longest)
    for part in np.split(places, np.flatnonzero(breaks) + 1):
        yield float(time_s[part[0]]), float(time_s[part[-1]])


def _averaged(
    time_s: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Edges of equal stretches of time, and (stretches, k) means of the values in each."""
    # Neighbouring rows are never further apart than a stretch is long: none between is empty.
    longest = _longest_step_s(time_s)
    span = max(float(time_s[-1] - time_s[0]), longest)
    count = max(1, min(_MOST_COLUMNS, int(span / longest)))
    edges = np.linspace(time_s[0], time_s[0] + span, count + 1)
    place = (np.searchsorted(edges, time_s, side="right") - 1).clip(0, count - 1)
    known = np.isfinite(values)
    total, number = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    np.add.at(total, place, np.where(known, values, 0.0))
    np.add.at(number, place, known)
    with np.errstate(invalid="ignore"):
        return edges, np.ma.masked_invalid(total / number)
