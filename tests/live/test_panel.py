"""The live window's picture: what is known shows, what is not does not."""

from dataclasses import replace

import numpy as np
import pytest

from facekit.facs import ACTION_UNITS
from facekit.live.panel import SIZE, Readings, compose, largest
from facekit.types import ActionUnits, Face, Gaze, Image
from tests.output.builders import face, frame

QUIET = Readings(30.0, 12.0, 0, 0)
BARS, EYES = slice(864, None), slice(486, 560)
RIGHT, LEFT = (255, 180, 60), (90, 190, 255)


def _face(opened: tuple[float, float] = (0.9, 0.9), **sides: float) -> Face:
    """A face that shows AU12 as strongly as `sides` say, and nothing else."""
    nothing = np.zeros(22, np.float32)
    row = [unit.code for unit in ACTION_UNITS].index("AU12")
    left, right, probability = nothing.copy(), nothing.copy(), nothing.copy()
    left[row], right[row] = sides.get("left", 0.0), sides.get("right", 0.0)
    probability[row] = float(max(left[row], right[row]) > 0)
    units = ActionUnits(np.maximum(left, right), probability, nothing, left, right, nothing)
    unknown = np.full(3, np.nan, np.float32)
    gaze = Gaze(0, 0, 1, 1, 0, 0, unknown, unknown, *opened)
    return replace(face(box=(2, 2, 4, 3)), action_units=units, gaze=gaze)


def _count(picture: Image, colour: tuple[int, int, int]) -> int:
    return int((picture == colour).all(axis=-1).sum())


def test_the_picture_has_its_size_whatever_the_frames() -> None:
    for size in ((8, 6), (1920, 1080), (480, 640)):
        assert compose(frame(size=size), [], QUIET).shape == (SIZE[1], SIZE[0], 3)


def test_bars_are_as_long_as_each_side_is_strong_and_lie_on_its_side() -> None:
    picture = compose(frame(), [_face(left=4.0, right=2.0)], QUIET)[:, BARS]
    strong, weak = _count(picture, LEFT), _count(picture, RIGHT)
    assert strong == pytest.approx(2 * weak, rel=0.05)
    columns = np.flatnonzero((picture == RIGHT).all(axis=-1).any(axis=0))
    assert columns.max() < picture.shape[1] / 2, "the subject's right is on image left"
    assert _count(compose(frame(), [_face()], QUIET)[:, BARS], LEFT) == 0


def test_the_intensity_at_rest_is_a_white_tick() -> None:
    rest = np.full(22, 2.5, np.float32)
    shown = compose(frame(), [_face()], replace(QUIET, rest=rest))[:, BARS]
    bare = compose(frame(), [_face()], QUIET)[:, BARS]
    assert _count(shown, (255, 255, 255)) > _count(bare, (255, 255, 255)) + 22 * 2 * 20


def test_a_blink_a_wink_and_hidden_eyes_look_different() -> None:
    eyes = {
        name: compose(frame(), [_face(opened)], QUIET)[EYES]
        for name, opened in {
            "open": (0.9, 0.9),
            "blink": (0.05, 0.05),
            "left": (0.05, 0.9),
            "right": (0.9, 0.05),
            "hidden": (np.nan, np.nan),
        }.items()
    }
    warned = {name: _count(picture[:, 300:], (255, 110, 90)) for name, picture in eyes.items()}
    assert warned["open"] == warned["hidden"] == 0
    assert warned["blink"] > 500 and warned["left"] > 500
    assert not np.array_equal(eyes["left"], eyes["right"])


def test_what_the_run_says_is_shown() -> None:
    pictures = [
        compose(frame(), [], readings)
        for readings in (
            QUIET,
            replace(QUIET, dropped=3),
            replace(QUIET, latency_ms=80.0),
            replace(QUIET, markers=2),
            replace(QUIET, message="marker 2"),
            replace(QUIET, paused=True),
        )
    ]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_the_largest_face_counts() -> None:
    small, large = face(0, (0, 0, 2, 2)), face(1, (3, 3, 4, 4))
    assert largest([small, large]) is large
    assert largest([]) is None
