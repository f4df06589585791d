"""Faces that teach action units, with facekit's own landmarks on each.

``python -m facekit.train unit_faces --data DIR --shards DIR --photos DIR --out DIR`` only fills the
cache of landmarks in ``OUT/landmarks``, which `facekit.train.action_units` would fill itself.

The landmarks are those that the shipped network finds, as at run time: what reads them has to know
their errors. They are cached for each file and found anew for another landmark network. Beside
them stand MediaPipe's, for a teacher that sees lids and lips better
(`facekit.train.unit_geometry`). Pictures are kept in gray: the network sees no colour.
"""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.estimate.action_units import points_in, unit_square
from facekit.estimate.crops import Square, square_of_landmarks
from facekit.estimate.landmarks import NETWORK, LandmarkEstimator, is_present
from facekit.estimate.patches import cut
from facekit.facs import ACTION_UNITS
from facekit.runtime import weights
from facekit.runtime.device import choose
from facekit.synthetic.arrays import write_array
from facekit.train.data import point_mirror
from facekit.train.photos import MediaPipeTeacher
from facekit.types import Floats

_LOG = logging.getLogger(__name__)
UNITS = len(ACTION_UNITS)
DRAWN = {
    "ferplus": 0.36,
    "posed_emotions": 0.22,
    "celeba_subset": 0.14,
    "cfp": 0.12,
    "london": 0.06,
    "ytf68": 0.06,
    "lfw": 0.04,
}
"""Sets of photos and how often each is drawn: sharp, strongly expressive faces are rare."""

_ASKED = 8000  # renders of a set on which the teacher is run: it takes a while
_NEUTRAL_VOTES = 8  # of ten
_TRAIN_FOLDS = 6  # of CFP; the next one validates
_EVERY_VALIDATES = 10  # of FER+, which has no people and no validation rows

Gray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class UnitFaces:
    """Faces of one kind.

    Attributes:
        images: parts of (n, height, width) uint8 gray.
        squares: (n, 4) centre x, y, side and roll (degrees) of `unit_square`.
        points: (n, 478, 2) float32 facekit's landmarks in shares of that square.
        teacher: (n, 478, 2) float32 MediaPipe's landmarks in shares of the square that they give;
            NaN where it found none that are to be trusted.
        units: (n, 2, 22) float32 true intensity of the subject's left and right side, 0-5; NaN
            where unknown.
        neutral: (n,) known to show no action unit.
        drawn: (n,) how often a face is drawn, as a share of all.
        source: (n,) number of the set of pictures that a face is from.
    """

    images: Sequence[Gray]
    squares: Floats
    points: Floats
    teacher: Floats
    units: Floats
    neutral: NDArray[np.bool_]
    drawn: NDArray[np.float64]
    source: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.points)

    def image(self, row: int) -> Gray:
        """(height, width) picture of a row."""
        for part in self.images:
            if row < len(part):
                return np.asarray(part[row])
            row -= len(part)
        raise IndexError(row)

    def square(self, row: int) -> Square:
        """The square of the crop rule of a row."""
        x, y, side, roll_deg = (float(value) for value in self.squares[row])
        return Square(np.array([x, y]), side, roll_deg)

    def rows(self, which: NDArray[np.bool_]) -> "UnitFaces":
        """The faces of which this is true."""
        kept = np.flatnonzero(which)
        return UnitFaces(
            images=[np.stack([self.image(int(row)) for row in kept])],
            squares=self.squares[kept],
            points=self.points[kept],
            teacher=self.teacher[kept],
            units=self.units[kept],
            neutral=self.neutral[kept],
            drawn=self.drawn[kept] / self.drawn[kept].sum(),
            source=self.source[kept],
        )


class Finder:
    """Landmarks on many pictures, cached.

    Args:
        folder: of the cache.
        data: the project's data folder.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        """Load the shipped landmark network; the teacher is loaded when it is first asked."""
        self._estimator = LandmarkEstimator(choose("cpu", threads=1))
        self._own = folder / f"landmarks-{weights.identity(NETWORK)[:12]}"
        self._others = folder / "landmarks-mediapipe"
        self._data = data
        self._teacher: MediaPipeTeacher | None = None

    def find(self, name: str, images: NDArray[np.uint8], known: Floats) -> Floats:
        """(n, 478, 3) facekit's landmarks, picture pixels; NaN where it sees no face.

        Args:
            name: of the cached file.
            images: (n, height, width, 3) uint8 RGB.
            known: (n, 478, 2 or 3) landmarks that say where to look.
        """

        def look(row: int) -> Floats | None:
            # Two looks, as at run time: what is found depends a little on where one looked.
            image, square = images[row], square_of_landmarks(known[row])
            first = self._estimator.estimate(cut(image, [square]))[0]
            again = square_of_landmarks(first.points)
            marks = self._estimator.estimate(cut(image, [again]))[0]
            return marks.points if is_present(marks) else None

        return _cached(self._own / f"{name}.npy", len(images), look)

    def ask(self, name: str, images: NDArray[np.uint8]) -> Floats:
        """(n, 478, 3) MediaPipe's landmarks, picture pixels; NaN where not to be trusted."""

        def look(row: int) -> Floats | None:
            if self._teacher is None:
                model = self._data / "teachers/face_landmarker.task"
                self._teacher = MediaPipeTeacher(model, point_mirror(self._data))
            return self._teacher.label(np.array(images[row]))

        return _cached(self._others / f"{name}.npy", len(images), look)


def _cached(path: Path, count: int, look: Callable[[int], Floats | None]) -> Floats:
    if path.is_file():
        kept = np.asarray(np.load(path), np.float32)
        if len(kept) == count:
            return kept
    found = np.full((count, 478, 3), np.nan, np.float32)
    for row in range(count):
        marks = look(row)
        if marks is not None:
            found[row] = marks
    path.parent.mkdir(parents=True, exist_ok=True)
    write_array(path, found)
    _LOG.info("%s %s: %d of %d", *path.parts[-2:], np.isfinite(found[:, 0, 0]).sum(), count)
    return found


def rendered(folder: Path, finder: Finder, limit: int | None = None) -> UnitFaces:
    """The complete shards of a set of renders with known action units.

    Args:
        folder: of the set; it may still be growing.
        finder: of landmarks.
        limit: no further shard is read once there are so many pictures.

    Raises:
        SourceError: no complete shard, or one without action units.
    """
    parts, count = [], 0
    for path in sorted(folder.glob("*.truth.npz")):
        images_path = path.with_name(path.name.replace("truth.npz", "images.npy"))
        if not images_path.is_file() or (limit is not None and count >= limit):
            continue
        with np.load(path) as file:
            if "action_units" not in file:
                raise SourceError("a shard without action units", where=path)
            points, units = file["points"], file["action_units"]
        images = np.load(images_path, mmap_mode="r")
        name = f"{folder.name}.{path.name.split('.')[0]}"
        marks = finder.find(name, images, points)
        asked = np.full_like(marks, np.nan)
        if count < _ASKED:
            asked = finder.ask(name, images)
        nothing = units.max(axis=(1, 2)) == 0
        parts.append(_faces(images, marks, asked, units, nothing))
        count += len(images)
    if not parts:
        raise SourceError("no complete shard", where=folder)
    return joined(parts, [float(len(part)) for part in parts])


def photos(cache: Path, data: Path, finder: Finder, *, train: bool) -> UnitFaces:
    """Photos of the train rows, or of those that are kept out of training to validate.

    Args:
        cache: of ``python -m facekit.train photos``.
        data: the project's data folder.
        finder: of landmarks.
        train: which of both.
    """
    parts, shares = [], []
    for name, share in DRAWN.items():
        for split in ("train", "val"):
            path = cache / f"{name}.{split}.npz"
            if not path.is_file():
                continue
            with np.load(path) as file:
                images, points, rows = file["images"], file["points"], file["row"]
            kept = np.flatnonzero(_trains(name, split, data, rows) == train)
            if not len(kept):
                continue
            marks = finder.find(f"{name}.{split}", images, points)[kept]
            unknown = np.full((len(kept), 2, UNITS), np.nan, np.float32)
            neutral = _neutral(name, data, rows[kept])
            parts.append(_faces(images[kept], marks, points[kept], unknown, neutral))
            shares.append(share)
    if not parts:
        raise SourceError("no photos", where=cache, advice="Run python -m facekit.train photos")
    return joined(parts, shares)


def joined(parts: Sequence[UnitFaces], shares: Sequence[float]) -> UnitFaces:
    """Several kinds as one; `shares` say how often each is drawn."""
    drawn = [
        np.full(len(part), share / len(part)) for part, share in zip(parts, shares, strict=True)
    ]
    weight = np.concatenate(drawn)
    return UnitFaces(
        images=[image for part in parts for image in part.images],
        squares=np.concatenate([part.squares for part in parts]),
        points=np.concatenate([part.points for part in parts]),
        teacher=np.concatenate([part.teacher for part in parts]),
        units=np.concatenate([part.units for part in parts]),
        neutral=np.concatenate([part.neutral for part in parts]),
        drawn=weight / weight.sum(),
        source=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    )


def _faces(
    images: NDArray[np.uint8],
    marks: Floats,
    asked: Floats,
    units: Floats,
    neutral: NDArray[np.bool_],
) -> UnitFaces:
    squares = [unit_square(one) for one in marks]
    kept = [row for row, square in enumerate(squares) if square is not None]
    found = [square for square in squares if square is not None]
    points = [points_in(marks[row], square) for row, square in zip(kept, found, strict=True)]
    return UnitFaces(
        images=[np.stack([cv2.cvtColor(images[row], cv2.COLOR_RGB2GRAY) for row in kept])],
        squares=np.array([[*s.centre, s.side, s.roll_deg] for s in found], np.float32),
        points=np.asarray(points, np.float32),
        teacher=np.asarray([_aligned(asked[row]) for row in kept], np.float32),
        units=np.asarray(units[kept], np.float32),
        neutral=neutral[kept],
        drawn=np.full(len(kept), 1 / len(kept)),
        source=np.zeros(len(kept), np.int64),
    )


def _aligned(marks: Floats) -> Floats:
    """(478, 2) landmarks in shares of their own square; NaN where there are none."""
    square = unit_square(marks)
    return np.full((len(marks), 2), np.nan) if square is None else points_in(marks, square)


def _trains(name: str, split: str, data: Path, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows train; the others validate."""
    if name == "cfp":
        return np.asarray(_column(data / "identity/cfp.npz", "fold")[rows] < _TRAIN_FOLDS)
    if name == "ferplus":
        return np.asarray(rows % _EVERY_VALIDATES != 0)
    return np.full(len(rows), split == "train")


def _neutral(name: str, data: Path, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows are known to show a neutral face."""
    if name == "london":
        return np.asarray(_column(data / "london/london.npz", "set")[rows] != "smiling_front")
    if name == "posed_emotions":
        return np.asarray(_column(data / "photos/posed_emotions.npz", "emotion")[rows] == "neutral")
    if name == "ferplus":
        path = data / "photos/ferplus.npz"
        column = _column(path, "vote_names").tolist().index("neutral")
        return np.asarray(_column(path, "votes")[rows, column] >= _NEUTRAL_VOTES)
    return np.zeros(len(rows), bool)


def _column(path: Path, name: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as file:
        return np.asarray(file[name])


def main(arguments: list[str]) -> int:
    """Fill the cache of landmarks."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train unit_faces", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--shards", type=Path, required=True, help="renders: sets train and val")
    parser.add_argument("--photos", type=Path, help="cache of python -m facekit.train photos")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    options = parser.parse_args(arguments)
    finder = Finder(options.out, options.data)
    for split in ("val", "train"):
        for folder in sorted(options.shards.glob(f"{split}*")):
            _LOG.info("%d renders %s", len(rendered(folder, finder)), folder.name)
    if options.photos is not None:
        for train in (False, True):
            _LOG.info("%d photos", len(photos(options.photos, options.data, finder, train=train)))
    return 0
