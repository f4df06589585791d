"""Where frames come from: videos, still images, folders of them, cameras and network streams.

`open_source` gives a `Source` for any of them:

    with open_source("clip.mp4") as source:
        for frame in source:
            print(frame.index, frame.time_s, frame.image.shape)
        print(source.warnings)
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from facekit.errors import SourceError
from facekit.source.camera import CameraSource, PacedFile
from facekit.source.images import ImageSource, read_image
from facekit.source.inputs import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    Input,
    find_inputs,
    is_address,
    is_image,
    is_video,
)
from facekit.source.selection import Selection
from facekit.source.video import VideoSource
from facekit.types import Frame

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "CameraSource",
    "ImageSource",
    "Input",
    "PacedFile",
    "Source",
    "VideoSource",
    "find_inputs",
    "is_image",
    "is_video",
    "open_source",
    "read_image",
]


@runtime_checkable
class Source(Protocol):
    """A context manager that gives frames, once."""

    @property
    def name(self) -> str:
        """File name, ``camera 0``, or address."""

    @property
    def path(self) -> Path | None:
        """The file or folder; None for cameras and addresses."""

    @property
    def kind(self) -> Literal["video", "images", "camera"]:
        """What it is; a file that is played at its own pace is a camera."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Upright (width, height) in pixels; None for a folder, which may mix sizes."""

    @property
    def frame_count(self) -> int | None:
        """The header's number of frames, for progress only; None if unknown."""

    @property
    def duration_s(self) -> float | None:
        """The header's duration in seconds; None if unknown."""

    @property
    def start_time_s(self) -> float | None:
        """Container time of the first frame in seconds; None where there is none."""

    @property
    def warnings(self) -> list[str]:
        """What was odd or damaged so far, each with its place."""

    @property
    def damaged(self) -> bool:
        """Whether pictures were lost or damaged so far."""

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order; a second call raises RuntimeError."""

    def close(self) -> None:
        """Stop and free everything; may be called twice."""

    def __enter__(self) -> Self:
        """The source itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        """Close."""


def open_source(
    path_or_url_or_camera: str | Path | int,
    *,
    start: float | None = None,
    end: float | None = None,
    every: float | None = None,
    threads: int | None = None,
) -> Source:
    """Open a video, an image, a folder of images, an address or a camera.

    Args:
        path_or_url_or_camera: a path, an address such as ``rtsp://...``, or a camera's number.
        start: leave out frames before this `time_s`, seconds; they are counted all the same.
        end: stop after this `time_s`, seconds.
        every: keep the first frame at or after `start` and each multiple of this many seconds
            from there.
        threads: threads for decoding; None lets FFmpeg choose.

    Raises:
        SourceError: cannot be opened or holds no picture; says what to do.
        OptionsError: a value of start, end or every makes no sense.
    """
    given = path_or_url_or_camera
    selection = Selection(start, end, every)
    if isinstance(given, int):
        return CameraSource(given, selection=selection)
    if isinstance(given, str) and is_address(given):
        return VideoSource(given, selection=selection, threads=threads or 0)
    path = Path(given).expanduser()
    if not path.exists():
        raise SourceError("does not exist", where=path, advice="Check the path")
    if path.is_dir() or is_image(path):
        return ImageSource(path, selection=selection)
    return VideoSource(path, selection=selection, threads=threads or 0)
