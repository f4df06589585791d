"""Batches of training crops out of renders, photos and pictures without a face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facekit.estimate.crops import SIZE
from facekit.synthetic.background import random_background
from facekit.train.augment import Crop, Jitter, Random, away, cut, degrade
from facekit.train.data import POINTS, Faces
from facekit.types import Image

_BACKGROUNDS = 200
_WORSE_RENDERS = 0.4


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of a batch.

    Attributes:
        size: crops in a batch.
        sources: share of each source among the crops with a face.
        negatives: share of crops without a face.
    """

    size: int
    sources: tuple[float, ...]
    negatives: float


class CropBatches:
    """Seeded batches: the batch of a step depends on the seed and the step alone.

    Args:
        sources: labelled pictures.
        mix: shares.
        mirror: (478,) the point that each point becomes in a mirrored picture.
        seed: of everything random.
        jitter: how far the squares are moved.
    """

    def __init__(
        self,
        sources: Sequence[Faces],
        mix: Mix,
        mirror: NDArray[np.intp],
        seed: int,
        jitter: Jitter | None = None,
    ) -> None:
        """Make the backgrounds that serve as pictures without a face."""
        self._sources, self._mix, self._mirror, self._seed = sources, mix, mirror, seed
        self._jitter = jitter or Jitter()
        random = np.random.default_rng((seed, 1))
        self._backgrounds = [_bytes(random_background(random, SIZE)) for _ in range(_BACKGROUNDS)]

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The batch of a step.

        Returns:
            ``image`` (n, 3, SIZE, SIZE) float32 0-255; ``points`` (n, 478, 3) and their
            ``weights`` (n, 478, 3), 0 where unknown; ``rotation`` (n, 3, 3), NaN where unknown;
            ``exact`` (n,) 1 for truth, 0 for a teacher's opinion; ``present`` (n,) 0 or 1.
        """
        random = np.random.default_rng((self._seed, 2, step))
        size = self._mix.size
        images = np.empty((size, SIZE, SIZE, 3), np.uint8)
        points = np.zeros((size, POINTS, 3), np.float32)
        weights = np.zeros((size, POINTS, 3), np.float32)
        rotation = np.full((size, 3, 3), np.nan, np.float32)
        exact, present = np.zeros(size, np.float32), np.ones(size, np.float32)
        for k in range(size):
            worse = True
            if random.random() < self._mix.negatives:
                image, present[k] = self._negative(random), 0
            else:
                crop, weights[k], exact[k] = self._positive(random)
                image, points[k], rotation[k] = crop.image, crop.points, crop.rotation
                # Renders are made with blur, noise and compression of their own.
                worse = not exact[k] or random.random() < _WORSE_RENDERS
            images[k] = degrade(image, random) if worse else image
        # channels_last in memory, which the convolutions want.
        planes = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        return {
            "image": planes,
            "points": torch.from_numpy(points),
            "weights": torch.from_numpy(weights),
            "rotation": torch.from_numpy(rotation),
            "exact": torch.from_numpy(exact),
            "present": torch.from_numpy(present),
        }

    def _positive(self, random: Random) -> tuple[Crop, NDArray[np.float32], bool]:
        faces = self._source(random)
        row = int(random.integers(len(faces)))
        mirror = self._mirror if random.random() < 0.5 else None
        crop = cut(faces, row, self._jitter.move(faces.square(row), random), mirror)
        trust = faces.weights[row] if mirror is None else faces.weights[row][mirror]
        depth = trust if faces.exact else np.zeros_like(trust)
        return crop, np.stack([trust, trust, depth], axis=1), faces.exact

    def _negative(self, random: Random) -> Image:
        if random.random() < 0.3:
            number = int(random.integers(len(self._backgrounds)))
            return self._backgrounds[number]
        faces = self._source(random)
        row = int(random.integers(len(faces)))
        return cut(faces, row, away(faces.square(row), random)).image

    def _source(self, random: Random) -> Faces:
        return self._sources[int(random.choice(len(self._sources), p=self._mix.sources))]


@dataclass(frozen=True, slots=True, eq=False)
class FixedCrops:
    """Validation crops: jittered as by the detector, not degraded.

    Attributes:
        image: (n, 3, SIZE, SIZE) float32 0-255.
        points: (n, 478, 3) shares of the side.
        weights: (n, 478) trust.
        rotation: (n, 3, 3) as the crop shows it.
        eyes: (n,) distance of the eyeball centres, shares of the side.
    """

    image: Tensor
    points: Tensor
    weights: Tensor
    rotation: Tensor
    eyes: Tensor


def fixed_crops(faces: Faces, count: int, seed: int, jitter: Jitter | None = None) -> FixedCrops:
    """Crops of up to `count` faces, evenly out of the source."""
    rows = np.unique(np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int))
    random = np.random.default_rng((seed, 3))
    moves = jitter or Jitter(shift=0.025, log_scale=0.06, roll_deg=3.0)
    crops = [cut(faces, int(row), moves.move(faces.square(int(row)), random)) for row in rows]
    images = np.stack([crop.image for crop in crops])
    return FixedCrops(
        image=torch.from_numpy(images).permute(0, 3, 1, 2).float(),
        points=torch.from_numpy(np.stack([crop.points for crop in crops])),
        weights=torch.from_numpy(faces.weights[rows]),
        rotation=torch.from_numpy(np.stack([crop.rotation for crop in crops])),
        eyes=torch.tensor([crop.eyes for crop in crops]),
    )


def _bytes(image: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(image, 0, 255), np.uint8)
