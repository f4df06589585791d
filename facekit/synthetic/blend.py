"""Skins of nobody: two people's textures blended, so that a network cannot learn who they are.

There are few textures, and a network that has seen one in all its expressions soon knows where its
brows rest. Here the broad colours of two people are mixed, every region's detail (brows, lines,
stubble, pores) is one or the other's, more or less pronounced, and everything lies a little
elsewhere, brows most.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.types import Floats, Image

_BROAD = 16  # cells across a texture: what is wider is colour, what is finer is detail
_REGIONS = 6  # cells across a texture of the map that says whose detail it is
_SHARP = 4.0  # how abrupt the regions' borders are
_PRONOUNCED = 0.22  # sd of the logarithm of the detail's strength
_SHIFT = 0.0035  # sd of how far anything lies elsewhere, shares of the texture
_BROW_SHIFT = 0.0065  # sd of how far both brows do, up or down
_BROW_ROW, _BROW_REACH = 0.185, 0.05  # where they lie in the texture, from the top

Field = NDArray[np.float32]


def blend(first: Image, second: Image, share: float, random: np.random.Generator) -> Image:
    """A texture pair made of two.

    Args:
        first: (2, s, s, 3) uint8 face and back of the head; the back's detail is its.
        second: the same of someone else, or the first one's mirror image.
        share: of the first one's broad colours, 0-1.
        random: source of chance.

    Returns:
        (2, s, s, 3) uint8.
    """
    side = first.shape[1]
    strength = float(np.exp(random.normal(0, _PRONOUNCED)))
    whose = _smooth_field(random, side, _REGIONS)
    whose = 1 / (1 + np.exp(-_SHARP * (whose + random.normal(0, 0.5))))
    tiles = []
    for tile, (one, other) in enumerate(zip(first, second, strict=True)):
        broad, detail = _parted(one)
        broad_other, detail_other = _parted(other)
        if tile == 0:
            detail = strength * (detail_other + (detail - detail_other) * whose[..., None])
        tiles.append(broad_other + (broad - broad_other) * share + detail)
    tiles[0] = _moved(tiles[0], random)
    return np.asarray(np.clip(np.round(np.stack(tiles)), 0, 255), np.uint8)


def _parted(tile: Image) -> tuple[Floats, Floats]:
    """Broad colours and detail; they sum to the tile."""
    side = tile.shape[0]
    whole = tile.astype(np.float32)
    small = cv2.resize(whole, (_BROAD, _BROAD), interpolation=cv2.INTER_AREA)
    broad = np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    return broad, whole - broad


def _moved(tile: Floats, random: np.random.Generator) -> Floats:
    side = tile.shape[0]
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    brows = np.exp(-0.5 * ((rows / side - _BROW_ROW) / _BROW_REACH) ** 2)
    down = _SHIFT * _smooth_field(random, side, _REGIONS) + brows * random.normal(0, _BROW_SHIFT)
    across = _SHIFT * _smooth_field(random, side, _REGIONS)
    places = columns + side * across, rows + side * down
    return np.asarray(
        cv2.remap(
            tile,
            places[0].astype(np.float32),
            places[1].astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        ),
        np.float32,
    )


def _smooth_field(random: np.random.Generator, side: int, cells: int) -> Field:
    """(side, side) random numbers of about unit variance that change over a cell."""
    few = random.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(few, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
