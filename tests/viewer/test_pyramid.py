import numpy as np
import pytest

from facekit.viewer.pyramid import (
    FACTOR,
    PIECE,
    bin_times,
    extremes,
    level_count,
    piece,
    shares,
)


@pytest.mark.parametrize("count", [0, 1, 1024, 1025, 9999, 216_000])
def test_the_last_level_fits_into_half_a_piece(count: int) -> None:
    values = np.arange(count, dtype=np.float32)
    levels = extremes(values, None)
    assert len(levels) == level_count(count)
    assert len(levels[-1].low) <= PIECE // 2
    for below, above in zip(levels, levels[1:], strict=False):
        assert len(above.low) == -(-len(below.low) // FACTOR)


def test_no_peak_is_lost_at_any_level() -> None:
    values = np.zeros(50_000, np.float32)
    values[31_337], values[4] = 5, -3
    for size, level in zip(FACTOR ** np.arange(9), extremes(values, None), strict=False):
        assert level.high[31_337 // size] == 5
        assert level.low[4 // size] == -3
        assert (level.high == 5).sum() == 1 and (level.low == -3).sum() == 1


def test_missing_values_are_gaps_only_where_a_bin_has_none() -> None:
    values = np.full(5000, np.nan, np.float32)
    values[[0, 17]] = 1, 2
    second = extremes(values, None)[1]
    assert second.low[0] == second.high[0] == 1
    assert second.high[4] == 2
    assert np.isnan(second.low[1:4]).all() and np.isnan(second.low[5:]).all()


def test_bands_hold_every_deviation() -> None:
    values = np.sin(np.arange(6000, dtype=np.float32))
    spread = np.full(6000, 0.5, np.float32)
    for level in extremes(values, spread):
        assert level.band_low is not None and level.band_high is not None
        np.testing.assert_allclose(level.low - level.band_low, 0.5, atol=1e-5)
        np.testing.assert_allclose(level.band_high - level.high, 0.5, atol=1e-5)
        assert len(level.arrays()) == 4


def test_shares_weigh_the_last_bin_by_its_frames() -> None:
    flags = np.zeros(4097, np.bool_)
    flags[[0, 4096]] = True
    levels = shares(flags)
    assert levels[1][0] == 0.25
    assert levels[1][-1] == 1
    # 4096 and 1 frames under two bins of the level above.
    assert levels[2][-1] == 1


def test_bins_lie_in_the_middle_of_their_frames() -> None:
    times = np.linspace(0, 1029 * 0.04, 1030)
    levels = bin_times(times)
    assert levels[1][0] == pytest.approx(0.06)
    assert levels[1][-1] == pytest.approx((times[1028] + times[1029]) / 2)


def test_pieces_cover_everything_once() -> None:
    values = np.arange(5000.0)
    joined = np.concatenate([piece(values, number) for number in range(4)])
    assert joined.tolist() == values.tolist()
