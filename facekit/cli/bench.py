"""``facekit bench``: speed and memory on this machine."""

import importlib
import json
from pathlib import Path

import click

_NAMES = ("detector", "video", "memory", "networks", "study", "live")


@click.command("bench")
@click.argument("name", type=click.Choice(_NAMES))
@click.argument("clip", required=False, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--json",
    "report",
    type=click.Path(path_type=Path, dir_okay=False),
    help='Also write {"metrics": {...}} here.',
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="How long live plays.  [1]"
)
def command(name: str, clip: Path | None, report: Path | None, minutes: float | None) -> None:
    r"""Measure NAME, on CLIP or on material made for it.

    \b
    detector  facekit's cascade against facenet-pytorch's, single 1080p frames
    video     default mode against every frame searched, and against decoding alone
    memory    peak memory of ten seconds and of ten minutes
    networks  each network that measures faces: milliseconds per face, one CPU thread
    study     two workers against one, Ray's cost per file, killed and resumed
    live      720p at 30 frames/s as from a camera: from capture to sending, frames dropped

    Compared things are measured in turn in one run; trust the ratios more than the seconds.
    """
    if minutes is not None and name != "live":
        raise click.UsageError("--minutes is for live alone")
    further = {} if minutes is None else {"minutes": minutes}
    bench = importlib.import_module(f"facekit.bench.{name}")
    metrics: dict[str, float] = bench.run(clip, **further)
    for key, value in metrics.items():
        click.echo(f"{key:32} {value:10.3f}")
    if report is not None:
        report.write_text(json.dumps({"metrics": metrics}, indent=2) + "\n", encoding="utf-8")
