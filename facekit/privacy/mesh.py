"""A drawn face in place of the real one: its expression stays, no pixel of it does.

What a mesh shows of a person is the shape of 478 points: less than a picture, but not nothing.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import Square, square_of_landmarks
from facekit.estimate.ibug import IBUG_PARTS, subset68
from facekit.estimate.landmarks import LandmarkEstimator, is_present
from facekit.estimate.patches import cut
from facekit.geometry import box_centre
from facekit.privacy.covers import Cover
from facekit.privacy.topology import TRIANGLES
from facekit.runtime.device import Device
from facekit.types import Floats, Image, Landmarks

_SKIN = np.array([186, 178, 170], np.float64)
_LINES = (58, 60, 66)
_IRIS = (50, 90, 120)
_IRISES = ((468, 469), (473, 474))
_EYES = (slice(36, 42), slice(42, 48))
_EYE = (236, 236, 232)
_LIGHT = np.array([-0.35, -0.5, -0.79])
_AMBIENT = 0.35
_SUBPIXEL_BITS = 4

# Side of the landmarks' square over that of the detector's box, and how far below it lies.
_BOX_MARGIN = 1.37
_BOX_DROP = 0.046


class FaceReader:
    """Landmarks of the faces that are covered, followed from frame to frame."""

    def __init__(self, device: Device) -> None:
        """Load the network.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        self._estimator = LandmarkEstimator(device)
        self._squares: dict[int, Square] = {}

    def read(self, image: Image, covers: list[Cover]) -> list[Landmarks | None]:
        """Landmarks of each cover's face; None where there is none to be seen."""
        fresh = [_square_of_box(cover.box) for cover in covers]
        before = [self._squares.get(c.track, f) for c, f in zip(covers, fresh, strict=True)]
        rough = self._estimator.estimate(cut(image, before))
        squares = [
            square_of_landmarks(look.points) if _is_there(look, cover.box) else square
            for look, cover, square in zip(rough, covers, fresh, strict=True)
        ]
        looks = self._estimator.estimate(cut(image, squares))
        self._squares = {}
        found: list[Landmarks | None] = []
        for cover, look in zip(covers, looks, strict=True):
            there = _is_there(look, cover.box)
            found.append(look if there else None)
            if there:
                self._squares[cover.track] = square_of_landmarks(look.points)
        return found


def draw_mesh(canvas: Image, landmarks: Landmarks) -> None:
    """Draw a face of shaded triangles with eyes, brows and lips, in place."""
    points = landmarks.points.astype(np.float64)
    corners = points[TRIANGLES]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    # Outwards: from y up and z near to y down and z far is a half turn, which mirrors nothing.
    shade = _AMBIENT + (1 - _AMBIENT) * np.clip(normals @ _LIGHT, 0, 1)
    line = max(1, round(float(np.ptp(points[:, 0])) / 150))
    order = np.argsort(-corners[..., 2].mean(axis=1))
    for triangle in order[normals[order, 2] < 0]:
        colour = tuple(int(value) for value in _SKIN * shade[triangle])
        polygon = _fixed(corners[triangle, :, :2])
        cv2.fillConvexPoly(canvas, polygon, colour, cv2.LINE_AA, _SUBPIXEL_BITS)
        dark = tuple(int(0.8 * value) for value in colour)
        cv2.polylines(canvas, [polygon], True, dark, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    _draw_eyes(canvas, points)
    contours = subset68(points[:, :2].astype(np.float32))
    for part, closed in IBUG_PARTS[1:]:
        polygon = _fixed(contours[part])
        cv2.polylines(canvas, [polygon], closed, _LINES, line, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_eyes(canvas: Image, points: NDArray[np.float64]) -> None:
    """Eyeballs where the lids leave them open, and irises within them."""
    contours = subset68(points[:, :2].astype(np.float32))
    for outline, (centre, rim) in zip(_EYES, _IRISES, strict=True):
        mask = np.zeros(canvas.shape[:2], np.uint8)
        polygon = _fixed(contours[outline])
        cv2.fillPoly(mask, [polygon], 255, cv2.LINE_8, _SUBPIXEL_BITS)
        open_eye = mask.astype(bool)
        canvas[open_eye] = _EYE
        iris = np.zeros_like(mask)
        radius = float(np.linalg.norm(points[centre, :2] - points[rim, :2]))
        x, y = _fixed(points[centre, :2]).tolist()
        size = max(1, round(radius * 2**_SUBPIXEL_BITS))
        cv2.circle(iris, (x, y), size, 255, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)
        canvas[open_eye & iris.astype(bool)] = _IRIS


def _is_there(look: Landmarks, box: Floats) -> bool:
    """Whether landmarks are a face's, and that of this box."""
    if not (is_present(look) and np.isfinite(look.points).all()):
        return False
    apart = np.linalg.norm(look.points[:, :2].mean(axis=0) - box_centre(box))
    return bool(apart < 0.5 * float(max(box[2:])))


def _square_of_box(box: Floats) -> Square:
    side = float(np.sqrt(box[2] * box[3])) * _BOX_MARGIN
    return Square(box_centre(box) + [0, _BOX_DROP * side], side, 0.0)


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    limit = 2**20
    fine = np.rint(np.clip(points, -limit, limit) * 2**_SUBPIXEL_BITS)
    return np.asarray(fine, np.int32)
