import numpy as np
import pytest

from facekit.train.evaluation.bootstrap import bootstrap, mean_of
from facekit.train.evaluation.scores import (
    centred_class_mae_of,
    class_mae_of,
    class_slope_of,
    covered,
    face_errors,
    guess,
    outer_eye_distance,
    ratio_of,
    spearman_of,
    turn,
)

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])


def _everyone(count: int) -> np.ndarray:
    return np.arange(count)


def test_bootstrap_draws_people_not_pictures() -> None:
    # Two people with a hundred equal pictures each: only 2, 1 or 0 of the second can be drawn.
    values, person = np.repeat([0.0, 1.0], 100), np.repeat(["a", "b"], 100)
    estimate = bootstrap(mean_of(values), person)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.0, 1.0)
    alone = bootstrap(mean_of(values), np.arange(200))
    assert 0.4 < alone.low < 0.45 < 0.55 < alone.high < 0.6


def test_bootstrap_is_the_same_every_time_and_covers_as_it_says() -> None:
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        values = random.normal(2.0, 1.0, 40)
        estimate = bootstrap(mean_of(values), np.arange(40), draws=300)
        assert bootstrap(mean_of(values), np.arange(40), draws=300) == estimate
        hits += estimate.low <= 2.0 <= estimate.high
    assert 0.88 <= hits / 200 <= 0.99


def test_one_person_has_no_interval() -> None:
    estimate = bootstrap(mean_of([1.0, 3.0]), np.array(["a", "a"]))
    assert estimate.value == 2.0
    assert np.isnan(estimate.low)
    assert np.isnan(estimate.high)


def test_errors_are_means_of_distances_in_the_unit() -> None:
    truth = np.stack([SQUARE, SQUARE + 5])
    points = truth.copy()
    points[0, 0] += [3, 4]
    errors, found = face_errors(points, truth, np.array([10.0, 1.0]))
    assert errors == pytest.approx([5 / 4 / 10, 0])
    assert found.tolist() == [True, True]
    usable = np.array([[False, True, True, True], [True] * 4])
    errors, _ = face_errors(points, truth, np.array([10.0, 1.0]), usable)
    assert errors == pytest.approx([0, 0])


def test_a_face_that_is_not_found_is_charged_the_average_face() -> None:
    lopsided = SQUARE.copy()
    lopsided[2] = [4.0, 10.0]
    truth = np.stack([SQUARE, lopsided])
    points = truth.copy()
    points[1] = np.nan
    errors, found = face_errors(points, truth, np.ones(2))
    assert found.tolist() == [True, False]
    assert errors[0] == 0
    # The average has that corner at 7, three pixels off the true one; one point out of four.
    assert guess(truth)[1, 2].tolist() == [7, 10]
    assert errors[1] == pytest.approx(3 / 4)


def test_a_face_with_no_usable_point_has_no_error() -> None:
    errors, _ = face_errors(SQUARE[None], SQUARE[None], np.ones(1), np.zeros((1, 4), bool))
    assert np.isnan(errors).all()


def test_outer_eye_distance_takes_ibug_36_and_45() -> None:
    points = np.zeros((1, 68, 2))
    points[0, 36], points[0, 45] = [1, 1], [4, 5]
    assert outer_eye_distance(points).tolist() == [5]


def test_coverage_counts_each_coordinate() -> None:
    truth = np.zeros((1, 2, 2))
    points = np.array([[[0.5, 2.0], [0.5, 0.5]]])
    inside, total = covered(points, np.ones((1, 2)), truth, np.array([[True, False]]))
    assert (inside.tolist(), total.tolist()) == ([1], [2])
    assert ratio_of(inside, total)(np.array([0])) == 0.5


def test_gaussian_errors_with_their_own_sd_cover_two_thirds() -> None:
    random = np.random.default_rng(0)
    sd = random.uniform(0.5, 3, (200, 50))
    points = random.normal(0, 1, (200, 50, 2)) * sd[..., None]
    inside, total = covered(points, sd, np.zeros((200, 50, 2)), np.ones((200, 50), bool))
    assert ratio_of(inside, total)(_everyone(200)) == pytest.approx(0.683, abs=0.01)


def test_spearman_is_of_ranks() -> None:
    assert spearman_of(np.array([1.0, 2, 3, 4]), np.array([1.0, 8, 27, 64]))(_everyone(4)) == 1
    assert spearman_of(np.array([1.0, 2, 3]), np.array([3.0, 2, 1]))(_everyone(3)) == -1
    assert np.isnan(spearman_of(np.ones(3), np.arange(3.0))(_everyone(3)))


def test_class_mae_gives_every_class_the_same_weight() -> None:
    label = np.array([0.0] * 8 + [15.0] * 2)
    yaw = np.array([1.0] * 8 + [10.0] * 2)
    assert class_mae_of(yaw, label)(_everyone(10)) == pytest.approx((1 + 5) / 2)
    # Its own mean at class 0 taken off: 0 there, 15 - 9 there.
    assert centred_class_mae_of(yaw, label)(_everyone(10)) == pytest.approx((0 + 6) / 2)
    assert class_slope_of(yaw, label)(_everyone(10)) == pytest.approx(9 / 15)


def test_a_draw_without_class_zero_still_has_a_number() -> None:
    label, yaw = np.array([15.0, 15.0, 30.0]), np.array([15.0, 17.0, 33.0])
    assert centred_class_mae_of(yaw, label)(_everyone(3)) == pytest.approx((1 + 3) / 2)


def test_differences_of_angles_wrap() -> None:
    assert turn(np.array([179.0, -170.0, 10.0]), np.array([-179.0, 170.0, 350.0])) == pytest.approx(
        [-2, 20, 20]
    )
