"""``facekit baseline``: a person's face at rest, to be taken off other clips of the person."""

from pathlib import Path

import click

from facekit.cli.common import say


@click.command("baseline")
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="CLIP|TABLE")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON."
)
@click.option(
    "--how",
    type=click.Choice(["median", "low"]),
    default="median",
    show_default=True,
    help="median: the face rests all the time; low: it also moves, take the lowest tenth.",
)
@click.option("--track", type=click.IntRange(min=0), help="Whose.  [the track with most faces]")
@click.option("--start", type=click.FloatRange(min=0), help="Leave out what is before this time_s.")
@click.option("--end", type=click.FloatRange(min=0), help="Leave out what is after this time_s.")
def command(
    source: Path,
    output: Path,
    how: str,
    track: int | None,
    start: float | None,
    end: float | None,
) -> None:
    """Save how strongly a person at rest shows each action unit.

    CLIP is a video (or a folder of images) of the person doing nothing; TABLE one that facekit
    made of it, with the columns au. Then: facekit extract CLIPS --baseline FILE.json
    """
    from facekit.output.partial import write_whole
    from facekit.output.reading import read_table
    from facekit.output.table import SUFFIXES
    from facekit.personal import baseline_of_table
    from facekit.task import extract
    from facekit.temporal.baseline import MEDIAN, QUANTILE

    if source.suffix.lower() in SUFFIXES:
        table = read_table(source)
    else:
        table = extract(source, columns=("au",), head_pose="none", start=start, end=end)
    if start is not None:
        table = table[~(table["time_s"] < start)]
    if end is not None:
        table = table[~(table["time_s"] > end)]
    quantile = MEDIAN if how == "median" else QUANTILE
    found = baseline_of_table(table, source.name, quantile=quantile, track=track)
    write_whole(output, found.to_json().encode())
    say(f"{output}: the face at rest, out of {found.frames} faces in {source.name}")
