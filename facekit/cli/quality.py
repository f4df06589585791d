"""``facekit quality``: what can be trusted of a table, and why not the rest."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facekit.cli.common import DONE, INPUT_FAILED, say, show
from facekit.cli.limits import given, limit_flags
from facekit.errors import FacekitError

if TYPE_CHECKING:
    from facekit.study.table_quality import TableQuality

_MOST_SUBJECTS = 20


@click.command("quality")
@click.argument(
    "tables", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TABLE..."
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
@limit_flags
def command(tables: tuple[Path, ...], as_json: bool, **flags: Any) -> int:
    """Say what share of a table's rows is trustworthy, and why the others are not.

    A row can be trusted if none of the reasons below applies to it; the limits are in brackets.
    """
    from dataclasses import asdict

    from facekit.study.found import find_tables
    from facekit.study.table_quality import table_quality
    from facekit.study.trust import Limits

    limits = Limits(**given(flags))
    found = find_tables(tables)
    judged, errors = [], list(found.errors)
    for table in found.tables:
        try:
            judged.append(table_quality(table.path, limits))
        except FacekitError as error:
            errors.append(str(error))
            continue
        if not as_json:
            _show(judged[-1])
    if as_json:
        told = {"limits": asdict(limits), "tables": [one.to_mapping() for one in judged]}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    for note in (*found.left_out, *errors):
        say(note)
    return INPUT_FAILED if errors else DONE


def _show(found: "TableQuality") -> None:
    from rich.table import Table

    share = _percent(found.trusted_share) or "none"
    click.echo(f"{found.table}: {share} of {found.rows} rows can be trusted")
    reasons = Table("reason", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("rows", "share", "alone"):
        reasons.add_column(header, justify="right")
    reasons.add_column("which is")
    for fault in sorted(found.faults, key=lambda fault: -fault.rows):
        if fault.rows:
            cells = (str(fault.rows), _percent(fault.share), str(fault.alone))
            reasons.add_row(fault.reason, *cells, fault.meaning)
    if reasons.rows:
        click.echo()
        show(reasons)
    click.echo()
    show(_subjects(found))
    left_out = len(found.subjects) - 1 - _MOST_SUBJECTS
    if left_out > 0:
        click.echo(f"and {left_out} more, seen more briefly")
    click.echo()
    for line in _remarks(found):
        click.echo(line)
    click.echo()


def _subjects(found: "TableQuality") -> Any:
    from rich.table import Table

    table = Table("subject", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("from s", "to s", "ok", "low quality", "absent", "trusted", "score"):
        table.add_column(header, justify="right")
    (_, everybody), *others = found.subjects.items()
    others.sort(key=lambda entry: -entry[1].ok_rows)
    for label, one in (("all", everybody), *others[:_MOST_SUBJECTS]):
        table.add_row(
            label,
            _number(one.first_s),
            _number(one.last_s),
            _percent(one.ok_share),
            _percent(one.low_quality_share),
            _percent(one.absent_share),
            _percent(one.trusted_share),
            _number(one.score_mean),
        )
    return table


def _remarks(found: "TableQuality") -> list[str]:
    everybody = next(iter(found.subjects.values()))
    lines = ["Reasons: shares of all rows; several may meet in one row; alone: it is the only one."]
    time = f"{everybody.frames} frames"
    if math.isfinite(everybody.seconds):
        time += f", {everybody.seconds:.1f} s"
        lines.append("Subjects: shares of the time of all frames; all: frames with anyone.")
    else:
        lines.append("Subjects: shares of the pictures, as there are no times; all: with anyone.")
    if everybody.gaps:
        time += f"; {everybody.gaps} gaps of {everybody.gap_s:.1f} s together, the longest of "
        time += f"{found.longest_gap_s:.1f} s"
    elif math.isfinite(everybody.seconds):
        time += "; no gaps"
    lines.append(f"Time: {time}.")
    if found.unjudged:
        lines.append(f"Not looked for, as the columns are missing: {', '.join(found.unjudged)}.")
    lines += [f"Warning: {warning}" for warning in found.warnings]
    return lines


def _percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else ""


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else ""
