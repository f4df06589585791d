"""The report: quality, coverage, statistics and traces of tables, as one page without a network.

Every number of its tables comes from `facekit.study.summary`.
"""

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facekit._version import __version__
from facekit.errors import FacekitError
from facekit.facs import ACTION_UNITS
from facekit.study.columnwise import Columnwise
from facekit.study.summary import present_shares, quality, statistics
from facekit.viewer import pyramid
from facekit.viewer.content import TableContent
from facekit.viewer.routes import static_file

MOST_PLOTTED = 40
"""Tables whose traces are drawn; a study of thousands shall still open."""
_MOST_SUBJECTS = 6
_BINS = 1500

_NOTES = (
    "Means, standard deviations (n − 1) and quantiles are over the rows whose status is ok, each "
    "for as long as its frame was shown; rows of low quality, absent faces and missing values are "
    "counted, never taken as zero. An action unit's share is of the time in which it was measured: "
    "present from a probability of 0.5 on (without probabilities from intensity 1, FACS A). Shares "
    "of quality are of the time of all frames, those of reasons (from low_score_share on) of the "
    "time of the rows that are ok. facekit summarise gives the same numbers."
)


@dataclass(frozen=True, slots=True)
class Section:
    """What the report says of one table.

    Attributes:
        name: file name.
        quality: as `facekit.study.summary.quality` gives it; None where the table failed.
        shares: as `facekit.study.summary.present_shares` gives it; None where the table failed.
        body: HTML.
        error: why the table could not be read; empty if it could.
    """

    name: str
    quality: pd.DataFrame | None
    shares: pd.DataFrame | None
    body: str
    error: str = ""


def section(path: Path, plotted: bool = True) -> Section:
    """Read a table and put what is to be said of it into HTML.

    Args:
        path: the table; one that cannot be read becomes a section that says so.
        plotted: whether to draw traces.
    """
    try:
        content = TableContent(path)
        held = Columnwise.of(content.table)
    except FacekitError as error:
        return Section(path.name, None, None, "", str(error))
    found = quality(held)
    numbers = statistics(held)
    shares = present_shares(numbers, [unit.code for unit in ACTION_UNITS])
    described = content.described
    parts = [f"<h2>{html.escape(path.name)}</h2>"]
    made = [("source", described.get("source", {}).get("name")), ("made", described.get("created"))]
    made += [("facekit", described.get("facekit")), ("state", described.get("state"))]
    told = " · ".join(f"{name} {html.escape(str(value))}" for name, value in made if value)
    parts.append(f'<p class="soft">{told}</p>')
    parts += [f'<p class="warning">{html.escape(w)}</p>' for w in described.get("warnings", ())]
    parts.append("<h3>Quality</h3>" + as_html(found, shares=_shares(found)))
    if not shares.empty:
        parts.append("<h3>Share of time with each action unit</h3>")
        parts.append(as_html(shares.reset_index(), shares=tuple(map(str, shares.columns))))
    if plotted:
        parts += _traces(content)
    parts.append(
        f"<details><summary>Statistics of all {numbers['column'].nunique()} measurements</summary>"
        + as_html(numbers, shares=("present_share",))
        + "</details>"
    )
    return Section(path.name, found, shares, "\n".join(parts))


def page(sections: Sequence[Section]) -> str:
    """The whole report.

    Args:
        sections: one for each table, as `section` gives them.
    """
    good = [one for one in sections if one.quality is not None]
    title = f"{len(sections)} tables" if len(sections) != 1 else sections[0].name
    parts = [f"<h1>facekit report: {html.escape(title)}</h1>"]
    parts.append(f'<p class="soft">facekit {__version__}. {html.escape(_NOTES)}</p>')
    for failed in (one for one in sections if one.error):
        parts.append(f'<p class="warning">{html.escape(failed.error)}</p>')
    if len(good) > 1:
        overview = _overview(good)
        parts.append("<h2>All tables</h2>" + as_html(overview, shares=_shares(overview)))
        together = _together(good)
        if not together.empty:
            parts.append("<h3>Share of time with each action unit</h3>")
            parts.append(as_html(together, shares=tuple(map(str, together.columns[2:]))))
    parts += [one.body for one in good]
    if len(good) > MOST_PLOTTED:
        parts.insert(2, f"<p>Traces are drawn of the first {MOST_PLOTTED} tables.</p>")
    return _document(title, "\n".join(parts))


def as_html(frame: pd.DataFrame, shares: Sequence[str] = ()) -> str:
    """A table of numbers, to four digits; `shares` are columns of 0-1 that show as bars."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in frame.columns)
    rows = []
    for values in frame.itertuples(index=False, name=None):
        cells = [
            _cell(value, str(name) in shares)
            for name, value in zip(frame.columns, values, strict=True)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    body = "<tbody>" + "\n".join(rows) + "</tbody>"
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>{body}</table></div>'


def _shares(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if str(name).endswith("_share")]


def number_text(value: float) -> str:
    """A number as the report shows it; empty where it is missing."""
    if not math.isfinite(value):
        return ""
    return f"{value:d}" if isinstance(value, int) else f"{value:.4g}"


def _cell(value: object, share: bool) -> str:
    if isinstance(value, str):
        return f'<td class="name">{html.escape(value)}</td>'
    number: float = value.item() if isinstance(value, np.generic) else value  # type: ignore[assignment]
    if share and math.isfinite(number):
        return f'<td class="share" style="--share:{number:.4f}">{number_text(number)}</td>'
    return f"<td>{number_text(number)}</td>"


def _overview(good: Sequence[Section]) -> pd.DataFrame:
    rows = []
    for one in good:
        assert one.quality is not None
        whole = one.quality.iloc[0].drop("subject").to_dict()
        rows.append({"table": one.name, "subjects": len(one.quality) - 1, **whole})
    return pd.DataFrame(rows)


def _together(good: Sequence[Section]) -> pd.DataFrame:
    parts = []
    for one in good:
        if one.shares is not None and not one.shares.empty:
            part = one.shares.reset_index()
            part.insert(0, "table", one.name)
            parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _traces(content: TableContent) -> list[str]:
    parts = []
    by_rows = sorted(range(len(content.subjects)), key=lambda i: -len(content.subjects[i].rows))
    for subject in by_rows[:_MOST_SUBJECTS]:
        parts.append(f"<h3>{html.escape(content.subjects[subject].label)}</h3>")
        parts += [_plot(content, subject, name) for name in content.first_columns]
    left_out = len(by_rows) - _MOST_SUBJECTS
    if left_out > 0:
        parts.append(f'<p class="soft">and {left_out} more, seen more briefly</p>')
    return parts


def _plot(content: TableContent, subject: int, name: str) -> str:
    levels = content.series(subject, name)
    chosen = next((i for i, one in enumerate(levels) if len(one.low) <= _BINS), len(levels) - 1)
    level, column = levels[chosen], content.columns[name]
    arrays = dict(zip(("low", "high", "bandLow", "bandHigh"), level.arrays(), strict=False))
    data: dict[str, Any] = {key: _listed(values) for key, values in arrays.items()}
    bounded = name.startswith("AU") and column.low is not None and column.high is not None
    data |= {
        "times": np.round(content.bin_times[chosen], 3).tolist(),
        "range": [column.low, column.high] if bounded else None,
        "unit": "s" if content.timed else "image",
    }
    unit = f" [{column.unit}]" if column.unit else ""
    # JSON inside a page: "<" could end the script.
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    title = f'<span class="name">{html.escape(name)}{unit}</span> {html.escape(column.meaning)}'
    return (
        f'<figure class="plot"><figcaption>{title}</figcaption>'
        f'<script type="application/json">{text}</script></figure>'
    )


def _listed(values: pyramid.Bins) -> list[float | None]:
    return [round(float(v), 4) if math.isfinite(v) else None for v in values]


def _document(title: str, body: str) -> str:
    def inline(name: str) -> str:
        return static_file(name).decode("utf-8")

    # The page forbids itself to load anything.
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    )
    licence = html.escape(inline("LICENSE.uPlot")).replace("--", "- -")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>facekit report: {html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{inline("uPlot.min.css")}
{inline("report.css")}
</style>
</head>
<body>
{body}
<!-- uPlot, with which the traces are drawn:
{licence}
-->
<script>
{inline("uPlot.iife.min.js")}
</script>
<script>
{inline("report.js")}
</script>
</body>
</html>
"""
