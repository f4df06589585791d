"""What leaves a run while it goes on: its rows, with what only a live run knows, to its streams."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from facekit.live.record import EventRecord, Record, StreamLayout
from facekit.live.targets import Target, open_all
from facekit.output.events import row_of
from facekit.output.rows import Row
from facekit.personal import PersonalBaseline
from facekit.source import Source
from facekit.source.camera import LiveSource
from facekit.temporal.events import Event
from facekit.types import Face, Frame


class Steering(Protocol):
    """Whoever steers a live run by hand; see `facekit.live.session`."""

    notes: list[str]
    """What the table's reader should know of it, for the sidecar."""

    has_keys: bool
    """Whether keys can be pressed."""

    def joined(self, personal: PersonalBaseline | None, ended: Callable[[], bool]) -> None:
        """The run begins, with this baseline; `ended` says that nobody is there to send to."""

    def awake(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """`frames` without those that come while the run is paused."""

    def marked(self, latency_ms: float, dropped: int) -> int | None:
        """A row is ready; the number of the marker that belongs to it."""

    def __call__(self, source: Source, frame: Frame, faces: Sequence[Face]) -> bool:
        """A frame is done; whether to go on."""


class Feed:
    """Completes the rows of live runs and hands all rows to streams; a context manager.

    Attributes:
        tallies: what became of each stream's records, once closed.
        failed: whether a stream ended before the run though its receiver did not want that.
    """

    def __init__(
        self,
        source: Source,
        layout: StreamLayout,
        targets: Sequence[Target] = (),
        steering: Steering | None = None,
    ) -> None:
        """Open the streams.

        Args:
            source: of the run.
            layout: of its rows.
            targets: where to send them.
            steering: whoever steers the run.

        Raises:
            OutputError: a stream cannot be opened.
            MissingExtraError: a stream's package is not installed.
        """
        self.tallies: tuple[str, ...] = ()
        self.failed = False
        self._source, self._steering = source, steering
        self._live = any(column.group == "live" for column in layout.table)
        self._captured_s, self._dropped = math.nan, 0
        self._streams = open_all(targets, layout)

    def frames(self) -> Iterator[Frame]:
        """The frames of the source that are to be analysed."""
        for frame in self._source if self._steering is None else self._steering.awake(self._source):
            # What is no camera has its frame when it was decoded.
            known = math.isfinite(frame.captured_s)
            if isinstance(self._source, LiveSource):
                self._dropped = self._source.dropped
            yield frame if known else replace(frame, captured_s=time.monotonic())

    def complete(self, frame: Frame, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of `frame`, in a live run with the group ``live`` at their ends."""
        if not self._live:
            return rows
        latency_ms = (time.monotonic() - frame.captured_s) * 1000
        dropped = self._dropped
        marker = None if self._steering is None else self._steering.marked(latency_ms, dropped)
        return [(*row, latency_ms, dropped, marker) for row in rows]

    def send(self, frame: Frame, rows: Sequence[Row]) -> None:
        """Hand the rows of `frame` to every stream; never waits."""
        for row in rows:
            record = Record(row, frame.captured_s, self._dropped)
            for stream in self._streams:
                stream.put(record)
        self._captured_s = frame.captured_s

    def tell(self, events: Sequence[Event]) -> None:
        """Hand events, under way or ended, that the frame sent last told of to every stream."""
        for event in events if self._streams else ():
            record = EventRecord(row_of(event), self._captured_s)
            for stream in self._streams:
                stream.put(record)

    def ended(self) -> bool:
        """Whether there are streams and each of them is over."""
        return bool(self._streams) and all(stream.ended for stream in self._streams)

    def close(self) -> None:
        """Send what waits, and close the streams; may be called twice."""
        streams, self._streams = self._streams, []
        if streams:
            self.tallies = tuple(stream.close() for stream in streams)
            self.failed = any(stream.failed for stream in streams)

    def __enter__(self) -> Self:
        """The feed itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
