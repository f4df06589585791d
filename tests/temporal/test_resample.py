import numpy as np
import pytest

from facekit.temporal.features import SIZE
from facekit.temporal.resample import BRIDGE_S, Grid
from facekit.types import Floats


def row(value: float) -> Floats:
    return np.full(SIZE, value, np.float32)


def run(times: list[float], values: list[float] | None = None) -> list[list[float]]:
    grid = Grid()
    values = values or times
    return [grid.push(t, row(v))[:, 0].tolist() for t, v in zip(times, values, strict=True)]


@pytest.mark.parametrize("rate", [10, 15, 25, 30, 59.94, 60])
def test_a_straight_line_stays_one_at_any_rate(rate: float) -> None:
    times = (np.arange(40) / rate).tolist()
    steps = np.concatenate(run(times))
    np.testing.assert_allclose(steps, np.arange(len(steps)) / 30, atol=0.0021)
    assert len(steps) == int((times[-1] + 0.002) * 30) + 1


def test_times_rounded_to_milliseconds_stand_for_their_step() -> None:
    assert run([0, 0.033, 0.067, 0.1], [1, 2, 3, 4]) == [[1], [2], [3], [4]]


def test_what_lies_too_far_apart_is_missing_between() -> None:
    found = run([0, BRIDGE_S - 0.02, 1.0], [0, 1, 5])
    assert len(found[1]) == 9 and np.isfinite(found[1]).all()
    assert np.isnan(found[2][:-1]).all() and found[2][-1] == 5
    assert 1 + 9 + len(found[2]) == 31


def test_a_missing_number_is_missing_until_the_next_one() -> None:
    found = run([0, 0.1, 0.2], [1, np.nan, 3])
    assert np.isnan(found[1]).all() and np.isnan(found[2][:-1]).all() and found[2][-1] == 3


def test_the_interval_between_frames_is_told() -> None:
    grid = Grid()
    first = grid.push(5.0, row(0))
    later = grid.push(5.1, row(0))
    assert first[0, -1] == pytest.approx(1 / 30)
    np.testing.assert_allclose(later[:, -1], 0.1, atol=1e-6)


def test_the_same_moment_twice_adds_nothing_and_time_does_not_fall() -> None:
    grid = Grid()
    grid.push(1.0, row(0))
    assert len(grid.push(1.0, row(1))) == 0
    with pytest.raises(ValueError, match=r"falls from 1\.0 to 0\.9"):
        grid.push(0.9, row(1))
