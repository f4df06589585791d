"""Surfaces before light falls on them: expression lines, flat colours, highlights."""

import numpy as np
from numba import njit

from facekit.synthetic.mesh import EYE_SOCKET, GUMS, MOUTH_SOCKET, TEETH
from facekit.types import Floats, Image

GAMMA = 2.2
LINES = 12
"""Expression lines: forehead L, R, glabella, nose root, crow's feet L, R, nasolabial L, R, chin,
dimple L, R, under the eyes."""


@njit(cache=True, error_model="numpy")
def line_map(maps: Image, depths: Floats) -> Floats:  # pragma: no cover - compiled
    """(w, w) depth of all expression lines together.

    Args:
        maps: (w, w, 12) uint8 expression lines, 127.5 = none, more = darker.
        depths: (12,) how deep each is.
    """
    side = maps.shape[0]
    out = np.zeros((side, side), np.float32)
    if depths.max() <= 0:
        return out
    level = np.float32(1 / 127.5)
    for i in range(side):
        for j in range(side):
            depth = np.float32(0)
            for k in range(LINES):
                depth += depths[k] * (np.float32(maps[i, j, k]) * level - np.float32(1.0039))
            out[i, j] = depth
    return out


def tone_table() -> Image:
    """(4096,) display value 0-255 of linear light 0-1."""
    return np.asarray(np.round(255 * np.linspace(0, 1, 4096) ** (1 / GAMMA)), np.uint8)


def flat_colours(gums: Floats, teeth: Floats) -> Floats:
    """(7, 3) colours of the layers that have no texture."""
    flat = np.zeros((7, 3), np.float32)
    flat[GUMS], flat[TEETH] = gums, teeth
    flat[MOUTH_SOCKET], flat[EYE_SOCKET] = gums * 0.5, (0.35, 0.13, 0.10)
    return flat


def glosses(strength: float, exponent: float) -> Floats:
    """(7, 2) highlights; the arguments are the skin's."""
    return np.array(
        [
            [strength, exponent],
            [strength, exponent],
            [0.4, 40],
            [0.4, 60],
            [0.9, 250],
            [0, 1],
            [0.2, 20],
        ],
        np.float32,
    )
