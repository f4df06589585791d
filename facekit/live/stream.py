"""A stream: records go to a sink on a thread of its own, so that no receiver slows the analysis."""

import logging
import threading
import time
from collections import deque

from facekit.live.record import EndedError, EventRecord, LostError, Record, Sink

CAPACITY = 600
"""Records that wait at most: 20 seconds of one face at 30 frames/s."""

_log = logging.getLogger(__name__)

_PATIENCE_S = 2.0
"""A stream that sends nothing for so long at the end of the run is given up."""


class Stream:
    """Sends records in order; when the receiver is too slow the oldest are lost, and counted."""

    def __init__(self, target: str, sink: Sink, capacity: int = CAPACITY) -> None:
        """Start the thread.

        Args:
            target: as the user named it.
            sink: open; the thread closes it.
            capacity: records that wait at most.
        """
        self.target = target
        self._sink, self._capacity = sink, capacity
        self._waiting: deque[Record | EventRecord] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._sent = self._events = self._lost = self._overtaken = 0
        self._end: EndedError | None = None
        self._last_reason = ""
        self._thread = threading.Thread(target=self._run, name=f"send {target}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more can be sent."""
        return self._end is not None

    @property
    def failed(self) -> bool:
        """Whether it ended though its receiver did not want that."""
        return self._end is not None and not self._end.wanted

    def put(self, record: Record | EventRecord) -> None:
        """Send `record` soon; never waits."""
        with self._changed:
            if self._end is not None:
                self._lost += 1
                return
            if len(self._waiting) >= self._capacity:
                self._waiting.popleft()
                self._lost += 1
                self._overtaken += 1
            self._waiting.append(record)
            self._changed.notify()

    def close(self) -> str:
        """Send what waits, as long as that goes on, and stop.

        Returns:
            What became of the records, in one line.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        handled, since = -1, time.monotonic()
        while self._thread.is_alive() and time.monotonic() - since < _PATIENCE_S:
            if self._sent + self._lost != handled:
                handled, since = self._sent + self._lost, time.monotonic()
            self._thread.join(0.02)
        return self._tally(stuck=self._thread.is_alive())

    def _tally(self, stuck: bool) -> str:
        with self._changed:
            lost = self._lost
            if stuck:
                lost += len(self._waiting) + 1
                self._waiting.clear()
        events = f" and {self._events} of events" if self._events else ""
        said = [f"{self.target}: {self._sent - self._events} rows{events} sent"]
        if lost:
            said.append(f"{lost} lost ({self._reason(stuck)})")
        unheard = self._sink.unheard()
        if unheard:
            said.append(f"nobody listened to {unheard} of those sent")
        return ", ".join(said)

    def _reason(self, stuck: bool) -> str:
        reasons = [str(self._end)] if self._end is not None else []
        if self._overtaken or stuck:
            reasons.append("the receiver is slower than the analysis")
        if self._last_reason:
            reasons.append(self._last_reason)
        return "; ".join(reasons)

    def _run(self) -> None:
        try:
            while (record := self._next()) is not None:
                try:
                    self._sink.send(record)
                    self._sent += 1
                    self._events += isinstance(record, EventRecord)
                except LostError as error:
                    self._last_reason = str(error)
                    with self._changed:
                        self._lost += 1
        except EndedError as error:
            self._finish(error)
        # Whatever a protocol's library does, the analysis goes on and hears of it at the end.
        except Exception as error:
            _log.exception("%s: a defect of facekit", self.target)
            self._finish(EndedError(f"{type(error).__name__}: {error}"))
        finally:
            self._sink.close()

    def _finish(self, end: EndedError) -> None:
        with self._changed:
            self._end = end
            self._lost += len(self._waiting) + 1  # one is in the sink's hands
            self._waiting.clear()

    def _next(self) -> Record | EventRecord | None:
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return None
                self._changed.wait()
            return self._waiting.popleft()
