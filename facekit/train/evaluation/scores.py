"""Scores as pure functions of arrays. What was not found is NaN and is charged, never dropped."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from facekit.train.evaluation.bootstrap import Statistic

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]

OUTER_EYES = (36, 45)
"""iBUG numbers of the outer eye corners."""

INNER = slice(17, 68)
"""iBUG landmarks without the jaw: the 51 inner points."""


def all_finite(values: Array) -> Mask:
    """(n,) whether all numbers of a row of (n, ...) are there."""
    return np.asarray(np.isfinite(values).reshape(len(values), -1).all(axis=1), bool)


def outer_eye_distance(points68: Array) -> Array:
    """(n,) distances between the outer eye corners of (n, 68, 2) points."""
    first, second = OUTER_EYES
    return np.asarray(np.linalg.norm(points68[:, first] - points68[:, second], axis=-1))


def distances(points: Array, truth: Array, unit: Array) -> Array:
    """(n, k) distances of (n, k, 2) points from the truth, in (n,) units."""
    return np.asarray(np.linalg.norm(points - truth, axis=-1) / unit[:, None])


def guess(truth: Array) -> Array:
    """What a constant answer would say: the set's average face in each face's own box.

    A face that was not found costs what this guess is off, so that finding no face is never
    better than any honest attempt, and no arbitrary penalty decides a mean.

    Args:
        truth: (n, k, 2) points of every face.
    """
    low, high = truth.min(axis=1, keepdims=True), truth.max(axis=1, keepdims=True)
    size = high - low
    shape = ((truth - low) / size).mean(axis=0, keepdims=True)
    return np.asarray(low + shape * size)


def face_errors(
    points: Array, truth: Array, unit: Array, usable: Mask | None = None
) -> tuple[Array, Mask]:
    """Mean error of every face.

    Args:
        points: (n, k, 2) answers; NaN for faces that were not found.
        truth: (n, k, 2).
        unit: (n,) what an error of 1 means, pixels.
        usable: (n, k) points that count; None for all.

    Returns:
        (n,) errors, with the charge of `guess` for faces that were not found (NaN where no point
        counts), and (n,) which were found.
    """
    found = all_finite(points)
    answers = np.where(found[:, None, None], points, guess(truth))
    errors = distances(answers, truth, unit)
    counts = np.ones(errors.shape, bool) if usable is None else usable
    total = counts.sum(axis=1)
    means = (errors * counts).sum(axis=1) / np.maximum(total, 1)
    return np.where(total > 0, means, np.nan), found


def ratio_of(part: Array, whole: Array) -> Statistic:
    """Sum of `part` over sum of `whole`, both (n,), over the rows of a draw."""

    def statistic(rows: NDArray[np.intp]) -> float:
        total = float(whole[rows].sum())
        return float(part[rows].sum()) / total if total > 0 else float("nan")

    return statistic


def spearman_of(one: Array, other: Array) -> Statistic:
    """Spearman's rank correlation of two (n,) arrays over the rows of a draw."""

    def statistic(rows: NDArray[np.intp]) -> float:
        first, second = rankdata(one[rows]), rankdata(other[rows])
        if np.ptp(first) == 0 or np.ptp(second) == 0:
            return float("nan")
        return float(np.corrcoef(first, second)[0, 1])

    return statistic


def covered(points: Array, sd: Array, truth: Array, usable: Mask) -> tuple[Array, Array]:
    """How many coordinates lie within one standard deviation, face by face.

    Args:
        points: (n, k, 2).
        sd: (n, k) of each coordinate.
        truth: (n, k, 2).
        usable: (n, k).

    Returns:
        (n,) coordinates inside, (n,) coordinates that count.
    """
    inside = (np.abs(points - truth) <= sd[..., None]) & usable[..., None]
    return inside.sum(axis=(1, 2)).astype(float), 2.0 * usable.sum(axis=1)


def class_mae_of(angle: Array, label: Array) -> Statistic:
    """Mean over classes of the mean absolute error within each class, degrees.

    Args:
        angle: (n,) answers.
        label: (n,) the class each belongs to, as an angle.
    """

    def statistic(rows: NDArray[np.intp]) -> float:
        off, labels = np.abs(angle[rows] - label[rows]), label[rows]
        return float(np.mean([off[labels == given].mean() for given in np.unique(labels)]))

    return statistic


def centred_class_mae_of(angle: Array, label: Array) -> Statistic:
    """As `class_mae_of`, after taking off the method's own mean at class 0."""

    def statistic(rows: NDArray[np.intp]) -> float:
        zero = angle[rows][label[rows] == 0]
        shift = float(zero.mean()) if len(zero) else 0.0
        return class_mae_of(angle - shift, label)(rows)

    return statistic


def class_slope_of(angle: Array, label: Array) -> Statistic:
    """Least-squares slope of the class means over the classes; 1 is right."""

    def statistic(rows: NDArray[np.intp]) -> float:
        answers, labels = angle[rows], label[rows]
        classes = np.unique(labels)
        if len(classes) < 2:
            return float("nan")
        means = [answers[labels == given].mean() for given in classes]
        return float(np.polyfit(classes, means, 1)[0])

    return statistic


def turn(first: Array, second: Array) -> Array:
    """Signed difference of angles in degrees, wrapped to -180 ... 180."""
    return np.asarray((first - second + 180) % 360 - 180)
