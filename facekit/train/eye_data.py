"""Eyes to train the gaze network on: rendered strips, photos with a teacher's points, lone eyes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.geometry import gaze_angles, gaze_vectors
from facekit.synthetic import eye_shards
from facekit.synthetic.eye_sampling import KAPPA
from facekit.types import Floats, Image

_SHUT = 0.35  # below this openness an eye is called closed
_HIDDEN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Strips:
    """Pictures of both eyes, about level, seen along the optical axis; left eye first.

    Attributes:
        images: (n, height, width) uint8 gray.
        points: (n, 2, 13, 2) pixels.
        corners: (n, 2, 2, 2) outer and inner corner by which the crops are placed, pixels.
        unit: (n,) distance of the eyes, pixels, not foreshortened.
        rotation: (n, 3, 3) head to camera.
        gaze: (n, 2, 3) unit vectors of the eyes; NaN where unknown.
        open: (n, 2) 0-1; NaN where unknown.
        hidden: (n, 2) 0-1; NaN where unknown.
        exact: whether points are truth and not a teacher's opinion.
    """

    images: NDArray[np.uint8]
    points: Floats
    corners: Floats
    unit: Floats
    rotation: Floats
    gaze: Floats
    open: Floats
    hidden: Floats
    exact: bool

    def __len__(self) -> int:
        """Number of strips."""
        return len(self.images)

    @property
    def judged(self) -> Floats:
        """(n, 2) weight of an eye's gaze in training: shut eyes half, hidden ones next to none.

        Dropped altogether, a blink would be answered by extrapolation.
        """
        weight = np.where(self.open < _SHUT, 0.5, 1.0)
        return np.where(self.hidden > _HIDDEN, 0.05, weight).astype(np.float32)


def renders(folders: Sequence[Path], limit: int | None = None) -> Strips:
    """Rendered strips.

    An eye's target is the line of sight that people have on average for its optical axis: the
    angle between the two is a person's own and cannot be seen.

    Args:
        folders: sets written by ``python -m facekit.synthetic.eye_shards``.
        limit: at most so many of each set.
    """
    sets = [eye_shards.read(folder, limit) for folder in folders]
    truth = {name: np.concatenate([made.truth[name] for made in sets]) for name in eye_shards.TRUTH}
    turn = truth["rotation"]
    optical = gaze_angles(np.einsum("nji,nkj->nki", turn, truth["optical"]))
    sight = gaze_vectors(optical - KAPPA * np.array([[1, 1], [-1, 1]]))
    return Strips(
        images=np.concatenate([made.images for made in sets]),
        points=truth["points"],
        corners=truth["points"][:, :, :2],
        unit=truth["eye_distance"],
        rotation=turn,
        gaze=np.einsum("nij,nkj->nki", turn, sight).astype(np.float32),
        open=truth["open"],
        hidden=truth["hidden"],
        exact=True,
    )


def photos(folder: Path, split: str) -> Strips:
    """Strips out of photos (``python -m facekit.train eye_photos``).

    Args:
        folder: the cache.
        split: train or val.

    Raises:
        FileNotFoundError: none is there.
    """
    paths = sorted(folder.glob(f"*.{split}.npz"))
    if not paths:
        raise FileNotFoundError(
            f"no *.{split}.npz in {folder}: run python -m facekit.train eye_photos"
        )
    parts = []
    for path in paths:
        with np.load(path) as file:
            parts.append({name: file[name] for name in file.files})
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    count = len(whole["images"])
    return Strips(
        images=whole["images"],
        points=whole["points"],
        corners=whole["corners"],
        unit=whole["unit"],
        rotation=whole["rotation"],
        gaze=np.full((count, 2, 3), np.nan, np.float32),
        open=np.full((count, 2), np.nan, np.float32),
        hidden=np.full((count, 2), np.nan, np.float32),
        exact=False,
    )


@dataclass(frozen=True, slots=True, eq=False)
class LoneEyes:
    """Pictures of one eye each, of no known side.

    Attributes:
        images: each (height, width) uint8 gray.
        open: (n,) whether it is open, judged by hand.
    """

    images: list[Image]
    open: NDArray[np.bool_]


SPLITS = {"train": 0, "test": 1, "val": 2}


def lone_eyes(data: Path, split: str) -> LoneEyes:
    """Eyes of eye_open_closed.

    Args:
        data: the project's data folder.
        split: train, val or test.
    """
    with np.load(data / "photos/eye_open_closed.npz") as file:
        rows = np.flatnonzero(file["split"] == SPLITS[split])
        packed, offsets, opened = file["jpg"], file["off"], file["open"][rows]
    images = []
    for row in rows:
        image = cv2.imdecode(packed[offsets[row] : offsets[row + 1]], cv2.IMREAD_GRAYSCALE)
        assert image is not None
        images.append(np.asarray(image, np.uint8))
    return LoneEyes(images, opened)
