"""Box arithmetic of the cascade on whole arrays.

Inside the cascade boxes are (left, top, right, bottom) in pixels; the rest of facekit uses
(x, y, width, height).
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.types import Floats

Rows: TypeAlias = Sequence[Sequence[float]]
STRIDE = 2
WINDOW = 12


def decode(
    maps: Floats, scale: float, threshold: float, origin: tuple[int, int] = (0, 0)
) -> Floats:
    """Windows of one pyramid level that may hold a face.

    Args:
        maps: (5, h, w) output of P-Net: logit of a face and four box offsets.
        scale: size of the level relative to the frame.
        threshold: smallest probability, between 0 and 1.
        origin: row and column of the maps' first cell in the level.

    Returns:
        (n, 9): window in frame pixels (4), probability (1), offsets as shares of the window (4).
    """
    hits = maps[0] >= logit(threshold)
    if not hits.any():
        return np.zeros((0, 9), np.float32)
    rows, columns = np.nonzero(hits)
    cells = np.stack([columns + origin[1], rows + origin[0]], 1)
    start = cells.astype(np.float32) * STRIDE
    divisor = np.float32(scale)
    windows = np.concatenate(
        [np.floor((start + 1) / divisor), np.floor((start + WINDOW) / divisor)], 1
    )
    found = maps[:, rows, columns].T
    return np.concatenate([windows, probability(found[:, :1]), found[:, 1:]], 1, dtype=np.float32)


def logit(probability: float) -> float:
    """The logit of a probability between 0 and 1."""
    return float(np.log(probability / (1 - probability)))


def probability(logits: Floats) -> Floats:
    """The probabilities of logits."""
    # In this form sure faces tie at exactly 1, as in the two-class softmax of the reference.
    return np.asarray(1 / (1 + np.exp(-np.maximum(logits, -80))), np.float32)


def suppress(boxes: Floats, scores: Floats, overlap: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression by intersection over union.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        scores: (n,) probabilities above 0; of equal ones the first counts as better.
        overlap: boxes that overlap a better one by more than this share go.

    Returns:
        (m,) indices of the boxes that stay, best first.
    """
    if len(boxes) == 0:
        return np.zeros(0, np.intp)
    upright = boxes.astype(np.float64)
    upright[:, 2:] -= upright[:, :2]
    # OpenCV takes arrays; its type stubs know only sequences.
    rectangles, values = cast(Rows, upright), cast(Sequence[float], scores.astype(np.float32))
    kept = cv2.dnn.NMSBoxes(rectangles, values, 0.0, overlap)
    return np.asarray(kept, np.intp).reshape(-1)


def suppress_nested(boxes: Floats, scores: Floats, overlap: float) -> NDArray[np.intp]:
    """Non-maximum suppression by intersection over the smaller area (the cascade's last step).

    Areas count both border pixels, as in the reference implementation. Arguments and result are
    those of `suppress`.
    """
    order = list(np.argsort(-scores, kind="stable"))
    area = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    kept: list[int] = []
    while order:
        best = order.pop(0)
        kept.append(best)
        rest = np.array(order, np.intp)
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.clip(high - low + 1, 0, None).prod(1)
        order = list(rest[shared <= overlap * np.minimum(area[best], area[rest])])
    return np.array(kept, np.intp)


def move(boxes: Floats, offsets: Floats, border: int) -> Floats:
    """Boxes with every edge moved by its offset times the box's size.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        offsets: (n, 4) shares of the width (left, right) and height (top, bottom).
        border: 1 when the size counts both border pixels (R- and O-Net), else 0 (P-Net).
    """
    size = boxes[:, 2:] - boxes[:, :2] + border
    return np.asarray(boxes + offsets * np.concatenate([size, size], 1), np.float32)


def square(boxes: Floats) -> Floats:
    """The squares around the boxes' centres with the boxes' longer sides."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(1, keepdims=True)
    low = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([low, low + side], 1)
