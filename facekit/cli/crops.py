"""``facekit crops``: aligned faces as films or pictures."""

from pathlib import Path
from typing import Any

import click

from facekit.cli.common import DONE, INPUT_FAILED, build_options, pipeline_flags, say

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("crops")
@click.argument("video", type=_FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write.  [NAME.crops]",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["video", "png"]),
    default="video",
    show_default=True,
    help="A film per track, or a zip of lossless pictures.",
)
@click.option("--size", type=int, default=112, show_default=True, help="Side of a crop, pixels.")
@click.option("--hog", is_flag=True, help="Also HOG descriptors, in Parquet (extra: hog).")
@click.option("--table", type=_FILE, help="Take the landmarks of this table of the video.")
@pipeline_flags
def command(
    video: Path,
    output: Path | None,
    kind: str,
    size: int,
    hog: bool,
    table: Path | None,
    config: Path | None,
    **flags: Any,
) -> int:
    """Cut the faces of a video, upright and at one scale.

    index.csv has a row per crop: frame, time_s, track, file, and the similarity
    x' = a x - b y + tx, y' = b x + a y + ty from frame to crop pixels.
    """
    # What the crops do not need is not run, unless it was asked for.
    for name in ("head_pose", "gaze", "action_units"):
        flags[name] = flags.get(name) or "none"
    options = build_options(config, flags)
    from facekit.crops import CropOptions, cut_faces

    folder = output or Path(f"{video.stem}.crops")
    chosen = CropOptions(
        format="png" if kind == "png" else "video", size=size, hog=hog, table=table
    )
    done = cut_faces(video, folder, chosen, options)
    say(f"{folder}: {done.crops} crops of {done.tracks} tracks in {done.frames} frames")
    if done.skipped:
        say(f"{done.skipped} faces have no landmarks, by which to align them, and were left out")
    for warning in done.warnings:
        say(f"{video}: {warning}")
    return INPUT_FAILED if done.damaged else DONE
