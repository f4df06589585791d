"""Annotated copies of what was analysed: an H.264 video, or a folder of images.

with open_overlay(Path("clip.overlay.mp4"), "video") as overlay:
    for frame, faces in pipeline:
        overlay.append(frame, faces)
    overlay.finish()
"""

import math
from collections.abc import Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Protocol, Self

import cv2

from facekit.errors import OutputError
from facekit.output.drawing import draw
from facekit.output.film import FilmForm, FilmWriter
from facekit.output.partial import output_error, write_whole
from facekit.types import Face, Frame

_JPEG = frozenset({".jpg", ".jpeg"})


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


class OverlayVideo:
    """H.264 in MP4 with the frames' own timestamps; the first frame states the size."""

    def __init__(
        self, path: Path, form: FilmForm | None = None, *, sound: Path | None = None
    ) -> None:
        """Begin ``NAME.partial``, in place of an earlier one.

        Args:
            path: the video.
            form: times and colours of the original; None for times from zero.
            sound: a video whose sound is copied; None for silence.

        Raises:
            OutputError: unknown suffix, or it cannot be written there.
        """
        self._film = FilmWriter(path, form, sound=sound)

    def append(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Draw and write one frame at its time.

        Raises:
            OutputError: it cannot be written.
            ValueError: the frame has no time.
        """
        if not math.isfinite(frame.time_s):
            raise ValueError("a video frame needs a time; write images into a folder")
        self._film.append(draw(frame.image, faces), frame.time_s)

    def finish(self) -> None:
        """Complete the video and give it its name.

        Raises:
            OutputError: it cannot be written; the partial file stays.
        """
        self._film.finish()

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
        self._film.__exit__(kind, error, trace)


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
