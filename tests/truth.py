"""Pictures of the average face with their truth, made by ``python -m facekit.synthetic.demo``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.geometry import Camera
from facekit.types import Floats, Image, Region
from tests.conftest import ROOT

DATA = Path(__file__).parent / "data"
STILLS = (
    *("front", "yaw_right", "yaw_left", "pitch_up", "roll_clockwise"),
    *("smile", "left_brow", "eyes_closed"),
)
FIVE = [468, 473, 4, 61, 291]
"""Landmarks where the detector has its points: irises, nose tip, mouth corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true of a picture.

    Attributes:
        points: (478, 2) pixels.
        visible: (478,) not hidden by the head itself.
        pose: (3,) yaw, pitch, roll, degrees.
        translation_mm: (3,) midpoint of the eyeball centres.
        camera: of the picture.
    """

    points: Floats
    visible: NDArray[np.bool_]
    pose: Floats
    translation_mm: Floats
    camera: Camera

    @property
    def eye_distance(self) -> float:
        """Pixels between the outer eye corners (92 mm) as if seen from the front."""
        return float(92 * self.camera.focal / self.translation_mm[2])

    @property
    def region(self) -> Region:
        """Where a perfect detector would find the face."""
        box = np.concatenate([self.points.min(0), np.ptp(self.points, axis=0)])
        five = self.points[FIVE]
        return Region(None, box.astype(np.float32), 1.0, five.astype(np.float32), True)


def still(name: str) -> tuple[Image, Truth]:
    """A still picture, (480, 480, 3) RGB, and its truth."""
    picture = cv2.imread(str(DATA / f"{name}.jpg"), cv2.IMREAD_COLOR_RGB)
    with np.load(DATA / "stills.npz") as arrays:
        row = arrays["name"].tolist().index(name)
        return np.asarray(picture, np.uint8), _truth(arrays, row)


def clip_points() -> dict[int, Truth]:
    """Truth of every tenth frame of the example clip, by frame."""
    with np.load(DATA / "average_face_points.npz") as arrays:
        return {frame: _truth(arrays, row) for row, frame in enumerate(arrays["name"].tolist())}


def clip_table() -> pd.DataFrame:
    """Truth of every frame of the example clip: pose, place, gaze, expression weights."""
    return pd.read_csv(ROOT / "examples" / "average_face.csv")


def _truth(arrays: Any, row: int) -> Truth:
    focal, x, y = arrays["camera"][row].tolist()
    return Truth(
        arrays["points"][row],
        arrays["visible"][row],
        arrays["pose"][row],
        arrays["translation_mm"][row],
        Camera(focal, x, y),
    )
