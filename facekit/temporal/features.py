"""What the temporal network sees of a face in one frame: a row of numbers in fixed groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.action_units import points_in, unit_square
from facekit.facs import ACTION_UNITS, SIDED
from facekit.types import ActionUnits, Face, Floats, Gaze, HeadPose, Landmarks

FEATURE = 64
"""Length of the appearance feature of `ActionUnits`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring numbers that are measured, or missing, together.

    Attributes:
        name: what they are.
        size: how many.
    """

    name: str
    size: int


GROUPS = (
    Group("units", 2 * len(ACTION_UNITS) + len(SIDED)),
    Group("feature", FEATURE),
    Group("pose", 3),
    Group("gaze", 2),
    Group("left_open", 1),
    Group("right_open", 1),
    Group("geometry", 16),
    Group("interval", 1),
)
"""In the order of the row. Units: intensity, left - right, sd. Interval: between frames, s."""

APPEARANCE = 1
"""Number of the group of the appearance feature."""

SIZE = sum(group.size for group in GROUPS)

# fmt: off
# Landmarks of the subject's left side, then of the right.
_LIDS = (((386, 385, 387), (374, 380, 373)), ((159, 158, 160), (145, 153, 144)))
_EYES = ((362, 263), (133, 33))  # inner and outer corner
_BROWS = ((336, 300), (107, 70))  # inner and outer end
_CORNERS, _WINGS = (291, 61), (327, 98)
_NOSE, _UPPER_LIP, _LOWER_LIP, _INNER_LIPS, _CHIN = 2, 0, 17, (13, 14), 152
# fmt: on


def places() -> dict[str, slice]:
    """Where each group lies in the row, by name."""
    ends = np.cumsum([group.size for group in GROUPS]).tolist()
    return {
        group.name: slice(end - group.size, end) for group, end in zip(GROUPS, ends, strict=True)
    }


def features_of(face: Face) -> Floats:
    """(SIZE,) float32 what is known of a face; NaN where nothing is; the interval is NaN here."""
    row = np.full(SIZE, np.nan, np.float32)
    where = places()
    if face.action_units is not None:
        row[where["units"]] = _units(face.action_units)
        row[where["feature"]] = face.action_units.feature
    if face.head_pose is not None:
        row[where["pose"]] = _pose(face.head_pose)
    if face.gaze is not None:
        gaze: Gaze = face.gaze
        row[where["gaze"]] = gaze.head_yaw, gaze.head_pitch
        row[where["left_open"]], row[where["right_open"]] = gaze.left_open, gaze.right_open
    if face.landmarks is not None:
        row[where["geometry"]] = geometry(face.landmarks)
    return row


def known_groups(rows: Floats) -> NDArray[np.bool_]:
    """(..., groups) which groups of (..., SIZE) rows are known: those without a NaN."""
    finite = np.isfinite(rows)
    return np.stack([finite[..., place].all(axis=-1) for place in places().values()], axis=-1)


def geometry(landmarks: Landmarks) -> Floats:
    """(16,) distances within a face, in shares of the upright square around it.

    For the left and the right side: opening of the lids, height of the inner and the outer brow
    over the corner of the eye; distance of the brows, width of the mouth, gap between and height
    of the lips; height of the left and right corner, of the upper lip and the chin below the
    nose; height of the left and right nose wing below the eye. NaN where there is no face.
    """
    square = unit_square(landmarks.points)
    if square is None:
        return np.full(16, np.nan, np.float32)
    points = points_in(landmarks.points, square)
    x, y = points[:, 0], points[:, 1]
    lids = [y[list(lower)].mean() - y[list(upper)].mean() for upper, lower in _LIDS]
    brows = [y[_EYES[side][end]] - y[_BROWS[side][end]] for end in range(2) for side in range(2)]
    mouth = [
        x[_BROWS[0][0]] - x[_BROWS[1][0]],
        float(np.linalg.norm(points[_CORNERS[0]] - points[_CORNERS[1]])),
        y[_INNER_LIPS[1]] - y[_INNER_LIPS[0]],
        y[_LOWER_LIP] - y[_UPPER_LIP],
    ]
    below = [y[point] - y[_NOSE] for point in (*_CORNERS, _UPPER_LIP, _CHIN)]
    wings = [y[wing] - y[eye[0]] for wing, eye in zip(_WINGS, _EYES, strict=True)]
    return np.array([*lids, *brows, *mouth, *below, *wings], np.float32)


def _units(units: ActionUnits) -> Floats:
    sided = list(SIDED)
    return np.concatenate([units.intensity, units.left[sided] - units.right[sided], units.sd])


def _pose(pose: HeadPose) -> tuple[float, float, float]:
    return pose.yaw, pose.pitch, pose.roll
