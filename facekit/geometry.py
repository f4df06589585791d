"""Conventions in one place: boxes, overlaps, similarity crops, rotations, the camera.

Boxes are (x, y, width, height) in pixels with the centre of the first pixel at (0, 0).

Camera axes: x right, y down, z into the scene. A rotation takes head axes to camera axes. Head
axes are those of a head that looks straight back along the optical axis: x to the subject's left,
y to the chin, z into the head.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.types import Floats, Image

Numbers: TypeAlias = NDArray[np.floating[Any]]

_NEARLY_LOCKED = 1e-4


def iou(a: Numbers, b: Numbers) -> NDArray[np.float64]:
    """Intersection over union of every box of `a` with every box of `b`.

    Args:
        a: (n, 4) boxes x, y, width, height.
        b: (m, 4) boxes.

    Returns:
        (n, m) overlaps, 0-1; boxes without area overlap nothing.
    """
    if len(a) == 0 or len(b) == 0:
        return np.zeros((len(a), len(b)))
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(
        first[:, None, :2] + first[:, None, 2:], second[None, :, :2] + second[None, :, 2:]
    )
    shared = np.clip(high - low, 0, None).prod(-1)
    union = first[:, 2:].prod(-1)[:, None] + second[:, 2:].prod(-1)[None, :] - shared
    return np.where(union > 0, shared / np.maximum(union, 1e-12), 0.0)


def box_centre(box: Numbers) -> NDArray[np.float64]:
    """(2,) centre of a box, pixels."""
    x, y, width, height = np.asarray(box, np.float64)
    return np.array([x + width / 2, y + height / 2])


def box_around(points: Numbers) -> Floats:
    """(4,) smallest upright box around (n, 2) points."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return np.concatenate([low, high - low]).astype(np.float32)


def similarity(source: Numbers, target: Numbers) -> NDArray[np.float64]:
    """Least-squares similarity that takes `source` points to `target` points.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    PAMI 1991, without reflection.

    Args:
        source: (n, 2) points, n >= 2, not all equal.
        target: (n, 2) points.

    Returns:
        (2, 3) matrix M with ``target ~ M[:, :2] @ source + M[:, 2]``.
    """
    source_mean, target_mean = source.mean(0), target.mean(0)
    a, b = source - source_mean, target - target_mean
    scale = float((a**2).sum())
    # In two dimensions the best rotation and scale have a closed form: a complex ratio.
    real = float((a * b).sum()) / scale
    imaginary = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / scale
    linear = np.array([[real, -imaginary], [imaginary, real]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


def crop_matrix(centre: Numbers, side: float, roll_deg: float, size: int) -> NDArray[np.float64]:
    """Similarity that takes a turned square of the frame to a `size` x `size` crop.

    Args:
        centre: (2,) centre of the square in frame pixels.
        side: side of the square in frame pixels.
        roll_deg: clockwise turn of the square as seen in the image; the crop undoes it.
        size: side of the crop in pixels.

    Returns:
        (2, 3) matrix from frame pixels to crop pixels.
    """
    scale, angle = size / side, np.deg2rad(-roll_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # Crop pixels are centred like frame pixels: the middle of the crop is at (size - 1) / 2.
    return np.column_stack([linear, np.full(2, (size - 1) / 2) - linear @ np.asarray(centre)])


def apply(matrix: Numbers, points: Numbers) -> Floats:
    """(n, 2) points mapped by a (2, 3) matrix."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def invert(matrix: Numbers) -> NDArray[np.float64]:
    """The inverse of a (2, 3) similarity."""
    return np.asarray(cv2.invertAffineTransform(np.asarray(matrix, np.float64)))


def crop(image: Image, matrix: Numbers, size: int, *, replicate: bool = False) -> Image:
    """`size` x `size` crop of `image` by a frame-to-crop matrix.

    Shrinking averages first (a box filter by the whole-number factor), so that small crops of
    large faces do not alias.

    Args:
        image: (h, w, 3) uint8.
        matrix: (2, 3) similarity from frame to crop pixels.
        size: side of the crop.
        replicate: repeat the frame's border outside of it, instead of black.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    factor = max(1, int(1 / max(scale, 1e-6)))
    big = np.asarray(matrix, np.float64) * factor
    big[:, 2] += (factor - 1) / 2
    warped = cv2.warpAffine(
        image,
        big,
        (size * factor, size * factor),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT,
    )
    if factor > 1:
        warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, np.uint8)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """(3, 3) rotation of a head or an eye.

    Args:
        yaw_deg: > 0 towards image right.
        pitch_deg: > 0 up.
        roll_deg: > 0 clockwise as seen in the image.
    """
    yaw, pitch, roll = np.deg2rad([-yaw_deg, -pitch_deg, roll_deg])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_z @ about_y @ about_x)


def angles(matrix: Numbers) -> NDArray[np.float64]:
    """(3,) yaw, pitch, roll in degrees of a rotation; the inverse of `rotation`.

    At a yaw of +-90 degrees pitch and roll turn about the same axis: all of it is called roll.
    """
    yaw = np.arcsin(np.clip(matrix[2, 0], -1, 1))
    if np.hypot(matrix[2, 1], matrix[2, 2]) < _NEARLY_LOCKED:
        return np.rad2deg([yaw, 0.0, np.arctan2(-matrix[0, 1], matrix[1, 1])])
    pitch = -np.arctan2(matrix[2, 1], matrix[2, 2])
    roll = np.arctan2(matrix[1, 0], matrix[0, 0])
    return np.rad2deg([yaw, pitch, roll])


def gaze_vectors(yaw_pitch_deg: Numbers) -> NDArray[np.float64]:
    """(..., 3) unit vectors in camera axes of (..., 2) yaw and pitch in degrees.

    (0, 0) looks straight back along the optical axis: (0, 0, -1).
    """
    yaw, pitch = np.moveaxis(np.deg2rad(np.asarray(yaw_pitch_deg, np.float64)), -1, 0)
    return np.stack(
        [np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)], axis=-1
    )


def gaze_angles(vectors: Numbers) -> NDArray[np.float64]:
    """(..., 2) yaw and pitch in degrees of (..., 3) unit vectors; the inverse of `gaze_vectors`."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    angles = np.stack([np.arctan2(x, -z), np.arcsin(np.clip(-y, -1, 1))], axis=-1)
    return np.asarray(np.rad2deg(angles))


def ray_rotation(direction: Numbers) -> NDArray[np.float64]:
    """The smallest rotation that takes the optical axis (0, 0, 1) to a direction.

    A head seen along `direction` with rotation R looks like a head on the axis with rotation
    ``ray_rotation(direction).T @ R``.
    """
    x, y, z = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    shared = 1 / (1 + z)
    return np.array(
        [
            [1 - shared * x * x, -shared * x * y, x],
            [-shared * x * y, 1 - shared * y * y, y],
            [-x, -y, z],
        ]
    )


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        focal: focal length, pixels.
        centre_x: column of the optical axis, pixels (centre of the first pixel = 0); it may lie
            outside the picture, which is then a window of a larger frame.
        centre_y: row of the optical axis, pixels.
    """

    focal: float
    centre_x: float
    centre_y: float

    def project(self, points: Numbers) -> Floats:
        """(n, 2) pixels of (n, 3) points in camera axes."""
        flat = points[:, :2] / points[:, 2:]
        return (self.focal * flat + [self.centre_x, self.centre_y]).astype(np.float32)

    def rays(self, pixels: Numbers) -> NDArray[np.float64]:
        """(n, 3) directions with z = 1 of (n, 2) pixels."""
        flat = (np.asarray(pixels, np.float64) - [self.centre_x, self.centre_y]) / self.focal
        return np.column_stack([flat, np.ones(len(flat))])

    def scaled(self, factor: float) -> "Camera":
        """The camera of the same view with `factor` times as many pixels per side.

        Pixel centres are whole numbers, so the corner of the picture (-0.5, -0.5) stays put.
        """
        return Camera(
            self.focal * factor,
            (self.centre_x + 0.5) * factor - 0.5,
            (self.centre_y + 0.5) * factor - 0.5,
        )
