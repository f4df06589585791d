"""How far the detector's square is from the landmarks': ``python -m facekit.train jitter``.

Training moves its squares at random by at least that much (`facekit.train.augment.Jitter`).
"""

import argparse
import json
import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.detect.cascade import Detector
from facekit.estimate.crops import Square, square_of_region
from facekit.runtime.device import choose
from facekit.train.data import Faces, photos, renders
from facekit.types import Region

_LOG = logging.getLogger(__name__)
_BORDER = 40
_SMALLEST = 30.0
_NEAR = 0.25


def differences(faces: Faces, count: int, detector: Detector) -> NDArray[np.float64]:
    """The detector's square against the truth's, one row per face that was found.

    Args:
        faces: pictures with truth.
        count: how many of them, evenly spread.
        detector: finds them.

    Returns:
        (n, 4) shift along x and y of the true square in shares of its side, natural logarithm of
        the sides' ratio, roll in degrees.
    """
    rows = np.unique(np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int))
    found = []
    for row in rows:
        true = faces.square(int(row))
        border = (_BORDER,) * 4
        image = cv2.copyMakeBorder(faces.image(int(row)), *border, cv2.BORDER_REPLICATE)
        for detection in detector.detect(np.asarray(image, np.uint8), _SMALLEST):
            region = Region(None, detection.box, detection.score, detection.points, True)
            square = square_of_region(region)
            moved = Square(square.centre - _BORDER, square.side, square.roll_deg)
            if np.linalg.norm(moved.centre - true.centre) < _NEAR * true.side:
                found.append(_difference(moved, true))
                break
    return np.asarray(found).reshape(-1, 4)


def _difference(square: Square, true: Square) -> list[float]:
    angle = np.deg2rad(true.roll_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    across, down = (square.centre - true.centre) @ turn / true.side
    scale = float(np.log(square.side / true.side))
    return [float(across), float(down), scale, square.roll_deg - true.roll_deg]


def main(arguments: list[str]) -> int:
    """Log mean and standard deviation of the differences per source."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train jitter", description=__doc__)
    parser.add_argument("--shards", type=Path, required=True, help="renders: set train")
    parser.add_argument("--photos", type=Path, help="cache of python -m facekit.train photos")
    parser.add_argument("--count", type=int, default=500, help="faces per source")
    options = parser.parse_args(arguments)
    sources = {"renders": renders(options.shards / "train")}
    if options.photos is not None:
        sources["photos"] = photos(options.photos, "train")
    detector = Detector(choose("cpu"))
    for name, faces in sources.items():
        found = differences(faces, options.count, detector)
        line = {
            "source": name,
            "found": len(found),
            "columns": ["shift_x", "shift_y", "log_scale", "roll_deg"],
            "mean": found.mean(0).round(4).tolist(),
            "sd": found.std(0).round(4).tolist(),
        }
        _LOG.info("%s", json.dumps(line))
    return 0
