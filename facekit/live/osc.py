"""Records as OSC (Open Sound Control 1.0) over UDP: a bundle for each, a message for each group."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from facekit.columns import Column
from facekit.live.datagrams import Datagrams
from facekit.live.record import (
    EVENT_COLUMNS,
    EVENT_TRACK,
    EventRecord,
    Numbers,
    Record,
    StreamLayout,
)
from facekit.output.rows import Cell, Row

_TIMES = frozenset({"time_s", "capture_s", "send_s", "onset_s", "apex_s", "offset_s"})
"""Sent with 64 bits: the 32 of OSC's usual float are too few for them."""

_Members: TypeAlias = Sequence[tuple[int, Column]]
"""Columns of a message, and their places in its row."""

_EVENT_MEMBERS: _Members = tuple(enumerate(EVENT_COLUMNS))


class Osc:
    """One bundle for each record, with a message ``/facekit/TRACK/GROUP`` for each column group.

    The arguments are the group's columns in the table's order. Numbers are 32-bit floats, which
    hold every digit of the table's but for times, which are 64-bit; missing numbers are NaN,
    missing integers and text nil. TRACK is ``none`` where a row has no track.

    Args:
        target: as the user named it.
        host: of the receiver.
        port: of the receiver.
        layout: of the records.
    """

    def __init__(self, target: str, host: str, port: int, layout: StreamLayout) -> None:
        """Find the receiver's address.

        Raises:
            OutputError: the host is not known.
        """
        self._datagrams, self._layout = Datagrams(target, host, port), layout
        self._track = layout.track
        self._numbers, self._event_numbers = Numbers(layout.columns), Numbers(EVENT_COLUMNS)
        places = list(enumerate(layout.columns))
        self._groups: dict[str, _Members] = {
            group: [(place, column) for place, column in places if column.group == group]
            for group in dict.fromkeys(column.group for column in layout.columns)
        }

    def send(self, record: Record | EventRecord) -> None:
        """Send its bundle; of an event, its message ``/facekit/TRACK/event``.

        Raises:
            LostError: the system does not take it.
        """
        row = self._layout.cells(record)
        if isinstance(record, EventRecord):
            numbers = self._event_numbers.of(row).tolist()
            event = _message(row[EVENT_TRACK], "event", _EVENT_MEMBERS, row, numbers)
            self._datagrams.send(event.dgram)
            return
        track, numbers = row[self._track], self._numbers.of(row).tolist()
        bundle = OscBundleBuilder(IMMEDIATELY)
        for group, members in self._groups.items():
            bundle.add_content(_message(track, group, members, row, numbers))
        self._datagrams.send(bundle.build().dgram)

    def close(self) -> None:
        """Close the socket."""
        self._datagrams.close()

    def unheard(self) -> int:
        """How many were refused."""
        return self._datagrams.refused


def _message(
    track: Cell, name: str, members: _Members, row: Row, numbers: list[float]
) -> OscMessage:
    message = OscMessageBuilder(f"/facekit/{'none' if track is None else track}/{name}")
    for kind, value in _arguments(members, row, numbers):
        message.add_arg(value, kind)
    return message.build()


def _arguments(
    members: _Members, row: Row, numbers: list[float]
) -> Iterator[tuple[str, float | int | str | None]]:
    """Type and value of each argument of a message."""
    for place, column in members:
        if column.kind == "number":
            yield "d" if column.name in _TIMES else "f", numbers[place]
        elif column.kind == "text":
            yield ("N", None) if row[place] is None else ("s", str(row[place]))
        else:
            missing = math.isnan(numbers[place])
            yield ("N", None) if missing else ("i", int(numbers[place]))
