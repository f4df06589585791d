"""One input, one table: the task that a batch, a study or a cluster maps over its files.

It is pure (the same input, options and weights give the same table), idempotent (a finished
table of the same is kept) and loses nothing (rows go to ``NAME.partial`` while it runs).
"""

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from facekit._version import __version__
from facekit.columns import Column
from facekit.errors import OutputError
from facekit.options import PipelineOptions
from facekit.outcome import Outcome, find_kept, network_records, warnings_of
from facekit.output import sidecar
from facekit.output.cells import to_frame
from facekit.output.overlay import OverlaySink, open_overlay
from facekit.output.rows import Row, rows
from facekit.output.second_pass import SecondPass
from facekit.output.table import Format, TableSink, format_of, open_table
from facekit.personal import PersonalBaseline, personal_baseline
from facekit.pipeline import Pipeline
from facekit.source import Source, open_source
from facekit.source.digest import Digest, digest
from facekit.types import Face, Frame

logger = logging.getLogger(__name__)

_NOT_YET_RELATIVE = (
    "The baseline was not taken off (AUxx_rel is missing): that is done when the video has ended.",
)

Watch: TypeAlias = Callable[[Source, Frame, Sequence[Face]], bool]
"""Called after each frame; False ends the run there, and what was written is complete."""


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
            for frame, faces in pipeline.run(source):
                new = rows(frame, faces, measured)
                collected += personal.take(new) if personal else new
            if personal and personal.needs_second_pass:
                collected = [personal.complete(row) for row in collected]
            table = to_frame(collected, columns)
            table.attrs["facekit"] = {
                "facekit": __version__,
                "options": chosen.to_mapping(),
                "warnings": [*source.warnings, *(personal.warnings() if personal else ())],
            }
    finally:
        pipeline.close()
    for warning in source.warnings:
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
    watch: Watch | None = None,
) -> Outcome:
    """Analyse one input into a table file and its sidecar.

    Args:
        path: the input.
        table: the table's file, or ``-`` for rows on standard output (no sidecar).
        pipeline: loaded networks and options; its state is reset.
        format: of the table; None goes by the suffix.
        overlay: also write an annotated video (for images: a folder) here.
        overwrite: do it again even if a finished table of the same is there.
        watch: called after each frame; False ends the run.

    Raises:
        SourceError: the input cannot be opened or holds no picture; nothing is written.
        OutputError: the table cannot be written; what could be is in ``NAME.partial``.
    """
    started = time.monotonic()
    with _open(path, pipeline.options) as source:
        identity = digest(source.path) if source.path else None
        redone = ""
        if str(table) != "-" and not overwrite:
            kept, redone = find_kept(Path(table), pipeline, identity, overlay)
            if kept is not None:
                return kept
        run = _Run(source, pipeline, str(table), format, overlay, identity, started)
        run.write(watch)
    return run.outcome(redone)


def record(
    source: Source,
    pipeline: Pipeline,
    table: str | Path | None,
    *,
    overlay: Path | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Analyse an open source, such as a camera, until it ends or `watch` says so.

    Args:
        source: open; closed by the caller.
        pipeline: loaded networks and options; its state is reset.
        table: the table's file, ``-`` for standard output, or None to keep nothing.
        overlay: also write an annotated video here.
        watch: called after each frame; False ends the run.

    Raises:
        OutputError: the table cannot be written; what could be is in ``NAME.partial``.
    """
    started = time.monotonic()
    named = None if table is None else str(table)
    run = _Run(source, pipeline, named, None, overlay, None, started)
    run.write(watch)
    return run.outcome("")


class _Run:
    """Writing one table: the rows, the sidecar beside them, the overlay if there is one."""

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        table: str | None,
        format: Format | None,
        overlay: Path | None,
        identity: Digest | None,
        started: float,
    ) -> None:
        self._source, self._pipeline, self._identity = source, pipeline, identity
        self._table, self._overlay = table, overlay
        # A sidecar needs a file to lie beside.
        self._path = None if table in (None, "-") else Path(str(table))
        self._format = format or ("jsonl" if self._path is None else format_of(self._path))
        columns = pipeline.columns(images=source.kind == "images")
        whole = self._path is not None and source.kind != "images"
        self._personal = personal_baseline(pipeline.options, columns, whole=whole)
        # What the first pass writes; a second one adds what the whole clip must be known for.
        self._measured = self._personal.before if self._personal else columns
        self._second = self._personal is not None and self._personal.needs_second_pass
        self._columns: tuple[Column, ...] = self._measured if self._second else columns
        self._created = sidecar.now()
        self._frames = self._frames_with_face = self._rows = 0
        self._faces, self._score_sum = 0, 0.0
        self._started, self._seconds = started, math.nan
        self._last_time_s: float | None = None

    def write(self, watch: Watch | None) -> None:
        """Everything, from the first frame to the finished files."""
        with ExitStack() as stack:
            table = overlay = None
            if self._table is not None:
                table = stack.enter_context(open_table(self._table, self._columns, self._format))
            if self._overlay is not None:
                overlay = stack.enter_context(open_overlay(self._overlay, self._source.kind))
            self._describe(table, "running")
            try:
                for frame, faces in self._pipeline.run(self._source):
                    self._take(frame, faces, table, overlay)
                    if watch is not None and not watch(self._source, frame, faces):
                        break
                if overlay is not None:
                    overlay.finish()
                self._finish(table)
            except BaseException:
                # Whatever stopped it (Ctrl-C too), what is on the disk says that it is not whole.
                self._describe_stopped(table)
                raise

    def outcome(self, redone: str) -> Outcome:
        """What became of it."""
        return Outcome(
            state="damaged" if self._source.damaged else "complete",
            table="" if self._table is None else self._table,
            frames=self._frames,
            frames_with_face=self._frames_with_face,
            rows=self._rows,
            seconds=self._seconds,
            warnings=self._warnings(),
            redone=redone,
            damaged=self._source.damaged,
            duration_s=self._last_time_s,
            mean_score=self._mean_score(),
            sha256=self._identity.sha256 if self._identity else None,
        )

    def _take(
        self,
        frame: Frame,
        faces: Sequence[Face],
        table: TableSink | None,
        overlay: OverlaySink | None,
    ) -> None:
        new: Sequence[Row] = rows(frame, faces, self._measured)
        if self._personal is not None:
            new = self._personal.take(new)
        if table is not None:
            table.append(new)
        if overlay is not None:
            overlay.append(frame, faces)
        self._frames += 1
        self._frames_with_face += bool(faces)
        self._rows += len(new)
        scores = [float(face.region.score) for face in faces if math.isfinite(face.region.score)]
        self._faces, self._score_sum = self._faces + len(scores), self._score_sum + sum(scores)
        self._last_time_s = None if math.isnan(frame.time_s) else frame.time_s

    def _describe(self, table: TableSink | None, state: sidecar.State) -> None:
        if self._path is not None and table is not None:
            written = dataclasses.replace(self._record(), state=state, rows=table.rows_written)
            sidecar.write(written, self._path)

    def _describe_stopped(self, table: TableSink | None) -> None:
        try:
            self._describe(table, "stopped")
        except OutputError as error:
            # The disk that stopped the table may be full for the sidecar as well.
            logger.warning("%s", error)

    def _finish(self, table: TableSink | None) -> None:
        self._seconds = time.monotonic() - self._started
        if self._second and self._personal is not None and table is not None:
            self._finish_relative(table, self._personal)
        elif self._path is not None and table is not None:
            sidecar.finish(table, self._record())
        elif table is not None:
            table.finish()

    def _finish_relative(self, table: TableSink, personal: PersonalBaseline) -> None:
        with SecondPass(table, personal.before, personal.after, self._format) as second:
            second.run(personal.complete)
            self._columns, self._second = personal.after, False
            try:
                sidecar.finish(second, self._record())
            except BaseException:
                # What stays is the first pass, without the columns of the second.
                self._columns, self._second = personal.before, True
                raise

    def _warnings(self) -> tuple[str, ...]:
        personal = self._personal
        known = personal.warnings() if personal and not self._second else ()
        return warnings_of((*self._source.warnings, *known), self._frames)

    def _mean_score(self) -> float | None:
        return self._score_sum / self._faces if self._faces else None

    def _record(self) -> sidecar.Sidecar:
        pipeline = self._pipeline
        networks = network_records(pipeline)
        return sidecar.Sidecar(
            facekit=__version__,
            created=self._created,
            table=self._path.name if self._path else "",
            format=self._format,
            state="running",
            rows=self._rows,
            columns=sidecar.describe(self._columns, networks),
            options=pipeline.options.to_mapping(),
            networks=networks,
            source=self._source_record(),
            device=sidecar.DeviceRecord(pipeline.device.name, pipeline.device.reason),
            warnings=self._warnings() if self._frames else tuple(self._source.warnings),
            notes=_NOT_YET_RELATIVE if self._second else (),
            baseline=self._baseline_record(),
            mean_score=self._mean_score(),
            seconds_taken=None if math.isnan(self._seconds) else self._seconds,
        )

    def _baseline_record(self) -> Mapping[str, Any] | None:
        if self._personal is None or self._second:
            return None
        return self._personal.record(str(self._pipeline.options.baseline))

    def _source_record(self) -> sidecar.SourceRecord:
        source, identity = self._source, self._identity
        width, height = source.size or (None, None)
        return sidecar.SourceRecord(
            name=source.name,
            bytes=identity.size if identity else None,
            sha256=identity.sha256 if identity else None,
            kind=source.kind,
            width=width,
            height=height,
            frame_count_header=source.frame_count,
            frames=self._frames,
            frames_with_face=self._frames_with_face,
            start_time_s=source.start_time_s,
            duration_s=self._last_time_s,
            damaged=source.damaged,
        )


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
