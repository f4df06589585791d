"""Faces to train on: renders with exact truth and photos with a teacher's labels, in one form."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import Square, square_of_landmarks
from facekit.synthetic import shards
from facekit.synthetic.camera import ray_rotation
from facekit.synthetic.mesh import load_model
from facekit.types import Floats, Image

POINTS = 478
SURFACE = 468
_HIDDEN_WEIGHT = 0.25
EYES_MM = 63.0


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Labelled pictures of one source, one face each.

    Attributes:
        images: parts of (n, size, size, 3) uint8 RGB, in memory.
        points: (n, 478, 3) float32 picture pixels; z on the same scale, smaller nearer, zero at
            the mean of the 468 surface points.
        weights: (n, 478) float32, trust in x and y of a point.
        exact: whether this is truth; a teacher's z is not to be trusted.
        rotation: (n, 3, 3) float32 head to camera as seen (the camera turned to look at the
            face); NaN where unknown.
        squares: (n, 4) centre x, y, side and roll (degrees) of `square_of_landmarks`.
        eyes: (n,) distance of the eyeball centres in pixels, not foreshortened.
    """

    images: Sequence[NDArray[np.uint8]]
    points: Floats
    weights: Floats
    exact: bool
    rotation: Floats
    squares: Floats
    eyes: Floats

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.points)

    def image(self, row: int) -> Image:
        """(size, size, 3) picture of a row."""
        for part in self.images:
            if row < len(part):
                return np.asarray(part[row])
            row -= len(part)
        raise IndexError(row)

    def square(self, row: int) -> Square:
        """The square of the crop rule around the true points of a row."""
        x, y, side, roll_deg = (float(value) for value in self.squares[row])
        return Square(np.array([x, y]), side, roll_deg)


def point_mirror(data: Path) -> NDArray[np.intp]:
    """(478,) the landmark that each landmark becomes in a mirrored picture.

    Args:
        data: the project's data folder.
    """
    return np.asarray(load_model(data).point_mirror, np.intp)


def squares_of(points: Floats) -> Floats:
    """(n, 4) squares of (n, 478, k) landmarks."""
    found = [square_of_landmarks(one) for one in points]
    return np.array([[*s.centre, s.side, s.roll_deg] for s in found], np.float32).reshape(-1, 4)


def renders(folder: Path, limit: int | None = None) -> Faces:
    """The complete shards of a folder of renders.

    Args:
        folder: written by ``python -m facekit.synthetic``; it may still be growing.
        limit: at most so many pictures.
    """
    made = shards.read(folder)
    truth: dict[str, NDArray[Any]] = {k: value[:limit] for k, value in made.truth.items()}
    turns = np.stack([ray_rotation(t) for t in truth["translation_mm"]])
    # Depth and rotation as the crop shows them: in axes of a camera that looks at the face.
    deep = np.einsum("nj,nkj->nk", turns[:, :, 2], truth["points_mm"])
    middle = deep[:, :SURFACE].mean(1, keepdims=True)
    per_mm = (truth["camera"][:, :1] / middle).astype(np.float32)
    points = np.concatenate(
        [truth["points"], ((deep - middle) * per_mm)[..., None]], axis=2
    ).astype(np.float32)
    seen = np.asarray(truth["visible"] & ~truth["covered"], bool)
    return Faces(
        # Read into memory: random reads of a mapped file wait for the disk again and again.
        images=[np.array(part) for part in made.images],
        points=points,
        weights=np.where(seen, 1.0, _HIDDEN_WEIGHT).astype(np.float32),
        exact=True,
        rotation=np.einsum("nji,njk->nik", turns, truth["rotation"]).astype(np.float32),
        squares=squares_of(points),
        eyes=(per_mm[:, 0] * EYES_MM).astype(np.float32),
    )


def photos(folder: Path, split: str) -> Faces:
    """Photos labelled by a teacher, of all sets in a cache folder.

    Args:
        folder: written by ``python -m facekit.train photos``.
        split: train or val.

    Raises:
        FileNotFoundError: none is there.
    """
    paths = sorted(folder.glob(f"*.{split}.npz"))
    if not paths:
        raise FileNotFoundError(f"no *.{split}.npz in {folder}: run python -m facekit.train photos")
    images, labels, turns = [], [], []
    for path in paths:
        with np.load(path) as file:
            images.append(file["images"])
            labels.append(file["points"])
            count = len(file["points"])
            turns.append(file["rotation"] if "rotation" in file else np.full((count, 3, 3), np.nan))
    points = np.concatenate(labels).astype(np.float32)
    eyes = np.linalg.norm(points[:, 473, :2] - points[:, 468, :2], axis=1)
    return Faces(
        images=images,
        points=points,
        weights=np.ones(points.shape[:2], np.float32),
        exact=False,
        rotation=np.concatenate(turns).astype(np.float32),
        squares=squares_of(points),
        eyes=eyes.astype(np.float32),
    )
