"""Faces of one frame to table rows: one function per column group."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from facekit.columns import Column
from facekit.estimate.ibug import subset68
from facekit.facs import ACTION_UNITS, EXPRESSIONS, PHASES
from facekit.types import Face, Floats, Frame

Cell: TypeAlias = int | float | str | None
Row: TypeAlias = tuple[Cell, ...]
"""One line of a table: a value per column, in column order; None is missing."""

# Of the six numbers of each action unit, the sides are left out where it is not sided.
_AU_ORDER = np.flatnonzero([kind < 3 or unit.sided for unit in ACTION_UNITS for kind in range(6)])


def rows(frame: Frame, faces: Sequence[Face], columns: Sequence[Column]) -> list[Row]:
    """The table rows of one frame.

    Args:
        frame: the decoded picture.
        faces: what was found in it, in any order.
        columns: the table's columns, as `facekit.columns.columns` gives them: whole groups.

    Returns:
        One row per face, ordered by track (faces without a track by the left edge of their
        box, after the others); a single ``no_face`` row when there are none. Values that are
        not finite are None.
    """
    with_file = len(columns) > 1 and columns[1].name == "file"
    leading = _frame_values(frame, with_file)
    if not faces:
        found_nothing: Row = (*leading, None, "no_face")
        return [found_nothing + (None,) * (len(columns) - len(found_nothing))]
    return [_face_row(leading, face, columns) for face in sorted(faces, key=row_order)]


def _face_row(leading: list[Cell], face: Face, columns: Sequence[Column]) -> Row:
    row = [*leading, *_region_values(face)]
    while len(row) < len(columns):
        row += _GROUP_VALUES[columns[len(row)].group](face)
    if len(row) > len(columns):
        raise ValueError("columns must hold whole groups, as facekit.columns.columns gives them")
    return tuple(row)


def row_order(face: Face) -> tuple[bool, int, float]:
    """Key that sorts the faces of a frame as its rows are."""
    region = face.region
    return (region.track is None, region.track or 0, float(region.box[0]))


def _frame_values(frame: Frame, with_file: bool) -> list[Cell]:
    time_s = float(frame.time_s) if math.isfinite(frame.time_s) else None
    return [frame.index, frame.name or None, time_s] if with_file else [frame.index, time_s]


def _region_values(face: Face) -> Sequence[Cell]:
    region = face.region
    score = float(region.score) if math.isfinite(region.score) else None
    return [region.track, face.status, score, *_finite(region.box)]


def _pose(face: Face) -> Sequence[Cell]:
    pose = face.head_pose
    if pose is None:
        return [None] * 9
    angles = (pose.yaw, pose.pitch, pose.roll, pose.yaw_sd, pose.pitch_sd, pose.roll_sd)
    return _finite(np.array([*angles, *pose.position_mm.tolist()]))


def _gaze(face: Face) -> Sequence[Cell]:
    gaze = face.gaze
    if gaze is None:
        return [None] * 14
    angles = (gaze.yaw, gaze.pitch, gaze.yaw_sd, gaze.pitch_sd, gaze.head_yaw, gaze.head_pitch)
    numbers = [*angles, *gaze.left.tolist(), *gaze.right.tolist(), gaze.left_open, gaze.right_open]
    return _finite(np.array(numbers))


def _au(face: Face) -> Sequence[Cell]:
    units = face.action_units
    if units is None:
        return [None] * len(_AU_ORDER)
    apart = units.left - units.right
    whole = (units.intensity, units.probability, units.sd)
    return _finite(np.stack([*whole, units.left, units.right, apart], axis=1).ravel()[_AU_ORDER])


def _own_units(face: Face) -> Sequence[Cell]:
    assert face.own_units is not None  # the pipeline gives this group only with a head
    return _finite(face.own_units)


def _person(face: Face) -> Sequence[Cell]:
    return [face.person]


def _person_name(face: Face) -> Sequence[Cell]:
    return [face.person_name]


def _temporal(face: Face) -> Sequence[Cell]:
    now = face.temporal
    if now is None:
        return [None] * (4 * len(ACTION_UNITS) + 6 + len(EXPRESSIONS))
    of_units = _finite(np.stack([now.smooth, now.velocity, now.phase_prob], axis=1))
    cells: list[Cell] = []
    for unit, phase in enumerate(now.phase.tolist()):
        smooth, velocity, probability = of_units[3 * unit : 3 * unit + 3]
        cells += [smooth, velocity, PHASES[phase], probability]
    acts = (now.blink, now.blink_rate, now.speaking, now.nod, now.shake)
    return [*cells, *_finite(np.array([*acts, *now.expression.tolist(), now.expressivity]))]


def _landmark_sd(face: Face) -> Sequence[Cell]:
    if face.landmarks is None or face.landmarks.sd is None:
        return [None]
    return [float(face.landmarks.sd.mean())]


def _landmarks68(face: Face) -> Sequence[Cell]:
    if face.landmarks is None:
        return [None] * (68 * 2)
    return _finite(subset68(face.landmarks.points[:, :2]))


def _landmarks478(face: Face) -> Sequence[Cell]:
    if face.landmarks is None:
        return [None] * (478 * 3)
    return _finite(face.landmarks.points)


def _landmarks3d(face: Face) -> Sequence[Cell]:
    if face.landmarks_mm is None:
        return [None] * (478 * 3)
    return _finite(face.landmarks_mm)


def _finite(values: Floats) -> Sequence[Cell]:
    """The values in order, those that are not finite as None."""
    cells = values.ravel().tolist()
    # One look at the sum is enough for a face without gaps, which is nearly every face.
    if math.isfinite(float(np.sum(values, dtype=np.float64))):
        return cells
    return [cell if math.isfinite(cell) else None for cell in cells]


_GROUP_VALUES: dict[str, Callable[[Face], Sequence[Cell]]] = {
    "pose": _pose,
    "gaze": _gaze,
    "au": _au,
    "au_own": _own_units,
    "temporal": _temporal,
    "person": _person,
    "person_name": _person_name,
    "landmark_sd": _landmark_sd,
    "landmarks68": _landmarks68,
    "landmarks478": _landmarks478,
    "landmarks3d": _landmarks3d,
}
