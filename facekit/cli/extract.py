"""``facekit extract``: many inputs, a table for each, a summary at the end."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facekit.cli.common import DEFECT, DONE, INPUT_FAILED, build_options, pipeline_flags, say
from facekit.errors import OutputError

if TYPE_CHECKING:
    from facekit.output.table import Format
    from facekit.source.inputs import Input
    from facekit.study.job import Report
    from facekit.study.plan import Job, Shard

_TABLE_SUFFIXES = (".csv", ".parquet", ".jsonl")


@click.command("extract")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    help="Table file (.csv, .parquet, .jsonl), a folder, or - for JSON lines on stdout.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice([suffix[1:] for suffix in _TABLE_SUFFIXES]),
    help="Format of the tables in a folder.  [csv]",
)
@click.option("--overlay", is_flag=True, help="Also write an annotated video (folder of images).")
@click.option("--overwrite", is_flag=True, help="Do finished tables again.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Do so many inputs at a time, each in a process of --threads (here 1) threads.",
)
@click.option("--shard", metavar="I/N", help="Do only the I-th of N fixed shares of the inputs.")
@click.option("--ray", metavar="ADDRESS", help="Run on this Ray cluster; local starts one here.")
@click.option("--ship", is_flag=True, help="With --ray: inputs and tables travel through Ray.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
@pipeline_flags
def command(
    inputs: tuple[str, ...],
    output: str,
    style: "Format | None",
    overlay: bool,
    overwrite: bool,
    workers: int | None,
    shard: str | None,
    ray: str | None,
    ship: bool,
    quiet: bool,
    config: Path | None,
    **flags: Any,
) -> int:
    """Turn videos, images and folders of them into tables.

    INPUT is a file, a folder (every video in it, and every folder of images), a pattern such
    as 'data/**/*.mp4', or a URL. Beside each table lies NAME.schema.json: units, options,
    weights, source. Finished tables of the same are kept unless --overwrite. In an output folder
    study.csv has one row per input.
    """
    options = build_options(config, flags)
    from facekit.source.inputs import find_inputs
    from facekit.study.plan import Shard
    from facekit.study.run import Place, run_study

    place = Place(workers, ray, ship)
    if output == "-" and place != Place():
        raise click.UsageError("--workers and --ray need a file or folder to write to")
    share = None if shard is None else Shard.parse(shard)
    jobs, summary = _plan(find_inputs(inputs), output, style, overlay, share)
    from facekit.cli.progress import Display

    with Display(total=len(jobs), quiet=quiet) as display:
        try:
            reports = run_study(jobs, options, place, display, overwrite=overwrite, summary=summary)
        except KeyboardInterrupt:
            _say_kept(jobs, display.running)
            raise
    if not quiet or any(report.error for report in reports):
        display.summarise(reports, "standard output" if output == "-" else output)
    return _exit_code(reports)


def _plan(
    found: "Sequence[Input]",
    output: str,
    style: "Format | None",
    overlay: bool,
    shard: "Shard | None",
) -> "tuple[list[Job], Path | None]":
    """The jobs, and the path of the summary if the output is a folder."""
    from facekit.study.plan import plan, plan_one, summary_name

    if output == "-" or Path(output).suffix.lower() in _TABLE_SUFFIXES:
        if len(found) != 1:
            raise click.UsageError(
                f"{len(found)} inputs cannot share one table ({output}); name a folder with -o"
            )
        if output == "-" and overlay:
            raise click.UsageError("--overlay needs a table file beside which to write")
        if style is not None and output != "-" and Path(output).suffix.lower() != f".{style}":
            raise click.UsageError(f"-o {output} and --format {style} contradict each other")
        if shard is not None:
            raise click.UsageError("--shard needs a folder to write to; name one with -o")
        return [plan_one(found[0], output, style if output == "-" else None, overlay)], None
    folder = Path(output)
    looks_like_file = re.fullmatch(r"\.[A-Za-z]{2,5}", folder.suffix) is not None
    if looks_like_file and not folder.exists() and not output.endswith("/"):
        raise click.UsageError(
            f"{folder.suffix} is not a table format: name a file that ends in "
            f"{', '.join(_TABLE_SUFFIXES)}, or a folder, with / at its end"
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file, not a folder", where=output, advice="Name another with -o")
    jobs = plan(found, folder, style or "csv", overlay)
    return jobs if shard is None else shard.of(jobs), folder / summary_name(shard)


def _say_kept(jobs: "Sequence[Job]", running: Collection[str]) -> None:
    for job in jobs:
        partial = Path(f"{job.table}.partial")
        if job.name in running and partial.exists():
            say(f"interrupted: {job.name} is not complete; its rows so far are in {partial}")


def _exit_code(reports: "Sequence[Report]") -> int:
    if any(report.defect for report in reports):
        return DEFECT
    return DONE if all(report.status == "complete" for report in reports) else INPUT_FAILED
