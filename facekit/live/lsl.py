"""Records over the lab streaming layer (LSL): one stream of irregular rate for each run."""

import json
import time
import uuid

import pylsl

from facekit._version import __version__
from facekit.live.record import (
    STATUS_CODES,
    EventRecord,
    Lines,
    Numbers,
    Record,
    StreamLayout,
)

_TYPE = "Face"
_LINGER_S = 0.5
_BUFFER_HUNDREDS = 36
"""What a slow receiver may be behind, as LSL counts it: 3600 records."""


class Lsl:
    """One sample of 64-bit floats for each record, at LSL's time of the frame's capture.

    The description holds a label, unit and group for each channel, facekit's version and its
    options. Missing is NaN; ``status`` is 0 ok, 1 low_quality, 2 no_face; no other text has a
    channel. Where events are sent, a stream ``NAME events`` of type Markers has each as a line of
    JSON, at the time of the frame that told.

    Args:
        name: of the stream.
        layout: of the records.
    """

    def __init__(self, name: str, layout: StreamLayout) -> None:
        """Make the stream known to the network."""
        self._layout = layout
        self._numbers = Numbers(layout.columns)
        self._channels = [
            place
            for place, column in enumerate(layout.columns)
            if column.kind != "text" or column.name == "status"
        ]
        self._outlet = pylsl.StreamOutlet(
            _describe(name, layout, self._channels), max_buffered=_BUFFER_HUNDREDS
        )
        self._lines, self._events = Lines(layout), None
        if layout.has_events:
            self._events = pylsl.StreamOutlet(
                pylsl.StreamInfo(
                    f"{name} events",
                    "Markers",
                    1,
                    pylsl.IRREGULAR_RATE,
                    pylsl.cf_string,
                    str(uuid.uuid4()),
                )
            )
        self._unheard = 0

    def send(self, record: Record | EventRecord) -> None:
        """Hand its sample to LSL, whose own threads serve the receivers."""
        age_s = time.monotonic() - record.captured_s
        if isinstance(record, EventRecord):
            if self._events is not None:
                line = self._lines.of(record).decode().rstrip()
                self._events.push_sample([line], pylsl.local_clock() - age_s)
            return
        self._unheard += not self._outlet.have_consumers()
        values = self._numbers.of(self._layout.cells(record))[self._channels]
        self._outlet.push_sample(values.tolist(), pylsl.local_clock() - age_s)

    def close(self) -> None:
        """End the stream, once receivers had a moment for what is on its way."""
        heard = self._events is not None and self._events.have_consumers()
        if heard or self._outlet.have_consumers():
            time.sleep(_LINGER_S)
        del self._outlet, self._events

    def unheard(self) -> int:
        """How many were sent while nobody was subscribed."""
        return self._unheard


def _describe(name: str, layout: StreamLayout, places: list[int]) -> pylsl.StreamInfo:
    info = pylsl.StreamInfo(
        name, _TYPE, len(places), pylsl.IRREGULAR_RATE, pylsl.cf_double64, str(uuid.uuid4())
    )
    description = info.desc()
    description.append_child_value("facekit", __version__)
    description.append_child_value("source", layout.name)
    description.append_child_value("options", json.dumps(dict(layout.options)))
    coding = description.append_child("status")
    for status, code in STATUS_CODES.items():
        coding.append_child_value(status, str(code))
    channels = description.append_child("channels")
    for place in places:
        column = layout.columns[place]
        channel = channels.append_child("channel")
        channel.append_child_value("label", column.name)
        channel.append_child_value("unit", column.unit)
        channel.append_child_value("type", column.group)
        channel.append_child_value("meaning", column.meaning)
    return info
