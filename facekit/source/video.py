"""Video files and streams through PyAV: every decoded frame with its own timestamp, upright."""

import math
import re
from collections import deque
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias, cast

import av
import cv2
import numpy as np
from av.buffer import Buffer
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from facekit.source.base import BaseSource
from facekit.source.container import READ_TIMEOUT_S, no_picture, open_container, without_password
from facekit.source.damage import DamageLog
from facekit.source.handover import Background
from facekit.source.selection import Selection
from facekit.types import Frame, Image

QUEUE_FRAMES = 4

# A stream that ends this much before its header says is cut off; headers of healthy files are
# off by a few frames.
_CUT_S = 0.5
_CUT_FRAMES = 4
# Reading goes on after an error, since only a part may be lost, but not for ever.
_MOST_READ_ERRORS = 100

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


_Timed: TypeAlias = tuple[int, float, VideoFrame]


class VideoSource(BaseSource):
    """A video file or network stream; a context manager, iterated once.

    The first frame is decoded when the source is opened, so that what cannot be decoded at all
    is an error at once and `size` and `start_time_s` are known.

    Attributes:
        name: file name or address.
        path: the file, or None for an address.
        kind: ``video``.
        size: (width, height) of the first upright frame.
        frame_count: number of frames by the header, for progress only; None if unknown.
        duration_s: duration by the header; None if unknown.

    Example:
        with VideoSource(Path("clip.mp4")) as source:
            for frame in source:
                print(frame.index, frame.time_s, frame.image.shape)
    """

    kind: Literal["video", "images", "camera"] = "video"

    def __init__(
        self,
        address: Path | str,
        *,
        selection: Selection | None = None,
        threads: int = 0,
        damage: DamageLog | None = None,
    ) -> None:
        """Open and decode the first frame.

        Args:
            address: a file's path or an address with a scheme.
            selection: the frames wanted; all when None.
            threads: threads for the decoder; 0 lets FFmpeg choose.
            damage: log to write to; a new one when None.

        Raises:
            SourceError: cannot be opened, or holds no video frame.
        """
        super().__init__(damage)
        self.path = address if isinstance(address, Path) else None
        self.name = self.path.name if self.path else without_password(address)
        self._selection = selection or Selection()
        self._container, self._stream = open_container(address, threads)
        self._clock = _Clock(self._stream, self._damage)
        self._decoded = 0
        self._reformatter = VideoReformatter()
        self.frame_count = self._stream.frames or None
        self._end_s = _end_by_header(self._container, self._stream)
        self._timed_frames = self._timed()
        first = next(self._timed_frames, None)
        if first is None:
            raise no_picture(address)
        self.duration_s = _duration(self._container, self._stream)
        self._rotation, self._orientation = first[2].rotation, _orientation(first[2])
        width, height = first[2].width, first[2].height
        self.size = (height, width) if self.turned else (width, height)
        self._background = Background(
            lambda stopping: self._frames(first),
            capacity=QUEUE_FRAMES,
            name=f"decode {self.name}",
        )

    @property
    def start_time_s(self) -> float | None:
        """Container time of the first frame, seconds; None if the file has no timestamps."""
        return self._clock.start_s

    @property
    def turned(self) -> bool:
        """Whether a quarter turn makes the stored pictures upright."""
        return self._orientation[0] in (90, 270)

    def close(self) -> None:
        """Stop decoding and free the file; may be called twice."""
        if self._background.stop():
            self._timed_frames.close()

    def _iterate(self) -> Iterator[Frame]:
        return self._background.take_all()

    def _frames(self, first: _Timed) -> Generator[Frame, None, None]:
        """The wanted frames, converted."""
        pending: _Timed | None = first
        try:
            while pending is not None:
                index, time_s, frame = pending
                if self._selection.is_over(time_s):
                    return
                if self._selection.wants(time_s):
                    try:
                        image = self._picture(frame)
                    except av.FFmpegError:
                        self._damage.picture(time_s, index)
                    else:
                        yield Frame(index, time_s, image)
                pending = next(self._timed_frames, None)
            self._check_end()
        finally:
            self._timed_frames.close()

    def _timed(self) -> Generator[_Timed, None, None]:
        """Every decoded frame with its index and time."""
        for frame in self._decode():
            index = self._decoded
            time_s = self._clock.time_of(frame, index)
            if frame.is_corrupt:
                self._damage.picture(time_s, index)
            self._decoded += 1
            yield index, time_s, frame

    def _decode(self) -> Generator[VideoFrame, None, None]:
        held: Packet[VideoStream] | None = None
        try:
            for packet in self._packets():
                if held is not None:
                    if packet is None:
                        # A last packet that is cut in two would take along the frames that the
                        # decoder still holds back, if it were given to it.
                        self._damage.packet(self._clock.last_s, self._decoded)
                    else:
                        yield from self._decode_packet(held)
                    held = None
                if packet is not None and packet.is_corrupt:
                    held = packet
                else:
                    yield from self._decode_packet(packet)
        finally:
            self._container.close()

    def _decode_packet(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        if packet is not None:
            self._clock.sent(packet)
        try:
            return self._stream.codec_context.decode(packet)
        except av.error.EOFError:
            return []
        except av.FFmpegError:
            self._clock.refused()
            self._damage.packet(self._clock.last_s, self._decoded)
            return []

    def _packets(self) -> Iterator["Packet[VideoStream] | None"]:
        """Packets that hold something, then None, which makes the decoder give out its rest."""
        errors = 0
        while errors < _MOST_READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    errors = 0
                    # An empty packet would tell the decoder that the stream has ended; files
                    # hold them where a picture is repeated.
                    if packet.size:
                        yield packet
                break
            except av.error.ExitError:
                self._damage.lose(
                    f"from {self._clock.last_s:.3f} s, frame {self._decoded}: "
                    f"nothing more arrived within {READ_TIMEOUT_S:g} s"
                )
                break
            except av.FFmpegError:
                errors += 1
                self._damage.packet(self._clock.last_s, self._decoded)
        yield None

    def _picture(self, frame: VideoFrame) -> Image:
        # One thread: the decoder's own threads already keep the processor busy.
        converted = self._reformatter.reformat(frame, format="rgb24", threads=1)
        image = np.asarray(converted.to_ndarray(), np.uint8)
        turn, mirrored = self._upright(frame)
        if mirrored:
            image = np.asarray(cv2.flip(image, 1), np.uint8)
        if turn:
            return np.asarray(cv2.rotate(image, _TURNS[turn]), np.uint8)
        if converted is frame:
            # Already RGB: the decoder may go on using this memory.
            return image.copy()
        return np.ascontiguousarray(image)

    def _upright(self, frame: VideoFrame) -> tuple[int, bool]:
        # Asking a frame for its side data makes a cycle of references, which keeps its memory
        # until the garbage collector runs: ask again only if the rotation has changed.
        if frame.rotation != self._rotation:
            self._rotation, self._orientation = frame.rotation, _orientation(frame)
        return self._orientation

    def _check_end(self) -> None:
        if self._end_s is None:
            return
        missing = self._end_s - self._clock.end_s
        rate = self._stream.average_rate
        if missing > max(_CUT_S, float(_CUT_FRAMES / rate) if rate else 0.0):
            self._damage.lose(
                f"from {self._clock.last_s:.3f} s, frame {self._decoded}: the stream is cut off; "
                f"the last {missing:.3f} s of {self._clock.last_s + missing:.3f} s are missing"
            )


class _Clock:
    """Seconds since the first frame, from whatever timestamps the file has.

    Attributes:
        start_s: container time of the first frame; None if it has none.
        last_s: time of the latest frame, relative to the first.
        end_s: container time at which the latest frame's showing ends.
    """

    def __init__(self, stream: VideoStream, damage: DamageLog) -> None:
        self.start_s: float | None = None
        self.last_s = 0.0
        self.end_s = 0.0
        self._base = stream.time_base or Fraction(1, 90000)
        self._step = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
        self._damage = damage
        self._first: int | None = None
        # AVI times pictures in the order of decoding only. Where that is not the order of
        # showing, FFmpeg's guess is wrong, but the n-th picture shown has the n-th time.
        self._in_order = (
            stream.container.format.name == "avi"
            and stream.codec_context.name in ("h264", "hevc")
            and stream.codec_context.has_b_frames
        )
        self._sent: deque[int] = deque()
        self._told_backwards = False
        self._told_missing = False

    def sent(self, packet: "Packet[VideoStream]") -> None:
        """A packet goes to the decoder."""
        if self._in_order and packet.dts is not None:
            self._sent.append(packet.dts)

    def refused(self) -> None:
        """The decoder could not use what it was sent last."""
        if self._sent:
            self._sent.pop()

    def time_of(self, frame: VideoFrame, index: int) -> float:
        """Time of the next frame in the order of showing."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        if self._sent:
            stamp = self._sent.popleft()
        if stamp is None:
            time_s = self._without_stamp(index)
        else:
            if self._first is None:
                # Frames without timestamps may have come before.
                self._first = stamp - (round(self._step * index / self._base) if index else 0)
                self.start_s = float(self._first * self._base)
            time_s = float((stamp - self._first) * self._base)
        if index and time_s <= self.last_s and not self._told_backwards:
            self._told_backwards = True
            self._damage.remark(
                f"from {self.last_s:.3f} s, frame {index}: timestamps do not rise; "
                "frames are in the order of decoding"
            )
        self.last_s = time_s
        shown = float(frame.duration * self._base) if frame.duration else float(self._step)
        self.end_s = (self.start_s or 0.0) + time_s + shown
        return time_s

    def _without_stamp(self, index: int) -> float:
        if not self._told_missing:
            self._told_missing = True
            self._damage.remark(
                f"from {self.last_s:.3f} s, frame {index}: timestamps are not in the file; "
                f"times are made up from its frame rate, {float(1 / self._step):.6g} per second"
            )
        return self.last_s + float(self._step) if index else 0.0


def _orientation(frame: VideoFrame) -> tuple[int, bool]:
    """What makes the stored picture upright.

    Returns:
        Counter-clockwise degrees (0, 90, 180, 270), and whether to mirror left and right first.
    """
    stored = frame.side_data.get("DISPLAYMATRIX")
    if stored is None:
        return 0, False
    # Row vectors, y down: (x, y) goes to (a x + c y, b x + d y).
    matrix = np.frombuffer(bytes(cast(Buffer, stored)), np.int32)
    a, b, c, d = (int(matrix[place]) for place in (0, 1, 3, 4))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(-b, a)) / 90) * 90 % 360, mirrored


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if not container.duration:
        return None
    # Matroska's duration counts from zero even where the pictures start later.
    start = container.start_time or 0 if "matroska" in container.format.name else 0
    return (container.duration - start) / av.time_base


def _end_by_header(container: InputContainer, stream: VideoStream) -> float | None:
    """Container time at which the video should end; None if the header does not say."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        # The duration of a cut AVI is a guess from what is left; the count is the header's.
        return float(stream.frames / stream.average_rate)
    if stream.duration is not None and stream.time_base is not None:
        start = stream.start_time or 0
        return float((start + stream.duration) * stream.time_base)
    tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if tag:
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.duration and not container.streams.audio:
        return container.duration / av.time_base
    return None
