"""``facekit anonymise``: a copy of a video in which nobody can be recognised by the face."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from facekit.cli.common import DONE, INPUT_FAILED, RECOGNISABLE, say
from facekit.options import DeviceRequest

if TYPE_CHECKING:
    from facekit.privacy.run import Report
    from facekit.privacy.styles import Style

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("anonymise")
@click.argument("video", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="Video to write (.mp4, .mov).")
@click.option(
    "--style",
    type=click.Choice(["blur", "pixelate", "mask", "mesh"]),
    default="blur",
    show_default=True,
    help="A few soft or hard cells of colour, a grey disc, or a drawn face.",
)
@click.option("--keep", metavar="PERSON", help="Leave this person's face; needs --table.")
@click.option("--table", type=_FILE, help="Of this video, made with extract --identity.")
@click.option("--mute", is_flag=True, help="Leave the sound out.")
@click.option("--min-face", type=float, default=16.0, show_default=True, help="Pixels.")
@click.option("--json", "report_path", type=_FILE, help="Also write the report to this file.")
@click.option(
    "--device",
    type=click.Choice(get_args(DeviceRequest)),
    default="auto",
    help="Where networks run.  [auto]",
)
@click.option("--threads", type=int, help="CPU threads.  [one per core]")
def command(
    video: Path,
    output: Path,
    style: "Style",
    keep: str | None,
    table: Path | None,
    mute: bool,
    min_face: float,
    report_path: Path | None,
    device: DeviceRequest,
    threads: int | None,
) -> int:
    """Hide every face of a video, or everyone's but one person's, and check the result.

    Frames, times and sound stay as they are; the file's metadata (place, dates, names) goes.
    Exit code 4 if somebody is still recognisable by the face.
    """
    from facekit.output.partial import write_whole
    from facekit.privacy.run import AnonymiseOptions, anonymise

    options = AnonymiseOptions(
        style=style,
        keep=keep,
        table=table,
        mute=mute,
        min_face=min_face,
        device=device,
        threads=threads,
    )
    report = anonymise(video, output, options, tell=say)
    for line in _lines(report):
        click.echo(line)
    if report_path is not None:
        record = {**dataclasses.asdict(report), "recognisable": report.findings.recognisable}
        text = json.dumps(record, indent=2, allow_nan=True)
        write_whole(report_path, f"{text}\n".encode())
    for warning in report.warnings:
        say(f"{video}: {warning}")
    if report.findings.recognisable:
        say(f"{output}: somebody may still be recognised; try --style mask or a smaller --min-face")
        return RECOGNISABLE
    return INPUT_FAILED if report.damaged else DONE


def _lines(report: "Report") -> list[str]:
    findings, like = report.findings, report.findings.likeness
    share = findings.faces_after / report.faces_before if report.faces_before else 0.0
    lines = [
        f"frames: {report.frames}",
        f"faces found before: {report.faces_before}",
        f"faces covered, with those between detections: {report.covered}",
        f"faces kept: {report.kept}",
        f"faces still found: {findings.faces_after} ({share:.2%}), "
        f"of them where nothing was covered: {findings.uncovered}",
    ]
    if like is None:
        lines.append("likeness to the originals: embedder not available: similarity not checked")
    elif like.pairs == 0:
        lines.append("likeness to the originals: no face was large enough to compare")
    else:
        lines.append(
            f"likeness to the originals: highest {like.highest:.3f}, mean {like.mean:.3f} of "
            f"{like.pairs} faces; one person from {like.threshold:.3f} on: {like.alike}"
        )
    return [*lines, f"recognisable: {findings.recognisable}"]
