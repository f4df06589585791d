import numpy as np
import pytest

from facekit.estimate.crops import Square
from facekit.estimate.head_pose import (
    _RIGID,
    _RIGID_MM,
    crop_turn,
    locate,
    points_in_mm,
    rotation_of,
    turned_sd,
)
from facekit.geometry import Camera, angles, ray_rotation, rotation
from facekit.types import Floats, HeadPose, Landmarks

CAMERA = Camera(900.0, 639.5, 359.5)
POSES = [(0, 0, 0), (35, -20, 12), (-70, 15, -30), (88, 5, 40)]
PLACES = [(0, 0, 600), (250, -120, 500), (-900, 500, 1500)]


def _nose(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix @ [0, 0, -1])


def _landmarks(pose: tuple[float, ...], place: tuple[float, ...]) -> Floats:
    """Landmarks of the average face; only the rigid ones are set."""
    points = np.zeros((478, 3), np.float32)
    head = _RIGID_MM @ rotation(*pose).T + place
    points[_RIGID, :2] = CAMERA.project(head)
    along = np.array(place) / np.linalg.norm(place)
    px_per_mm = CAMERA.focal / np.linalg.norm(place)
    points[_RIGID, 2] = ((head - place) @ along) * px_per_mm
    return points


def test_six_numbers_become_a_rotation() -> None:
    matrix = rotation(30, -10, 5)
    six = np.concatenate([2 * matrix[:, 0], 3 * matrix[:, 1] + matrix[:, 0]])
    assert rotation_of(six.astype(np.float32)) == pytest.approx(matrix, abs=1e-6)


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_rolled_crop_off_the_centre_shows_is_turned_back(
    pose: tuple[float, ...], place: tuple[float, ...]
) -> None:
    true, roll_deg = rotation(*pose), 17.0
    in_crop = rotation(0, 0, -roll_deg) @ ray_rotation(np.array(place, float)).T @ true
    turned = crop_turn(roll_deg, np.array(place, float)) @ in_crop
    assert angles(turned) == pytest.approx(pose, abs=1e-6)


def test_a_face_at_the_right_edge_that_looks_into_the_lens_has_a_negative_yaw() -> None:
    turned = crop_turn(0.0, np.array([0.5, 0.0, 1.0]))
    assert angles(turned) == pytest.approx([-np.degrees(np.arctan(0.5)), 0, 0])
    assert _nose(turned) == pytest.approx(-np.array([0.5, 0, 1]) / np.hypot(0.5, 1))


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("place", PLACES)
def test_the_average_face_is_found_where_it_is(
    pose: tuple[float, ...], place: tuple[float, ...]
) -> None:
    points = _landmarks(pose, place)
    assert locate(points, rotation(*pose), CAMERA) == pytest.approx(place, rel=1e-3, abs=0.05)


@pytest.mark.parametrize("pose", POSES)
def test_landmarks_in_mm_project_onto_the_landmarks(pose: tuple[float, ...]) -> None:
    place = (80.0, -60.0, 700.0)
    marks = Landmarks(_landmarks(pose, place))
    yaw, pitch, roll = pose
    head = HeadPose(yaw, pitch, roll, 1.0, 1.0, 1.0, np.array(place, np.float32))
    found = points_in_mm(marks, head, CAMERA)[_RIGID]
    assert CAMERA.project(found) == pytest.approx(marks.points[_RIGID, :2], abs=0.01)
    true = _RIGID_MM @ rotation(*pose).T + place
    assert np.linalg.norm(found - true, axis=1).max() < 5


def test_sd_is_kept_on_the_axis_and_mixed_by_a_turn() -> None:
    seen, sd, ahead = rotation(20, 10, 0), np.array([2.0, 3.0, 1.0]), np.array([0.0, 0.0, 1.0])
    assert turned_sd(seen, sd, crop_turn(25.0, ahead)) == pytest.approx(sd, rel=1e-3)
    mixed = turned_sd(seen, sd, crop_turn(25.0, np.array([0.4, 0.3, 1.0])))
    assert not np.allclose(mixed, sd, rtol=0.01)
    assert np.isfinite(mixed).all()


def test_sd_does_not_leap_where_angles_wrap() -> None:
    sd = turned_sd(rotation(0, 0, 179.99), np.ones(3), np.eye(3))
    assert sd == pytest.approx(np.ones(3), rel=1e-3)


def test_mirrored_rotation_negates_yaw_and_roll_and_keeps_pitch() -> None:
    flip = np.diag([-1.0, 1.0, 1.0])
    for pose in POSES:
        yaw, pitch, roll = angles(flip @ rotation(*pose) @ flip)
        assert (yaw, pitch, roll) == pytest.approx((-pose[0], pose[1], -pose[2]))


@pytest.mark.parametrize("yaw", [90.0, -90.0])
def test_at_the_gimbals_lock_angles_stay_a_rotation(yaw: float) -> None:
    matrix = rotation(yaw, 20, 30)
    found = angles(matrix)
    assert found[1] == 0
    assert rotation(*found) == pytest.approx(matrix, abs=1e-6)


def test_a_square_of_the_crop_rule_turns_the_crop_upright() -> None:
    square = Square(np.array([50.0, 60.0]), 40.0, 90.0)
    top = np.array([[50.0 + 20, 60.0]])  # a head tilted clockwise has its top at image right
    inside = top @ square.matrix()[:, :2].T + square.matrix()[:, 2]
    assert inside[0, 1] < 1
