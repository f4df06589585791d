"""``facekit draw``: an overlay after the fact, from a table."""

from pathlib import Path

import click

from facekit.cli.common import DONE, INPUT_FAILED, say

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("draw")
@click.argument("video", type=_FILE)
@click.argument("table", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="Video to write (.mp4, .mov).")
@click.option("--mute", is_flag=True, help="Leave the sound out.")
@click.option("--threads", type=int, help="CPU threads for decoding.  [one per core]")
def command(video: Path, table: Path, output: Path, mute: bool, threads: int | None) -> int:
    """Draw what a table says into a copy of its video.

    Rows and frames are matched by their time in the container. The copy has the video's
    timestamps and its sound.
    """
    from facekit.draw import draw_table

    drawn = draw_table(video, table, output, mute=mute, threads=threads)
    say(f"{output}: {drawn.frames} frames, faces of {drawn.matched} of {drawn.moments} times")
    for warning in drawn.warnings:
        say(f"{video}: {warning}")
    return INPUT_FAILED if drawn.damaged else DONE
