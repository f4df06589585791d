"""How a rendered picture is framed; rotations and the camera are `facekit.geometry`'s."""

import numpy as np
from numpy.typing import NDArray

from facekit.geometry import Camera as Camera
from facekit.geometry import angles as angles
from facekit.geometry import ray_rotation as ray_rotation
from facekit.geometry import rotation as rotation

Matrix = NDArray[np.float64]

FORWARD = np.array([0.0, 0.0, -1.0])
"""Where the nose, or an eye, points before any rotation."""


def frame_points(
    points: NDArray[np.floating], size: int, extent: float, middle: tuple[float, float]
) -> Camera:
    """The camera in whose picture the box around `points` has a wanted size and place.

    Args:
        points: (n, 3) in camera axes, all with z > 0.
        size: side of the square picture in pixels.
        extent: longer side of the box as a share of the picture's side.
        middle: wanted centre of the box as shares of the side; (0.5, 0.5) is the centre.
    """
    flat = points[:, :2] / points[:, 2:]
    low, high = flat.min(0), flat.max(0)
    focal = size * extent / float((high - low).max())
    centre = np.array(middle) * size - 0.5 - focal * (low + high) / 2
    return Camera(float(focal), float(centre[0]), float(centre[1]))
