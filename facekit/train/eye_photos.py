"""Eyes out of train photos: ``python -m facekit.train eye_photos --data DIR --out DIR``.

Photos tell the gaze network what real eyes look like, not where they look: points are
MediaPipe's, and crops are placed by facekit's own landmarks and head pose, as at run time. One
file per set and split is cached.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.estimate.eye_crops import place_of_landmarks
from facekit.geometry import apply, ray_rotation, rotation
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.synthetic.arrays import write_arrays
from facekit.synthetic.eye_truth import EYE_POINTS
from facekit.synthetic.eyes import STRIP
from facekit.train.data import point_mirror
from facekit.train.photos import MediaPipeTeacher, photo_sets, pictures
from facekit.types import Face, Floats, Frame, Image

_LOG = logging.getLogger(__name__)
SETS = ("london", "posed_emotions", "ytf68", "celeba_subset")
"""Sets whose eyes are large enough."""

_UNIT = 105.0  # pixels of a strip per distance of the eyes
_APART = 0.12  # of the eyes' distance: teacher and facekit must mean the same face


class PhotoEyes:
    """Cuts strips out of photos.

    Args:
        data: the project's data folder.
    """

    def __init__(self, data: Path) -> None:
        """Load facekit's networks and the teacher."""
        options = PipelineOptions(device="cpu", threads=1, gaze="none")
        self._pipeline = Pipeline(options)
        self._teacher = MediaPipeTeacher(data / "teachers/face_landmarker.task", point_mirror(data))

    def strip(self, image: Image) -> dict[str, NDArray[Any]] | None:
        """A strip with its labels; None where facekit or the teacher finds no face.

        Args:
            image: (height, width, 3) uint8 RGB.
        """
        border = round(0.25 * max(image.shape[:2]))
        padded = cv2.copyMakeBorder(image, *(border,) * 4, cv2.BORDER_REPLICATE)
        faces = self._pipeline.process(Frame(0, float("nan"), np.asarray(padded, np.uint8)))
        label = self._teacher.label(image)
        if not faces or label is None:
            return None
        face = max(faces, key=lambda one: float(one.region.box[2:].prod()))
        if face.landmarks is None or face.head_pose is None:
            return None
        return _cut(np.asarray(padded, np.uint8), face, label[:, :2] + border)


def _cut(image: Image, face: Face, label: Floats) -> dict[str, NDArray[Any]] | None:
    assert face.landmarks is not None
    assert face.head_pose is not None
    pose, points = face.head_pose, face.landmarks.points[:, :2]
    # Seen along the ray: photos are cut out of larger pictures, their own axis means nothing.
    ray = pose.position_mm if np.isfinite(pose.position_mm).all() else np.array([0, 0, 1.0])
    seen = ray_rotation(ray).T @ rotation(pose.yaw, pose.pitch, pose.roll)
    yaw_deg = float(np.degrees(np.arcsin(np.clip(seen[2, 0], -1, 1))))
    place = place_of_landmarks(points, yaw_deg)
    apart = np.linalg.norm(points[EYE_POINTS[:, :8]] - label[EYE_POINTS[:, :8]], axis=-1).mean()
    if apart > _APART * place.unit:
        return None
    scale, angle = _UNIT / place.unit, np.deg2rad(-place.roll_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(STRIP) - 1) / 2
    matrix = np.column_stack([linear, middle - linear @ place.middle])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    if scale < 0.6:  # warpAffine does not average: shrink first
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 / scale), np.uint8)
    strip = cv2.warpAffine(image, matrix, STRIP, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return {
        "images": cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY),
        "points": apply(matrix, label[EYE_POINTS].reshape(-1, 2)).reshape(2, 13, 2),
        "corners": apply(matrix, points[EYE_POINTS[:, :2]].reshape(-1, 2)).reshape(2, 2, 2),
        "unit": np.array(_UNIT, np.float32),
        "sharp": np.array(place.unit, np.float32),
        "rotation": (rotation(0, 0, -place.roll_deg) @ seen).astype(np.float32),
    }


def main(arguments: list[str]) -> int:
    """Cut every set that is not in the cache yet."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train eye_photos", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--out", type=Path, required=True, help="cache folder")
    parser.add_argument("--limit", type=int, default=1500, help="photos per set")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    cutter = PhotoEyes(options.data)
    for photos in photo_sets(options.data):
        path = options.out / f"{photos.name}.{photos.split}.npz"
        if photos.name not in SETS or path.is_file():
            continue
        step = max(1, len(photos.rows) // options.limit)
        rows = photos.rows[::step][: options.limit]
        cut = [cutter.strip(image) for image in pictures(options.data / photos.file, rows)]
        found = [strip for strip in cut if strip is not None]
        if found:
            write_arrays(path, {name: np.stack([f[name] for f in found]) for name in found[0]})
        _LOG.info("%s %s: %d of %d photos", photos.name, photos.split, len(found), len(rows))
    return 0
