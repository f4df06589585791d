"""Live sources: a camera through OpenCV, and a video file played at its own pace.

Both give the newest picture only: when the consumer is slower than the camera, pictures are
dropped, never queued, and `Frame.index` shows the gap.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.source.base import BaseSource
from facekit.source.damage import DamageLog
from facekit.source.handover import Background, StalledError
from facekit.source.selection import Selection
from facekit.source.video import VideoSource
from facekit.types import Frame, Image

STALL_S = 5.0
# Cameras may fail to give single pictures, mostly the first ones.
_MOST_FAILED_READS = 10

_log = logging.getLogger(__name__)


class Capture(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def isOpened(self) -> bool:  # noqa: N802 (OpenCV's name)
        """Whether the camera is open."""

    def read(self) -> tuple[bool, Any]:
        """Wait for the next picture: whether there is one, and (height, width, 3) BGR."""

    def get(self, propId: int) -> float:  # noqa: N803 (OpenCV's name)
        """A property."""

    def release(self) -> None:
        """Close the camera."""


class LiveSource(BaseSource):
    """What live sources share: frames of a thread, the newest only; see the module.

    Attributes:
        name: what is shown for the source.
        path: the file that is played, or None.
        kind: ``camera``.
        size: (width, height) of the upright picture.
        frame_count: None for a camera, whose end is not known.
        duration_s: None for a camera.
        start_time_s: container time of the first frame; None for a camera.
    """

    kind: Literal["video", "images", "camera"] = "camera"
    path: Path | None = None
    frame_count: int | None = None
    duration_s: float | None = None
    start_time_s: float | None = None

    def __init__(
        self,
        name: str,
        size: tuple[int, int],
        frames: Callable[[threading.Event], Generator[Frame, None, None]],
        *,
        selection: Selection | None,
        damage: DamageLog,
        stall_s: float | None,
    ) -> None:
        """Prepare; the thread starts with the first frame asked for.

        Args:
            name: what is shown for the source.
            size: (width, height) of the upright picture.
            frames: gives the generator that runs on the thread; see `Background`.
            selection: the frames wanted; all when None.
            damage: log to write to.
            stall_s: the source counts as gone after this long without a frame; None waits.
        """
        super().__init__(damage)
        self.name = name
        self.size: tuple[int, int] | None = size
        self._selection = selection or Selection()
        self._stall_s = stall_s
        self._latest = Background(frames, capacity=1, newest_only=True, name=f"read {name}")

    @property
    def dropped(self) -> int:
        """Frames that were never seen, because newer ones came before they were asked for."""
        return self._latest.dropped

    def close(self) -> None:
        """Stop the thread and free the camera or file; may be called twice."""
        if self._latest.stop():
            self._release()
        else:
            _log.warning("%s does not answer; it is freed when it does", self.name)

    def _iterate(self) -> Iterator[Frame]:
        last: Frame | None = None
        try:
            for last in self._latest.take_all(self._stall_s):
                if self._selection.is_over(last.time_s):
                    return
                if self._selection.wants(last.time_s):
                    yield self._finish(last)
        except StalledError:
            place = f"from {last.time_s:.3f} s, frame {last.index}: " if last else ""
            self._damage.lose(f"{place}{self.name} gave no picture for {self._stall_s:g} s")

    def _finish(self, frame: Frame) -> Frame:
        """Work on a frame that will be seen."""
        return frame

    def _release(self) -> None:
        """Free the camera or file, which no thread uses any more."""


class CameraSource(LiveSource):
    """A camera; `time_s` is the monotonic clock since its first picture."""

    def __init__(
        self,
        number: int,
        *,
        selection: Selection | None = None,
        open_capture: Callable[[int], Capture] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        """Open the camera.

        Args:
            number: OpenCV's number of the camera, from 0.
            selection: the frames wanted; all when None.
            open_capture: gives the capture; OpenCV's when None.
            stall_s: the camera counts as gone after this long without a picture.

        Raises:
            SourceError: the camera does not open.
        """
        name = f"camera {number}"
        self._capture = (open_capture or _open_quietly)(number)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                "does not open",
                where=name,
                advice="Check that it is plugged in, that no other program uses it and that this "
                "program may use it; other cameras have other numbers",
            )
        width = round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        super().__init__(
            name,
            (width, height),
            self._captured,
            selection=selection,
            damage=DamageLog(),
            stall_s=stall_s,
        )

    def _captured(self, stopping: threading.Event) -> Generator[Frame, None, None]:
        """Every picture of the camera, still in its own colours."""
        begin: float | None = None
        time_s, index, failed = 0.0, 0, 0
        try:
            while failed < _MOST_FAILED_READS and not stopping.is_set():
                good, image = self._capture.read()
                now = time.monotonic()
                if not good or image is None:
                    failed += 1
                    stopping.wait(0.01)
                    continue
                failed = 0
                begin = now if begin is None else begin
                time_s = now - begin
                yield Frame(index, time_s, image, captured_s=now)
                index += 1
            if not stopping.is_set():
                self._damage.lose(
                    f"from {time_s:.3f} s, frame {index}: {self.name} gave no more pictures"
                )
        finally:
            self._release()

    def _finish(self, frame: Frame) -> Frame:
        # Done here and not on the reading thread, which also reads what nobody sees.
        return replace(frame, image=_rgb(frame.image))

    def _release(self) -> None:
        self._capture.release()


class PacedFile(LiveSource):
    """A video file that is played like a camera: each frame comes when its `time_s` is due."""

    def __init__(
        self,
        path: Path,
        *,
        selection: Selection | None = None,
        threads: int = 0,
        speed: float = 1.0,
    ) -> None:
        """Open the file.

        Args:
            path: a video.
            selection: the frames wanted; all when None.
            threads: threads for the decoder; 0 lets FFmpeg choose.
            speed: 2 plays twice as fast.

        Raises:
            SourceError: cannot be opened, or holds no video frame.
        """
        damage = DamageLog()
        self._video = VideoSource(path, threads=threads, damage=damage)
        self._speed = speed
        super().__init__(
            self._video.name,
            self._video.size,
            self._paced,
            selection=selection,
            damage=damage,
            stall_s=None,
        )
        self.path = path
        self.frame_count = self._video.frame_count
        self.duration_s = self._video.duration_s
        self.start_time_s = self._video.start_time_s

    def _paced(self, stopping: threading.Event) -> Generator[Frame, None, None]:
        begin: float | None = None
        with self._video as video:
            for frame in video:
                now = time.monotonic()
                begin = now if begin is None else begin
                due = begin + frame.time_s / self._speed
                if stopping.wait(max(0.0, due - now)):
                    return
                # A decoder that comes late does not make the picture younger.
                yield replace(frame, captured_s=due)

    def _release(self) -> None:
        self._video.close()


def _open_quietly(number: int) -> Capture:
    """OpenCV's capture, without the reports of every backend that has no such camera."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(number)
    finally:
        cv2.utils.logging.setLogLevel(level)


def _rgb(image: NDArray[Any]) -> Image:
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code), np.uint8)
