"""Records as UDP datagrams of JSON."""

from facekit.live.datagrams import Datagrams
from facekit.live.record import EventRecord, Lines, Record, StreamLayout


class Udp:
    """One datagram for each record, holding the line that ``jsonl:`` writes.

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
        self._datagrams, self._lines = Datagrams(target, host, port), Lines(layout)

    def send(self, record: Record | EventRecord) -> None:
        """Send its datagram.

        Raises:
            LostError: the system does not take it.
        """
        self._datagrams.send(self._lines.of(record))

    def close(self) -> None:
        """Close the socket."""
        self._datagrams.close()

    def unheard(self) -> int:
        """How many were refused."""
        return self._datagrams.refused
