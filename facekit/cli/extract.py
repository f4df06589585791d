"""``facekit extract``: many inputs, a table for each, a summary at the end."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from facekit.cli.common import DEFECT, DONE, INPUT_FAILED, build_options, pipeline_flags, say
from facekit.cli.streams import parse_streams, stream_flag
from facekit.errors import OutputError

if TYPE_CHECKING:
    from facekit.output.table import Format
    from facekit.source.inputs import Input
    from facekit.study.job import Report
    from facekit.study.plan import Job, LayoutName, Shard

_OPENFACE = "openface"
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
    type=click.Choice([*(suffix[1:] for suffix in _TABLE_SUFFIXES), _OPENFACE]),
    help="Format of the tables in a folder; openface: CSV in OpenFace 2.2's columns.  [csv]",
)
@click.option("--overlay", is_flag=True, help="Also write an annotated video (folder of images).")
@click.option(
    "--overwrite", is_flag=True, help="Do finished tables again; replace those of other inputs."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Do so many inputs at a time, each in a process of --threads (here 1) threads.",
)
@click.option(
    "--same-people",
    is_flag=True,
    default=None,
    help="One number for each person in all inputs; keeps embeddings beside the tables.",
)
@click.option("--shard", metavar="I/N", help="Do only the I-th of N fixed shares of the inputs.")
@click.option("--ray", metavar="ADDRESS", help="Run on this Ray cluster; local starts one here.")
@click.option("--ship", is_flag=True, help="With --ray: inputs and tables travel through Ray.")
@stream_flag
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
@pipeline_flags
def command(
    inputs: tuple[str, ...],
    output: str,
    style: str | None,
    overlay: bool,
    overwrite: bool,
    workers: int | None,
    shard: str | None,
    ray: str | None,
    ship: bool,
    streams: tuple[str, ...],
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
    if style == _OPENFACE:
        from facekit.study.openface_out import measured_with

        options = measured_with(options)
    from facekit.source.inputs import find_inputs
    from facekit.study.plan import Shard
    from facekit.study.run import Place, run_study

    place = Place(workers, ray, ship)
    if shard is not None and options.same_people:
        raise click.UsageError("--same-people takes all inputs together: no --shard")
    if output == "-" and place != Place():
        raise click.UsageError("--workers and --ray need a file or folder to write to")
    share = None if shard is None else Shard.parse(shard)
    targets = parse_streams(streams, output)
    jobs, summary = _plan(find_inputs(inputs), output, style, overlay, share)
    if targets:
        if len(jobs) != 1 or place != Place():
            raise click.UsageError("--stream takes one input, without --workers and --ray")
        jobs = [replace(jobs[0], streams=targets)]
    from facekit.cli.progress import Display

    with Display(total=len(jobs), quiet=quiet) as display:
        try:
            reports = run_study(jobs, options, place, display, overwrite=overwrite, summary=summary)
        except KeyboardInterrupt:
            _say_kept(jobs, display.running)
            raise
    if not quiet or any(report.error for report in reports):
        display.summarise(reports, "standard output" if output == "-" else output)
        _say_streams(reports)
    return _exit_code(reports)


def _plan(
    found: "Sequence[Input]",
    output: str,
    style: str | None,
    overlay: bool,
    shard: "Shard | None",
) -> "tuple[list[Job], Path | None]":
    """The jobs, and the path of the summary if the output is a folder."""
    from facekit.study.plan import plan, plan_one, summary_name

    layout: LayoutName | None = "openface" if style == _OPENFACE else None
    format = cast("Format | None", "csv" if layout else style)
    if output == "-" or Path(output).suffix.lower() in _TABLE_SUFFIXES:
        if len(found) != 1:
            raise click.UsageError(
                f"{len(found)} inputs cannot share one table ({output}); name a folder with -o"
            )
        if output == "-" and overlay:
            raise click.UsageError("--overlay needs a table file beside which to write")
        if format is not None and output != "-" and Path(output).suffix.lower() != f".{format}":
            raise click.UsageError(f"-o {output} and --format {style} contradict each other")
        if shard is not None:
            raise click.UsageError("--shard needs a folder to write to; name one with -o")
        format = format if output == "-" else None
        return [plan_one(found[0], output, format, overlay, layout)], None
    folder = Path(output)
    looks_like_file = re.fullmatch(r"\.[A-Za-z]{2,5}", folder.suffix) is not None
    if looks_like_file and not folder.exists() and not output.endswith("/"):
        raise click.UsageError(
            f"{folder.suffix} is not a table format: name a file that ends in "
            f"{', '.join(_TABLE_SUFFIXES)}, or a folder, with / at its end"
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file, not a folder", where=output, advice="Name another with -o")
    jobs = plan(found, folder, format or "csv", overlay, layout)
    return jobs if shard is None else shard.of(jobs), folder / summary_name(shard)


def _say_streams(reports: "Sequence[Report]") -> None:
    for report in reports:
        for tally in report.outcome.streams if report.outcome else ():
            say(tally)


def _say_kept(jobs: "Sequence[Job]", running: Collection[str]) -> None:
    for job in jobs:
        partial = Path(f"{job.table}.partial")
        if job.name in running and partial.exists():
            say(f"interrupted: {job.name} is not complete; its rows so far are in {partial}")


def _exit_code(reports: "Sequence[Report]") -> int:
    if any(report.defect for report in reports):
        return DEFECT
    if any(report.outcome is not None and report.outcome.stream_failed for report in reports):
        return INPUT_FAILED
    return DONE if all(report.status == "complete" for report in reports) else INPUT_FAILED
