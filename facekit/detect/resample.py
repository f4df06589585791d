"""The cascade's pictures: pyramid levels and square crops by area means.

An output pixel is the plain mean of the input pixels that it touches, from ``floor(i n / m)`` to
``ceil((i + 1) n / m)``: the resampling under which the published weights run elsewhere (adaptive
average pooling). The common shortcut, OpenCV's INTER_AREA, moves one box in ten by more than a
tenth of its area. Both means come out of one summed-area table of the frame. The networks take
the table and places in it: their graphs do the means, without Python's lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.types import Floats, Image

Indices: TypeAlias = NDArray[np.intp]
Inputs: TypeAlias = dict[str, Any]
BLOCK = 64
"""Pixels of a row of the table that tiles copy at once."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid.

    Attributes:
        scale: its size relative to the frame.
        height: rows.
        width: columns.
    """

    scale: float
    height: int
    width: int


def pyramid(height: int, width: int, smallest: float, factor: float, window: int) -> list[Level]:
    """The levels at which a window of `window` pixels covers faces of `smallest` pixels and more.

    Args:
        height: rows of the frame.
        width: columns of the frame.
        smallest: smallest face, pixels of the frame.
        factor: size of a level relative to the one before, below 1.
        window: side of the network's window.
    """
    levels = []
    scale = window / smallest
    shorter = min(height, width) * scale
    while shorter >= window:
        levels.append(Level(scale, int(height * scale + 1), int(width * scale + 1)))
        scale *= factor
        shorter *= factor
    return levels


class AreaSampler:
    """Where the area means of a frame's tiles and square crops are in its summed-area table.

    Args:
        image: (h, w, 3) uint8.
        region: (left, top, right, bottom) pixels that crops will come from; the whole frame when
            None, as tiles need it.
        place: brings the table to where the networks run (`facekit.runtime.runner.Runner`).
    """

    def __init__(
        self,
        image: Image,
        region: tuple[int, int, int, int] | None = None,
        place: Callable[[Any], Any] = np.asarray,
    ) -> None:
        """Sum up the picture, or the region of it."""
        height, width = image.shape[:2]
        left, top, right, bottom = region or (0, 0, width, height)
        self._low = np.clip([left, top], 0, [width, height])
        self._high = np.clip([right, bottom], self._low, [width, height])
        part = image[self._low[1] : self._high[1], self._low[0] : self._high[0]]
        self._stride = -(-(part.shape[1] + 1) // BLOCK) * BLOCK
        table = np.empty((part.shape[0] + 1, self._stride, 3), np.int32)
        if part.size:
            # Sums may wrap around 2**32 in huge frames; differences are right all the same.
            sums = table[:, : part.shape[1] + 1]
            cv2.integral(np.ascontiguousarray(part), sums, sdepth=cv2.CV_32S)
        self._table = place(table)

    def tile(self, level: Level, rows: slice, columns: slice) -> Inputs:
        """What `facekit.network.mtcnn.TileNetwork` needs for a part of a pyramid level.

        Args:
            level: the level.
            rows: its rows wanted.
            columns: its columns wanted.
        """
        top, bottom = _edges(self._high[1], level.height, rows)
        left, right = _edges(self._high[0], level.width, columns)
        # Long runs are copied fast, even with columns between the edges that nobody needs.
        first = left[0] // BLOCK
        stride = self._stride // BLOCK
        return {
            "table": self._table.reshape(-1, BLOCK, 3),
            "blocks": np.arange(first, right[-1] // BLOCK + 1),
            "top": top * stride,
            "bottom": bottom * stride,
            "left": left - first * BLOCK,
            "right": right - first * BLOCK,
            "row_shares": _shares(top, bottom),
            "column_shares": _shares(left, right),
        }

    def crops(self, boxes: Floats, size: int, *, black: bool = False) -> Inputs:
        """What `facekit.network.mtcnn.SquareNetwork` needs for crops of `size` x `size` pixels.

        Args:
            boxes: (n, 4) left, top, right, bottom, with some area inside (see `inside`).
            size: side of the crops.
            black: show what lies outside the frame as black; else boxes are cut at its edges
                and what is left is stretched.
        """
        low, high = _corners(boxes) if black else self._cut(boxes)
        extent = high - low
        steps = np.arange(size)
        first = low[:, :, None] + steps * extent[:, :, None] // size
        last = low[:, :, None] - (-(steps + 1) * extent[:, :, None] // size)
        shares = _shares(first, last)
        limits = self._low[:, None], self._high[:, None]
        strides = np.array([[1], [self._stride]])
        return {
            "table": self._table.reshape(-1, 3),
            "first": (np.clip(first, *limits) - limits[0]) * strides,
            "last": (np.clip(last, *limits) - limits[0]) * strides,
            "shares": shares,
        }

    def inside(self, boxes: Floats) -> NDArray[np.bool_]:
        """(n,) which of the boxes have some area inside the frame (the region)."""
        low, high = self._cut(boxes)
        return np.asarray((high > low).all(1))

    def _cut(self, boxes: Floats) -> tuple[Indices, Indices]:
        """(n, 2) first pixels and (n, 2) ends of boxes, cut at the frame's edges."""
        low, high = _corners(boxes)
        return np.maximum(low, self._low), np.minimum(high, self._high)


def _corners(boxes: Floats) -> tuple[Indices, Indices]:
    """(n, 2) first pixels and (n, 2) ends of boxes; the cascade counts pixels from 1."""
    corners = np.trunc(boxes).astype(np.intp)
    return corners[:, :2] - 1, corners[:, 2:]


def _edges(size: np.intp, level_size: int, wanted: slice) -> tuple[Indices, Indices]:
    """Where the means of some rows (columns) of a level begin and end in the frame."""
    places = np.arange(wanted.start, wanted.stop)
    return places * size // level_size, -(-(places + 1) * size // level_size)


def _shares(starts: Indices, ends: Indices) -> Floats:
    return np.asarray(1 / (ends - starts).astype(np.float32), np.float32)
