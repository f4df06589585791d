"""Chimeras: one half of a face at rest, the other half of the same person's expression.

A real photograph of a face that moves on one side only, and the side is known.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.geometry import apply, similarity
from facekit.types import Floats, Image

_STILL = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4)
"""Landmarks that expressions hardly move: eye corners, bridge and tip of the nose."""

_MIDDLE = (10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 2, 164)
"""Landmarks on the midline, down to the upper lip: the chin goes where the jaw goes."""

_OUTER_EYES = (33, 263)
_SEAM = 0.05  # half of the blended strip, as a share of the outer-eye distance


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """A photograph and its (478, 2) landmarks, pixels."""

    image: Image
    points: Floats


def chimera(neutral: Half, expression: Half, left: bool) -> Image:
    """The neutral photograph with one half of the face replaced by the expression's.

    Args:
        neutral: the person at rest.
        expression: the same person.
        left: whether the subject's left half shows the expression.

    Returns:
        A picture of the neutral photograph's size.
    """
    matrix = similarity(expression.points[list(_STILL)], neutral.points[list(_STILL)])
    height, width = neutral.image.shape[:2]
    moved = cv2.warpAffine(
        expression.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    middle = (neutral.points + apply(matrix, expression.points)) / 2
    share = _share_of_left(middle, width, height)
    weight = (share if left else 1 - share)[..., None]
    blended = neutral.image * (1 - weight) + moved * weight
    return np.asarray(np.rint(blended), np.uint8)


def _share_of_left(points: NDArray[Any], width: int, height: int) -> NDArray[np.float64]:
    """(height, width) 1 on the subject's left of the face's midline, 0 on the right."""
    on_line = points[list(_MIDDLE)].astype(np.float64)
    centre = on_line.mean(axis=0)
    _, _, directions = np.linalg.svd(on_line - centre)
    across = directions[1]
    outer_right, outer_left = points[list(_OUTER_EYES)].astype(np.float64)
    eyes = outer_left - outer_right
    if across @ eyes < 0:
        across = -across
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    distance = (x - centre[0]) * across[0] + (y - centre[1]) * across[1]
    seam = _SEAM * float(np.linalg.norm(eyes))
    return np.asarray(np.clip(distance / (2 * seam) + 0.5, 0, 1))
