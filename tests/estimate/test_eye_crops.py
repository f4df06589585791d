import cv2
import numpy as np
import pytest

from facekit.estimate.eye_crops import (
    HEIGHT,
    SCALE,
    WIDTH,
    cut_eyes,
    fit_eye_image,
    gray_around,
    place_of_corners,
    place_of_landmarks,
)
from facekit.geometry import apply
from facekit.types import Image

MIDDLE = np.array([WIDTH - 1, HEIGHT - 1]) / 2


def _corners(roll_deg: float, unit: float, yaw_deg: float = 0.0) -> np.ndarray:
    """Outer and inner corners of the left and right eye around (200, 150)."""
    across = unit * np.cos(np.deg2rad(yaw_deg))
    level = np.array([[[0.72, 0], [0.28, 0]], [[-0.72, 0], [-0.28, 0]]]) * across
    angle = np.deg2rad(roll_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(level @ turn.T + [200, 150])


@pytest.mark.parametrize("roll_deg", [0, 25, -60, 120])
@pytest.mark.parametrize("yaw_deg", [0, 40, -55])
def test_crops_are_level_and_of_one_size_however_the_head_is_turned(
    roll_deg: float, yaw_deg: float
) -> None:
    place = place_of_corners(_corners(roll_deg, 80.0, yaw_deg), yaw_deg)
    assert place.unit == pytest.approx(80.0)
    assert place.roll_deg == pytest.approx(roll_deg)
    assert place.middle == pytest.approx([200, 150])
    for side in (0, 1):
        matrix = place.matrix(side)
        assert apply(matrix, place.centres[side][None])[0] == pytest.approx(MIDDLE, abs=1e-4)
        assert np.hypot(*matrix[:, 0]) == pytest.approx(SCALE / 80.0)
        other = apply(matrix, place.centres[1 - side][None])[0] - MIDDLE
        assert other[1] == pytest.approx(0, abs=1e-3)


def test_in_full_profile_the_scale_stays_finite() -> None:
    assert place_of_corners(_corners(0, 80.0), 90.0).unit == pytest.approx(80 / 0.3)


def test_the_left_eye_is_the_one_on_image_right() -> None:
    points = np.zeros((478, 3), np.float32)
    points[[263, 362], :2] = [[236, 150], [214, 150]]
    points[[33, 133], :2] = [[164, 150], [186, 150]]
    place = place_of_landmarks(points, 0.0)
    image = np.zeros((300, 400, 3), np.uint8)
    image[:, 200:] = (255, 0, 0)
    left, right = cut_eyes(image, place)
    assert left.mean() > 60 > 1 > right.mean()
    assert left.max() == pytest.approx(76, abs=1)  # gray of pure red, BT.601


def _picture(size: int) -> Image:
    random = np.random.default_rng(0)
    rough = random.integers(0, 255, (12, 16), np.uint8)
    return np.asarray(
        cv2.resize(rough, (4 * size, 3 * size), interpolation=cv2.INTER_CUBIC), np.uint8
    )


def test_a_picture_five_times_as_large_gives_the_same_crops() -> None:
    small = _picture(100)
    large = np.asarray(cv2.resize(small, None, fx=5, fy=5), np.uint8)
    corners = _corners(10.0, 80.0)
    one = cut_eyes(small, place_of_corners(corners, 0.0))
    other = cut_eyes(large, place_of_corners((corners + 0.5) * 5 - 0.5, 0.0))
    assert np.abs(one - other).mean() < 1.5


def test_a_mirrored_picture_gives_the_mirrored_crops_of_the_other_eyes() -> None:
    image, corners = _picture(100), _corners(12.0, 80.0)
    flipped = np.ascontiguousarray(image[:, ::-1])
    other = corners[::-1].copy()
    other[..., 0] = image.shape[1] - 1 - other[..., 0]
    left, right = cut_eyes(image, place_of_corners(corners, 0.0))
    mirrored_left, mirrored_right = cut_eyes(flipped, place_of_corners(other, 0.0))
    assert np.abs(mirrored_left - right[:, ::-1]).max() <= 3
    assert np.abs(mirrored_right - left[:, ::-1]).max() <= 3


@pytest.mark.parametrize("shift", [(0, 0), (-190, 0), (190, 130)])
def test_gray_first_gives_the_same_crops(shift: tuple[float, float]) -> None:
    random = np.random.default_rng(0)
    rough = random.integers(0, 255, (30, 40, 3), np.uint8)
    image = np.asarray(cv2.resize(rough, (400, 300)), np.uint8)
    place = place_of_corners(_corners(20.0, 80.0) + np.array(shift), 0.0)
    gray, moved = gray_around(image, place)
    assert gray.size < image[..., 0].size
    assert np.abs(cut_eyes(gray, moved) - cut_eyes(image, place)).max() <= 2


def test_eyes_outside_of_the_frame_are_black() -> None:
    place = place_of_corners(_corners(0.0, 80.0) + 1000.0, 0.0)
    gray, moved = gray_around(_picture(100)[..., None].repeat(3, axis=2), place)
    assert cut_eyes(gray, moved).max() == 0


@pytest.mark.parametrize("shape", [(26, 34), (64, 64), (300, 200, 3), (1, 5)])
def test_the_whole_picture_of_an_eye_is_kept(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 10, np.uint8)
    image[0, 0] = image[-1, -1] = 250
    found = fit_eye_image(image)
    assert found.shape == (HEIGHT, WIDTH)
    assert found.max() > 10
