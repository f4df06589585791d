"""A person's own correction of gaze, from moments when it is known where the person looked.

The line of sight differs from the eye's optical axis by an angle of a few degrees that is a
person's own and cannot be seen (Guestrin and Eizenman, "General theory of remote gaze estimation
using the pupil center and corneal reflections", IEEE TBME 2006). It is fixed to the head; so the
correction is fitted and applied to gaze relative to the head.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.errors import OptionsError, OutputError
from facekit.geometry import Numbers, gaze_vectors

VERSION = 1
FEWEST = 3
"""Moments that a calibration needs."""

# How strongly a gain other than 1 is resisted, in moments' worth of squared degrees; infinite
# means an offset alone. Chosen by leaving targets out.
_STIFFNESS = (np.inf, 3000.0, 1000.0, 300.0, 100.0)
_ADVICE = "Make it with: facekit gaze-calibrate"


@dataclass(frozen=True, slots=True)
class GazeCalibration:
    """Corrected yaw and pitch in the head = matrix @ (yaw, pitch) + offset.

    Attributes:
        matrix: ((a, b), (c, d)); the identity for an offset alone.
        offset: yaw and pitch, degrees.
        moments: how many it was fitted on.
        targets: how many different places were looked at.
        before_deg: median angle between gaze and target without it; NaN where not measured.
        after_deg: the same with it, each target corrected by a fit on the others.
    """

    matrix: tuple[tuple[float, float], tuple[float, float]]
    offset: tuple[float, float]
    moments: int
    targets: int
    before_deg: float
    after_deg: float

    def correct(self, head_deg: Numbers) -> NDArray[np.float64]:
        """(n, 2) corrected yaw and pitch in the head of (n, 2), degrees; NaN stays NaN."""
        return np.asarray(np.asarray(head_deg) @ np.array(self.matrix).T + self.offset)


def fit(
    head_deg: Numbers, target_deg: Numbers, target: NDArray[np.generic] | None = None
) -> GazeCalibration:
    """The correction of one person.

    Args:
        head_deg: (n, 2) measured yaw and pitch in the head.
        target_deg: (n, 2) true yaw and pitch in the head.
        target: (n,) which place was looked at; None takes equal `target_deg` for the same place.

    Raises:
        OptionsError: too few moments with a finite gaze.
    """
    known = np.isfinite(head_deg).all(axis=1) & np.isfinite(target_deg).all(axis=1)
    measured = np.asarray(head_deg, np.float64)[known]
    truth = np.asarray(target_deg, np.float64)[known]
    if target is None:
        place = np.unique(np.round(truth, 2), axis=0, return_inverse=True)[1].ravel()
    else:
        place = np.unique(target[known], return_inverse=True)[1].ravel()
    places = int(place.max(initial=-1)) + 1
    if len(truth) < FEWEST or places < FEWEST:
        raise OptionsError(
            f"{len(truth)} moments at {places} places are too few to calibrate on",
            where="targets",
            advice=f"Give at least {FEWEST} places at times when the eyes are seen open",
        )
    errors = [_left_out(measured, truth, place, stiffness) for stiffness in _STIFFNESS]
    best = int(np.argmin([np.square(error).mean() for error in errors]))
    matrix, offset = _solve(measured, truth, _STIFFNESS[best])
    before = float(np.median(angle_between(measured, truth)))
    after = float(np.median(errors[best]))
    rows = [(float(row[0]), float(row[1])) for row in matrix]
    return GazeCalibration(
        (rows[0], rows[1]), (float(offset[0]), float(offset[1])), len(truth), places, before, after
    )


def angle_between(first_deg: Numbers, second_deg: Numbers) -> NDArray[np.float64]:
    """(n,) degrees between directions of (n, 2) yaw and pitch."""
    product = (gaze_vectors(first_deg) * gaze_vectors(second_deg)).sum(axis=-1)
    return np.asarray(np.degrees(np.arccos(np.clip(product, -1, 1))))


def screen_direction(screen_mm: Numbers, eyes_mm: Numbers) -> NDArray[np.float64]:
    """(n, 2) yaw and pitch in camera axes from the eyes to places on the camera's screen.

    Args:
        screen_mm: (n, 2) millimetres from the camera's lens in the plane of the screen: right as
            the viewer of the screen sees it, and down.
        eyes_mm: (n, 3) between the eyes, camera axes.
    """
    places, eyes = np.asarray(screen_mm, np.float64), np.asarray(eyes_mm, np.float64)
    # The camera looks at the viewer: the viewer's right is its left.
    ways = np.column_stack([-places[:, 0], places[:, 1], np.zeros(len(places))]) - eyes
    x, y, z = (ways / np.linalg.norm(ways, axis=1, keepdims=True)).T
    return np.asarray(np.degrees(np.column_stack([np.arctan2(x, -z), -np.arcsin(y)])))


def save(calibration: GazeCalibration, path: Path) -> None:
    """Write a calibration as JSON.

    Raises:
        OutputError: it cannot be written there.
    """
    content = {
        "facekit_gaze_calibration": VERSION,
        "matrix": [list(row) for row in calibration.matrix],
        "offset_deg": list(calibration.offset),
        "moments": calibration.moments,
        "targets": calibration.targets,
        "error_before_deg": round(calibration.before_deg, 3),
        "error_after_deg": round(calibration.after_deg, 3),
    }
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror})", where=path, advice="Choose another place"
        ) from error


def load(path: Path) -> GazeCalibration:
    """Read a calibration.

    Raises:
        OptionsError: the file is missing or is no calibration.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionsError(
            f"cannot be read ({error.strerror})", where=path, advice=_ADVICE
        ) from error
    except ValueError as error:
        raise OptionsError(f"is not JSON ({error})", where=path, advice=_ADVICE) from error
    if not isinstance(content, dict) or content.get("facekit_gaze_calibration") != VERSION:
        raise OptionsError("is not a gaze calibration", where=path, advice=_ADVICE)
    return _parsed(content, path)


def _parsed(content: dict[str, Any], path: Path) -> GazeCalibration:
    try:
        matrix = np.asarray(content["matrix"], np.float64)
        offset = np.asarray(content["offset_deg"], np.float64)
        usable = matrix.shape == (2, 2) and offset.shape == (2,)
        if not (usable and np.isfinite(matrix).all() and np.isfinite(offset).all()):
            raise ValueError("matrix and offset_deg must be 2 x 2 and 2 numbers")
        first, second = matrix.tolist()
        return GazeCalibration(
            ((first[0], first[1]), (second[0], second[1])),
            (float(offset[0]), float(offset[1])),
            int(content["moments"]),
            int(content["targets"]),
            float(content["error_before_deg"]),
            float(content["error_after_deg"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OptionsError(f"is damaged ({error})", where=path, advice=_ADVICE) from error


def _solve(
    measured: NDArray[np.float64], truth: NDArray[np.float64], stiffness: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix and offset: ridge regression towards the identity, the offset free."""
    middle, wanted = measured.mean(axis=0), truth.mean(axis=0)
    matrix = np.eye(2)
    if np.isfinite(stiffness):
        inputs, left = measured - middle, truth - wanted - (measured - middle)
        gains = np.linalg.solve(inputs.T @ inputs + stiffness * np.eye(2), inputs.T @ left)
        matrix = matrix + gains.T
    return matrix, wanted - matrix @ middle


def _left_out(
    measured: NDArray[np.float64],
    truth: NDArray[np.float64],
    target: NDArray[np.intp],
    stiffness: float,
) -> NDArray[np.float64]:
    """(n,) errors in degrees, each place corrected by what the others say."""
    out = np.empty(len(truth))
    for place in np.unique(target):
        here = target == place
        matrix, offset = _solve(measured[~here], truth[~here], stiffness)
        out[here] = angle_between(measured[here] @ matrix.T + offset, truth[here])
    return out
