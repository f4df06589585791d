"""How a face is hidden. Nothing finer than a few cells of colour goes over into the result."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.privacy.covers import Cover
from facekit.privacy.mesh import draw_mesh
from facekit.types import Floats, Image, Landmarks

Style: TypeAlias = Literal["blur", "pixelate", "mask", "mesh"]

REACH = 1.5
"""Axes of the covered ellipse over the sides of the face's box, whose corners it contains: hair
line, chin and most of the ears are in it."""

CELLS = 5
"""Cells of colour along the covered ellipse's longer axis; three of them lie on the face."""

_LEVELS = 24
_GREY = (128, 128, 128)
_DARK = (44, 46, 52)
_HULL_MARGIN = 0.06

_Mask: TypeAlias = NDArray[np.bool_]


def hide(
    image: Image, covers: Sequence[Cover], style: Style, landmarks: Sequence[Landmarks | None] = ()
) -> Image:
    """A copy of `image` in which the covered faces are hidden.

    Args:
        image: (height, width, 3) uint8 RGB.
        covers: faces to hide.
        style: ``blur`` and ``pixelate`` leave `CELLS` cells of colour, soft or hard; ``mask`` a
            grey disc; ``mesh`` a drawn face on a dark disc.
        landmarks: for ``mesh``, one for each cover; None where only the disc is drawn.
    """
    canvas = image.copy()
    for cover in covers:
        _FILLS[style](canvas, cover)
    if style != "mesh":
        return canvas
    for look in landmarks:
        if look is not None:
            _fill_hull(canvas, look)
    # Drawn last: one face's disc shall not hide another's mesh.
    for look in landmarks:
        if look is not None:
            draw_mesh(canvas, look)
    return canvas


def flatten(canvas: Image, boxes: Sequence[Floats]) -> None:
    """Make one even disc of each box, in place: what still looks like a face after `hide`."""
    for box in boxes:
        rows, columns, inside = _window(canvas, box)
        if inside.any():
            canvas[rows, columns][inside] = canvas[rows, columns][inside].mean(axis=0)


def covers_point(cover: Cover, x: float, y: float) -> bool:
    """Whether a point lies in what `hide` covers."""
    centre, axes = _ellipse(cover.reach)
    return bool((((np.array([x, y]) - centre) / axes) ** 2).sum() <= 1)


def _ellipse(box: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and half axes, pixels."""
    size = np.asarray(box[2:], np.float64)
    return np.asarray(box[:2], np.float64) + size / 2, np.maximum(REACH * size / 2, 1.0)


def _window(canvas: Image, box: Floats) -> tuple[slice, slice, _Mask]:
    """Rows and columns of the frame around an ellipse, and what of them lies in it."""
    centre, axes = _ellipse(box)
    height, width = canvas.shape[:2]
    low = np.clip(np.floor(centre - axes), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(centre + axes) + 1, 0, [width, height]).astype(int)
    rows, columns = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    y, x = np.ogrid[rows, columns]
    inside = ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2 <= 1
    return rows, columns, np.asarray(inside, np.bool_)


def _cells(patch: Image) -> Image:
    """The patch in a few cells of few colours: all that is ever shown of it."""
    tall, wide = patch.shape[:2]
    longer = max(tall, wide)
    size = max(1, round(CELLS * wide / longer)), max(1, round(CELLS * tall / longer))
    means = cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.float64)
    step = 256 / _LEVELS
    return np.asarray((np.floor(means / step) + 0.5) * step, np.uint8)


def _blur(canvas: Image, cover: Cover) -> None:
    rows, columns, inside = _window(canvas, cover.reach)
    if not inside.any():
        return
    size = inside.shape[1], inside.shape[0]
    spread = max(size) / CELLS / 2
    soft = cv2.resize(_cells(canvas[rows, columns]), size, interpolation=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(soft, (0, 0), spread, borderType=cv2.BORDER_REPLICATE)
    canvas[rows, columns][inside] = soft[inside]


def _pixelate(canvas: Image, cover: Cover) -> None:
    rows, columns, inside = _window(canvas, cover.reach)
    if not inside.any():
        return
    size = inside.shape[1], inside.shape[0]
    hard = cv2.resize(_cells(canvas[rows, columns]), size, interpolation=cv2.INTER_NEAREST)
    canvas[rows, columns][inside] = hard[inside]


def _mask(canvas: Image, cover: Cover) -> None:
    rows, columns, inside = _window(canvas, cover.reach)
    canvas[rows, columns][inside] = _GREY


def _disc(canvas: Image, cover: Cover) -> None:
    rows, columns, inside = _window(canvas, cover.reach)
    canvas[rows, columns][inside] = _DARK


def _fill_hull(canvas: Image, landmarks: Landmarks) -> None:
    """Cover the whole of a face whose landmarks reach beyond the disc."""
    points = landmarks.points[:, :2].astype(np.float64)
    hull = cv2.convexHull(np.rint(np.clip(points, -(2**14), 2**14)).astype(np.int32))
    width = 2 * max(1, round(_HULL_MARGIN * float(np.ptp(points, axis=0).max())))
    cv2.fillPoly(canvas, [hull], _DARK)
    cv2.polylines(canvas, [hull], True, _DARK, width)


_FILLS: dict[Style, Callable[[Image, Cover], None]] = {
    "blur": _blur,
    "pixelate": _pixelate,
    "mask": _mask,
    "mesh": _disc,
}
