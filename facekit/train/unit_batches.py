"""Batches of aligned crops that teach action units: renders, photos with a teacher, neutrals."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facekit.estimate.crops import SIZE
from facekit.train.augment import Jitter, Random, degrade
from facekit.train.unit_faces import UNITS, UnitFaces
from facekit.train.unit_geometry import NEUTRAL_TARGET, targets
from facekit.types import Image

RENDER, PHOTO, NEUTRAL = 0, 1, 2
"""Kinds of faces in a batch."""

_RENDERS = 0.5
_NEUTRALS = 0.1
_WORSE_RENDERS = 0.25
_MOVES = Jitter(shift=0.012, log_scale=0.03, roll_deg=2.5)


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Photos with what the teacher says of them.

    Attributes:
        faces: photos, some of them known to be neutral.
        lessons: (n, 2, 22) shares of the largest intensity.
    """

    faces: UnitFaces
    lessons: Tensor


class UnitBatches:
    """Seeded batches: the batch of a step depends on the seed and the step alone.

    Args:
        renders: with true intensities.
        photos: None trains on renders only.
        size: faces in a batch.
        seed: of everything random.
    """

    def __init__(self, renders: UnitFaces, photos: Taught | None, size: int, seed: int) -> None:
        """Prepare the draws."""
        self._renders, self._photos = renders, photos
        self._size, self._seed = size, seed
        self._truth = targets(renders.units)
        if photos is not None:
            self._drawn = photos.faces.drawn.cumsum()
            alone = photos.faces.drawn * photos.faces.neutral
            self._drawn_neutral = alone.cumsum() / max(alone.sum(), 1e-12)

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The batch of a step.

        Returns:
            ``image`` (n, 3, SIZE, SIZE) float32 0-255, gray; ``points`` (n, 478, 2);
            ``target`` (n, 2, 22) shares of the largest intensity; ``kind`` (n,) of the face.
        """
        random = np.random.default_rng((self._seed, 5, step))
        images = np.empty((self._size, SIZE, SIZE), np.uint8)
        points = np.empty((self._size, 478, 2), np.float32)
        target = torch.empty(self._size, 2, UNITS)
        kind = np.empty(self._size, np.int64)
        for k in range(self._size):
            kind[k], faces, row, target[k] = self._draw(random, k / self._size)
            worse = kind[k] != RENDER or random.random() < _WORSE_RENDERS
            images[k] = look(faces, row, random, worse)
            points[k] = faces.points[row]
        planes = torch.from_numpy(images).float()[:, None].expand(-1, 3, -1, -1)
        return {
            "image": planes,
            "points": torch.from_numpy(points),
            "target": target,
            "kind": torch.from_numpy(kind),
        }

    def _draw(self, random: Random, place: float) -> tuple[int, UnitFaces, int, Tensor]:
        if self._photos is None or place < _RENDERS:
            row = int(random.integers(len(self._renders)))
            return RENDER, self._renders, row, self._truth[row]
        faces = self._photos.faces
        if place < 1 - _NEUTRALS or not faces.neutral.any():
            row = _drawn(self._drawn, random)
            return PHOTO, faces, row, self._photos.lessons[row]
        row = _drawn(self._drawn_neutral, random)
        return NEUTRAL, faces, row, torch.full((2, UNITS), NEUTRAL_TARGET)


def look(faces: UnitFaces, row: int, random: Random | None, worse: bool = False) -> Image:
    """(SIZE, SIZE) gray crop of a face, moved a little when `random` is given.

    Args:
        faces: pictures.
        row: which one.
        random: of the move and of the degradation.
        worse: whether the picture is degraded.
    """
    square = faces.square(row)
    if random is None:
        return square.cut(faces.image(row))
    crop = _MOVES.move(square, random).cut(faces.image(row))
    if not worse:
        return crop
    colour = np.asarray(cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.asarray(cv2.cvtColor(degrade(colour, random), cv2.COLOR_RGB2GRAY), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class FixedUnits:
    """Faces to validate on, aligned as at run time.

    Attributes:
        image: (n, 3, SIZE, SIZE) float32 0-255, gray.
        points: (n, 478, 2).
        units: (n, 2, 22) true intensity, NaN where unknown.
        neutral: (n,) known to show no action unit.
        teacher: (n, 478, 2) as in `UnitFaces`.
    """

    image: Tensor
    points: Tensor
    units: Tensor
    neutral: Tensor
    teacher: Tensor

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.points)


def fixed(faces: UnitFaces, count: int, sizes: tuple[int, ...] = (0,)) -> FixedUnits:
    """Up to `count` faces, evenly out of the source.

    Args:
        faces: the source.
        count: at most so many.
        sizes: each face is also seen as if the crop had been so many pixels wide; 0 as it is.
    """
    rows = np.unique(np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int))
    crops = [_coarse(look(faces, int(row), None), size) for size in sizes for row in rows]
    repeated = np.tile(rows, len(sizes))
    planes = torch.from_numpy(np.stack(crops)).float()[:, None].expand(-1, 3, -1, -1)
    return FixedUnits(
        image=planes,
        points=torch.from_numpy(faces.points[repeated]),
        units=torch.from_numpy(faces.units[repeated]),
        neutral=torch.from_numpy(faces.neutral[repeated]),
        teacher=torch.from_numpy(faces.teacher[repeated]),
    )


def _coarse(crop: Image, size: int) -> Image:
    if size == 0:
        return crop
    small = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _drawn(cumulated: NDArray[np.float64], random: Random) -> int:
    row = int(np.searchsorted(cumulated, random.random(), side="right"))
    return min(row, len(cumulated) - 1)
