from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facekit.synthetic import demo
from facekit.synthetic.motion import Event, mixed, named_weights, random_motion
from facekit.synthetic.sampling import CLEAN
from facekit.synthetic.scene import Studio
from facekit.synthetic.sequence import render_motion

SETTING = replace(demo.setting(), camera=None)
SMILE = Event({"mouthSmile_L": 0.8}, start_s=1.0, rise_s=0.5, hold_s=1.0, fall_s=0.5)


def test_an_event_rises_holds_and_falls() -> None:
    time_s = np.array([0.9, 1.0, 1.25, 1.5, 2.0, 2.5, 2.75, 3.0, 3.1])
    expected = [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]
    np.testing.assert_allclose(SMILE.strength(time_s), expected, atol=1e-9)
    assert SMILE.phase(time_s).tolist() == [0, 1, 1, 2, 2, 3, 3, 0, 0]
    assert SMILE.end_s == pytest.approx(3.0)


def test_events_add_up() -> None:
    later = replace(SMILE, weights={"mouthSmile_L": 0.4, "jawOpen": 0.2})
    frame = mixed([SMILE, later], np.array([2.0]))[0]
    assert frame == pytest.approx({"mouthSmile_L": 1.2, "jawOpen": 0.2})


def test_motion_is_smooth_and_labelled() -> None:
    for seed in range(12):
        motion = random_motion(np.random.default_rng(seed), seconds=8.0, rate=30)
        assert len(motion) == 240 and np.allclose(np.diff(motion.time_s), 1 / 30)
        assert np.abs(np.diff(motion.pose, axis=0)).max() < 12  # degrees a frame
        weights = named_weights(motion, ["eyeBlink_L", "mouthSmile_L", "jawOpen"])
        assert weights.shape == (240, 3)
        assert (weights[motion.blink, 0].max(initial=0.8) > 0.6) and weights.max() <= 1.5
        still = ~motion.blink
        assert weights[still, 0].max(initial=0) == 0  # events carry no blinks of their own


def test_no_time_no_motion() -> None:
    motion = random_motion(np.random.default_rng(0), seconds=0.0, rate=25)
    assert len(motion) == 0 and motion.expression == ()
    assert named_weights(motion, ["jawOpen"]).shape == (0, 1)


def test_rendered_motion_has_one_place_and_one_camera(studio: Studio) -> None:
    motion = random_motion(np.random.default_rng(2), seconds=0.16, rate=25)
    samples = list(render_motion(studio, studio.people.average(), motion, SETTING, seed=3))
    assert len(samples) == len(motion) == 4
    assert len({sample.camera for sample in samples}) == 1
    # The background does not flicker: the upper corners are the same in every frame.
    corners = np.stack([sample.image[:6, :6] for sample in samples])
    assert (corners == corners[0]).all()
    again = list(render_motion(studio, studio.people.average(), motion, SETTING, seed=3))
    np.testing.assert_array_equal(again[-1].image, samples[-1].image)


def test_glasses_stay_on_while_the_head_turns(data: Path) -> None:
    worn = replace(CLEAN, glasses=0.5, hair=0.7)
    studio = Studio(data, "val", size=64, distribution=worn)
    person = studio.people.draw(np.random.default_rng(1))
    turning = replace(
        random_motion(np.random.default_rng(0), seconds=0.32, rate=25),
        pose=np.column_stack([np.linspace(-70, 70, 8), np.zeros((8, 2))]),
    )
    for seed in range(6):
        frames = render_motion(studio, person, turning, SETTING, seed)
        assert len({frame.things for frame in frames}) == 1
