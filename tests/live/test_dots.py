import numpy as np
import pytest

from facekit.errors import OptionsError
from facekit.estimate.gaze_calibration import screen_direction
from facekit.live.dots import PLACES, Dots
from facekit.types import Face, Gaze, HeadPose, Region

SCREEN_MM = (520.0, 290.0)
EYES_MM = np.array([20.0, 60.0, 600.0])
OFFSET = np.array([5.0, -4.0])


def _face(in_head: np.ndarray) -> Face:
    box, five = np.array([0, 0, 99, 99], np.float32), np.zeros((5, 2), np.float32)
    region = Region(0, box, 1.0, five, True)
    nothing = np.full(3, np.nan, np.float32)
    gaze = Gaze(0, 0, 1, 1, float(in_head[0]), float(in_head[1]), nothing, nothing, 1, 1)
    pose = HeadPose(0, 0, 0, 1, 1, 1, EYES_MM.astype(np.float32))
    return Face(region, "ok", head_pose=pose, gaze=gaze)


def _shown(dots: Dots, time_s: float) -> np.ndarray | None:
    """(2,) where the picture shows a dot, shares of the screen."""
    picture = dots.picture(time_s)
    rows, columns = np.nonzero((picture != picture[0, 0]).any(axis=2))
    if len(rows) == 0:
        return None
    return np.array([columns.mean() / picture.shape[1], rows.mean() / picture.shape[0]])


def test_who_looks_at_the_dots_that_are_shown_is_calibrated() -> None:
    dots, seen = Dots(SCREEN_MM), []
    for frame in range(30 * 60):
        time_s = 7.0 + frame / 30
        place = _shown(dots, time_s)
        if place is None or dots.is_over(time_s):
            break
        seen.append(np.round(place, 1))
        look = screen_direction(((place - [0.5, 0]) * SCREEN_MM)[None], EYES_MM[None])[0]
        dots.take(time_s, [_face(look - OFFSET)])
    assert len(np.unique(seen, axis=0)) == len(PLACES)
    found = dots.calibration()
    assert found.offset == pytest.approx(OFFSET, abs=0.3)
    assert found.targets == len(PLACES)


def test_nobody_there_is_no_calibration() -> None:
    dots = Dots(SCREEN_MM)
    dots.take(0.0, [])
    assert not dots.is_over(1.0)
    assert dots.is_over(60.0)
    with pytest.raises(OptionsError, match="no face"):
        dots.calibration()
