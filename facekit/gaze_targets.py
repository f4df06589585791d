"""Where a person looked at known times, against what was measured: the input of a calibration."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.errors import OptionsError
from facekit.estimate.gaze_calibration import GazeCalibration, fit, screen_direction
from facekit.geometry import gaze_angles, gaze_vectors, rotation

WINDOW_S = 0.25
"""Half of the time around a moment whose frames count."""

_ANGLES = ["target_yaw", "target_pitch"]
_SCREEN = ["screen_x_mm", "screen_y_mm"]
_NEEDED = ["time_s", "gaze_head_yaw", "gaze_head_pitch", "yaw", "pitch", "roll"]
_PLACE = ["head_x_mm", "head_y_mm", "head_z_mm"]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Where someone looked, and when.

    Attributes:
        time_s: (n,) on the table's clock.
        angles_deg: (n, 2) yaw and pitch of the gaze in camera axes; NaN where `screen_mm` says.
        screen_mm: (n, 2) place on the camera's screen, from the lens: right as the viewer sees
            it, and down; NaN where `angles_deg` says.
    """

    time_s: NDArray[np.float64]
    angles_deg: NDArray[np.float64]
    screen_mm: NDArray[np.float64]


def read_targets(path: Path) -> Targets:
    """Targets out of a CSV file.

    Args:
        path: columns ``time_s``, and ``target_yaw, target_pitch`` (degrees, camera axes) or
            ``screen_x_mm, screen_y_mm``.

    Raises:
        OptionsError: missing, or not such a file.
    """
    advice = f"Columns: time_s, and {', '.join(_ANGLES)} or {', '.join(_SCREEN)}"
    try:
        table = pd.read_csv(path)
    except OSError as error:
        raise OptionsError(
            f"cannot be read ({error.strerror})", where=path, advice="Check the path"
        ) from error
    except ValueError as error:
        raise OptionsError(f"is not CSV ({error})", where=path, advice=advice) from error
    kinds = [names for names in (_ANGLES, _SCREEN) if set(names) <= set(table)]
    if "time_s" not in table or len(kinds) != 1:
        raise OptionsError(
            f"has the columns {', '.join(map(str, table))}", where=path, advice=advice
        )
    try:
        numbers = table[["time_s", *kinds[0]]].to_numpy(np.float64)
    except ValueError as error:
        raise OptionsError(f"holds what is no number ({error})", where=path) from error
    if len(numbers) == 0 or not np.isfinite(numbers).all():
        raise OptionsError("has empty cells or no rows", where=path, advice=advice)
    nothing = np.full((len(numbers), 2), np.nan)
    if kinds[0] is _ANGLES:
        return Targets(numbers[:, 0], numbers[:, 1:], nothing)
    return Targets(numbers[:, 0], nothing, numbers[:, 1:])


def calibrate(
    table: pd.DataFrame, targets: Targets, *, track: int | None = None, window_s: float = WINDOW_S
) -> GazeCalibration:
    """The correction of the person in a table.

    Args:
        table: with the column groups ``pose`` and ``gaze``, made without a calibration.
        targets: where the person looked.
        track: the person's track; None takes the one with most rows.
        window_s: half of the time around each target whose frames count; their median is taken.

    Raises:
        OptionsError: the table lacks columns, or too few targets have frames with open eyes.
    """
    missing = [name for name in (*_NEEDED, *_PLACE) if name not in table]
    if missing:
        raise OptionsError(
            f"lacks the columns {', '.join(missing)}",
            where="table",
            advice="Extract with --columns pose,gaze",
        )
    options = table.attrs.get("facekit", {}).get("options", {})
    if options.get("gaze_calibration"):
        raise OptionsError(
            "was already corrected by a calibration",
            where="table",
            advice="Extract again without --gaze-calibration",
        )
    rows = _rows_of(table, track)
    measured = np.full((len(targets.time_s), 2), np.nan)
    truth = np.full((len(targets.time_s), 2), np.nan)
    numbers = rows[[*_NEEDED, *_PLACE]].to_numpy(np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers).all(axis=1)]
    for row, time_s in enumerate(targets.time_s):
        near = known[np.abs(known[:, 0] - time_s) <= window_s]
        if len(near):
            measured[row] = np.median(near[:, 1:3], axis=0)
            truth[row] = _in_head(targets, row, np.median(near[:, 3:], axis=0))
    wanted = np.where(np.isfinite(targets.angles_deg), targets.angles_deg, targets.screen_mm)
    place = np.unique(np.round(wanted, 1), axis=0, return_inverse=True)[1].ravel()
    return fit(measured, truth, place)


def _rows_of(table: pd.DataFrame, track: int | None) -> pd.DataFrame:
    faces = table[table["track"].notna()]
    if track is None and len(faces):
        track = int(faces["track"].mode()[0])
    found = faces[faces["track"] == track]
    if len(found) == 0:
        raise OptionsError(
            "has no rows of that person" if track is not None else "shows no face",
            where=f"track {track}" if track is not None else "table",
            advice="See the table's column track",
        )
    return found


def _in_head(targets: Targets, row: int, head: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) the target as yaw and pitch in a head of yaw, pitch, roll and place (6,)."""
    wanted = targets.angles_deg[row]
    if not np.isfinite(wanted).all():
        wanted = screen_direction(targets.screen_mm[row][None], head[None, 3:])[0]
    return gaze_angles(gaze_vectors(wanted) @ rotation(*head[:3]))
