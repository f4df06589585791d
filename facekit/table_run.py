"""Writing one table: the rows, the sidecar beside them, the events, the overlay, the streams."""

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from facekit._version import __version__
from facekit.columns import Column
from facekit.errors import OutputError
from facekit.live.feed import Feed, Steering
from facekit.live.record import StreamLayout
from facekit.live.targets import Target
from facekit.outcome import Outcome, network_records, too_small_for, warnings_of
from facekit.output import sidecar
from facekit.output.embeddings import Embeddings, embeddings_path
from facekit.output.events import EventSink, remove_events
from facekit.output.layout import Layout
from facekit.output.overlay import OverlaySink, open_overlay
from facekit.output.rows import Row, rows
from facekit.output.second_pass import SecondPass
from facekit.output.table import Format, TableSink, format_of, open_table
from facekit.over_time import OverTime
from facekit.personal import personal_baseline
from facekit.pipeline import Pipeline
from facekit.source import Source
from facekit.source.digest import Digest
from facekit.temporal.events import Event
from facekit.types import Face, Frame
from facekit.whole_clip import WholeClip

logger = logging.getLogger(__name__)

Watch: TypeAlias = Callable[[Source, Frame, Sequence[Face]], bool]
"""Called after each frame; False ends the run there, and what was written is complete."""


class TableRun:
    """One source into one table and what lies beside it.

    Args:
        source: open; closed by the caller.
        pipeline: loaded networks and options; its state is reset.
        table: the table's file, ``-`` for standard output, or None to keep nothing.
        format: of the table; None goes by the suffix.
        overlay: also write an annotated video here.
        identity: of the input's content, for the sidecar.
        started: monotonic time at which the work began.
        layout: columns of another program.
        steering: what keys and time do to a live run.
        streams: where to send the rows as well.
    """

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        table: str | None,
        format: Format | None,
        overlay: Path | None,
        identity: Digest | None,
        started: float,
        layout: Layout | None = None,
        steering: Steering | None = None,
        streams: Sequence[Target] = (),
    ) -> None:
        """Find the columns; nothing is written yet."""
        self._source, self._pipeline, self._identity = source, pipeline, identity
        self._steering, self._streams = steering, streams
        self._table, self._overlay = table, overlay
        # A sidecar needs a file to lie beside.
        self._path = None if table in (None, "-") else Path(str(table))
        self._format = format or ("jsonl" if self._path is None else format_of(self._path))
        columns = pipeline.columns(images=source.kind == "images", live=source.kind == "camera")
        whole = self._path is not None and source.kind != "images"
        keys = steering is not None and steering.has_keys
        self._personal = personal_baseline(pipeline.options, columns, whole=whole, keys=keys)
        # What the first pass writes; a second one adds what the whole clip must be known for.
        self._measured = self._personal.before if self._personal else columns
        self._of_faces = tuple(column for column in self._measured if column.group != "live")
        again = pipeline.recogniser if self._path is not None and layout is None else None
        self._whole = WholeClip(columns, self._personal, again)
        self._over_time = OverTime(pipeline, source.kind)
        self._events: EventSink | None = None
        self._mid_frame = False
        self._embeddings = Embeddings() if pipeline.options.keeps_embeddings else None
        self._second = self._whole.is_needed
        self._columns: tuple[Column, ...] = self._whole.before
        options, with_events = pipeline.options.to_mapping(), self._over_time.is_run
        self._sent = StreamLayout(self._columns, source.name, options, with_events)
        self._layout = layout
        if layout is not None:
            self._columns = layout.columns
        self._created = sidecar.now()
        self._frames = self._frames_with_face = self._rows = 0
        self._faces, self._score_sum = 0, 0.0
        self._started, self._seconds = started, math.nan
        self._last_time_s: float | None = None

    def write(self, watch: Watch | None) -> None:
        """Everything, from the first frame to the finished files."""
        with ExitStack() as stack:
            table = overlay = None
            feed = Feed(self._source, self._sent, self._streams, self._steering)
            self._feed = stack.enter_context(feed)
            if self._steering is not None:
                self._steering.joined(self._personal, feed.ended)
            if self._table is not None:
                table = stack.enter_context(open_table(self._table, self._columns, self._format))
            if self._overlay is not None:
                overlay = stack.enter_context(open_overlay(self._overlay, self._source.kind))
            if self._over_time.is_run and self._path is not None:
                self._events = stack.enter_context(EventSink(self._path))
            self._describe(table, "running")
            try:
                later = self._over_time.is_late
                for frame, faces in self._pipeline.run(feed.frames(), later=later):
                    self._take(frame, faces, table, overlay)
                    if watch is not None and not watch(self._source, frame, faces):
                        break
                self._put_late(table)
                self._tell(self._over_time.last_events())
                if overlay is not None:
                    overlay.finish()
                feed.close()
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
            streams=self._feed.tallies,
            stream_failed=self._feed.failed,
        )

    def _take(
        self,
        frame: Frame,
        faces: Sequence[Face],
        table: TableSink | None,
        overlay: OverlaySink | None,
    ) -> None:
        self._mid_frame = True
        for done in self._over_time.push(frame, faces):
            self._put(*done, table)
        self._mid_frame = False
        if overlay is not None:
            overlay.append(frame, faces)
        if self._embeddings is not None:
            self._embeddings.take(frame, faces)
        self._frames += 1
        self._frames_with_face += bool(faces)
        scores = [float(face.region.score) for face in faces if math.isfinite(face.region.score)]
        self._faces, self._score_sum = self._faces + len(scores), self._score_sum + sum(scores)
        self._last_time_s = None if math.isnan(frame.time_s) else frame.time_s

    def _put(self, frame: Frame, faces: Sequence[Face], table: TableSink | None) -> None:
        """A frame whose faces are complete, to everybody who wants its rows."""
        new: Sequence[Row] = self._feed.complete(frame, rows(frame, faces, self._of_faces))
        if self._personal is not None:
            new = self._personal.take(new)
        self._feed.send(frame, new)
        if table is not None:
            table.append(self._layout.rows(new) if self._layout else new)
        self._rows += len(new)
        self._tell(self._over_time.events(frame, faces))

    def _put_late(self, table: TableSink | None) -> None:
        """The frames that wait for what comes after them; nothing does."""
        for done in self._over_time.finish():
            self._put(*done, table)

    def _tell(self, events: Sequence[Event]) -> None:
        self._feed.tell(events)
        if self._events is not None:
            self._events.append(events)

    def _describe(self, table: TableSink | None, state: sidecar.State) -> None:
        if self._path is not None and table is not None:
            written = dataclasses.replace(self._record(), state=state, rows=table.rows_written)
            sidecar.write(written, self._path)

    def _describe_stopped(self, table: TableSink | None) -> None:
        try:
            if not self._mid_frame:  # else rows would be missing before the late ones
                self._put_late(table)
            self._describe(table, "stopped")
        except OutputError as error:
            # The disk that stopped the table may be full for the sidecar as well.
            logger.warning("%s", error)

    def _finish(self, table: TableSink | None) -> None:
        self._seconds = time.monotonic() - self._started
        if self._path is not None:
            self._write_embeddings(self._path)
        if self._second and table is not None:
            self._finish_whole(table)
        elif self._path is not None and table is not None:
            self._finish_events(self._path)
            sidecar.finish(table, self._record())
        elif table is not None:
            table.finish()

    def _finish_whole(self, table: TableSink) -> None:
        whole = self._whole
        with SecondPass(table, whole.before, whole.after, self._format) as second:
            second.run(whole.settle())
            self._finish_events(table.path)
            self._columns, self._second = whole.after, False
            try:
                sidecar.finish(second, self._record())
            except BaseException:
                # What stays is the first pass, without what the second added.
                self._columns, self._second = whole.before, True
                raise

    def _write_embeddings(self, table: Path) -> None:
        recogniser = self._pipeline.recogniser
        if self._embeddings is not None and recogniser is not None:
            path, version = embeddings_path(table), recogniser.version
            self._embeddings.write(path, version, recogniser.persons)

    def _finish_events(self, table: Path) -> None:
        if self._events is None:
            remove_events(table)
        else:
            self._events.finish(self._whole.person_of)

    def _warnings(self) -> tuple[str, ...]:
        personal = self._personal
        known = personal.warnings() if personal and not self._second else ()
        small = too_small_for(self._pipeline.options, self._source.size)
        return warnings_of((*small, *self._source.warnings, *known), self._frames)

    def _mean_score(self) -> float | None:
        return self._score_sum / self._faces if self._faces else None

    def _record(self) -> sidecar.Sidecar:
        pipeline = self._pipeline
        networks = network_records(pipeline, self._source.kind)
        return sidecar.Sidecar(
            facekit=__version__,
            created=self._created,
            table=self._path.name if self._path else "",
            format=self._layout.name if self._layout else self._format,
            state="running",
            rows=self._rows,
            columns=sidecar.describe(self._columns, networks),
            options=pipeline.options.to_mapping(),
            networks=networks,
            source=self._source_record(),
            device=sidecar.DeviceRecord(pipeline.device.name, pipeline.device.reason),
            warnings=self._warnings() if self._frames else tuple(self._source.warnings),
            notes=self._notes(),
            baseline=self._baseline_record(),
            identity=None if self._second else self._whole.identity_record(),
            mean_score=self._mean_score(),
            seconds_taken=None if math.isnan(self._seconds) else self._seconds,
        )

    def _notes(self) -> tuple[str, ...]:
        layout = self._layout.notes if self._layout is not None else ()
        unfinished = self._whole.notes if self._second else ()
        steered = self._steering.notes if self._steering else ()
        return (*layout, *unfinished, *self._over_time.notes, *steered, *self._feed.tallies)

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
