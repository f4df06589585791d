import numpy as np
import pytest

from facekit.errors import OptionsError
from facekit.synthetic.camera import FORWARD, Camera, angles, frame_points, ray_rotation, rotation
from facekit.synthetic.sampling import Distribution

RIGHT_EAR_TO_LEFT = np.array([1.0, 0.0, 0.0])


def test_no_angles_is_the_identity() -> None:
    np.testing.assert_allclose(rotation(0, 0, 0), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [((30, 0, 0), 0, 1), ((-30, 0, 0), 0, -1), ((0, 20, 0), 1, -1), ((0, -20, 0), 1, 1)],
)
def test_nose_goes_where_the_sign_says(pose: tuple[int, int, int], axis: int, sign: int) -> None:
    nose = rotation(*pose) @ FORWARD
    assert np.sign(nose[axis]) == sign
    assert nose[2] < 0  # still towards the camera


def test_roll_turns_clockwise_in_the_picture() -> None:
    # The subject's left is on image right; a clockwise turn takes it down.
    assert (rotation(0, 0, 25) @ RIGHT_EAR_TO_LEFT)[1] > 0


@pytest.mark.parametrize("pose", [(0, 0, 0), (80, 45, -40), (-63, -20, 31), (10, -5, 3)])
def test_angles_invert_rotation(pose: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(angles(rotation(*pose)), pose, atol=1e-9)


def test_mirroring_negates_yaw_and_roll_and_keeps_pitch() -> None:
    flip = np.diag([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(
        flip @ rotation(35, 12, -20) @ flip, rotation(-35, 12, 20), atol=1e-12
    )


def test_ray_rotation_takes_the_axis_to_the_ray() -> None:
    ray = np.array([0.3, -0.2, 1.0]) / np.linalg.norm([0.3, -0.2, 1.0])
    turn = ray_rotation(ray)
    np.testing.assert_allclose(turn @ [0, 0, 1], ray, atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)


def test_a_head_turned_towards_the_lens_from_the_side_has_yaw() -> None:
    # On image right, looking into the lens means looking to image left.
    assert angles(ray_rotation(np.array([0.5, 0, 1.0])))[0] < -20


def test_supersampling_keeps_pixel_centres() -> None:
    camera, points = Camera(300, 90, 50), np.array([[3.0, -2.0, 40.0], [0.0, 0.0, 40.0]])
    fine = camera.scaled(2).project(points)
    np.testing.assert_allclose((fine + 0.5) / 2 - 0.5, camera.project(points), atol=1e-4)


def test_framing_puts_the_box_where_it_was_asked() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3)) + [5, -3, 60]
    pixels = frame_points(points, 200, 0.5, (0.55, 0.45)).project(points)
    low, high = pixels.min(0), pixels.max(0)
    assert (high - low).max() == pytest.approx(100, abs=0.01)
    np.testing.assert_allclose((low + high) / 2, [109.5, 89.5], atol=0.01)


def test_impossible_distribution_is_refused() -> None:
    with pytest.raises(OptionsError, match="extent"):
        Distribution(extent=(0.7, 0.4))
    with pytest.raises(OptionsError, match="distance"):
        Distribution(distance=(5, 100))
