"""The video behind a table, and a copy of it that browsers can play, made when one cannot."""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import av
import numpy as np
import platformdirs
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from facekit.errors import FacekitError, OutputError
from facekit.output.partial import partial_path, replace
from facekit.source.video import VideoSource
from facekit.types import Image

Container: TypeAlias = Literal["mp4", "webm"]

_TICKS_PER_S = 90_000
_UNUSED_DAYS = 30
_VIDEO: dict[Container, tuple[str, dict[str, str]]] = {
    "mp4": ("libx264", {"crf": "20", "preset": "veryfast", "bf": "0", "g": "30"}),
    "webm": (
        "libvpx-vp9",
        {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "8", "g": "30"},
    ),
}
_AUDIO: dict[Container, str] = {"mp4": "aac", "webm": "libopus"}
_AUDIO_RATE = 48_000

_log = logging.getLogger(__name__)


class Film:
    """A video file and its playable copies."""

    def __init__(self, path: Path, cache: Path | None = None) -> None:
        """Take a video; nothing is decoded.

        Args:
            path: the video.
            cache: folder for copies; None for the user's own.
        """
        self.path = path
        self._cache = cache or Path(platformdirs.user_cache_dir("facekit")) / "viewer"
        self._lock = threading.Lock()
        self._states: dict[Container, dict[str, Any]] = {}

    def copy_path(self, container: Container) -> Path:
        """Where the copy lies once it is complete."""
        stat = self.path.stat()
        identity = f"{self.path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        return self._cache / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.{container}"

    def state(self, container: Container) -> dict[str, Any]:
        """How far the copy is: ``state`` (none, running, done, failed), ``share``, ``error``."""
        with self._lock:
            known = dict(self._states.get(container, {"state": "none"}))
        if known["state"] == "none" and self.copy_path(container).is_file():
            return {"state": "done", "share": 1.0}
        return known

    def start(self, container: Container) -> dict[str, Any]:
        """Begin the copy, unless it is there or under way; returns its state."""
        found = self.state(container)
        if found["state"] != "none":
            if found["state"] == "done":
                os.utime(self.copy_path(container))
            return found
        with self._lock:
            if container not in self._states:
                self._states[container] = {"state": "running", "share": 0.0}
                threading.Thread(
                    target=self._make, args=(container,), name="transcode", daemon=True
                ).start()
            return dict(self._states[container])

    def _make(self, container: Container) -> None:
        target = self.copy_path(container)
        try:
            # Copies show people: for this user alone, and not for ever.
            self._cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            _forget_unused(self._cache)
            copy_playable(self.path, target, container, self._progress(container))
            outcome: dict[str, Any] = {"state": "done", "share": 1.0}
        except (FacekitError, av.FFmpegError, OSError) as error:
            _log.warning("%s: no playable copy: %s", self.path, error)
            outcome = {"state": "failed", "error": str(error)}
        with self._lock:
            self._states[container] = outcome

    def _progress(self, container: Container) -> Callable[[float], None]:
        def tell(share: float) -> None:
            with self._lock:
                self._states[container] = {"state": "running", "share": share}

        return tell


def copy_playable(
    source: Path, target: Path, container: Container, progress: Callable[[float], None]
) -> None:
    """Write a copy of a video that browsers play: H.264 in MP4, or VP9 in WebM, with its sound.

    The copy starts with the first frame at time 0, each frame at its ``time_s``, upright.

    Args:
        source: the video.
        target: the copy; ``NAME.partial`` while it grows.
        container: mp4 or webm.
        progress: is told the share done.

    Raises:
        SourceError: the video cannot be read.
        OutputError: the copy cannot be written, or FFmpeg has no encoder for it.
    """
    codec, settings = _VIDEO[container]
    if codec not in av.codecs_available:
        raise OutputError(
            f"the FFmpeg of this machine has no encoder {codec}",
            where=source,
            advice="Convert the video to H.264 in an .mp4 file and give that with --video",
        )
    partial = partial_path(target)
    flags = {"movflags": "faststart"} if container == "mp4" else {}
    with (
        VideoSource(source) as video,
        av.open(str(partial), "w", format=container, options=flags) as out,
    ):
        stream = cast(VideoStream, out.add_stream(codec, rate=30, options=dict(settings)))
        stream.width, stream.height = (side + side % 2 for side in video.size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        with _Sound(source, out, container, video.start_time_s or 0.0) as sound:
            last = -1
            for frame in video:
                # Containers know no two pictures at one time.
                last = max(last + 1, round(frame.time_s * _TICKS_PER_S))
                picture = av.VideoFrame.from_ndarray(
                    _fitted(frame.image, stream.width, stream.height), format="rgb24"
                )
                picture.pts, picture.time_base = last, Fraction(1, _TICKS_PER_S)
                out.mux(stream.encode(picture))
                sound.copy_until(frame.time_s)
                progress(min(0.99, frame.time_s / video.duration_s) if video.duration_s else 0.0)
            out.mux(stream.encode(None))
            sound.finish()
    replace(partial, target)


class _Sound:
    """The sound of a video, encoded again beside its pictures; nothing for silent ones."""

    def __init__(self, source: Path, out: Any, container: Container, start_s: float) -> None:
        self._out, self._start_s = out, start_s
        self._input = av.open(f"file:{source}", metadata_errors="replace")
        self._stream: AudioStream | None = None
        codec = _AUDIO[container]
        if self._input.streams.audio and codec in av.codecs_available:
            self._stream = cast(AudioStream, out.add_stream(codec, rate=_AUDIO_RATE))
            self._frames = self._decode()
            self._pending = next(self._frames, None)

    def __enter__(self) -> "_Sound":
        return self

    def __exit__(self, *error: object) -> None:
        self._input.close()

    def copy_until(self, time_s: float) -> None:
        """Encode what sounds before `time_s`."""
        while self._stream is not None and self._pending is not None:
            if (self._pending.time or 0.0) > time_s:
                return
            self._out.mux(self._stream.encode(self._pending))
            self._pending = next(self._frames, None)

    def finish(self) -> None:
        """Encode the rest."""
        self.copy_until(float("inf"))
        if self._stream is not None:
            self._out.mux(self._stream.encode(None))

    def _decode(self) -> Iterator[av.AudioFrame]:
        """The frames of sound from the first picture on, timed from it."""
        try:
            for frame in self._input.decode(audio=0):
                base = frame.time_base
                if frame.pts is None or base is None or frame.pts * base < self._start_s:
                    continue
                frame.pts -= round(self._start_s / base)
                yield frame
        except av.FFmpegError as error:
            _log.warning("%s: the sound ends early (%s)", self._input.name, error)


def _fitted(image: Image, width: int, height: int) -> Image:
    """`image` with an edge repeated where a side is odd."""
    tall, wide = image.shape[:2]
    return np.pad(image, ((0, max(0, height - tall)), (0, max(0, width - wide)), (0, 0)), "edge")[
        :height, :width
    ]


def _forget_unused(cache: Path) -> None:
    for file in cache.iterdir():
        if time.time() - file.stat().st_mtime > _UNUSED_DAYS * 86400:
            file.unlink(missing_ok=True)
