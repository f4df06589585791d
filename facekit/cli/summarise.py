"""``facekit summarise``: a row for everyone in every table of a study."""

from pathlib import Path
from typing import Any

import click

from facekit.cli.common import DONE, INPUT_FAILED, list_of_names, say
from facekit.cli.limits import given, limit_flags

_PATH = click.Path(path_type=Path)
_MOST_NOTES = 10


@click.command("summarise")
@click.argument("tables", nargs=-1, required=True, type=_PATH, metavar="OUT...")
@click.option("-o", "--output", type=_PATH, help="CSV, Parquet or JSON lines.  [CSV on stdout]")
@click.option(
    "--by",
    default="person",
    show_default=True,
    metavar="person|file|window:SECONDS",
    help="A row for everyone in a file; for a file; for everyone in each window of time.",
)
@click.option(
    "--columns",
    type=list_of_names,
    metavar="GROUP,...",
    help="Statistics of these column groups only; see: facekit columns.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is no summary, too.")
@limit_flags
def command(
    tables: tuple[Path, ...],
    output: Path | None,
    by: str,
    columns: tuple[str, ...] | None,
    overwrite: bool,
    **flags: Any,
) -> int:
    """Write one row for everyone in every table: statistics to analyse, quality to exclude on.

    OUT is a folder of tables, its study.csv, or tables. Beside the summary lies
    NAME.schema.json with the definition of each column. Statistics are over rows of status ok,
    each for as long as its frame was shown; what is missing is counted, never taken as zero.
    The limits in brackets decide which rows count as trusted; they leave no row out.
    """
    from facekit.study.groups import By
    from facekit.study.summarise import Request, summarise
    from facekit.study.trust import Limits

    request = Request(By.parse(by), columns, Limits(**given(flags)))
    found = summarise(tables, output, request, overwrite=overwrite)
    for note in (*found.left_out[:_MOST_NOTES], *found.errors):
        say(note)
    if len(found.left_out) > _MOST_NOTES:
        say(f"and {len(found.left_out) - _MOST_NOTES} more files left out")
    place = "" if output is None else f"{output}: "
    failed = f", {len(found.errors)} failed" if found.errors else ""
    say(f"{place}{found.rows} rows of {found.tables} tables{failed}")
    return INPUT_FAILED if found.errors else DONE
