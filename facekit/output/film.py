"""Films: H.264 with the pictures' own timestamps, and the sound of the original, packet by packet.

with FilmWriter(Path("out.mp4"), form_of(Path("clip.mov")), sound=Path("clip.mov")) as film:
    for frame in source:
        film.append(change(frame.image), frame.time_s)
    film.finish()
"""

import logging
import os
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from facekit.errors import OutputError
from facekit.output.partial import output_error, partial_path, replace
from facekit.output.sound import Sound
from facekit.source.container import open_container
from facekit.types import Image

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}

_ENCODER = {"preset": "veryfast", "bf": "0", "g": "60"}
"""Without B-frames: with them the container's duration ends before uneven last frames do."""

_FRAGMENTS = "hybrid_fragmented+delay_moov"
"""Fragments while it grows, so that a killed run leaves a film that plays; one piece at the end.
Without delay_moov the time of the first frame would be lost."""

_MOST_TICKS = 2**31 - 1

# FFmpeg has two numberings: of matrices in streams, and of those that its scaler knows.
_UNSPECIFIED = 2
_SMPTE170M = 6
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}
_RGB = 0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FilmForm:
    """What a film has in common with the one it was made from.

    Attributes:
        time_base: seconds per tick of its timestamps.
        rate: frames per second by the header; for players, not for timestamps.
        start_time_s: container time of the first frame, seconds.
        matrix: of its colours, in FFmpeg's numbering of ``AVColorSpace``.
        primaries: as `matrix`, of ``AVColorPrimaries``.
        transfer: as `matrix`, of ``AVColorTransferCharacteristic``.
        full_range: whether black is 0 and white 255.
        pixel_aspect: width over height of an upright pixel.
        quality: constant rate factor of x264: 0 lossless, 18 hardly to be told apart.
    """

    time_base: Fraction = Fraction(1, 90_000)
    rate: Fraction = Fraction(30)
    start_time_s: float = 0.0
    matrix: int = _SMPTE170M
    primaries: int = _UNSPECIFIED
    transfer: int = _UNSPECIFIED
    full_range: bool = False
    pixel_aspect: Fraction = Fraction(1)
    quality: int = 20


def form_of(
    path: Path, start_time_s: float | None = None, *, turned: bool = False, quality: int = 18
) -> FilmForm:
    """The form of a video, for a film that keeps its times and colours.

    Args:
        path: the video.
        start_time_s: container time of its first frame, as the source states it.
        turned: whether a quarter turn makes it upright.
        quality: see `FilmForm`.

    Raises:
        SourceError: it cannot be opened.
    """
    container, stream = open_container(path, 1)
    with container:
        context = stream.codec_context
        aspect = stream.sample_aspect_ratio or Fraction(1)
        # Pictures in RGB have no matrix that would fit what is written.
        yuv = context.colorspace != _RGB
        return FilmForm(
            time_base=stream.time_base or Fraction(1, 90_000),
            rate=stream.average_rate or Fraction(30),
            start_time_s=start_time_s or 0.0,
            matrix=context.colorspace if yuv else _UNSPECIFIED,
            primaries=context.color_primaries,
            transfer=context.color_trc,
            full_range=yuv and context.color_range == 2,
            pixel_aspect=1 / aspect if turned else aspect,
            quality=quality,
        )


class _File:
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


class FilmWriter:
    """H.264 in MP4 or QuickTime; the first picture states the size.

    Timestamps are exact: the file's clocks are set to that of `form`. Of the original nothing but
    what `form` and `sound` name goes over: no metadata, chapters, subtitles or other streams.
    """

    def __init__(
        self, path: Path, form: FilmForm | None = None, *, sound: Path | None = None
    ) -> None:
        """Begin ``NAME.partial``, in place of an earlier one.

        Args:
            path: the suffix chooses the container.
            form: times and colours; None for a film of its own.
            sound: a video whose audio streams are copied, bit by bit; None for silence.

        Raises:
            OutputError: unknown suffix, or it cannot be written there.
            SourceError: `sound` cannot be opened.
        """
        self.path = path
        self._form = form or FilmForm()
        self._partial = partial_path(path)
        self._stream: VideoStream | None = None
        self._last_tick: int | None = None
        self._closed = False
        suffix = path.suffix.lower()
        if suffix not in _FORMATS:
            raise OutputError(
                f"no video format has the suffix {path.suffix!r}",
                where=path,
                advice="Use .mp4 or .mov",
            )
        self._sound = Sound(sound) if sound is not None else None
        try:
            # A missing folder shall be known before the first frame was analysed.
            self._file = _File(path)
        except OSError as error:
            raise output_error(path, error) from error
        self._container = av.open(
            self._file, "w", format=_FORMATS[suffix], options=self._clock_options()
        )

    def append(self, image: Image, time_s: float) -> None:
        """Write one picture at its time, and the sound up to there.

        Args:
            image: (height, width, 3) uint8 RGB.
            time_s: seconds since the first frame.

        Raises:
            OutputError: it cannot be written.
        """
        base = self._form.time_base
        tick = round((self._form.start_time_s + time_s) / base)
        if self._last_tick is not None and tick <= self._last_tick:
            # Containers know no two pictures at one time; a tick of the clock is none.
            tick = self._last_tick + 1
        self._last_tick = tick
        try:
            stream = self._stream or self._begin(image)
            if self._sound is not None:
                self._sound.copy_until(float(tick * base), self._container)
            picture = av.VideoFrame.from_ndarray(
                _fitted(image, stream.width, stream.height), format="rgb24"
            )
            encoded = self._coloured(picture)
            encoded.pts, encoded.time_base = tick, base
            self._container.mux(stream.encode(encoded))
            self._file.check()
        except av.error.FFmpegError as error:
            raise self._failed(error) from error

    def finish(self) -> None:
        """Write what the encoder still holds, to the disk, and give the film its name.

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
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; a film that was not finished stays as ``NAME.partial``, playable."""
        try:
            self._close()
        except OutputError as failure:
            if error is None:
                raise
            if not isinstance(error, OutputError):
                _log.warning("%s", failure)

    def _clock_options(self) -> dict[str, str]:
        """The muxer's clocks, so fine that no timestamp of picture or sound is rounded."""
        track = self._form.time_base.denominator
        bases = self._sound.time_bases if self._sound is not None else []
        movie = lcm(track, *(base.denominator for base in bases))
        return {
            "movflags": _FRAGMENTS,
            "video_track_timescale": str(track),
            "movie_timescale": str(movie if movie <= _MOST_TICKS else track),
        }

    def _begin(self, image: Image) -> VideoStream:
        form = self._form
        height, width = (side + side % 2 for side in image.shape[:2])
        options = {**_ENCODER, "crf": str(form.quality)}
        stream = self._container.add_stream("libx264", rate=form.rate, options=options)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        stream.time_base = context.time_base = form.time_base
        context.sample_aspect_ratio = form.pixel_aspect
        context.color_range = 2 if form.full_range else 1
        context.colorspace = form.matrix
        context.color_primaries, context.color_trc = form.primaries, form.transfer
        if self._sound is not None:
            self._sound.begin(self._container, self.path)
        self._reformatter = VideoReformatter()
        self._stream = stream
        return stream

    def _coloured(self, picture: av.VideoFrame) -> Any:
        form = self._form
        return self._reformatter.reformat(
            picture,
            format="yuv420p",
            dst_colorspace=_MATRICES.get(form.matrix, Colorspace.ITU601),
            dst_color_range=ColorRange.JPEG if form.full_range else ColorRange.MPEG,
            threads=1,
        )

    def _failed(self, error: av.error.FFmpegError) -> OutputError:
        return output_error(self.path, OSError(error.errno, error.strerror), self._partial)

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
                if self._sound is not None:
                    self._sound.copy_rest(self._container)
            self._container.close()
        except av.error.FFmpegError as error:
            raise self._failed(error) from error
        finally:
            if self._sound is not None:
                self._sound.close()
            self._file.sync_and_close()
        self._file.check()


def _fitted(image: Image, width: int, height: int) -> Image:
    """`image` at the film's size: odd sides get one more row or column, others are scaled."""
    tall, wide = image.shape[:2]
    if (wide + wide % 2, tall + tall % 2) != (width, height):
        return np.asarray(cv2.resize(image, (width, height)), np.uint8)
    if (wide, tall) == (width, height):
        return np.ascontiguousarray(image)
    return np.pad(image, ((0, height - tall), (0, width - wide), (0, 0)), mode="edge")
