"""What is true of the eyes in a drawn picture: which points, how open, how hidden."""

import numpy as np
from numpy.typing import NDArray

from facekit.synthetic.camera import Matrix
from facekit.synthetic.eye_material import EyePixels
from facekit.synthetic.eye_sampling import lid_openness, opening
from facekit.synthetic.mesh import LEFT, RIGHT
from facekit.types import Floats

_LEFT_POINTS = (263, 362, 387, 386, 385, 373, 374, 380, 473, 474, 475, 476, 477)
_RIGHT_POINTS = (33, 133, 160, 159, 158, 144, 145, 153, 468, 471, 470, 469, 472)
EYE_POINTS = np.array([_LEFT_POINTS, _RIGHT_POINTS])
"""(2, 13) points of the left and right eye among the 478: outer and inner corner, upper and lower
lid from the outer side on, iris centre, and its ring: outer side, top, inner side, bottom."""

_SLACK = 0.4  # model units: a point on a slope is as deep as its neighbours
_HIDDEN_AREA = 0.004  # of an open eye in squared eye distances: less is seen of a hidden one


def in_front(points: Floats, depth: NDArray[np.floating], inverse_depth: Floats) -> list[bool]:
    """Whether the left and the right eye are not behind the nose.

    Args:
        points: (478, 2) pixels.
        depth: (478,) z in camera axes.
        inverse_depth: (height, width) from the rasteriser.
    """
    height, width = inverse_depth.shape
    found = []
    for corners in EYE_POINTS[:, :8]:
        at = np.round(points[corners]).astype(int)
        inside = ((at >= 0) & (at < [width, height])).all(1)
        at = at[inside]
        nearest = 1 / np.maximum(inverse_depth[at[:, 1], at[:, 0]], 1e-6)
        front = depth[corners][inside] < nearest + _SLACK
        found.append(bool(len(at)) and float(front.mean()) > 0.5)
    return found


def opened(surface: Matrix, apart: float, eyes: EyePixels, seen: list[bool], unit: float) -> Matrix:
    """(2,) how open the eyes are: by what the lids leave free, or by the lids where hidden.

    Args:
        surface: (468, 3) points of the head.
        apart: distance of the eyeball centres, in their unit.
        eyes: where eyeballs are drawn.
        seen: from `in_front`.
        unit: distance of the eyeball centres, pixels.
    """
    out = lid_openness(surface, apart)
    for side in (LEFT, RIGHT):
        if seen[side]:
            columns = eyes.columns[eyes.side == side]
            height = np.bincount(columns).max() if len(columns) else 0
            out[side] = opening(float(height) / unit)
    return out


def hidden(
    eyes: EyePixels,
    cover: Floats,
    lids: Matrix,
    seen: list[bool],
    points: Floats,
    unit: float,
) -> Matrix:
    """(2,) how much of each eye is hidden: of its opening, or of the line where it is shut.

    Args:
        eyes: where eyeballs are drawn.
        cover: (height, width) how much something lies over the face, 0-1.
        lids: (2,) from `opened`.
        seen: from `in_front`.
        points: (478, 2) pixels.
        unit: distance of the eyeball centres, pixels.
    """
    out = np.ones(2)
    for side in (LEFT, RIGHT):
        if not seen[side]:
            continue
        here = eyes.side == side
        area = float(here.sum()) / unit**2
        if area > _HIDDEN_AREA:
            out[side] = float(cover[eyes.rows[here], eyes.columns[here]].mean())
        elif lids[side] < 0.35:
            at = np.round(points[EYE_POINTS[side, :8]]).astype(int)
            at = np.clip(at, 0, np.array(cover.shape[::-1]) - 1)
            out[side] = float(cover[at[:, 1], at[:, 0]].mean())
    return out
