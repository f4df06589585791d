"""Faces with everything that the temporal stage reads, made of random numbers."""

import numpy as np

from facekit.types import ActionUnits, Face, Floats, Gaze, HeadPose, Landmarks, Region


def face(
    random: np.random.Generator,
    *,
    units: bool = True,
    gaze: bool = True,
    landmarks: bool = True,
    intensity: Floats | None = None,
) -> Face:
    floats = random.random(64).astype(np.float32)
    level = random.uniform(0, 5, 22).astype(np.float32) if intensity is None else intensity
    eye = np.array([0, 0, -1], np.float32)
    region = Region(
        0, np.array([0, 0, 90, 110], np.float32), 0.9, np.zeros((5, 2), np.float32), True
    )
    points = random.uniform(0, 100, (478, 3)).astype(np.float32)
    yaw, pitch, roll = (float(random.normal(0, 10)) for _ in range(3))
    head_yaw, head_pitch = (float(random.normal(0, 5)) for _ in range(2))
    left_open, right_open = float(random.random()), float(random.random())
    half, fifth = ((level / share).astype(np.float32) for share in (2, 5))
    return Face(
        region,
        "ok",
        Landmarks(points) if landmarks else None,
        HeadPose(yaw, pitch, roll, 1.0, 1.0, 1.0, np.zeros(3, np.float32)),
        action_units=ActionUnits(level, fifth, fifth, level, half, floats) if units else None,
        gaze=Gaze(0, 0, 1, 1, head_yaw, head_pitch, eye, eye, left_open, right_open)
        if gaze
        else None,
    )
