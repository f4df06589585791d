"""``facekit bench``: speed and memory on this machine."""

import importlib
import json
from pathlib import Path

import click

_NAMES = ("detector", "video", "memory", "networks", "study")


@click.command("bench")
@click.argument("name", type=click.Choice(_NAMES))
@click.argument("clip", required=False, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--json",
    "report",
    type=click.Path(path_type=Path, dir_okay=False),
    help='Also write {"metrics": {...}} here.',
)
def command(name: str, clip: Path | None, report: Path | None) -> None:
    r"""Measure NAME, on CLIP or on material made for it.

    \b
    detector  facekit's cascade against facenet-pytorch's, single 1080p frames
    video     default mode against every frame searched, and against decoding alone
    memory    peak memory of ten seconds and of ten minutes
    networks  each network that measures faces: milliseconds per face, one CPU thread
    study     two workers against one, Ray's cost per file, killed and resumed

    Compared things are measured in turn in one run; trust the ratios more than the seconds.
    """
    metrics: dict[str, float] = importlib.import_module(f"facekit.bench.{name}").run(clip)
    for key, value in metrics.items():
        click.echo(f"{key:32} {value:10.3f}")
    if report is not None:
        report.write_text(json.dumps({"metrics": metrics}, indent=2) + "\n", encoding="utf-8")
