"""A small head fitted to a user's own FACS codes, measured on people who were left out.

Ridge regression (Hoerl and Kennard, 1970) for codes of 0-5, logistic regression with the same
penalty for codes of 0 and 1, on frozen features. The penalty is chosen by leaving out people again
within each fold, so that the people a number is measured on took part in nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from facekit.errors import OptionsError
from facekit.estimate.own_units import Kind, OwnHead, OwnUnit
from facekit.facs import ACTION_UNITS
from facekit.train.evaluation.unit_scores import auc_of, pearson

FOLDS = 5
LEAST_ROWS, LEAST_PEOPLE = 10, 2
PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Tried in turn; of features with a standard deviation of 1."""

Matrix = NDArray[np.float64]
Fit = Callable[[Matrix, Matrix, float], tuple[Matrix, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Faces (or clips) that were coded.

    Attributes:
        features: (n, 86), as `facekit.estimate.own_units.features_of` gives them; of a clip the
            mean over its frames.
        person: (n,) whom each shows: what is never split.
        codes: by unit (``AU12``), (n,) codes; NaN where a unit was not coded.
    """

    features: Matrix
    person: NDArray[np.generic]
    codes: dict[str, Matrix]


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What a unit's fit gained on people left out.

    Attributes:
        code: ``AU12``.
        kind: of its codes.
        rows: coded.
        people: whom they are of.
        measure: ``Pearson r`` or ``AUC``.
        before: facekit's own intensity.
        after: the head's answer, by a head that never saw the person.
    """

    code: str
    kind: Kind
    rows: int
    people: int
    measure: str
    before: float
    after: float


def fit_head(examples: Examples, network: str) -> tuple[OwnHead, list[UnitReport]]:
    """Fit every coded unit that can be fitted.

    Args:
        examples: what was coded.
        network: sha256 of the network that gave the features.

    Returns:
        The head, and what each of its units gained.

    Raises:
        OptionsError: no unit has enough codes.
    """
    fitted: list[OwnUnit] = []
    reports: list[UnitReport] = []
    used = np.zeros(len(examples.person), bool)
    for row, unit in enumerate(ACTION_UNITS):
        codes = examples.codes.get(unit.code)
        if codes is None:
            continue
        known = np.isfinite(codes)
        part = Examples(examples.features[known], examples.person[known], {unit.code: codes[known]})
        made = _fit_unit(unit.code, row, part)
        if made is not None:
            fitted.append(made[0])
            reports.append(made[1])
            used |= known
    if not fitted:
        raise OptionsError(
            f"no action unit has {LEAST_ROWS} codes of {LEAST_PEOPLE} people that differ",
            where="--table",
            advice="Code more faces, both with and without the unit",
        )
    people = len(np.unique(examples.person[used]))
    return OwnHead(fitted, network, int(used.sum()), people), reports


def kind_of(codes: Matrix) -> Kind:
    """Whether codes say how strong or only whether: only 0 and 1 are whether."""
    return "presence" if np.isin(codes, (0, 1)).all() else "intensity"


def _fit_unit(code: str, row: int, part: Examples) -> tuple[OwnUnit, UnitReport] | None:
    """None where there is too little to fit or to measure."""
    codes, people = part.codes[code], np.unique(part.person)
    if len(codes) < LEAST_ROWS or len(people) < LEAST_PEOPLE or np.ptp(codes) == 0:
        return None
    kind = kind_of(codes)
    answers = _held_out(part.features, codes, part.person, kind)
    before, after = (
        _score(kind, values, codes)
        # The intensities stand behind the appearance feature.
        for values in (part.features[:, part.features.shape[1] - len(ACTION_UNITS) + row], answers)
    )
    penalty = _best_penalty(part.features, codes, part.person, kind)
    weights, bias = _fit(part.features, codes, kind, penalty)
    measure = "AUC" if kind == "presence" else "Pearson r"
    held_out = {"before": round(before, 4), "after": round(after, 4)}
    report = UnitReport(code, kind, len(codes), len(people), measure, before, after)
    return OwnUnit(code, kind, weights, bias, held_out), report


def _held_out(features: Matrix, codes: Matrix, person: NDArray[np.generic], kind: Kind) -> Matrix:
    """(n,) scores by heads that never saw the person; the penalty too was chosen without."""
    answers = np.empty(len(codes))
    for out in folds(person):
        rest = ~out
        penalty = _best_penalty(features[rest], codes[rest], person[rest], kind)
        weights, bias = _fit(features[rest], codes[rest], kind, penalty)
        answers[out] = features[out] @ weights + bias
    return answers


def _best_penalty(
    features: Matrix, codes: Matrix, person: NDArray[np.generic], kind: Kind
) -> float:
    parts = folds(person)
    if len(parts) < 2:
        return PENALTIES[len(PENALTIES) // 2]

    def loss(penalty: float) -> float:
        total = 0.0
        for out in parts:
            weights, bias = _fit(features[~out], codes[~out], kind, penalty)
            total += float(_losses(features[out] @ weights + bias, codes[out], kind).sum())
        return total

    return min(PENALTIES, key=loss)


def folds(person: NDArray[np.generic]) -> list[NDArray[np.bool_]]:
    """(n,) masks of the rows left out together: whole people, at most `FOLDS` groups.

    The people with most rows are dealt out first, each to the smallest group.
    """
    people, counts = np.unique(person, return_counts=True)
    groups: list[list[int]] = [[] for _ in range(min(FOLDS, len(people)))]
    sizes = [0] * len(groups)
    for who in np.argsort(-counts, kind="stable").tolist():
        smallest = sizes.index(min(sizes))
        groups[smallest].append(who)
        sizes[smallest] += int(counts[who])
    return [np.isin(person, people[group]) for group in groups]


def _fit(features: Matrix, codes: Matrix, kind: Kind, penalty: float) -> tuple[Matrix, float]:
    """Weights and bias for raw features; fitted on features of mean 0 and standard deviation 1."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-6, scale, np.inf)  # what never varies says nothing
    normal = (features - mean) / scale
    fit: Fit = _logistic if kind == "presence" else _ridge
    weights, bias = fit(normal, codes, penalty)
    raw = weights / scale
    return raw, float(bias - raw @ mean)


def _ridge(features: Matrix, codes: Matrix, penalty: float) -> tuple[Matrix, float]:
    bias = float(codes.mean())
    square = features.T @ features + penalty * np.eye(features.shape[1])
    weights = np.linalg.solve(square, features.T @ (codes - bias))
    return np.asarray(weights, np.float64), bias


def _logistic(features: Matrix, codes: Matrix, penalty: float) -> tuple[Matrix, float]:
    signs = 2 * codes - 1

    def loss(values: Matrix) -> tuple[float, Matrix]:
        weights, bias = values[:-1], values[-1]
        margin = signs * (features @ weights + bias)
        slope = -signs * expit(-margin)
        total = float(np.logaddexp(0, -margin).sum() + penalty / 2 * weights @ weights)
        return total, np.append(features.T @ slope + penalty * weights, slope.sum())

    found = minimize(loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B")
    return found.x[:-1], float(found.x[-1])


def _losses(scores: Matrix, codes: Matrix, kind: Kind) -> Matrix:
    if kind == "presence":
        return np.asarray(np.logaddexp(0, -(2 * codes - 1) * scores))
    return (scores - codes) ** 2


def _score(kind: Kind, values: Matrix, codes: Matrix) -> float:
    if kind == "presence":
        return auc_of(values, codes == 1)(np.arange(len(codes)))
    return float(pearson(values[:, None], codes[:, None])[0])


def report_lines(reports: Sequence[UnitReport]) -> list[str]:
    """The gain of each unit as text, one line each, under a heading."""
    lines = [f"{'unit':6} {'codes':>6} {'people':>6}  {'measure':10} {'before':>7} {'after':>7}"]
    lines += [
        f"{r.code:6} {r.rows:6d} {r.people:6d}  {r.measure:10} {r.before:7.3f} {r.after:7.3f}"
        for r in reports
    ]
    return lines
