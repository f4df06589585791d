"""A socket for datagrams that hears when nobody listens."""

import errno
import socket

from facekit.errors import OutputError
from facekit.live.record import LostError


class Datagrams:
    """Sends datagrams to one address.

    Attributes:
        refused: datagrams that the receiver's machine sent back: no program had the port. A
            receiver on another machine may drop them silently instead.
    """

    def __init__(self, target: str, host: str, port: int) -> None:
        """Find the receiver's address.

        Raises:
            OutputError: the host is not known.
        """
        self.refused = 0
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_DGRAM
            )[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # Connected, so that the system hands over the refusals.
            self._socket.connect(address)
        except OSError as error:
            raise OutputError(
                f"cannot be sent to ({error.strerror})",
                where=target,
                advice="Check the host and the network",
            ) from error

    def send(self, data: bytes) -> None:
        """Send one datagram.

        Raises:
            LostError: the system does not take it.
        """
        try:
            try:
                self._socket.send(data)
            except ConnectionRefusedError:
                # It tells of the datagram before this one, which has not been sent yet.
                self.refused += 1
                self._socket.send(data)
        except ConnectionRefusedError:
            self.refused += 1
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise LostError("a row does not fit a datagram: choose fewer --columns") from error
            raise LostError(error.strerror or str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
