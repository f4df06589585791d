"""``facekit import-openface``: OpenFace's tables in facekit's columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from facekit.cli.common import DONE, INPUT_FAILED, say
from facekit.errors import FacekitError
from facekit.output.table import SUFFIXES, Format

if TYPE_CHECKING:
    from facekit.study.plan import Job


@click.command("import-openface")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Table file (.csv, .parquet, .jsonl), or a folder for several.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(get_args(Format)),
    default="csv",
    show_default=True,
    help="Format of the tables in a folder.",
)
def command(files: tuple[Path, ...], output: Path, style: Format) -> int:
    """Turn tables of OpenFace (FeatureExtraction, 2.0 to 2.2) into facekit's columns.

    FILE is a table or a folder (every .csv in it). Beside each table lies NAME.schema.json, which
    says that its numbers are OpenFace's. What OpenFace does not state is empty or has no column.
    """
    from facekit.study.job import make_folder
    from facekit.study.openface_in import import_table

    jobs = _jobs(files, output, style)
    failed = 0
    for job in jobs:
        try:
            make_folder(Path(job.table).parent)
            rows = import_table(Path(job.source), Path(job.table))
        except FacekitError as error:
            say(str(error))
            failed += 1
        else:
            say(f"{job.name}: {rows} rows in {job.table}")
    if len(jobs) > 1:
        say(f"{len(jobs) - failed} of {len(jobs)} tables imported")
    return INPUT_FAILED if failed else DONE


def _jobs(files: Sequence[Path], output: Path, style: Format) -> "list[Job]":
    from facekit.source.inputs import Input, natural_key
    from facekit.study.plan import plan, plan_one

    found: list[Input] = []
    for path in files:
        inside = sorted(path.rglob("*.csv"), key=natural_key) if path.is_dir() else [path]
        base = path if path.is_dir() else path.parent
        found += [Input(file, file.relative_to(base), "none") for file in inside]
    if not found:
        raise click.UsageError(f"there is no .csv file in {', '.join(map(str, files))}")
    if output.suffix.lower() not in SUFFIXES:
        return plan(found, output, style)
    if len(found) != 1:
        raise click.UsageError(
            f"{len(found)} tables cannot share one ({output}); name a folder with -o"
        )
    return [plan_one(found[0], str(output), None, overlay=False)]
