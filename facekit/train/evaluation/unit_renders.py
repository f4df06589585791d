"""Action units on rendered test people: exact intensity of each side."""

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS, SIDED
from facekit.synthetic.action_units import ROW
from facekit.train.evaluation.bootstrap import mean_of
from facekit.train.evaluation.peers import BlendshapeUnits
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.scores import Array, ratio_of
from facekit.train.evaluation.unit_answers import Beside, Findings
from facekit.train.evaluation.unit_scores import (
    UnitAnswers,
    icc31,
    mean_column_of,
    partial_of,
    pearson,
    side_right,
    sided,
    whole,
)

PAIRS = ((6, 12), (1, 2), (4, 7), (23, 24), (15, 17))
"""Units that are easily taken for each other."""

_APART = 1.0
_LIKELY = 0.5
_SHOWS_NOTHING = 0.5


def correlations(found: Findings, pictures: PictureSet, answers: UnitAnswers, peer: Array) -> None:
    """Pearson's r and ICC(3,1) of the sides, beside the peer's where it says anything.

    Args:
        found: takes the rows.
        pictures: with ``units``.
        answers: to them.
        peer: (n, 2, 22) the peer's.
    """
    truth = pictures.labels["units"].astype(np.float64)
    # What was not found is charged as the face that shows nothing.
    ours, theirs = np.nan_to_num(answers.sides), np.nan_to_num(peer)
    missing = float(1 - np.isfinite(peer).any(axis=(1, 2)).mean())
    spoken = [row for row in SIDED if ACTION_UNITS[row].number in BlendshapeUnits.SHAPES]
    for name, score, key, bar in (
        ("Pearson r", pearson, "render_r_sided", "> 0.8"),
        ("ICC(3,1)", icc31, "render_icc_sided", "> 0.75"),
    ):
        statistic = mean_column_of(score, sided(ours), sided(truth))
        metric = f"mean {name} over the {len(SIDED)} sided AUs, left and right"
        found.add(pictures, metric, statistic, answers.found, key=key, bar=bar)
        metric = f"mean {name} over the {len(spoken)} sided AUs that blendshapes tell"
        statistic = mean_column_of(score, *_columns(ours, truth, spoken))
        other = mean_column_of(score, *_columns(theirs, truth, spoken))
        beside = Beside(BlendshapeUnits.name, other, missing)
        found.add(pictures, metric, statistic, answers.found, peer=beside)
        for row, unit in enumerate(ACTION_UNITS):
            beside_unit = None
            if unit.number in BlendshapeUnits.SHAPES:
                statistic = mean_column_of(score, *_columns(theirs, truth, [row]))
                beside_unit = Beside(BlendshapeUnits.name, statistic, missing)
            shown = ours if unit.sided else np.nan_to_num(_both(answers.intensity))
            statistic = mean_column_of(score, *_columns(shown, truth, [row]))
            metric = f"{unit.code} {unit.name}: {name}"
            found.add(pictures, metric, statistic, answers.found, peer=beside_unit)


def sides(found: Findings, pictures: PictureSet, answers: UnitAnswers) -> None:
    """How often the larger side is the right one, where they differ by at least 1 of 5."""
    truth = pictures.labels["units"].astype(np.float64)[:, :, list(SIDED)]
    right, counts = side_right(answers.sides[:, :, list(SIDED)], truth, _APART)
    shares = right & counts
    total = ratio_of(shares.sum(axis=1).astype(float), counts.sum(axis=1).astype(float))
    metric = f"larger side right where they differ by >= {_APART:g}, all sided AUs"
    found.add(pictures, metric, total, answers.found, key="render_side_right", bar=">= 0.95")
    for column, row in enumerate(SIDED):
        part = counts[:, column]
        if part.any():
            metric = (
                f"{ACTION_UNITS[row].code}: larger side right where they differ by >= {_APART:g}"
            )
            statistic = mean_of(right[part, column])
            found.add(pictures, metric, statistic, answers.found, part=part)


def independence(found: Findings, pictures: PictureSet, answers: UnitAnswers) -> None:
    """Partial correlation of each unit of a pair with its own truth, given the other's."""
    truth = whole(pictures.labels["units"])
    ours = np.nan_to_num(answers.intensity)
    values = []
    for pair in PAIRS:
        for own, other in (pair, pair[::-1]):
            statistic = partial_of(ours[:, ROW[own]], truth[:, ROW[own]], truth[:, ROW[other]])
            metric = f"AU{own:02d}: partial r with its truth, given AU{other:02d}"
            key = f"partial_r_AU{own:02d}_given_AU{other:02d}"
            value = found.add(pictures, metric, statistic, answers.found, key=key, bar="> 0.6")
            values.append(value)
    found.metrics["partial_r_worst"] = min(values)


def coverage(found: Findings, pictures: PictureSet, answers: UnitAnswers) -> None:
    """How often the truth lies within one predicted standard deviation."""
    truth = whole(pictures.labels["units"])
    # NaN compares as false: what was not found covers nothing.
    inside = np.abs(answers.intensity - truth) <= answers.sd
    found.add(
        pictures,
        "intensity within one predicted sd, all AUs",
        mean_of(inside.mean(axis=1)),
        answers.found,
        key="coverage_render",
        bar="0.60-0.76",
    )
    for row, unit in enumerate(ACTION_UNITS):
        metric = f"{unit.code}: intensity within one predicted sd"
        found.add(pictures, metric, mean_of(inside[:, row]), answers.found)


def false_alarms(found: Findings, pictures: PictureSet, answers: UnitAnswers) -> None:
    """How often each unit is called present on faces that do not show it.

    Faces at rest still part their lips or half close their eyes a little by chance: a unit
    counts where its truth is below half a level.
    """
    truth = pictures.labels["units"].astype(np.float64).max(axis=1)
    # A face that was not found is a wrong answer for every unit.
    alarm = np.nan_to_num(answers.probability, nan=1.0) > _LIKELY
    shares = []
    for row, unit in enumerate(ACTION_UNITS):
        part = truth[:, row] < _SHOWS_NOTHING
        metric = f"{unit.code}: share of neutral faces with probability > {_LIKELY:g}"
        statistic = mean_of(alarm[part, row])
        value = found.add(pictures, metric, statistic, answers.found, part=part, bar="< 0.05")
        shares.append(value)
    found.metrics["neutral_fpr_worst"] = max(shares)


def _columns(answers: Array, truth: Array, rows: list[int]) -> tuple[Array, Array]:
    """(n, 2 k) answers and truths of some units, left sides before right sides."""
    answer, true = (values[:, :, rows].reshape(len(values), -1) for values in (answers, truth))
    return answer, true


def _both(intensity: Array) -> NDArray[np.floating]:
    """(n, 2, 22): the whole face's intensity for either side."""
    return np.repeat(intensity[:, None], 2, axis=1)
