"""How well a face is seen: whether it can tell who somebody is."""

import math

import cv2
import numpy as np

from facekit.types import Face, Floats, Image

# Where a face is worth nothing and where everything: turned by degrees, pixels of its shorter
# side, and spread of the Laplacian over spread of the gray values in a 64 px picture of it.
_YAW_DEG = (75.0, 25.0)
_PITCH_DEG = (60.0, 20.0)
_SIDE_PX = (24.0, 72.0)
_SHARPNESS = (0.12, 0.35)

_SHARPNESS_SIDE = 64
_MARGIN = 0.1  # of an aligned crop: background
_NOSE_REACH = 0.63  # how far the nose tip stands out, in distances of the eyes


def face_quality(face: Face, chip: Image) -> float:
    """How well a face is seen, 0-1: the product of frontal, large and sharp.

    Args:
        face: with its head pose, if that was run.
        chip: (s, s, 3) uint8 RGB, the face cut upright (`facekit.estimate.identity.chip`).
    """
    if face.status != "ok":
        return 0.0
    pose = face.head_pose
    yaw = _yaw_of(face.region.points) if pose is None else pose.yaw
    pitch = 0.0 if pose is None else pose.pitch
    frontal = _ramp(abs(yaw), _YAW_DEG) * _ramp(abs(pitch), _PITCH_DEG)
    side = float(face.region.box[2:].min())
    return frontal * _ramp(side, _SIDE_PX) * _ramp(sharpness(chip), _SHARPNESS)


def sharpness(chip: Image) -> float:
    """How much of a face's contrast is fine detail; about .1 when blurred, .3 to .7 when sharp.

    Args:
        chip: (s, s, 3) uint8 RGB, the face cut upright.
    """
    cut = round(_MARGIN * len(chip))
    gray = cv2.cvtColor(chip[cut : len(chip) - cut, cut : len(chip) - cut], cv2.COLOR_RGB2GRAY)
    size = (_SHARPNESS_SIDE, _SHARPNESS_SIDE)
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    # Two gray levels are noise: they keep a flat picture from looking sharp.
    return float(cv2.Laplacian(small, cv2.CV_32F).std() / (small.std() + 2))


def _ramp(value: float, ends: tuple[float, float]) -> float:
    nothing, everything = ends
    return min(max((value - nothing) / (everything - nothing), 0.0), 1.0)


def _yaw_of(points: Floats) -> float:
    """Degrees, by how far MTCNN's nose lies beside the middle of the eyes."""
    left, right, nose = np.asarray(points[:3], np.float64)
    across = right - left
    distance = max(float(np.hypot(*across)), 1e-6)
    beside = float((nose - (left + right) / 2) @ across) / distance**2
    return math.degrees(math.atan(beside / _NOSE_REACH))
