"""The rule by which eyes become the input of the gaze network, in training and at run time.

Both eyes are seen by a normalised camera (Zhang, Sugano and Bulling, "Revisiting data
normalization for appearance-based gaze estimation", ETRA 2018): it looks straight at the middle
between the eyes, is rolled so that the line between them is level, and is as far away as makes
their distance always the same number of pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.geometry import Numbers
from facekit.types import Floats, Image

WIDTH, HEIGHT = 72, 52
"""Size of the crop of one eye, pixels."""

SCALE = 92.0
"""Pixels of a crop per distance of the eyes."""

_CORNERS = np.array([[263, 362], [33, 133]])  # outer and inner, left eye first
_NARROWEST = 0.3
_REACH = 0.6  # from an eye to the farthest corner of its crop, eye distances, and some more


@dataclass(frozen=True, slots=True, eq=False)
class EyePlace:
    """Where the eyes of a face are.

    Attributes:
        centres: (2, 2) middle between the corners of the left and right eye, frame pixels.
        roll_deg: clockwise turn of the line between them as seen in the image, degrees.
        unit: distance of the eyes as it would be seen from the front, frame pixels.
    """

    centres: NDArray[np.float64]
    roll_deg: float
    unit: float

    @property
    def middle(self) -> NDArray[np.float64]:
        """(2,) frame pixels."""
        return np.asarray(self.centres.mean(0))

    def matrix(self, side: int) -> NDArray[np.float64]:
        """(2, 3) similarity from frame pixels to the crop of the left (0) or right (1) eye."""
        scale, angle = SCALE / self.unit, np.deg2rad(-self.roll_deg)
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.array([[cosine, -sine], [sine, cosine]])
        shift = np.array([WIDTH - 1, HEIGHT - 1]) / 2 - linear @ self.centres[side]
        return np.column_stack([linear, shift])


def place_of_landmarks(points: Floats, yaw_deg: float) -> EyePlace:
    """Where the eyes are.

    Args:
        points: (478, 2 or 3) landmarks in frame pixels.
        yaw_deg: of the head as seen along the ray to it: the more it is turned, the closer
            together the eyes look.
    """
    return place_of_corners(np.asarray(points, np.float64)[_CORNERS, :2], yaw_deg)


def place_of_corners(corners: Numbers, yaw_deg: float) -> EyePlace:
    """Where the eyes are.

    Args:
        corners: (2, 2, 2) outer and inner corner of the left and right eye, frame pixels.
        yaw_deg: as in `place_of_landmarks`.
    """
    centres = np.asarray(corners, np.float64).mean(1)
    across = centres[0] - centres[1]
    shortened = max(float(np.cos(np.deg2rad(yaw_deg))), _NARROWEST)
    roll_deg = float(np.degrees(np.arctan2(across[1], across[0])))
    return EyePlace(centres, roll_deg, max(float(np.hypot(*across)) / shortened, 1.0))


def gray_around(image: Image, place: EyePlace) -> tuple[Image, EyePlace]:
    """The part of a frame that crops of the eyes can show, in gray, and the place in it.

    For who cuts the same eyes several times: colour is taken out once.

    Args:
        image: (height, width, 3) uint8 RGB.
        place: of the eyes in it.
    """
    low = np.floor(place.centres.min(0) - _REACH * place.unit).astype(int)
    high = np.ceil(place.centres.max(0) + _REACH * place.unit).astype(int)
    limits = np.array(image.shape[1::-1])
    (left, top), (right, bottom) = np.clip([low, high], 0, limits).tolist()
    if right <= left or bottom <= top:  # eyes outside of the frame
        return np.zeros((1, 1), np.uint8), place
    part = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    moved = EyePlace(place.centres - [left, top], place.roll_deg, place.unit)
    return np.asarray(part, np.uint8), moved


def cut_eyes(image: Image, place: EyePlace) -> Floats:
    """(2, HEIGHT, WIDTH) float32 gray 0-255, left eye first; black outside the frame.

    Args:
        image: (height, width, 3) RGB or (height, width) gray, uint8.
        place: of the eyes in it.
    """
    out = np.empty((2, HEIGHT, WIDTH), np.float32)
    for side in (0, 1):
        out[side] = _cut(image, place.matrix(side))
    return out


def _cut(image: Image, matrix: NDArray[np.float64]) -> Image:
    """One crop. Shrinking averages first, by the whole-number factor."""
    factor = max(1, int(1 / float(np.hypot(matrix[0, 0], matrix[1, 0]))))
    big = matrix * factor
    big[:, 2] += (factor - 1) / 2
    found = cv2.warpAffine(image, big, (WIDTH * factor, HEIGHT * factor), flags=cv2.INTER_LINEAR)
    if factor > 1:
        found = cv2.resize(found, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    gray = found if found.ndim == 2 else cv2.cvtColor(found, cv2.COLOR_RGB2GRAY)
    return np.asarray(gray, np.uint8)


def fit_eye_image(image: Image) -> Floats:
    """(HEIGHT, WIDTH) float32 gray: a picture of one eye brought to the size of a crop.

    Args:
        image: (height, width, 3) RGB or (height, width) gray, uint8; the whole of it is kept.
    """
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = min(WIDTH / gray.shape[1], HEIGHT / gray.shape[0])
    size = [max(1, round(side * scale)) for side in gray.shape[::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(gray, size, interpolation=how)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    right, bottom = WIDTH - size[0] - left, HEIGHT - size[1] - top
    return np.asarray(
        cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_REPLICATE), np.float32
    )
