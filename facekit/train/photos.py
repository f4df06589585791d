"""Photos labelled by a teacher: ``python -m facekit.train photos --data DIR --out DIR``.

Landmarks on the train and validation rows of the project's photos, by one of two teachers.
MediaPipe's are kept where it is to be trusted: a yaw below 35 degrees, and the same answer for the
mirrored photo; the mean of both answers is the label. facekit's own (``--teacher facekit``, out of
the shipped files) reach every yaw, profiles too: they do not train the landmark network, but the
networks that read a face which it has found. One file per set and split is cached: squares of
`CONTEXT` times the training crop, so that augmentation has pixels around it.
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import Square, square_of_landmarks
from facekit.geometry import apply
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.synthetic.arrays import write_arrays
from facekit.train.data import point_mirror
from facekit.types import Floats, Frame, Image

_LOG = logging.getLogger(__name__)
SIZE = 192
CONTEXT = 1.45
_YAW_OF_MATRIX = 28.0  # what MediaPipe's matrix calls 35 degrees: its slope is .8
_FLIP_LIMIT = 0.03  # of the distance between the eyes
_BORDER = 0.35
_SMALLEST = 256
_CFP_TRAIN_FOLDS = 7
_LFW_COPIES_OF_TEST = (7234, 7034, 2389)


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """Photos of one set and split.

    Attributes:
        name: of the set, as in data/README.md.
        split: train or val.
        file: packed photos, relative to the data folder.
        rows: which of them.
    """

    name: str
    split: str
    file: str
    rows: NDArray[np.intp]


def photo_sets(data: Path, profiles: bool = False) -> list[PhotoSet]:
    """All sets that may train or validate; never a test row.

    Args:
        data: the project's data folder.
        profiles: with the side views of CFP, too.
    """
    sets = []
    for name, file in (
        ("london", "london/london.npz"),
        ("posed_emotions", "photos/posed_emotions.npz"),
        ("ytf68", "photos/ytf68.npz"),
    ):
        split = _column(data / file, "split")
        for part in ("val", "train"):
            sets.append(PhotoSet(name, part, file, np.flatnonzero(split == part)))
    celeba = "identity/celeba_subset.npz"
    sets.append(
        PhotoSet(
            "celeba_subset", "train", celeba, np.arange(len(_column(data / celeba, "off")) - 1)
        )
    )
    lfw = np.flatnonzero(_column(data / "identity/lfw.npz", "split") == "train")
    lfw = np.setdiff1d(lfw, _LFW_COPIES_OF_TEST)
    sets.append(PhotoSet("lfw", "train", "identity/lfw.npz", lfw))
    cfp = "identity/cfp.npz"
    wanted = _column(data / cfp, "fold") < _CFP_TRAIN_FOLDS
    if not profiles:
        wanted &= ~_column(data / cfp, "profile")
    sets.append(PhotoSet("cfp", "train", cfp, np.flatnonzero(wanted)))
    ferplus = "photos/ferplus.npz"
    rows = np.flatnonzero(_column(data / ferplus, "split") == "train")
    sets.append(PhotoSet("ferplus", "train", ferplus, rows))
    return sets


def _column(path: Path, name: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as file:
        return np.asarray(file[name])


def pictures(path: Path, rows: NDArray[np.intp]) -> Iterator[Image]:
    """RGB pictures of a packed file, one after the other."""
    with np.load(path, allow_pickle=False) as file:
        packed, offsets = file["jpg"], file["off"]
    for row in rows:
        image = cv2.imdecode(packed[offsets[row] : offsets[row + 1]], cv2.IMREAD_COLOR)
        assert image is not None
        yield np.asarray(image[..., ::-1], np.uint8)


class Teacher(Protocol):
    """Who says where the landmarks are."""

    def label(self, image: Image) -> Floats | None:
        """(478, 3) landmarks in pixels of the photo, or None where they are not to be trusted."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class OwnTeacher:
    """facekit's own detector and landmark network, out of the shipped files."""

    def __init__(self) -> None:
        """Load the networks."""
        self._pipeline = Pipeline(PipelineOptions(device="cpu", head_pose="none", largest=True))

    def label(self, image: Image) -> Floats | None:
        """(478, 3) landmarks of the largest face in pixels of the photo; None without a face."""
        padded, scale, border = _roomy(image)
        faces = self._pipeline.process(Frame(0, float("nan"), padded))
        if not faces or faces[0].landmarks is None or faces[0].status != "ok":
            return None
        return _as_before(faces[0].landmarks.points, scale, border)

    def close(self) -> None:
        """Free the networks."""
        self._pipeline.close()


def _roomy(image: Image) -> tuple[Image, float, int]:
    """A photo with a border and at least `_SMALLEST` pixels; the factor and the border."""
    border = int(_BORDER * max(image.shape[:2]))
    padded = cv2.copyMakeBorder(image, *(border,) * 4, cv2.BORDER_REPLICATE)
    scale = max(1.0, _SMALLEST / min(padded.shape[:2]))
    if scale > 1:
        padded = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(padded, np.uint8), scale, border


def _as_before(points: NDArray[np.floating], scale: float, border: int) -> Floats:
    """Landmarks of a `_roomy` photo in pixels of the photo itself."""
    flat = (points[:, :2] + 0.5) / scale - 0.5 - border
    return np.column_stack([flat, points[:, 2] / scale]).astype(np.float32)


class MediaPipeTeacher:
    """MediaPipe's Face Landmarker on single photos, with the flip test.

    Args:
        model: ``face_landmarker.task``.
        mirror: (478,) the point that each point becomes in a mirrored picture.
    """

    def __init__(self, model: Path, mirror: NDArray[np.intp]) -> None:
        """Load the model."""
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        self._mediapipe = mediapipe
        self._mirror = mirror
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(model)),
                num_faces=1,
                min_face_detection_confidence=0.3,
                min_face_presence_confidence=0.5,
                output_facial_transformation_matrixes=True,
            )
        )

    def close(self) -> None:
        """Free the model: left to the interpreter's end, its destructor fails loudly."""
        self._landmarker.close()

    def label(self, image: Image) -> Floats | None:
        """(478, 3) landmarks in pixels of the photo, or None where they are not to be trusted."""
        picture, scale, border = _roomy(image)
        plain, mirrored = self._detect(picture), self._detect(picture[:, ::-1])
        if plain is None or mirrored is None:
            return None
        mirrored = mirrored[self._mirror]
        mirrored[:, 0] = picture.shape[1] - 1 - mirrored[:, 0]
        eyes = float(np.linalg.norm(plain[473, :2] - plain[468, :2]))
        apart = float(np.linalg.norm(plain[:, :2] - mirrored[:, :2], axis=1).mean())
        if apart > _FLIP_LIMIT * eyes:
            return None
        return _as_before((plain + mirrored) / 2, scale, border)

    def _detect(self, image: Image) -> Floats | None:
        picture = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        result = self._landmarker.detect(picture)
        if not result.face_landmarks:
            return None
        turn = np.asarray(result.facial_transformation_matrixes[0])[:3, :3]
        yaw_deg = float(
            np.degrees(np.arcsin(np.clip(turn[0, 2] / np.cbrt(np.linalg.det(turn)), -1, 1)))
        )
        if abs(yaw_deg) > _YAW_OF_MATRIX:
            return None
        height, width = image.shape[:2]
        points = np.array([[p.x, p.y, p.z] for p in result.face_landmarks[0]], np.float32)
        points *= np.array([width, height, width], np.float32)
        points[:, :2] -= 0.5  # MediaPipe counts from pixel edges
        return points


def context_square(points: Floats) -> Square:
    """The square that is cached for a photo: the training crop with what is around it."""
    square = square_of_landmarks(points)
    return Square(square.centre, square.side * CONTEXT, square.roll_deg)


def label_set(photos: PhotoSet, data: Path, teacher: Teacher) -> dict[str, NDArray[Any]]:
    """Cached squares and labels of one set."""
    images, points, rows = [], [], []
    for row, image in zip(photos.rows, pictures(data / photos.file, photos.rows), strict=True):
        label = teacher.label(image)
        if label is None:
            continue
        square = context_square(label)
        flat = apply(square.matrix(SIZE), label[:, :2])
        depth = label[:, 2:] * (SIZE / square.side)
        images.append(square.cut(image, SIZE))
        points.append(np.concatenate([flat, depth], axis=1))
        rows.append(row)
    return {
        "images": np.asarray(images, np.uint8).reshape(-1, SIZE, SIZE, 3),
        "points": np.asarray(points, np.float32).reshape(-1, 478, 3),
        "row": np.asarray(rows, np.int64),
    }


def main(arguments: list[str]) -> int:
    """Label every set that is not in the cache yet."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train photos", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--out", type=Path, required=True, help="cache folder")
    parser.add_argument("--teacher", choices=("mediapipe", "facekit"), default="mediapipe")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    own = options.teacher == "facekit"
    teacher: Teacher = OwnTeacher()
    if not own:
        model = options.data / "teachers/face_landmarker.task"
        teacher = MediaPipeTeacher(model, point_mirror(options.data))
    for photos in photo_sets(options.data, profiles=own):
        path = options.out / f"{photos.name}.{photos.split}.npz"
        if path.is_file():
            continue
        found = label_set(photos, options.data, teacher)
        write_arrays(path, found)
        _LOG.info(
            "%s %s: %d of %d photos", photos.name, photos.split, len(found["row"]), len(photos.rows)
        )
    teacher.close()
    return 0
