import numpy as np
import pytest

from facekit.geometry import (
    apply,
    box_around,
    box_centre,
    crop,
    crop_matrix,
    gaze_angles,
    gaze_vectors,
    invert,
    iou,
    rotation,
    similarity,
)


def _boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0, 0, 10, 10), 1.0),
        ((5, 0, 10, 10), 50 / 150),
        ((10, 0, 10, 10), 0.0),
        ((2, 2, 5, 5), 25 / 100),
        ((0, 0, 0, 10), 0.0),
    ],
)
def test_iou_by_hand(other: tuple[float, float, float, float], expected: float) -> None:
    overlap = iou(_boxes((0, 0, 10, 10)), _boxes(other))
    assert overlap == pytest.approx(np.array([[expected]]))


def test_iou_of_nothing_is_empty() -> None:
    assert iou(_boxes(), _boxes((0, 0, 1, 1))).shape == (0, 1)


def test_boxes() -> None:
    assert box_centre(_boxes((10, 20, 30, 40))[0]).tolist() == [25, 40]
    points = np.array([[3, 4], [1, 9], [2, 5]], np.float32)
    assert box_around(points).tolist() == [1, 4, 2, 5]


def test_similarity_recovers_turn_scale_and_shift() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(6, 2)).astype(np.float32)
    matrix = np.array([[1.2, -0.5, 7.0], [0.5, 1.2, -3.0]])
    found = similarity(points, apply(matrix, points))
    assert found == pytest.approx(matrix, abs=1e-5)


def test_invert_undoes_apply() -> None:
    matrix = crop_matrix(np.array([50.0, 40.0]), 30.0, 25.0, 64)
    points = np.array([[48.0, 41.0], [60.0, 30.0]], np.float32)
    assert apply(invert(matrix), apply(matrix, points)) == pytest.approx(points, abs=1e-4)


def test_crop_puts_the_centre_in_the_middle_and_undoes_roll() -> None:
    matrix = crop_matrix(np.array([50.0, 40.0]), 20.0, 90.0, 40)
    assert apply(matrix, np.array([[50.0, 40.0]])) == pytest.approx(np.array([[19.5, 19.5]]))
    # A head rolled clockwise by 90 degrees has its top towards image right: the crop puts it up.
    assert apply(matrix, np.array([[60.0, 40.0]])) == pytest.approx(np.array([[19.5, -0.5]]))


@pytest.mark.parametrize("scale", [1, 4])
def test_crop_shows_what_the_matrix_says(scale: int) -> None:
    image = np.zeros((100 * scale, 100 * scale, 3), np.uint8)
    image[20 * scale : 30 * scale, 60 * scale : 70 * scale] = 200
    corner = (scale - 1) / 2
    centre = np.array([65.0, 25.0]) * scale - 0.5 + 0 * corner
    patch = crop(image, crop_matrix(centre, 20.0 * scale, 0.0, 20), 20)
    assert patch.shape == (20, 20, 3)
    assert patch[6:14, 6:14].min() == 200
    assert patch[:4].max() == 0
    assert patch[:, :4].max() == 0


def test_crop_outside_the_frame_is_black() -> None:
    image = np.full((50, 50, 3), 255, np.uint8)
    patch = crop(image, crop_matrix(np.array([0.0, 25.0]), 20.0, 0.0, 20), 20)
    assert patch[:, :9].max() == 0
    assert patch[:, 11:].min() == 255


@pytest.mark.parametrize("angles_deg", [(0, 0), (30, 0), (0, 20), (-70, -35), (170, 10)])
def test_gaze_angles_follow_the_one_sign_rule(angles_deg: tuple[float, float]) -> None:
    vector = gaze_vectors(np.array(angles_deg))
    turned = rotation(*angles_deg, 0) @ [0, 0, -1]
    assert vector == pytest.approx(turned)
    assert gaze_angles(vector) == pytest.approx(angles_deg)
    right, up = vector[0], -vector[1]
    assert np.sign(right) == pytest.approx(np.sign(angles_deg[0]), abs=1e-9)
    assert np.sign(up) == pytest.approx(np.sign(angles_deg[1]), abs=1e-9)
