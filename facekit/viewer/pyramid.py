"""Pyramids of extremes: a long trace at every scale, so that only what is seen is sent.

Level 0 has one bin for each frame; each further level joins `FACTOR` bins of the one below into
their smallest and largest values, so that no peak is lost however far one zooms out.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FACTOR = 4
PIECE = 2048
"""Bins in a piece, the unit in which bins are sent."""

Bins: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Level:
    """One scale of a trace; NaN where no value is.

    Attributes:
        low: (bins,) smallest value in each bin.
        high: (bins,) largest value.
        band_low: (bins,) smallest value less its standard deviation; None without one.
        band_high: (bins,) largest value plus its standard deviation; None without one.
    """

    low: Bins
    high: Bins
    band_low: Bins | None
    band_high: Bins | None

    def arrays(self) -> tuple[Bins, ...]:
        """The arrays in the order in which they are sent."""
        if self.band_low is None or self.band_high is None:
            return self.low, self.high
        return self.low, self.high, self.band_low, self.band_high


def level_count(frames: int) -> int:
    """The number of levels above `frames` frames: the last fits into half a piece."""
    levels = 1
    while frames > PIECE // 2:
        frames = -(-frames // FACTOR)
        levels += 1
    return levels


def extremes(values: Bins, spread: Bins | None) -> tuple[Level, ...]:
    """The pyramid of a trace.

    Args:
        values: (frames,) NaN where missing.
        spread: (frames,) standard deviations; None if there are none.
    """
    band = (None, None) if spread is None else (values - spread, values + spread)
    found = [Level(values, values, *band)]
    for _ in range(level_count(len(values)) - 1):
        below = found[-1]
        low, high = _joined(below.low, np.fmin), _joined(below.high, np.fmax)
        if below.band_low is None or below.band_high is None:
            found.append(Level(low, high, None, None))
        else:
            band_low = _joined(below.band_low, np.fmin)
            found.append(Level(low, high, band_low, _joined(below.band_high, np.fmax)))
    return tuple(found)


def shares(flags: NDArray[np.bool_]) -> tuple[Bins, ...]:
    """For every level the share of frames with `flags` in each bin, 0-1."""
    found = [flags.astype(np.float32)]
    weights = np.ones(len(flags), np.float32)
    for _ in range(level_count(len(flags)) - 1):
        counts = _joined(weights, np.add, 0)
        total = _joined(found[-1] * weights, np.add, 0)
        found.append(np.asarray(total / counts, np.float32))
        weights = counts
    return tuple(found)


def bin_times(times: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """For every level the time of each bin: the middle between its first and last frame's."""
    found = [times]
    size = 1
    for _ in range(level_count(len(times)) - 1):
        size *= FACTOR
        first = np.arange(0, len(times), size)
        last = np.minimum(first + size, len(times)) - 1
        found.append((times[first] + times[last]) / 2)
    return tuple(found)


def piece(values: NDArray[np.floating], number: int) -> NDArray[np.floating]:
    """The bins of a piece; none past the end."""
    return values[number * PIECE : (number + 1) * PIECE]


def _joined(values: Bins, join: np.ufunc, padding: float = np.nan) -> Bins:
    missing = -len(values) % FACTOR
    padded = np.pad(values, (0, missing), constant_values=padding)
    return np.asarray(join.reduce(padded.reshape(-1, FACTOR), axis=1), np.float32)
