"""Backgrounds without photographs: rooms, foliage, lights out of focus, walls, and some noise."""

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic.view import blurred
from facekit.types import Floats

_SMALL = 64  # backgrounds are out of focus: they are drawn small and enlarged


def random_background(random: np.random.Generator, size: int) -> Floats:
    """(size, size, 3) float32 display RGB."""
    kind = random.random()
    if kind < 0.35:
        small = _room(random)
    elif kind < 0.55:
        small = _foliage(random)
    elif kind < 0.70:
        small = _lights(random)
    elif kind < 0.85:
        small = _wall(random)
    else:
        small = _noise(random)
    blur = random.uniform(0, 2.5) if kind < 0.85 else 0
    if blur > 0.4:
        small = blurred(small, blur)
    grown = _enlarged(small, size)
    if random.random() < 0.15:
        _polygons(random, grown)
    return np.clip(grown, 0, 255).astype(np.float32)


def _colour(random: np.random.Generator, saturation: float = 0.10) -> Floats:
    """A colour as things have it: mostly muted."""
    grey = random.uniform(15, 235)
    return np.asarray(grey * (1 + random.normal(0, saturation, 3)), np.float32).clip(0, 255)


def _shading(random: np.random.Generator) -> Floats:
    ramp = np.linspace(-1, 1, _SMALL, dtype=np.float32)
    across, down = random.normal(0, 0.2, 2)
    return np.asarray(1 + across * ramp[None, :, None] + down * ramp[:, None, None], np.float32)


def _wall(random: np.random.Generator) -> Floats:
    grain = random.normal(0, random.uniform(0, 4), (_SMALL, _SMALL, 1))
    return np.asarray(_colour(random) * _shading(random) + grain, np.float32)


def _room(random: np.random.Generator) -> Floats:
    """A wall with shelves, windows, doors, people-sized blocks."""
    image = _wall(random)
    for _ in range(random.integers(3, 14)):
        x, y = random.uniform(-10, _SMALL, 2)
        width, height = random.uniform(3, 36, 2) * random.choice([1, 0.3], 2)
        tone = _colour(random, 0.18)
        if random.random() < 0.15:
            tone = np.array([245, 245, 240], np.float32)  # a window or a lamp
        cv2.rectangle(
            image,
            (int(x * 16), int(y * 16)),
            (int((x + width) * 16), int((y + height) * 16)),
            tone.tolist(),
            -1,
            cv2.LINE_AA,
            4,
        )
    return image * _shading(random)


def _foliage(random: np.random.Generator) -> Floats:
    """Something fractal under a sky or above a ground."""
    tone = _octaves(random, (3, 7, 16, 40))
    dark = _colour(random, 0.18) * 0.4
    light = np.minimum(_colour(random, 0.18) * 1.2 + 20, 255)
    image = dark + (light - dark) * np.clip(0.5 + 0.35 * tone, 0, 1)
    if random.random() < 0.5:
        horizon = random.uniform(0.1, 0.9) * _SMALL + 3 * _octaves(random, (3, 9))[:1, :, 0]
        above = np.arange(_SMALL)[:, None] < horizon
        sky = _colour(random, 0.12) * 0.5 + 110
        image = np.where(above[..., None], sky * _shading(random), image)
    return np.asarray(image, np.float32)


def _octaves(random: np.random.Generator, grids: tuple[int, ...]) -> Floats:
    out = np.zeros((_SMALL, _SMALL), np.float32)
    for level, grid in enumerate(grids):
        out += _enlarged(random.normal(0, 0.75**level, (grid, grid)), _SMALL)
    return out[..., None]


def _lights(random: np.random.Generator) -> Floats:
    """Lamps out of focus in the dark."""
    image = _colour(random, 0.18) * 0.35 * _shading(random)
    for _ in range(random.integers(3, 16)):
        disc = np.zeros((_SMALL, _SMALL), np.float32)
        centre = tuple(int(c) for c in random.uniform(0, _SMALL * 16, 2))
        cv2.circle(disc, centre, int(random.uniform(1.5, 8) * 16), 1.0, -1, cv2.LINE_AA, 4)
        image = image + disc[..., None] * _colour(random, 0.3) * random.uniform(0.3, 0.9)
    return np.asarray(image, np.float32)


def _noise(random: np.random.Generator) -> Floats:
    image = np.zeros((_SMALL, _SMALL, 3), np.float32) + _colour(random)
    for grid in (2, 5, 12, 32):
        noise = random.normal(0, 1, (grid, grid, 1)) + random.normal(0, 0.25, (grid, grid, 3))
        image += _enlarged(noise * random.uniform(0, 32), _SMALL)
    return image


def _enlarged(image: NDArray[np.floating], size: int) -> Floats:
    grown = cv2.resize(image.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.float32)


def _polygons(random: np.random.Generator, image: Floats) -> None:
    for _ in range(random.integers(1, 4)):
        corners = random.integers(0, len(image), (random.integers(3, 6), 2)).astype(np.int32)
        cv2.fillPoly(image, [corners], _colour(random, 0.3).tolist(), cv2.LINE_AA)
