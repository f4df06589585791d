"""Annotated copies of what was analysed: an H.264 video, or a folder of images.

with open_overlay(Path("clip.overlay.mp4"), "video") as overlay:
    for frame, faces in pipeline:
        overlay.append(frame, faces)
    overlay.finish()
"""

import logging
import math
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path, PurePath
from types import TracebackType
from typing import Protocol, Self

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from facekit.errors import OutputError
from facekit.output.drawing import draw
from facekit.output.partial import output_error, partial_path, replace, write_whole
from facekit.types import Face, Frame, Image

_TICKS_PER_S = 90_000
"""Resolution of the video's timestamps, the usual one of video containers."""

_ENCODER = {"crf": "20", "preset": "veryfast", "bf": "0", "g": "60"}
"""Without B-frames: with them the container's duration ends before uneven last frames do."""

_CONTAINER = {"movflags": "hybrid_fragmented+delay_moov"}
"""Fragments while it grows, so that a killed run leaves a film that plays; one piece at the end.
Without delay_moov the time of the first frame would be lost."""

_JPEG = frozenset({".jpg", ".jpeg"})

_log = logging.getLogger(__name__)


class OverlaySink(Protocol):
    """Takes frames with their faces; made by `open_overlay`."""

    def append(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Draw and write one frame."""

    def finish(self) -> None:
        """Complete what was written and give it its name."""

    def __enter__(self) -> Self:
        """The sink itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; what was not finished stays as ``NAME.partial``."""


def open_overlay(path: Path | None, kind: str) -> OverlaySink:
    """Begin an overlay.

    Args:
        path: video file, or folder for images; None for no overlay at all.
        kind: the source's kind; ``images`` makes a folder.

    Raises:
        OutputError: it cannot be written there.
    """
    if path is None:
        return NoOverlay()
    return OverlayImages(path) if kind == "images" else OverlayVideo(path)


class NoOverlay:
    """Nothing is drawn."""

    def append(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        """The sink itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""


class _VideoFile:
    """The file under FFmpeg's muxer, which must not see a write fail.

    FFmpeg 8 crashes the process when a fragmented film is closed after a failed write. So the
    first failure is kept here for `check`, and nothing is written any more: the file ends in
    the middle of a fragment, and plays up to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = partial_path(path)
        self._file = open(self._partial, "wb", buffering=0)  # noqa: SIM115
        self._failure: OSError | None = None

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        try:
            while self._failure is None and len(view):
                view = view[self._file.write(view) or 0 :]
        except OSError as error:
            self._failure = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def check(self) -> None:
        if self._failure is not None:
            raise output_error(self._path, self._failure, self._partial) from self._failure

    def sync_and_close(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self._failure = self._failure or error
        self._file.close()


class OverlayVideo:
    """H.264 in MP4 with the frames' own timestamps; the first frame states the size."""

    def __init__(self, path: Path) -> None:
        """Begin ``NAME.partial``, in place of an earlier one.

        Raises:
            OutputError: unknown suffix, or it cannot be written there.
        """
        self.path = path
        self._partial = partial_path(path)
        self._stream: VideoStream | None = None
        self._last_tick: int | None = None
        self._closed = False
        if path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
            raise OutputError(
                f"no video format has the suffix {path.suffix!r}", where=path, advice="Use .mp4"
            )
        try:
            # A missing folder shall be known before the first frame was analysed.
            self._file = _VideoFile(path)
        except OSError as error:
            raise output_error(path, error) from error
        self._container = av.open(self._file, "w", format="mp4", options=_CONTAINER)

    def append(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Draw and write one frame at its time.

        Raises:
            OutputError: it cannot be written.
            ValueError: the frame has no time.
        """
        if not math.isfinite(frame.time_s):
            raise ValueError("a video frame needs a time; write images into a folder")
        tick = round(frame.time_s * _TICKS_PER_S)
        if self._last_tick is not None and tick <= self._last_tick:
            # Containers know no two pictures at one time; an eleventh of a millisecond is none.
            tick = self._last_tick + 1
        self._last_tick = tick
        try:
            stream = self._stream or self._begin(frame)
            picture = _fitted(draw(frame.image, faces), stream.width, stream.height)
            video_frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            video_frame.pts, video_frame.time_base = tick, Fraction(1, _TICKS_PER_S)
            self._container.mux(stream.encode(video_frame))
            self._file.check()
        except av.error.FFmpegError as error:
            raise self._failed(error) from error

    def finish(self) -> None:
        """Write what the encoder still holds, to the disk, and give the video its name.

        Raises:
            OutputError: it cannot be written; the partial file stays.
        """
        self._close()
        if self._stream is None:
            _log.warning("%s: no frame was written", self.path)
            self._partial.unlink(missing_ok=True)
            return
        replace(self._partial, self.path)

    def __enter__(self) -> Self:
        """The sink itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; a video that was not finished stays as ``NAME.partial``, playable."""
        try:
            self._close()
        except OutputError as failure:
            if error is None:
                raise
            if not isinstance(error, OutputError):
                _log.warning("%s", failure)

    def _begin(self, frame: Frame) -> VideoStream:
        width, height = (side + side % 2 for side in frame.size)
        stream = self._container.add_stream("libx264", rate=30, options=dict(_ENCODER))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        self._stream = stream
        return stream

    def _failed(self, error: av.error.FFmpegError) -> OutputError:
        return output_error(self.path, OSError(error.errno, error.strerror), self._partial)

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
        except av.error.FFmpegError as error:
            raise self._failed(error) from error
        finally:
            self._file.sync_and_close()
        self._file.check()


class OverlayImages:
    """A folder with one annotated picture per image, under the image's own name."""

    def __init__(self, folder: Path) -> None:
        """Make the folder, if it is not there.

        Raises:
            OutputError: it cannot be made.
        """
        self.folder = folder
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise output_error(folder, error) from error

    def append(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Draw and write one image: JPEG for a JPEG, else PNG.

        Raises:
            OutputError: it cannot be written.
        """
        name = PurePath(frame.name or f"{frame.index:06d}.png").name
        suffix = PurePath(name).suffix.lower()
        jpeg = suffix in _JPEG
        # The whole name stays, so that a.bmp and a.png do not become one.
        target = self.folder / (name if jpeg or suffix == ".png" else f"{name}.png")
        picture = cv2.cvtColor(draw(frame.image, faces), cv2.COLOR_RGB2BGR)
        quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if jpeg else []
        done, data = cv2.imencode(".jpg" if jpeg else ".png", picture, quality)
        if not done:
            raise OutputError("the picture cannot be encoded", where=target)
        write_whole(target, data.tobytes())

    def finish(self) -> None:
        """Nothing to do: every image is complete."""

    def __enter__(self) -> Self:
        """The sink itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to do: every image is complete."""


def _fitted(image: Image, width: int, height: int) -> Image:
    """`image` at the video's size: odd sides get one more row or column, others are scaled."""
    tall, wide = image.shape[:2]
    if (wide + wide % 2, tall + tall % 2) != (width, height):
        return np.asarray(cv2.resize(image, (width, height)), np.uint8)
    if (wide, tall) == (width, height):
        return image
    return np.pad(image, ((0, height - tall), (0, width - wide), (0, 0)), mode="edge")
