"""The crops of one frame: each face is cut once, and every network that wants it takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facekit.estimate.crops import SIZE, Square
from facekit.types import Floats, Image


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Faces of one frame as the networks see them.

    Attributes:
        squares: where each was cut.
        planes: (n, 3, SIZE, SIZE) float32 RGB, 0-255.
    """

    squares: tuple[Square, ...]
    planes: Floats

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.squares)

    def only(self, row: int) -> "Patches":
        """The patch of one face."""
        return Patches((self.squares[row],), self.planes[row : row + 1])


def cut(image: Image, squares: Sequence[Square]) -> Patches:
    """Cut faces out of a frame.

    Args:
        image: (height, width, 3) uint8 RGB.
        squares: of the crop rule; none gives no patches.
    """
    planes = np.empty((len(squares), 3, SIZE, SIZE), np.float32)
    for row, square in enumerate(squares):
        planes[row] = square.cut(image).transpose(2, 0, 1)
    return Patches(tuple(squares), planes)
