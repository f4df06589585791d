"""Records over ZeroMQ: a PUB socket, a topic for each track."""

import socket

import zmq
from zmq.utils.monitor import parse_monitor_message

from facekit.errors import OutputError
from facekit.live.record import (
    EVENT_TRACK,
    EndedError,
    EventRecord,
    Lines,
    Record,
    StreamLayout,
)
from facekit.live.stream import CAPACITY

_LINGER_MS = 1000
_NO_TRACK = "none"


class ZeroMq:
    """Two parts for each record: the topic ``track/N/`` (``track/none/``), the line of jsonl:.

    Events have the topic ``event/N/``. The socket is bound here and SUB sockets connect to it, so
    that receivers come and go. ZeroMQ itself leaves out rows for a receiver that is more than
    `CAPACITY` rows behind.

    Args:
        target: as the user named it.
        host: name or address of this machine; ``*`` for every address of it.
        port: to listen on.
        layout: of the records.
    """

    def __init__(self, target: str, host: str, port: int, layout: StreamLayout) -> None:
        """Take the port.

        Raises:
            OutputError: another program has it, or the host is not this machine's.
        """
        self._lines, self._track = Lines(layout), layout.track
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.sndhwm = CAPACITY
        self._events = self._socket.get_monitor_socket(
            zmq.Event.HANDSHAKE_SUCCEEDED | zmq.Event.DISCONNECTED
        )
        self._receivers = self._unheard = 0
        try:
            address = host if host == "*" else socket.gethostbyname(host)
            self._socket.bind(f"tcp://{address}:{port}")
        except (OSError, zmq.ZMQError) as error:
            self._free(0)
            raise OutputError(
                f"cannot be bound ({error.strerror})",
                where=target,
                advice="Choose another port, or end the program that has this one",
            ) from error

    def send(self, record: Record | EventRecord) -> None:
        """Send to whoever has subscribed.

        Raises:
            EndedError: ZeroMQ does not take it.
        """
        self._count_receivers()
        self._unheard += not self._receivers
        if isinstance(record, Record):
            track = record.row[self._track]
            topic = f"track/{_NO_TRACK if track is None else track}/"
        else:
            topic = f"event/{record.row[EVENT_TRACK]}/"
        try:
            self._socket.send_multipart([topic.encode(), self._lines.of(record)])
        except zmq.ZMQError as error:
            raise EndedError(str(error)) from error

    def close(self) -> None:
        """Wait a second at most for what is on its way, and let the port go."""
        self._free(_LINGER_MS)

    def unheard(self) -> int:
        """How many were sent while nobody was connected."""
        return self._unheard

    def _free(self, linger_ms: int) -> None:
        self._socket.disable_monitor()
        self._events.close(linger=0)
        self._socket.close(linger=linger_ms)
        self._context.term()

    def _count_receivers(self) -> None:
        while self._events.poll(0):
            event = parse_monitor_message(self._events.recv_multipart())["event"]
            gone = event == zmq.Event.DISCONNECTED
            self._receivers = max(0, self._receivers + (-1 if gone else 1))
