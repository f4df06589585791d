import numpy as np
import pytest

from facekit.synthetic.background import random_background
from facekit.synthetic.degrade import degrade
from facekit.synthetic.expressions import (
    applied,
    line_depths,
    look_weights,
    random_expression,
    without_conflicts,
)
from facekit.synthetic.sampling import FACS, Distribution, random_gaze, random_pose


def test_a_full_blink_closes_whatever_the_resting_lids() -> None:
    for lids in (0.0, 0.12, 0.4):
        bent = applied({"eyeBlink_L": 1.0}, jaw=-0.01, lids=lids)
        assert bent["eyeBlink_L"] == pytest.approx(1.12)
        assert bent["eyeBlink_R"] == pytest.approx(lids)


def test_neutral_lips_are_closed_and_open_ones_left_alone() -> None:
    assert applied({}, jaw=-0.02, lids=0)["jawOpen"] == pytest.approx(-0.02)
    assert applied({"jawOpen": 0.5}, jaw=-0.02, lids=0)["jawOpen"] == 0.5


def test_lids_follow_the_eyes() -> None:
    weights = look_weights(np.array([[20.0, 14.0], [20.0, -15.0]]))
    # Both eyes look to image right: the subject's left eye outward, the right eye inward.
    assert set(weights) == {"eyeLookUp_L", "eyeLookOut_L", "eyeLookDown_R", "eyeLookIn_R"}
    assert weights["eyeLookUp_L"] == pytest.approx(0.5)


def test_closed_eyes_are_not_wide() -> None:
    weights = without_conflicts({"eyeBlink_L": 0.9, "eyeWide_L": 0.8, "eyeWide_R": 0.7})
    assert "eyeWide_L" not in weights
    assert weights["eyeWide_R"] == 0.7


def test_random_expressions_keep_their_limits_and_are_varied() -> None:
    random = np.random.default_rng(0)
    drawn = [random_expression(random) for _ in range(800)]
    assert all(0 < weight <= 1.5 for weights in drawn for weight in weights.values())
    lopsided = [w for w in drawn if abs(w.get("mouthSmile_L", 0) - w.get("mouthSmile_R", 0)) > 0.2]
    assert len(lopsided) > 15
    assert 60 < sum(not weights for weights in drawn) < 200
    names = {name for weights in drawn for name in weights}
    assert len(names) >= 16 * 2 + 12


def test_lines_appear_on_the_side_that_moves() -> None:
    depth = line_depths({"browOuterUp_L": 1.0}, strength=0.5, age=0.0)
    assert depth[0] > 0.3 and depth[1] == 0


def test_pose_and_gaze_keep_their_limits() -> None:
    random, wanted = np.random.default_rng(1), Distribution()
    poses = np.array([random_pose(random, wanted) for _ in range(2000)])
    assert (np.abs(poses) <= [80, 45, 40]).all()
    assert (np.abs(poses[:, 0]) > 60).mean() > 0.08
    gazes = np.array([random_gaze(random, wanted) for _ in range(500)])
    assert (np.abs(gazes[..., 0]) <= 42).all()
    assert (gazes[:, 0, 0] <= gazes[:, 1, 0]).all()  # eyes converge, never diverge


def test_faces_for_action_units_look_at_the_camera_but_for_a_tenth() -> None:
    random = np.random.default_rng(2)
    poses = np.array([random_pose(random, FACS) for _ in range(3000)])
    np.testing.assert_allclose(poses[:, 1:].std(0), [8, 6], rtol=0.1)
    assert np.median(np.abs(poses[:, 0])) == pytest.approx(0.67 * 13, abs=1.5)
    assert 0.03 < (np.abs(poses[:, 0]) > 30).mean() < 0.08
    assert np.abs(poses[:, 0]).max() <= 45


def test_backgrounds_and_degradation_are_seeded() -> None:
    pictures = []
    for _ in range(2):
        random = np.random.default_rng(5)
        pictures.append(degrade(random_background(random, 64), random))
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert pictures[0].shape == (64, 64, 3) and pictures[0].dtype == np.uint8
