"""``facekit events``: the events of a table, as a table or for ELAN."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facekit.cli.common import say

if TYPE_CHECKING:
    import pandas as pd


@click.command("events")
@click.argument("table", type=click.Path(path_type=Path, dir_okay=False), metavar="TABLE")
@click.option("-o", "--output", help="Table of events (.csv, .parquet, .jsonl); - for stdout.  [-]")
@click.option(
    "--elan",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.eaf",
    help="Write them for ELAN: a tier for each kind, side and track.",
)
@click.option(
    "--video",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The video that ELAN shall open.  [the table's source, beside it]",
)
def command(table: Path, output: str | None, elan: Path | None, video: Path | None) -> None:
    """Give the events of a table: of each action unit, blinks, nods and shakes.

    They are those of NAME.events.csv beside it; without that file they are found anew in the
    columns of the group temporal. One row per event, by onset; times are time_s of the table.
    With --elan times are those of the video file.
    """
    from facekit.study.events_of import read_or_find_events

    if video is not None and elan is None:
        raise click.UsageError("--video is what --elan refers to")
    events = read_or_find_events(table)
    if elan is not None:
        start_time_s, media = _recording(table, video)
        from facekit.output.elan import write_elan

        write_elan(elan, events, media, start_time_s)
        say(f"{elan}: {len(events)} events of {media.name}")
    if output is not None or elan is None:
        _write(events, output or "-")


def _recording(table: Path, video: Path | None) -> tuple[float, Path]:
    """When the table begins in its video, and where that is."""
    from facekit.output.sidecar import find, read

    described = find(table)
    source = None if described is None else read(described).source
    if source is None:
        say(f"{table}: there is no sidecar; times are taken to begin with the video")
        return 0.0, video or table.with_suffix(".mp4")
    return source.start_time_s or 0.0, video or table.with_name(Path(source.name).name)


def _write(events: "pd.DataFrame", output: str) -> None:
    from facekit.output.table import open_table
    from facekit.temporal_columns import EVENT_COLUMNS

    values: list[list[Any]] = events.astype(object).where(events.notna(), None).to_numpy().tolist()
    with open_table(output, EVENT_COLUMNS, "csv" if output == "-" else None) as sink:
        sink.append([tuple(row) for row in values])
        sink.finish()
