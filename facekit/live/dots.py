"""Calibration at the screen: dots to look at, one after the other, and what was measured then."""

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.estimate.gaze_calibration import GazeCalibration
from facekit.gaze_targets import Targets, calibrate
from facekit.types import Face, Image

PLACES = np.array([(x, y) for y in (0.1, 0.5, 0.9) for x in (0.1, 0.5, 0.9)])
"""(9, 2) where dots are shown, shares of the screen from its upper left corner."""

_ARRIVE_S = 1.0
"""Time for the eyes to find a dot: not measured."""

_STAY_S = 1.2
_WIDTH_PX = 1280
_COLUMNS = "time_s gaze_head_yaw gaze_head_pitch yaw pitch roll head_x_mm head_y_mm head_z_mm track"
_GROUND, _DOT, _CENTRE = (40, 40, 40), (255, 230, 90), (20, 20, 20)


class Dots:
    """Nine dots in an order that makes the eyes jump.

    Args:
        screen_mm: width and height of the screen, whose upper edge's middle holds the camera.
        size: width and height of the pictures, pixels; None gives them the screen's shape.
        seed: of the order.
    """

    def __init__(
        self, screen_mm: tuple[float, float], size: tuple[int, int] | None = None, seed: int = 0
    ) -> None:
        """Put the dots in order."""
        width, height = screen_mm
        self._screen_mm = screen_mm
        # A picture of another shape would not fill the screen: the dots would be elsewhere.
        self._size = size or (_WIDTH_PX, round(_WIDTH_PX * height / width))
        self._order = np.random.default_rng(seed).permutation(len(PLACES))
        self._start_s: float | None = None
        self._rows: list[tuple[float, ...]] = []

    def take(self, time_s: float, faces: Sequence[Face]) -> None:
        """Note what was measured; the first call starts the dots.

        Args:
            time_s: of the frame.
            faces: in it; the largest counts.
        """
        if self._start_s is None:
            self._start_s = time_s
        if not faces:
            return
        face = max(faces, key=lambda one: float(one.region.box[2:].prod()))
        gaze, pose = face.gaze, face.head_pose
        if gaze is None or pose is None:
            return
        place = pose.position_mm.tolist()
        angles = (gaze.head_yaw, gaze.head_pitch, pose.yaw, pose.pitch, pose.roll)
        self._rows.append((time_s, *angles, *place, 0))

    def is_over(self, time_s: float) -> bool:
        """Whether all dots were shown."""
        return self._number(time_s) >= len(PLACES)

    def picture(self, time_s: float) -> Image:
        """(height, width, 3) the screen at a time; the dot shrinks while it is to be looked at."""
        width, height = self._size
        image = np.full((height, width, 3), _GROUND, np.uint8)
        number = self._number(time_s)
        if number < len(PLACES):
            since = (time_s - (self._start_s or time_s)) % (_ARRIVE_S + _STAY_S)
            place = PLACES[self._order[number]] * [width, height]
            centre = (int(place[0]), int(place[1]))
            radius = height / 30 * (1 - 0.6 * since / (_ARRIVE_S + _STAY_S))
            cv2.circle(image, centre, int(radius), _DOT, cv2.FILLED, cv2.LINE_AA)
            cv2.circle(image, centre, max(2, height // 200), _CENTRE, cv2.FILLED, cv2.LINE_AA)
        return image

    def calibration(self) -> GazeCalibration:
        """The correction of who looked.

        Raises:
            OptionsError: too few dots were seen with open eyes.
        """
        table = pd.DataFrame(self._rows, columns=_COLUMNS.split())
        start_s = self._start_s or 0.0
        step_s = _ARRIVE_S + _STAY_S
        starts = start_s + step_s * np.arange(len(PLACES), dtype=np.float64)
        middles = starts + _ARRIVE_S + _STAY_S / 2
        return calibrate(
            table,
            Targets(middles, np.full((len(PLACES), 2), np.nan), self._millimetres()),
            window_s=_STAY_S / 2,
        )

    def _millimetres(self) -> NDArray[np.float64]:
        from_lens = PLACES[self._order] - np.array([0.5, 0.0])
        return np.asarray(from_lens * self._screen_mm, dtype=np.float64)

    def _number(self, time_s: float) -> int:
        since = 0.0 if self._start_s is None else time_s - self._start_s
        return int(since / (_ARRIVE_S + _STAY_S))
