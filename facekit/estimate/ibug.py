"""The 68 iBUG landmarks as points of MediaPipe's 478.

Numbering of Sagonas et al., "300 Faces in-the-Wild Challenge", ICCVW 2013. It runs in image
order: the jaw from image left to image right, so that 36-41 are the subject's right eye.
"""

import numpy as np
from numpy.typing import NDArray

from facekit.types import Floats

# fmt: off
IBUG_68: NDArray[np.intp] = np.array(
    [
        162, 234, 93, 58, 172, 136, 149, 148, 152,            # 0-8 jaw, down to the chin
        377, 378, 365, 397, 288, 323, 454, 389,               # 9-16 jaw, up again
        71, 63, 105, 66, 107,                                 # 17-21 brow on image left
        336, 296, 334, 293, 301,                              # 22-26 brow on image right
        168, 197, 5, 4,                                       # 27-30 bridge of the nose
        75, 97, 2, 326, 305,                                  # 31-35 nostrils
        33, 160, 158, 133, 153, 144,                          # 36-41 eye on image left
        362, 385, 387, 263, 373, 380,                         # 42-47 eye on image right
        61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # 48-59 outer lips
        78, 82, 13, 312, 308, 317, 14, 87,                    # 60-67 inner lips
    ],
    dtype=np.intp,
)
# fmt: on
"""(68,) index into MediaPipe's topology of each iBUG landmark."""

IBUG_PARTS: tuple[tuple[slice, bool], ...] = (
    (slice(0, 17), False),
    (slice(17, 22), False),
    (slice(22, 27), False),
    (slice(27, 31), False),
    (slice(31, 36), False),
    (slice(36, 42), True),
    (slice(42, 48), True),
    (slice(48, 60), True),
    (slice(60, 68), True),
)
"""The parts of a face among the 68 points, and whether each one's contour is closed."""


def subset68(points: Floats) -> Floats:
    """The 68 iBUG landmarks among MediaPipe's 478 points.

    Args:
        points: (478, n) points in MediaPipe's topology.

    Returns:
        (68, n) points in iBUG order.
    """
    return points[IBUG_68]
