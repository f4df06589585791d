"""``facekit extract``: many inputs, a table for each, a summary at the end."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facekit.cli.common import DEFECT, DONE, INPUT_FAILED, build_options, pipeline_flags, say
from facekit.errors import FacekitError, OutputError

if TYPE_CHECKING:
    from facekit.cli.progress import Display, Report
    from facekit.output.table import Format
    from facekit.pipeline import Pipeline
    from facekit.source.inputs import Input

logger = logging.getLogger(__name__)

_TABLE_SUFFIXES = (".csv", ".parquet", ".jsonl")


@dataclass(frozen=True, slots=True)
class _Job:
    """One input and where its table goes; `format` is None where the suffix says it."""

    input: "Input"
    table: str
    format: "Format | None"
    overlay: Path | None


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
@click.option("--overlay", is_flag=True, help="Also write an annotated video beside the table.")
@click.option("--overwrite", is_flag=True, help="Do finished tables again.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
@pipeline_flags
def command(
    inputs: tuple[str, ...],
    output: str,
    style: "Format | None",
    overlay: bool,
    overwrite: bool,
    quiet: bool,
    config: Path | None,
    **flags: Any,
) -> int:
    """Turn videos, images and folders of them into tables.

    INPUT is a file, a folder (every video in it, and every folder of images), a pattern such
    as 'data/**/*.mp4', or a URL. Beside each table lies NAME.schema.json: units, options,
    weights, source. Finished tables of the same are kept unless --overwrite.
    """
    options = build_options(config, flags)
    from facekit.source.inputs import find_inputs

    jobs = _plan(find_inputs(inputs), output, style, overlay)
    from facekit.cli.progress import Display
    from facekit.pipeline import Pipeline

    pipeline = Pipeline(options)
    pipeline.columns()  # a group that is not run is wrong usage, before any file is touched
    if not quiet:
        say(f"running on {pipeline.device.reason}")
    reports: list[Report] = []
    with Display(total=len(jobs), quiet=quiet) as display:
        for job in jobs:
            reports.append(_run(job, pipeline, overwrite, display))
            display.advance(reports[-1])
    pipeline.close()
    if not quiet or any(report.error for report in reports):
        display.summarise(reports, "standard output" if output == "-" else output)
    return _exit_code(reports)


def _plan(
    found: Sequence["Input"], output: str, style: "Format | None", overlay: bool
) -> list[_Job]:
    if output == "-" or Path(output).suffix.lower() in _TABLE_SUFFIXES:
        if len(found) != 1:
            raise click.UsageError(
                f"{len(found)} inputs cannot share one table ({output}); name a folder with -o"
            )
        if output == "-" and overlay:
            raise click.UsageError("--overlay needs a table file beside which to write")
        if style is not None and output != "-" and Path(output).suffix.lower() != f".{style}":
            raise click.UsageError(f"-o {output} and --format {style} contradict each other")
        shown = _overlay_path(found[0], Path(output)) if overlay else None
        return [_Job(found[0], output, style if output == "-" else None, shown)]
    if Path(output).exists() and not Path(output).is_dir():
        raise OutputError("is a file, not a folder", where=output, advice="Name another with -o")
    suffix = f".{style or 'csv'}"
    tables = [Path(output) / entry.relative.with_suffix(suffix) for entry in found]
    jobs = []
    for entry, table in zip(found, tables, strict=True):
        if tables.count(table) > 1:  # clip.mp4 and clip.avi side by side
            table = Path(output) / entry.relative.with_name(entry.relative.name + suffix)
        shown = _overlay_path(entry, table) if overlay else None
        jobs.append(_Job(entry, str(table), None, shown))
    return jobs


def _overlay_path(entry: "Input", table: Path) -> Path:
    from facekit.source.inputs import OVERLAY_SUFFIX

    suffix = ".overlay" if entry.kind == "images" else OVERLAY_SUFFIX
    return table.with_name(table.stem + suffix)


def _run(job: _Job, pipeline: "Pipeline", overwrite: bool, display: "Display") -> "Report":
    from facekit.cli.progress import Report
    from facekit.task import extract_to

    name = str(job.input.relative)
    if job.input.error is not None:
        return Report(name, error=str(job.input.error))
    try:
        if job.table != "-":
            _make_folder(Path(job.table).parent)
        display.start(name)
        outcome = extract_to(
            job.input.source,
            job.table,
            pipeline,
            format=job.format,
            overlay=job.overlay,
            overwrite=overwrite,
            watch=display.frame,
        )
    except BrokenPipeError:
        raise
    except FacekitError as error:
        return Report(name, error=str(error))
    except KeyboardInterrupt:
        _say_kept(job)
        raise
    except Exception as error:  # a defect in one file must not lose a night's batch
        logger.exception("%s: a defect of facekit", name)
        return Report(name, error=f"{type(error).__name__}: {error}", defect=True)
    return Report(name, outcome)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot be created ({error.strerror})",
            where=folder,
            advice="Choose a folder that can be written",
        ) from error


def _say_kept(job: _Job) -> None:
    partial = Path(f"{job.table}.partial")
    if partial.exists():
        say(f"interrupted: {job.input.relative} is not complete; its rows so far are in {partial}")


def _exit_code(reports: Sequence["Report"]) -> int:
    if any(report.defect for report in reports):
        return DEFECT
    failed = any(report.error for report in reports)
    damaged = any(r.outcome is not None and r.outcome.state == "damaged" for r in reports)
    return INPUT_FAILED if failed or damaged else DONE
