r"""Faces to learn identity from: ``python -m facekit.train identity-faces --data DIR --out DIR``.

Where the faces are (`place`) and what the teacher says of them is
found once and cached; crops are cut again and again, each time a little differently. With
``--people DIR``, a folder with a folder of pictures for each person, own pictures take part::

    python -m facekit.train identity-faces --people DIR --out FACES [--data DATA]
"""

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.detect import Detector
from facekit.errors import OptionsError
from facekit.geometry import iou
from facekit.runtime.device import choose
from facekit.synthetic.arrays import write_arrays
from facekit.train import identity_teacher
from facekit.train.evaluation.pictures import load, packed
from facekit.train.identity_teacher import Teacher
from facekit.types import Detection, Floats, Image

_LOG = logging.getLogger(__name__)
SETS = ("cfp", "celeba_subset", "lfw")
"""Sets of the data folder."""

_PART = 500  # pictures in a file of the cache
_SMALLEST = 0.4  # face, as a share of the picture's shorter side
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_PERSON_COLUMN = {"lfw": "person", "cfp": "identity", "celeba_subset": "identity"}


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Pictures with one known person each.

    Attributes:
        name: of the set.
        person: (n,) numbers of the people.
        image: (height, width, 3) uint8 RGB picture of a row.
        columns: what else the set says of its pictures.
    """

    name: str
    person: NDArray[np.int64]
    image: Callable[[int], Image]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.person)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the faces of a set are, and the teacher's opinion.

    Attributes:
        points: (n, 5, 2) float32 MTCNN's points, pixels of the picture.
        score: (n,) float32 probability that they are on a face.
        teacher: (n, 256) float32 unit vectors; (n, 0) without a teacher.
    """

    points: Floats
    score: Floats
    teacher: Floats


def main(arguments: list[str]) -> int:
    """Find the faces of all sets, as far as the cache does not hold them yet."""
    parser = argparse.ArgumentParser(
        prog="python -m facekit.train identity-faces", description=__doc__
    )
    parser.add_argument("--data", type=Path, help="the project's data folder")
    parser.add_argument("--people", type=Path, help="folder with a folder of pictures per person")
    parser.add_argument("--out", type=Path, required=True, help="folder of the cache")
    options = parser.parse_args(arguments)
    if options.data is None and options.people is None:
        parser.error("give --data or --people")
    sets = [] if options.people is None else [folder_set(options.people)]
    teacher = None
    if options.data is not None:
        teacher = Teacher(options.data / "teachers")
        if options.people is None:
            sets = [face_set(options.data, name) for name in SETS]
    for faces in sets:
        prepare(faces, options.out, Detector(choose("cpu", 1)), teacher)
    return 0


def prepare(faces: FaceSet, cache: Path, detector: Detector, teacher: Teacher | None) -> Places:
    """What is known of a set; what the cache does not hold yet is found now.

    Args:
        faces: the set.
        cache: folder; a file for every 500 pictures, so that a stopped run continues.
        detector: MTCNN.
        teacher: None leaves its vectors out.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(faces), _PART):
        path = _path(cache, faces, first)
        if not path.is_file():
            places = find(faces, range(first, min(first + _PART, len(faces))), detector, teacher)
            teacher_vectors = places.teacher.astype(np.float16)
            write_arrays(
                path,
                {"points": places.points, "score": places.score, "teacher": teacher_vectors},
            )
            _LOG.info("%s: %d of %d", faces.name, first + len(places.score), len(faces))
    return read(cache, faces)


def read(cache: Path, faces: FaceSet) -> Places:
    """What was found in a set.

    Args:
        cache: folder written by `prepare`.
        faces: the set.

    Raises:
        OptionsError: it has not been prepared, or not to its end.
    """
    parts = []
    for first in range(0, len(faces), _PART):
        path = _path(cache, faces, first)
        if not path.is_file():
            raise OptionsError(
                "has not been prepared",
                where=path,
                advice="Run: python -m facekit.train identity-faces",
            )
        with np.load(path, allow_pickle=False) as file:
            parts.append([file[name] for name in ("points", "score", "teacher")])
    points, score, teacher = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Places(points, score, teacher.astype(np.float32))


def face_set(data: Path, name: str) -> FaceSet:
    """A set of the data folder, all rows; `columns` are described in the folder's README.

    Args:
        data: the project's data folder.
        name: one of `SETS`.
    """
    columns = load(data / f"identity/{name}.npz")
    person = columns[_PERSON_COLUMN[name]].astype(np.int64)
    return FaceSet(name, person, packed(columns, np.arange(len(person))), columns)


def folder_set(folder: Path) -> FaceSet:
    """A folder of people: FOLDER/PERSON/PICTURE.jpg.

    Raises:
        OptionsError: there is no picture in it.
    """
    paths = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in _PICTURES)
    if not paths:
        raise OptionsError("holds no pictures", where=folder, advice="Make it PERSON/PICTURE.jpg")
    _, person = np.unique([path.parent.name for path in paths], return_inverse=True)

    def image(row: int) -> Image:
        read = cv2.imread(str(paths[row]), cv2.IMREAD_COLOR_RGB)
        if read is None:
            raise OptionsError("is not a picture", where=paths[row], advice="Remove it")
        return np.asarray(read, np.uint8)

    return FaceSet("people", person.astype(np.int64), image)


def find(
    faces: FaceSet, rows: Sequence[int], detector: Detector, teacher: Teacher | None
) -> Places:
    """Places of some pictures of a set, and the teacher's vectors.

    Args:
        faces: the set.
        rows: which of them.
        detector: MTCNN.
        teacher: None leaves its vectors out.
    """
    points, score = np.zeros((len(rows), 5, 2), np.float32), np.zeros(len(rows), np.float32)
    width = 0 if teacher is None else identity_teacher.VECTOR
    vectors = np.zeros((len(rows), width), np.float32)
    for number, row in enumerate(rows):
        image = faces.image(row)
        found = place(image, detector)
        points[number], score[number] = found.points, found.score
        if teacher is not None:
            vectors[number] = teacher.embed([identity_teacher.chip(image, found.points)])[0]
    return Places(points, score, vectors)


def place(image: Image, detector: Detector) -> Detection:
    """The one face of a picture that is known to show one, in its middle.

    MTCNN's box, or the middle of the picture where it finds none (profiles), and O-Net's points
    on that: the same way as tracked faces get them.

    Args:
        image: (height, width, 3) uint8 RGB.
        detector: MTCNN.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    middle = np.array([(width - side) / 2, (height - side) / 2, side, side], np.float32)[None]
    found = detector.detect(image, max(12.0, _SMALLEST * side))
    if found:
        boxes = np.stack([one.box for one in found])
        middle = boxes[[int(iou(boxes, middle)[:, 0].argmax())]]
    return detector.place_points(image, middle)[0]


def _path(cache: Path, faces: FaceSet, first: int) -> Path:
    return cache / f"{faces.name}.{first:06d}.npz"
