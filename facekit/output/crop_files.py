"""Files of aligned faces: films by track, a zip of pictures, their index, their descriptors."""

import csv
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from facekit.errors import MissingExtraError, OutputError
from facekit.output.film import FilmForm, FilmWriter
from facekit.output.partial import output_error, partial_path
from facekit.output.partial import replace as rename
from facekit.types import Image, Status

_PATIENCE_S = 3.0
"""A film is complete when its track was away for longer than a track may be."""

_HOG = {"orientations": 8, "pixels_per_cell": (8, 8), "cells_per_block": (2, 2)}
_HOG_ROWS = 256

_HEADER = ("frame", "time_s", "track", "status", "file", "picture", "a", "b", "tx", "ty")


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One aligned face.

    Attributes:
        frame: index of the frame that it was cut from.
        time_s: of that frame.
        track: of the face.
        status: ``ok`` or ``low_quality``.
        matrix: (2, 3) similarity from frame to crop pixels.
        image: (size, size, 3) uint8 RGB.
    """

    frame: int
    time_s: float
    track: int
    status: Status
    matrix: NDArray[np.float64]
    image: Image


class _Growing:
    """A context manager whose file stays as ``NAME.partial`` unless `finish` was called."""

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self._close()

    def _close(self) -> None:
        raise NotImplementedError


class CropIndex(_Growing):
    """``index.csv``: where each crop lies and how it was cut."""

    def __init__(self, path: Path) -> None:
        """Begin.

        Raises:
            OutputError: it cannot be written there.
        """
        self._path = path
        try:
            self._file = open(partial_path(path), "w", newline="", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise output_error(path, error) from error
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(_HEADER)

    def add(self, crop: Crop, file: str, picture: int) -> None:
        """A row.

        Args:
            crop: what was written.
            file: name in the folder, or in the zip.
            picture: its number in a film, from 0.

        Raises:
            OutputError: it cannot be written.
        """
        time_s = f"{crop.time_s:.6f}" if np.isfinite(crop.time_s) else ""
        (a, _, tx), (b, _, ty) = crop.matrix.tolist()
        numbers = [f"{a:.8f}", f"{b:.8f}", f"{tx:.4f}", f"{ty:.4f}"]
        row = [crop.frame, time_s, crop.track, crop.status, file, picture, *numbers]
        try:
            self._rows.writerow(row)
        except OSError as error:
            raise output_error(self._path, error, partial_path(self._path)) from error

    def finish(self) -> None:
        """Complete it.

        Raises:
            OutputError: it cannot be written.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise output_error(self._path, error, partial_path(self._path)) from error
        rename(partial_path(self._path), self._path)

    def _close(self) -> None:
        self._file.close()


class CropFilms(_Growing):
    """A film per track, at the video's own times; few are open at once."""

    def __init__(self, folder: Path, form: FilmForm) -> None:
        """Prepare.

        Args:
            folder: of the films.
            form: of the video; pixels of crops are square.
        """
        self._folder = folder
        self._form = replace(form, pixel_aspect=FilmForm().pixel_aspect)
        self._open: dict[int, _Film] = {}
        self._parts: dict[int, int] = {}

    def begin(self, time_s: float) -> None:
        """A frame begins: films of tracks that are over are completed."""
        over = [t for t, film in self._open.items() if time_s - film.last_s > _PATIENCE_S]
        for track in over:
            self._open.pop(track).writer.finish()

    def add(self, crop: Crop) -> tuple[str, int]:
        """Write a crop; the film's name and the crop's number in it.

        Raises:
            OutputError: it cannot be written.
        """
        film = self._open.get(crop.track)
        if film is None:
            part = self._parts[crop.track] = self._parts.get(crop.track, 0) + 1
            later = f"_{part}" if part > 1 else ""
            writer = FilmWriter(self._folder / f"track_{crop.track:04d}{later}.mp4", self._form)
            film = self._open[crop.track] = _Film(writer)
        film.writer.append(crop.image, crop.time_s)
        film.last_s, film.pictures = crop.time_s, film.pictures + 1
        return film.writer.path.name, film.pictures - 1

    def finish(self) -> None:
        """Complete all films.

        Raises:
            OutputError: one cannot be written.
        """
        while self._open:
            _, film = self._open.popitem()
            film.writer.finish()

    def _close(self) -> None:
        for film in self._open.values():
            film.writer.__exit__(None, None, None)


@dataclass(slots=True)
class _Film:
    writer: FilmWriter
    last_s: float = 0.0
    pictures: int = 0


class CropPictures(_Growing):
    """A zip of PNG pictures, a folder per track."""

    def __init__(self, path: Path) -> None:
        """Begin.

        Raises:
            OutputError: it cannot be written there.
        """
        self._path = path
        try:
            # PNG is compressed already.
            self._zip = zipfile.ZipFile(partial_path(path), "w", zipfile.ZIP_STORED)
        except OSError as error:
            raise output_error(path, error) from error

    def begin(self, time_s: float) -> None:
        """A frame begins: nothing to do."""

    def add(self, crop: Crop) -> tuple[str, int]:
        """Write a crop; its name in the zip, and 0.

        Raises:
            OutputError: it cannot be written.
        """
        done, data = cv2.imencode(".png", cv2.cvtColor(crop.image, cv2.COLOR_RGB2BGR))
        if not done:
            raise OutputError("a picture cannot be encoded", where=self._path)
        name = f"track_{crop.track:04d}/frame_{crop.frame:06d}.png"
        try:
            self._zip.writestr(name, data.tobytes())
        except OSError as error:
            raise output_error(self._path, error) from error
        return name, 0

    def finish(self) -> None:
        """Complete it.

        Raises:
            OutputError: it cannot be written.
        """
        try:
            self._zip.close()
        except OSError as error:
            raise output_error(self._path, error) from error
        rename(partial_path(self._path), self._path)

    def _close(self) -> None:
        self._zip.close()


class HogTable(_Growing):
    """``hog.parquet``: histograms of oriented gradients of the crops in gray.

    Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005: cells of
    8 x 8 pixels, 8 orientations, blocks of 2 x 2 cells; computed by scikit-image.
    """

    def __init__(self, path: Path, size: int) -> None:
        """Prepare for crops of a size.

        Raises:
            MissingExtraError: scikit-image is not installed.
        """
        try:
            from skimage.feature import hog
        except ImportError as error:
            raise MissingExtraError(
                "HOG descriptors need scikit-image",
                where="hog",
                advice="Install it with: pip install 'facekit[hog]'",
            ) from error
        self._path, self._hog = path, hog
        length = len(self._describe(np.zeros((size, size, 3), np.uint8)))
        self._schema = pa.schema(
            [
                ("frame", pa.int64()),
                ("time_s", pa.float64()),
                ("track", pa.int64()),
                ("hog", pa.list_(pa.float32(), length)),
            ],
            metadata={"hog": f"skimage.feature.hog, gray, {_HOG}, crops of {size} pixels"},
        )
        self._writer: Any = None
        self._waiting: list[tuple[int, float, int, NDArray[np.float32]]] = []

    def __enter__(self) -> Self:
        """Begin the file.

        Raises:
            OutputError: it cannot be written there.
        """
        try:
            self._writer = pq.ParquetWriter(partial_path(self._path), self._schema)
        except OSError as error:
            raise output_error(self._path, error) from error
        return self

    def add(self, crop: Crop) -> None:
        """Describe a crop.

        Raises:
            OutputError: it cannot be written.
        """
        row = (crop.frame, crop.time_s, crop.track, self._describe(crop.image))
        self._waiting.append(row)
        if len(self._waiting) == _HOG_ROWS:
            self._write()

    def finish(self) -> None:
        """Complete it.

        Raises:
            OutputError: it cannot be written.
        """
        self._write()
        self._close()
        rename(partial_path(self._path), self._path)

    def _describe(self, image: Image) -> NDArray[np.float32]:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.asarray(self._hog(gray, **_HOG), np.float32)

    def _write(self) -> None:
        columns: Sequence[Any] = [list(column) for column in zip(*self._waiting, strict=True)]
        if not columns:
            return
        frames, times, tracks, vectors = columns
        flat = pa.array(np.concatenate(vectors), pa.float32())
        described = pa.FixedSizeListArray.from_arrays(flat, len(vectors[0]))
        arrays = [pa.array(frames), pa.array(times), pa.array(tracks), described]
        try:
            self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        except OSError as error:
            raise output_error(self._path, error) from error
        self._waiting = []

    def _close(self) -> None:
        self._writer.close()
