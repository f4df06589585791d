"""Still images: one file, or a folder of them in natural order."""

import logging
import math
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from facekit.errors import SourceError
from facekit.source.base import BaseSource
from facekit.source.handover import Background
from facekit.source.inputs import is_image, natural_key
from facekit.source.selection import Selection
from facekit.types import Frame, Image

_QUEUE_IMAGES = 2
_log = logging.getLogger(__name__)


def read_image(path: Path) -> Image:
    """(height, width, 3) RGB picture of a file, upright by its EXIF orientation.

    Gray becomes RGB, 16 bits become 8, transparency is dropped.

    Raises:
        SourceError: missing or not readable as an image.
    """
    try:
        # cv2.imread cannot open every name on every system.
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError as error:
        raise SourceError("does not exist", where=path, advice="Check the path") from error
    except OSError as error:
        raise SourceError(
            f"cannot be read ({error.strerror})", where=path, advice="Check the path"
        ) from error
    advice = "Check that it opens in an image viewer; PNG, JPEG, BMP, WebP and TIFF are read"
    if len(data) == 0:
        raise SourceError("is empty (0 bytes)", where=path, advice=advice)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise SourceError(f"cannot be decoded ({error.err})", where=path, advice=advice) from error
    if image is None:
        raise SourceError("is not an image that can be decoded", where=path, advice=advice)
    return np.ascontiguousarray(image, np.uint8)


class ImageSource(BaseSource):
    """One image or a folder of images; a context manager, iterated once.

    Attributes:
        name: name of the file or folder.
        path: the file or folder.
        kind: ``images``. Frames come in natural order; `Frame.index` counts unreadable ones too.
        size: (width, height) of a single image; None for a folder, which may mix sizes.
        frame_count: number of image files.
        duration_s: None: images have no time.
        start_time_s: None.
    """

    kind: Literal["video", "images", "camera"] = "images"
    duration_s: float | None = None
    start_time_s: float | None = None

    def __init__(self, path: Path, *, selection: Selection | None = None) -> None:
        """List the images.

        Args:
            path: an image file, or a folder that directly holds image files.
            selection: without meaning for images; anything but "all" is remarked upon.

        Raises:
            SourceError: missing, no image, or a folder without images.
        """
        super().__init__()
        self.path: Path | None = path
        self.name = path.name or str(path.resolve().name)
        self.size: tuple[int, int] | None = None
        if selection is not None and not selection.keeps_all:
            self._damage.remark("still images have no time: start, end and every are ignored")
        first: Image | None = None
        if path.is_dir():
            self._files = images_in(path)
        else:
            # Read at once: a single image that cannot be read is no source at all.
            first = read_image(path)
            self.size = (first.shape[1], first.shape[0])
            self._files = (path,)
        self.frame_count: int | None = len(self._files)
        self._background = Background(
            lambda stopping: self._frames(first), capacity=_QUEUE_IMAGES, name=f"read {self.name}"
        )

    def close(self) -> None:
        """Stop reading; may be called twice."""
        self._background.stop()

    def _iterate(self) -> Iterator[Frame]:
        return self._background.take_all()

    def _frames(self, first: Image | None) -> Generator[Frame, None, None]:
        for index, file in enumerate(self._files):
            if first is not None:
                image, first = first, None
            else:
                try:
                    image = read_image(file)
                except SourceError as error:
                    self._damage.lose(f"{file.name}, frame {index}: {error.what}; left out")
                    continue
            yield Frame(index, math.nan, image, file.name)


def images_in(folder: Path) -> tuple[Path, ...]:
    """Image files directly in a folder, in natural order; hidden ones are left out.

    Raises:
        SourceError: there are none, or the folder cannot be listed.
    """
    try:
        files = [
            file
            for file in folder.iterdir()
            if is_image(file) and not file.name.startswith(".") and file.is_file()
        ]
    except OSError as error:
        raise SourceError(
            f"cannot be listed ({error.strerror})", where=folder, advice="Check its permissions"
        ) from error
    if not files:
        raise SourceError(
            "is a folder without images",
            where=folder,
            advice="Give a video, or a folder with .png, .jpg, .bmp, .webp or .tif files",
        )
    _log.debug("%s: %d images", folder, len(files))
    return tuple(sorted(files, key=natural_key))
