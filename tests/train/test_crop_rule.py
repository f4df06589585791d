import numpy as np
import pytest

from facekit.estimate.crops import SIZE, square_of_landmarks, square_of_region, to_frame
from facekit.geometry import apply, crop_matrix
from facekit.types import Region


def _landmarks() -> np.ndarray:
    random = np.random.default_rng(0)
    points = random.uniform([-7, -8], [7, 9], (478, 2))
    points[[10, 33, 133, 362, 263, 168, 2, 61, 291, 152]] = [
        [0.0, -8.26],
        [-4.45, -2.66],
        [-1.86, -2.59],
        [1.86, -2.59],
        [4.45, -2.66],
        [0.0, -3.27],
        [0.0, 2.09],
        [-2.46, 4.34],
        [2.46, 4.34],
        [0.0, 9.40],
    ]
    return points.astype(np.float32)


@pytest.mark.parametrize("roll_deg", [-50.0, 0.0, 20.0])
def test_a_turned_face_gives_a_turned_square(roll_deg: float) -> None:
    upright = square_of_landmarks(_landmarks())
    move = crop_matrix(np.array([3.0, 4.0]), 5.0, -roll_deg, 50)
    turned = square_of_landmarks(apply(move, _landmarks()))
    assert turned.roll_deg - upright.roll_deg == pytest.approx(roll_deg, abs=0.01)
    assert turned.side == pytest.approx(10 * upright.side, rel=1e-4)
    np.testing.assert_allclose(turned.centre, apply(move, upright.centre[None])[0], atol=0.01)


def test_points_of_a_crop_return_to_the_frame() -> None:
    points = np.column_stack([_landmarks() * 10 + 200, np.zeros(478)]).astype(np.float32)
    square = square_of_landmarks(points)
    flat = (apply(square.matrix(), points[:, :2]) - (SIZE - 1) / 2) / SIZE
    back = to_frame(np.column_stack([flat, points[:, 2]]).astype(np.float32), square)
    np.testing.assert_allclose(back, points, atol=1e-2)


def test_a_detection_gives_nearly_the_square_of_its_landmarks() -> None:
    five = np.array([[-3.15, -2.62], [3.15, -2.62], [0, 0.46], [-2.46, 4.34], [2.46, 4.34]])
    box = np.array([-5.5, -8.5, 12.0, 15.5], np.float32) * 10
    region = Region(None, box, 0.99, (five * 10).astype(np.float32), True)
    found, expected = square_of_region(region), square_of_landmarks(_landmarks() * 10)
    assert abs(found.roll_deg - expected.roll_deg) < 1
    assert found.side / expected.side == pytest.approx(1, abs=0.25)
    assert np.linalg.norm(found.centre - expected.centre) < 0.1 * expected.side
