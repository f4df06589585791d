"""Scores of action units as pure functions of arrays, and what an answer of nothing is charged.

A constant answer knows nothing: its correlations are 0, not undefined.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from facekit.facs import ACTION_UNITS, SIDED
from facekit.network.action_units import whole_face
from facekit.train.evaluation.bootstrap import Statistic
from facekit.train.evaluation.scores import Array, Mask, all_finite
from facekit.types import ActionUnits

HIGHEST = 5.0
"""Intensity of E."""

_FLAT = 1e-9

Columns: TypeAlias = Callable[[Array, Array], Array]
"""(n, k) answers and (n, k) truths to (k,) scores."""


@dataclass(frozen=True, slots=True, eq=False)
class UnitAnswers:
    """What was answered for each picture of a set; NaN where no face was found.

    Attributes:
        intensity: (n, 22) of the whole face, 0-5.
        probability: (n, 22) 0-1.
        sd: (n, 22) of the intensity.
        sides: (n, 2, 22) intensity of the subject's left and right side; NaN where not sided.
    """

    intensity: Array
    probability: Array
    sd: Array
    sides: Array

    @property
    def found(self) -> Mask:
        """(n,) which faces were found."""
        return all_finite(self.intensity)

    def rows(self, which: NDArray[np.intp]) -> "UnitAnswers":
        """The answers for some of the pictures."""
        return UnitAnswers(*(getattr(self, field.name)[which] for field in fields(self)))

    @classmethod
    def of(cls, records: "list[ActionUnits | None]") -> "UnitAnswers":
        """The records of a set's faces as arrays."""
        count, units = len(records), len(ACTION_UNITS)
        intensity, probability, sd = (np.full((count, units), np.nan) for _ in range(3))
        sides = np.full((count, 2, units), np.nan)
        for row, record in enumerate(records):
            if record is None:
                continue
            intensity[row], probability[row] = record.intensity, record.probability
            sd[row] = record.sd
            sides[row] = record.left, record.right
        return cls(intensity, probability, sd, sides)


def sided(values: Array) -> Array:
    """(n, 2 x 16) of (n, 2, 22): the sided units' left sides, then their right sides."""
    return np.asarray(values[:, :, list(SIDED)].reshape(len(values), -1))


def whole(sides: Array) -> Array:
    """(n, 22) intensity of the whole face out of (n, 2, 22), as the network defines it."""
    return whole_face(torch.from_numpy(np.array(sides, np.float64))).numpy()


def pearson(answers: Array, truth: Array) -> Array:
    """Pearson's r of every column; 0 for a constant answer, NaN for a constant truth."""
    shared, one, other = _moments(answers, truth)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(one > _FLAT, shared / np.sqrt(one * other), 0.0)
    return np.where(other > _FLAT, r, np.nan)


def icc31(answers: Array, truth: Array) -> Array:
    """ICC(3,1) of every column: two raters, single scores, consistency.

    Shrout and Fleiss, "Intraclass correlations: uses in assessing rater reliability",
    Psychological Bulletin 1979. For two raters (BMS - EMS) / (BMS + EMS) is twice the covariance
    over the sum of the variances.
    """
    shared, one, other = _moments(answers, truth)
    with np.errstate(invalid="ignore", divide="ignore"):
        icc = 2 * shared / (one + other)
    return np.where(other > _FLAT, icc, np.nan)


def _moments(answers: Array, truth: Array) -> tuple[Array, Array, Array]:
    """Covariance and variances of every column."""
    a, b = answers - answers.mean(axis=0), truth - truth.mean(axis=0)
    return (a * b).mean(axis=0), (a * a).mean(axis=0), (b * b).mean(axis=0)


def mean_column_of(score: Columns, answers: Array, truth: Array) -> Statistic:
    """The mean over columns of a column score, over the rows of a draw.

    Columns whose truth does not vary within the draw have no score and are left out.
    """

    def statistic(rows: NDArray[np.intp]) -> float:
        scores = score(answers[rows], truth[rows])
        known = scores[np.isfinite(scores)]
        return float(known.mean()) if len(known) else float("nan")

    return statistic


def partial_r(answer: Array, truth: Array, other: Array) -> float:
    """Correlation of an answer with its truth, given the truth of another unit; all (n,)."""
    residuals = [values - _explained(values, other) for values in (answer, truth)]
    return float(pearson(residuals[0][:, None], residuals[1][:, None])[0])


def partial_of(answer: Array, truth: Array, other: Array) -> Statistic:
    """`partial_r` over the rows of a draw."""
    return lambda rows: partial_r(answer[rows], truth[rows], other[rows])


def _explained(values: Array, by: Array) -> Array:
    """The least-squares line of `values` over `by`."""
    centred = by - by.mean()
    spread = float((centred**2).sum())
    slope = float((values * centred).sum()) / spread if spread > _FLAT else 0.0
    return np.asarray(values.mean() + slope * centred)


def auc_of(score: Array, positive: Mask) -> Statistic:
    """Area under the ROC curve (Mann-Whitney) over the rows of a draw; ties count half.

    A NaN is a face that was not found: it ranks on the wrong side of all others.
    """
    charged = np.where(np.isfinite(score), score, np.where(positive, -np.inf, np.inf))

    def statistic(rows: NDArray[np.intp]) -> float:
        marks = positive[rows]
        many, few = int(marks.sum()), int((~marks).sum())
        if not many or not few:
            return float("nan")
        ranks = rankdata(charged[rows])
        return (float(ranks[marks].sum()) - many * (many + 1) / 2) / (many * few)

    return statistic


def median_of(values: Array) -> Statistic:
    """The median of (n,) values over the rows of a draw; NaN counts as the highest intensity."""
    charged = np.where(np.isfinite(values), values, HIGHEST)
    return lambda rows: float(np.median(charged[rows])) if len(rows) else float("nan")


def side_right(sides: Array, truth: Array, apart: float) -> tuple[Mask, Mask]:
    """Whether the stronger side is the truly stronger one.

    Args:
        sides: (n, 2, k) answers, left and right.
        truth: (n, 2, k).
        apart: sides that truly differ by at least this much count.

    Returns:
        (n, k) right, (n, k) counts. No answer and no difference are wrong.
    """
    difference = truth[:, 0] - truth[:, 1]
    answer = np.nan_to_num(sides[:, 0] - sides[:, 1])
    return answer * np.sign(difference) > 0, np.abs(difference) >= apart
