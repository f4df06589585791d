"""The sound of a video, copied into another one packet by packet: not decoded, not encoded."""

import logging
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet

from facekit.errors import OutputError
from facekit.source.container import open_container

_log = logging.getLogger(__name__)


class Sound:
    """All audio streams of a video, read along with the pictures of another."""

    def __init__(self, path: Path) -> None:
        """Open.

        Raises:
            SourceError: it cannot be opened.
        """
        self._path = path
        self._container, _ = open_container(path, 1)
        self._streams: dict[int, Any] = {}
        self._packets = self._read()
        self._next: Packet[Any] | None = None

    @property
    def time_bases(self) -> list[Fraction]:
        """Seconds per tick of each stream's timestamps."""
        bases = [stream.time_base for stream in self._container.streams.audio]
        return [base for base in bases if base is not None]

    def begin(self, film: OutputContainer, path: Path) -> None:
        """Add the streams to a film that has written nothing yet.

        Args:
            film: open for writing.
            path: of the film, for messages.

        Raises:
            OutputError: its container cannot hold such sound.
        """
        for stream in self._container.streams.audio:
            try:
                self._streams[stream.index] = film.add_stream_from_template(stream)
            except ValueError as error:
                raise OutputError(
                    f"cannot hold the sound of {self._path.name} ({stream.codec_context.name})",
                    where=path,
                    advice="Try a file that ends in .mov, or leave the sound out",
                ) from error
        self._next = next(self._packets, None)

    def copy_until(self, time_s: float, film: OutputContainer) -> None:
        """Copy what lies before a container time, seconds."""
        while self._next is not None and _time_of(self._next) <= time_s:
            packet, self._next = self._next, next(self._packets, None)
            packet.stream = self._streams[packet.stream.index]
            film.mux(packet)

    def copy_rest(self, film: OutputContainer) -> None:
        """Copy what is left."""
        self.copy_until(float("inf"), film)

    def close(self) -> None:
        """Free the file; may be called twice."""
        self._packets.close()
        self._container.close()

    def _read(self) -> "Generator[Packet[Any], None, None]":
        streams = self._container.streams.audio
        if not streams:
            return
        try:
            for packet in self._container.demux(*streams):
                if packet.size and packet.dts is not None:
                    yield packet
        except av.error.FFmpegError as error:
            _log.warning("%s: its sound ends early (%s)", self._path, error.strerror)


def _time_of(packet: "Packet[Any]") -> float:
    assert packet.dts is not None and packet.time_base is not None  # `_read` lets no other pass
    return float(packet.dts * packet.time_base)
