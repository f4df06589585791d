import math

import numpy as np
import pytest
import torch

from facekit.synthetic.camera import angles, rotation
from facekit.train.losses import angles_deg, geodesic, point_loss, rotation_matrix, student_nll


def _rotations() -> torch.Tensor:
    given = [(0, 0, 0), (30, -10, 5), (-70, 20, -35), (10, 40, 80)]
    return torch.tensor(np.stack([rotation(*one) for one in given]))


def test_six_numbers_give_the_rotation_they_came_from() -> None:
    truth = _rotations()
    six = torch.cat([2.5 * truth[:, :, 0], truth[:, :, 1] + 0.3 * truth[:, :, 0]], dim=1)
    torch.testing.assert_close(rotation_matrix(six), truth)


def test_geodesic_is_the_angle() -> None:
    truth = _rotations()
    turned = truth @ torch.tensor(rotation(0, 0, 25))
    expected = torch.full((4,), math.radians(25), dtype=torch.float64)
    torch.testing.assert_close(geodesic(truth, turned), expected, rtol=1e-4, atol=1e-5)
    assert float(geodesic(truth, truth).max()) < 1e-5


def test_geodesic_has_a_gradient_at_zero() -> None:
    matrix = _rotations().requires_grad_()
    geodesic(matrix, _rotations()).sum().backward()  # type: ignore[no-untyped-call]
    assert matrix.grad is not None and bool(torch.isfinite(matrix.grad).all())


def test_angles_follow_the_conventions() -> None:
    expected = torch.tensor(np.stack([angles(one.numpy()) for one in _rotations()]))
    torch.testing.assert_close(angles_deg(_rotations()), expected)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_the_likelihood_is_best_at_the_true_scale(scale: float) -> None:
    drawn = np.random.default_rng(0).standard_t(4, (20000, 1, 1))
    error = torch.from_numpy(scale * drawn)
    ones = torch.ones_like(error)
    values = [
        float(student_nll(error, math.log(scale * factor) * ones, ones)) for factor in (0.7, 1, 1.4)
    ]
    assert values[1] < min(values[0], values[2])


def test_a_sure_mistake_has_a_bounded_slope() -> None:
    log_scale = torch.full((1, 1, 1), -20.0, requires_grad=True)
    ones = torch.ones(1, 1, 1)
    student_nll(ones, log_scale, ones).backward()  # type: ignore[no-untyped-call]
    assert log_scale.grad is not None
    assert abs(float(log_scale.grad)) <= 4.001


def test_points_without_weight_do_not_count() -> None:
    truth = torch.zeros(1, 2, 2)
    found = torch.tensor([[[0.0, 0.0], [9.0, 9.0]]])
    weights = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    assert float(point_loss(found, truth, weights, 112)) == 0
