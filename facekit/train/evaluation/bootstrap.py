"""Intervals by person: the pictures of one person stand and fall together.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), percentile interval over clusters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000

Statistic = Callable[[NDArray[np.intp]], float]
"""A number out of the rows that a draw holds; NaN where the draw does not define it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval, which is NaN where one person is all there is."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Statistic, person: NDArray[np.generic], draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """A statistic with its interval over people.

    Args:
        statistic: takes row numbers, with repetitions.
        person: (n,) whom each row shows.
        draws: bootstrap samples.
        seed: of the draws.
    """
    everything = np.arange(len(person))
    value = statistic(everything)
    _, group = np.unique(person, return_inverse=True)
    people = int(group.max(initial=-1)) + 1
    if people < 2:
        return Estimate(value, float("nan"), float("nan"))
    rows_of = [np.flatnonzero(group == number) for number in range(people)]
    random = np.random.default_rng(seed)
    values = [
        statistic(np.concatenate([rows_of[i] for i in random.integers(0, people, people)]))
        for _ in range(draws)
    ]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def mean_of(values: ArrayLike) -> Statistic:
    """The mean of (n,) values over the rows of a draw."""
    numbers = np.asarray(values, np.float64)
    return lambda rows: float(numbers[rows].mean()) if len(rows) else float("nan")
