"""One input, one table: the task that a batch, a study or a cluster maps over its files.

It is pure (the same input, options and weights give the same table), idempotent (a finished
table of the same is kept) and loses nothing (rows go to ``NAME.partial`` while it runs).
"""

import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from facekit._version import __version__
from facekit.live.feed import Steering
from facekit.live.targets import Target
from facekit.options import PipelineOptions
from facekit.outcome import Outcome, find_kept, too_small_for
from facekit.output.cells import to_frame
from facekit.output.layout import MakeLayout
from facekit.output.rows import Row, rows
from facekit.output.table import Format
from facekit.over_time import OverTime
from facekit.personal import personal_baseline
from facekit.pipeline import Pipeline
from facekit.source import Source, open_source
from facekit.source.digest import digest
from facekit.table_run import TableRun, Watch
from facekit.whole_clip import WholeClip

logger = logging.getLogger(__name__)


def extract(
    path: str | Path, options: PipelineOptions | None = None, **changes: Any
) -> pd.DataFrame:
    """Analyse a video, an image or a folder of images; the table as a DataFrame.

    Args:
        path: the input, or a URL that FFmpeg can open.
        options: see `PipelineOptions`; None for the defaults.
        **changes: single options, such as ``detect_every=1``.

    Returns:
        One row per frame and face, with the columns of ``facekit columns``. Damage and the like
        are in ``attrs["facekit"]["warnings"]``.

    Raises:
        SourceError: the input cannot be opened or holds no picture.
        OptionsError: an option is not usable.

    Example:
        >>> import facekit
        >>> table = facekit.extract("clip.mp4", end=10)           # doctest: +SKIP
        >>> table.groupby("track").time_s.agg(["min", "max"])     # doctest: +SKIP
    """
    chosen = dataclasses.replace(options or PipelineOptions(), **_checked(changes))
    pipeline = Pipeline(chosen)
    try:
        with _open(path, chosen) as source:
            columns = pipeline.columns(images=source.kind == "images")
            personal = personal_baseline(chosen, columns, whole=source.kind != "images")
            measured = personal.before if personal else columns
            collected: list[Row] = []
            over_time = OverTime(pipeline, source.kind)
            for done in over_time.over(pipeline.run(source, later=over_time.is_late)):
                new = rows(*done, measured)
                collected += personal.take(new) if personal else new
            whole = WholeClip(columns, personal, pipeline.recogniser)
            if whole.is_needed:
                collected = [*map(whole.settle(), collected)]
            table = to_frame(collected, columns)
            small = too_small_for(chosen, source.size)
            table.attrs["facekit"] = {
                "facekit": __version__,
                "options": chosen.to_mapping(),
                "warnings": [*small, *source.warnings, *(personal.warnings() if personal else ())],
            }
    finally:
        pipeline.close()
    for warning in (*small, *source.warnings):
        logger.warning("%s: %s", source.name, warning)
    return table


def extract_to(
    path: str | Path,
    table: str | Path,
    pipeline: Pipeline,
    *,
    format: Format | None = None,
    overlay: Path | None = None,
    overwrite: bool = False,
    layout: MakeLayout | None = None,
    watch: Watch | None = None,
    streams: Sequence[Target] = (),
) -> Outcome:
    """Analyse one input into a table file and its sidecar.

    Args:
        path: the input.
        table: the table's file, or ``-`` for rows on standard output (no sidecar).
        pipeline: loaded networks and options; its state is reset.
        format: of the table; None goes by the suffix.
        overlay: also write an annotated video (for images: a folder) here.
        overwrite: do it again even if a finished table of the same is there.
        layout: write a CSV in the columns of another program; not with a baseline, whose rows
            are only complete when the clip has ended.
        watch: called after each frame; False ends the run.
        streams: where to send the rows as well, also those of a table that still holds.

    Raises:
        SourceError: the input cannot be opened or holds no picture; nothing is written.
        OutputError: the table cannot be written; what could be is in ``NAME.partial``. Or it
            exists and holds that of another input.
    """
    started = time.monotonic()
    with _open(path, pipeline.options) as source:
        identity = digest(source.path) if source.path else None
        redone = ""
        form = layout(pipeline.columns(images=source.kind == "images")) if layout else None
        if str(table) != "-" and not overwrite:
            written = form.name if form else format
            kept, redone = find_kept(Path(table), pipeline, source.name, identity, overlay, written)
            if kept is not None and not streams:
                return kept
        run = TableRun(
            source,
            pipeline,
            str(table),
            format,
            overlay,
            identity,
            started,
            form,
            streams=streams,
        )
        run.write(watch)
    return run.outcome(redone)


def record(
    source: Source,
    pipeline: Pipeline,
    table: str | Path | None,
    *,
    overlay: Path | None = None,
    steering: Steering | None = None,
    streams: Sequence[Target] = (),
) -> Outcome:
    """Analyse an open source, such as a camera, until it ends or `steering` says so.

    Args:
        source: open; closed by the caller.
        pipeline: loaded networks and options; its state is reset.
        table: the table's file, ``-`` for standard output, or None to keep nothing.
        overlay: also write an annotated video here.
        steering: called after each frame; False ends the run.
        streams: where to send the rows as well.

    Raises:
        OutputError: the table cannot be written; what could be is in ``NAME.partial``. Or a
            stream cannot be opened; nothing is written.
        MissingExtraError: a stream's package is not installed.
    """
    started = time.monotonic()
    named = None if table is None else str(table)
    run = TableRun(
        source,
        pipeline,
        named,
        None,
        overlay,
        None,
        started,
        steering=steering,
        streams=streams,
    )
    run.write(steering)
    return run.outcome("")


def _open(path: str | Path, options: PipelineOptions) -> Source:
    return open_source(
        path,
        start=options.start,
        end=options.end,
        every=options.every,
        threads=options.threads,
    )


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    # An unknown name gets facekit's message, which lists the options, not dataclasses'.
    PipelineOptions.from_mapping(changes, where="extract")
    return changes
