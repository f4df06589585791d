"""What a head and its clothes look like: a colour histogram that tells people in one clip apart.

It only helps a track to find its own face again after an occlusion or a crossing. It is not an
identity: the same person in other clothes or light is another appearance.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from facekit.types import Floats, Image

_LUMA_BINS, _CHROMA_BINS = 6, 8
_PATCH = (24, 32)
# Of the face box: half a width to each side, a third of the height above (hair), one height
# below (collar and shoulders).
_MARGIN_SIDE, _MARGIN_TOP, _MARGIN_BOTTOM = 0.35, 0.35, 0.9


def appearances(image: Image, boxes: Sequence[Floats]) -> list[Floats]:
    """Describe the surroundings of every face.

    Args:
        image: (height, width, 3) uint8 RGB frame.
        boxes: (4,) boxes x, y, width, height in pixels.

    Returns:
        One unit-length histogram for each box (square roots of shares, so that the inner
        product of two of them is their Bhattacharyya coefficient, 0-1).
    """
    return [_describe(_patch(image, box)) for box in boxes]


def likeness(a: Floats, b: Floats) -> float:
    """Bhattacharyya coefficient of two descriptions: 1 for equal ones, 0 for nothing shared."""
    return float(a @ b)


def _patch(image: Image, box: Floats) -> Image:
    height, width = image.shape[:2]
    x, y, w, h = (float(v) for v in box)
    left, right = x - _MARGIN_SIDE * w, x + (1 + _MARGIN_SIDE) * w
    top, bottom = y - _MARGIN_TOP * h, y + (1 + _MARGIN_BOTTOM) * h
    x0, x1 = int(np.clip(left, 0, width - 1)), int(np.clip(right, 1, width))
    y0, y1 = int(np.clip(top, 0, height - 1)), int(np.clip(bottom, 1, height))
    patch = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    return np.asarray(cv2.resize(patch, _PATCH, interpolation=cv2.INTER_AREA), np.uint8)


def _describe(patch: Image) -> Floats:
    lab = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB)
    upper, lower = np.array_split(lab, 2, axis=0)
    parts = [
        cv2.calcHist([half], [0], None, [_LUMA_BINS], [0, 256]).ravel() for half in (upper, lower)
    ]
    # Skin, hair and clothes lie close to gray: the middle of the chroma plane is what differs.
    parts += [
        cv2.calcHist([half], [1, 2], None, [_CHROMA_BINS, _CHROMA_BINS], [96, 176, 96, 176]).ravel()
        for half in (upper, lower)
    ]
    shares = [np.sqrt(part / max(float(part.sum()), 1.0)) for part in parts]
    joined = np.concatenate(shares)
    return np.asarray(joined / max(float(np.linalg.norm(joined)), 1e-6), np.float32)
