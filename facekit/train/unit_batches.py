"""Batches of aligned crops that teach action units: renders, photos with a teacher, neutrals.

Some crops are chimeras: the left half of one face and the right half of another. Each half keeps
its own truth, so that a side is judged by what that side shows and not by what reaches over the
middle. Units without sides teach nothing there.
"""

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
_CHIMERAS = 0.25
_SEAM = (1.5, 4.0)  # pixels: sd of the middle's place, half of the width of the blend
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
            ``target`` (n, 2, 22) shares of the largest intensity; ``kind`` (n,) of the face;
            ``chimera`` (n,) whether the halves belong to two faces.
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
        images, target, chimera = _with_chimeras(images, target, kind, random)
        planes = torch.from_numpy(images).float()[:, None].expand(-1, 3, -1, -1)
        return {
            "image": planes,
            "points": torch.from_numpy(points),
            "target": target,
            "kind": torch.from_numpy(kind),
            "chimera": torch.from_numpy(chimera),
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


def _with_chimeras(
    images: Image, target: Tensor, kind: NDArray[np.int64], random: Random
) -> tuple[Image, Tensor, NDArray[np.bool_]]:
    """Some faces with a half of the next face of their kind; which they are."""
    partner = np.roll(np.arange(len(images)), -1)
    chosen = (random.random(len(images)) < _CHIMERAS) & (kind == kind[partner]) & (kind != NEUTRAL)
    mixed, wanted = images.copy(), target.clone()
    for k in np.flatnonzero(chosen):
        side, other = int(random.integers(2)), int(partner[k])
        mixed[k] = half_and_half(images[k], images[other], side, random.normal(0, _SEAM[0]))
        wanted[k, side] = target[other, side]
    return mixed, wanted, chosen


def half_and_half(face: Image, other: Image, side: int, off: float = 0.0) -> Image:
    """(SIZE, SIZE) a face with one half of another.

    Args:
        face: (SIZE, SIZE) gray crop.
        other: crop whose half is taken.
        side: which half: 0 the subject's left, on image right; 1 the right.
        off: pixels by which the seam lies to the right of the middle.
    """
    columns = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2 - off
    right = np.clip(0.5 + columns / (2 * _SEAM[1]), 0, 1)
    share = right if side == 0 else 1 - right
    return np.asarray(np.round(face + share * (other.astype(np.float32) - face)), np.uint8)


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
        source: (n,) as in `UnitFaces`.
    """

    image: Tensor
    points: Tensor
    units: Tensor
    neutral: Tensor
    teacher: Tensor
    source: Tensor

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
        source=torch.from_numpy(faces.source[repeated]),
    )


def _coarse(crop: Image, size: int) -> Image:
    if size == 0:
        return crop
    small = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _drawn(cumulated: NDArray[np.float64], random: Random) -> int:
    row = int(np.searchsorted(cumulated, random.random(), side="right"))
    return min(row, len(cumulated) - 1)
