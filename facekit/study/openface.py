"""OpenFace 2.2's table: its columns, and the rules between its numbers and facekit's.

Sources: the OpenFace wiki, page "Output Format" (columns, units, "R = Rx * Ry * Rz, left-handed
positive sign"); ``RotationHelpers.h`` and ``RecorderCSV.cpp`` of OpenFace 2.2 (the matrix behind
that sentence, the order of columns); OpenFace's issues 471 (gaze angles), 769 and 1004 (gaze is
with respect to the camera). Baltrusaitis et al., "OpenFace 2.0: Facial Behavior Analysis
Toolkit", FG 2018.

Axes
    Both use camera axes: x to image right, y down, z into the scene; millimetres and pixels. The
    head's own axes are the same too: x to the subject's left, y to the chin, z into the head.
Head pose
    ``pose_Rx pose_Ry pose_Rz`` are radians with R = Rx(pose_Rx) Ry(pose_Ry) Rz(pose_Rz), each the
    usual matrix (``Rx = [[1, 0, 0], [0, cos, -sin], [0, sin, cos]]``). In these axes (z away)
    that is what OpenFace's page calls left-handed: seen on the picture, pose_Rx > 0 looks down,
    pose_Ry > 0 turns to image left, pose_Rz > 0 tilts clockwise. facekit's R is the same matrix,
    taken apart as Rz(roll) Ry(-yaw) Rx(-pitch): for small angles pose_R is (-pitch, -yaw, roll),
    for large ones only the matrix tells. Both are relative to the camera's axes, not to the ray
    to the head.
Head place
    ``pose_T`` is the origin of OpenFace's point model, which is the mean of its 68 points;
    facekit's ``head_*_mm`` is the midpoint of the eyeball centres. In head axes one lies at
    `ORIGIN_MM` from the other: pose_T = head + R ORIGIN_MM. OpenFace guesses the focal length as
    500 px at a width of 640, facekit as the longer side: distances differ by that factor, unless
    ``--focal`` says it.
Gaze
    ``gaze_0`` is the eye leftmost in the image, the subject's right one (unmirrored); ``gaze_1``
    the other. Unit vectors in camera axes, as facekit's. ``gaze_angle_x = atan2(x, -z)`` is > 0
    towards image right, ``gaze_angle_y = atan2(y, -z)`` is > 0 down; radians; of the mean vector.
Landmarks
    ``x_0 ... y_67`` are the iBUG points in pixels, ``X_0 ... Z_67`` the same in camera axes.
    Of the 28 points of an eye (``eye_lmk``), 0-7 are the iris, 8-19 the lids, 20-27 the pupil;
    8, 10, ... 18 are the iBUG points 36 ... 41 (and 36, 38, ... 46 are 42 ... 47).
Action units
    ``AUxx_r`` is an intensity, 0-5; ``AUxx_c`` 1 where the unit is present. OpenFace's blink AU45
    is, frame by frame, the closure that facekit calls AU43.
Rows
    ``frame`` counts from 1. ``success`` is 1 where the face is well seen (``status`` ok). A frame
    without a face has success 0, confidence 0, face_id 0; what was not measured is empty there,
    where OpenFace writes zeros.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facekit.columns import Column, Kind
from facekit.estimate.ibug import IBUG_68
from facekit.geometry import gaze_angles, gaze_vectors

Array = NDArray[np.float64]

NAME = "openface"
ORIGIN_MM = (0.0, 41.0, -16.0)
"""OpenFace's origin from the midpoint of the eyeball centres (63 mm apart), in head axes, mm: the
mean of the 68 points of facekit's average face (``examples/average_face.mp4``), to the mm."""

FACES = ("x", "y", "z")
UNITS_R = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
UNITS_C = (*UNITS_R[:-1], 28, 45)
_EYE_POINTS, _MODES = 56, 34
_FEW = 6
_BLINK, _CLOSURE = "AU45", "AU43"


def _columns() -> Iterable[Column]:
    yield _column("frame", "", None, "Number of the frame, from 1.", "source")
    yield _column("face_id", "", None, "Number of the face.", "track")
    yield _column("timestamp", "s", 6, "Container timestamp minus the first frame's.", "source")
    yield _column("confidence", "", 4, "Probability of a face (facekit's score).", "detect")
    yield _column("success", "", None, "1 where the face is well seen.", "track")
    for eye, where in ((0, "left"), (1, "right")):
        for axis in FACES:
            meaning = f"Unit vector of the eye on image {where}, camera axes."
            yield _column(f"gaze_{eye}_{axis}", "", 6, meaning, "gaze")
    yield _column(
        "gaze_angle_x", "rad", 5, "Where both eyes look, > 0 towards image right.", "gaze"
    )
    yield _column("gaze_angle_y", "rad", 6, "Where both eyes look, > 0 down.", "gaze")
    yield from _points("eye_lmk_{}_{}", "xy", _EYE_POINTS, "px", "landmarks")
    yield from _points("eye_lmk_{}_{}", "XYZ", _EYE_POINTS, "mm", "pose")
    for axis in FACES:
        yield _column(f"pose_T{axis}", "mm", 3, "Place of the head, camera axes.", "pose")
    for axis in FACES:
        yield _column(f"pose_R{axis}", "rad", 6, "Turn of the head, R = Rx Ry Rz.", "pose")
    yield from _points("{}_{}", "xy", len(IBUG_68), "px", "landmarks")
    yield from _points("{}_{}", "XYZ", len(IBUG_68), "mm", "pose")
    for name in ("scale", "rx", "ry", "rz", "tx", "ty"):
        yield _column(f"p_{name}", "", 3, "Rigid parameter of OpenFace's point model.", "")
    for mode in range(_MODES):
        meaning, family = "Shape parameter of OpenFace's point model.", f"p_0 ... p_{_MODES - 1}"
        yield _column(f"p_{mode}", "", 3, meaning, "", family)
    for unit in UNITS_R:
        yield _column(f"AU{unit:02d}_r", "", 3, "Intensity of the action unit, 0-5.", "au")
    for unit in UNITS_C:
        yield _column(f"AU{unit:02d}_c", "", 1, "1 where the action unit is present.", "au")


def _points(pattern: str, axes: str, count: int, unit: str, stage: str) -> Iterable[Column]:
    for axis in axes:
        family = f"{pattern.format(axis, 0)} ... {pattern.format(axis, count - 1)}"
        for point in range(count):
            meaning = "Place of a landmark in the frame."
            if unit == "mm":
                meaning = "Place of a landmark in camera axes."
            yield _column(pattern.format(axis, point), unit, 2, meaning, stage, family)


def _column(
    name: str, unit: str, digits: int | None, meaning: str, stage: str, family: str = ""
) -> Column:
    kind: Kind = "integer" if digits is None else "number"
    return Column(name, NAME, kind, unit, None, None, digits, meaning, stage, family or name)


COLUMNS: tuple[Column, ...] = tuple(_columns())
"""The 714 columns of FeatureExtraction, in order; with more decimals than OpenFace writes, so
that nothing of facekit's is lost."""


def _same() -> Mapping[str, str]:
    names = {"timestamp": "time_s", "confidence": "score"}
    for eye, side in ((0, "right"), (1, "left")):
        names |= {f"gaze_{eye}_{axis}": f"gaze_{side}_{axis}" for axis in FACES}
    for point, index in enumerate(IBUG_68.tolist()):
        names |= {f"{axis}_{point}": f"{axis}_{point}" for axis in "xy"}
        names |= {f"{axis}_{point}": f"m{axis.lower()}_{index}" for axis in "XYZ"}
    return names | {f"AU{unit:02d}_r": facekit_unit(unit) for unit in UNITS_R}


def facekit_unit(number: int) -> str:
    """The code of OpenFace's action unit `number` in facekit: AU45 is AU43 there."""
    code = f"AU{number:02d}"
    return _CLOSURE if code == _BLINK else code


SAME: Mapping[str, str] = _same()
"""OpenFace's column to facekit's, where the numbers are the same."""


def _lids() -> Mapping[str, str]:
    lids = {8 + 2 * k: 36 + k for k in range(6)} | {36 + 2 * k: 42 + k for k in range(6)}
    return {
        f"eye_lmk_{axis}_{point}": SAME[f"{axis}_{ibug}"]
        for point, ibug in lids.items()
        for axis in "xyXYZ"
    }


LIDS: Mapping[str, str] = _lids()
"""Points of OpenFace's eyes that are iBUG points, to facekit's columns."""


def pose_to_openface(turn_deg: Array, head_mm: Array) -> tuple[Array, Array]:
    """OpenFace's pose_T (n, 3) mm and pose_R (n, 3) radians.

    Args:
        turn_deg: (n, 3) yaw, pitch, roll; finite.
        head_mm: (n, 3) midpoint of the eyeball centres; NaN passes through.
    """
    yaw, pitch, roll = turn_deg.T
    turned = Rotation.from_euler("ZYX", np.column_stack([roll, -yaw, -pitch]), degrees=True)
    return head_mm + turned.apply(ORIGIN_MM), np.asarray(turned.as_euler("XYZ"))


def pose_from_openface(place_mm: Array, turn: Array) -> tuple[Array, Array]:
    """Yaw, pitch, roll (n, 3) degrees and eyes' midpoint (n, 3) mm: undoes `pose_to_openface`.

    Args:
        place_mm: (n, 3) pose_T.
        turn: (n, 3) pose_R, radians; finite.
    """
    turned = Rotation.from_euler("XYZ", turn)
    roll, yaw, pitch = turned.as_euler("ZYX", degrees=True).T
    return np.column_stack([-yaw, -pitch, roll]), place_mm - turned.apply(ORIGIN_MM)


def gaze_to_openface(yaw_pitch_deg: Array) -> Array:
    """(n, 2) gaze_angle_x, gaze_angle_y in radians of (n, 2) yaw and pitch in degrees."""
    x, y, z = gaze_vectors(yaw_pitch_deg).T
    return np.column_stack([np.arctan2(x, -z), np.arctan2(y, -z)])


def gaze_from_openface(angles: Array) -> Array:
    """(n, 2) yaw and pitch in degrees: undoes `gaze_to_openface`."""
    x, y = angles.T
    forward = np.cos(x)
    vectors = np.column_stack([np.sin(x), forward * np.tan(y), -forward])
    return gaze_angles(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def named(columns: Sequence[Column], whole: Sequence[Column]) -> str:
    """`columns` by family, as ``p_0 ... p_33`` or ``eye_lmk_x_0 ... eye_lmk_x_55 (44 of 56)``.

    A few of a family are named one by one.

    Args:
        columns: some of `whole`.
        whole: of which the families are counted.
    """
    parts: list[str] = []
    for family in dict.fromkeys(column.family for column in columns):
        some = [column.name for column in columns if column.family == family]
        every = sum(column.family == family for column in whole)
        if len(some) == every:
            parts.append(family)
        elif len(some) <= _FEW:
            parts += some
        else:
            parts.append(f"{family} ({len(some)} of {every})")
    return ", ".join(parts)
