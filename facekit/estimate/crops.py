"""The one rule by which a face becomes the input of a network, in training and at run time.

A face is seen through a square, upright with the face: its roll is taken out. The square comes
from a detection (MTCNN's box and five points) or, in video, from the landmarks of the frame
before; both give the same kind of square. Their difference was measured on the training photos
(`python -m facekit.train jitter`), and the networks are trained with at least that much jitter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekit.geometry import apply, box_centre, crop, crop_matrix, invert, similarity
from facekit.types import Floats, Image, Region

SIZE = 112
"""Side of a crop in pixels."""

MARGIN = 1.38
"""Side of the square as a multiple of the longer side of the box around the landmarks."""

# Median over 1,200 training faces of the landmarks' square against MTCNN's box.
_BOX_MARGIN = 1.37
_BOX_DROP = 0.046
_BOX_ASPECT = 0.79  # width over height of MTCNN's boxes

# fmt: off
_STEADY = np.array([10, 33, 133, 362, 263, 168, 2, 61, 291, 152])
# Places of these landmarks and of MTCNN's five points on MediaPipe's canonical face (cm, y down).
_STEADY_SHAPE = np.array([
    [0.0, -8.26], [-4.45, -2.66], [-1.86, -2.59], [1.86, -2.59], [4.45, -2.66],
    [0.0, -3.27], [0.0, 2.09], [-2.46, 4.34], [2.46, 4.34], [0.0, 9.40],
])
_FIVE_SHAPE = np.array([[-3.15, -2.62], [3.15, -2.62], [0.0, 0.46], [-2.46, 4.34], [2.46, 4.34]])
# fmt: on


@dataclass(frozen=True, slots=True)
class Square:
    """A turned square of the frame.

    Attributes:
        centre: (2,) frame pixels.
        side: frame pixels.
        roll_deg: clockwise turn as seen in the image, degrees.
    """

    centre: NDArray[np.float64]
    side: float
    roll_deg: float

    def matrix(self, size: int = SIZE) -> NDArray[np.float64]:
        """(2, 3) similarity from frame pixels to the pixels of a `size` x `size` crop."""
        return crop_matrix(self.centre, self.side, self.roll_deg, size)

    def cut(self, image: Image, size: int = SIZE) -> Image:
        """(size, size, 3) crop of `image`; black outside the frame."""
        return crop(image, self.matrix(size), size)


def square_of_landmarks(points: Floats) -> Square:
    """The square around dense landmarks.

    Args:
        points: (478, 2 or 3) landmarks in frame pixels.
    """
    flat = np.asarray(points[:, :2], np.float64)
    # Head and chin count as much as the eyes: in profile the line between the eyes says nothing.
    roll_deg = _roll_deg(_STEADY_SHAPE, flat[_STEADY])
    return _around(flat, roll_deg, MARGIN)


def square_of_region(region: Region) -> Square:
    """The square around a detected face.

    Args:
        region: box and five points in frame pixels.
    """
    roll_deg = _roll_deg(_FIVE_SHAPE, np.asarray(region.points, np.float64))
    # The box's area is steadier than its longer side: MTCNN's boxes are narrow on some faces.
    side = float(np.sqrt(region.box[2] * region.box[3])) * _BOX_MARGIN
    down = np.array([-np.sin(np.deg2rad(roll_deg)), np.cos(np.deg2rad(roll_deg))])
    return Square(box_centre(region.box) + _BOX_DROP * side * down, side, roll_deg)


def box_of_square(square: Square) -> Floats:
    """(4,) the box that MTCNN would put around the face of a square.

    The other way round of `square_of_region`, so that a face keeps its box when the landmarks
    follow it between searches.
    """
    size = square.side / _BOX_MARGIN * np.array([_BOX_ASPECT**0.5, _BOX_ASPECT**-0.5])
    down = np.array([-np.sin(np.deg2rad(square.roll_deg)), np.cos(np.deg2rad(square.roll_deg))])
    centre = square.centre - _BOX_DROP * square.side * down
    return np.concatenate([centre - size / 2, size]).astype(np.float32)


def to_frame(points: Floats, square: Square) -> Floats:
    """Points of a crop in frame pixels.

    Args:
        points: (n, 3) in shares of the crop's side, (0, 0) at its centre: the network's output.
        square: where the crop was cut.

    Returns:
        (n, 3) x, y in frame pixels and z on the same scale.
    """
    pixels = points[:, :2] * SIZE + (SIZE - 1) / 2
    flat = apply(invert(square.matrix()), pixels)
    return np.column_stack([flat, points[:, 2] * square.side]).astype(np.float32)


def _roll_deg(shape: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    matrix = similarity(shape, points)
    return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


def _around(points: NDArray[np.float64], roll_deg: float, margin: float) -> Square:
    """The square with the centre of the box around points, in axes turned by the roll."""
    cosine, sine = np.cos(np.deg2rad(roll_deg)), np.sin(np.deg2rad(roll_deg))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    upright = points @ turn
    low, high = upright.min(0), upright.max(0)
    return Square(turn @ ((low + high) / 2), float((high - low).max()) * margin, roll_deg)
