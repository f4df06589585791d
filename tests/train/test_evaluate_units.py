"""The evaluation of action units against an estimator whose errors are known; no network is run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS, SIDED
from facekit.synthetic.action_units import ROW
from facekit.train.evaluation import unit_clips, unit_photos, unit_renders
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.report import Row
from facekit.train.evaluation.unit_answers import Findings
from facekit.train.evaluation.unit_scores import (
    UnitAnswers,
    auc_of,
    icc31,
    median_of,
    partial_r,
    pearson,
    side_right,
    whole,
)
from facekit.types import ActionUnits, Image

COUNT, UNITS = 400, len(ACTION_UNITS)
SIDED_ROWS = list(SIDED)


def _everyone(count: int = COUNT) -> NDArray[np.intp]:
    return np.arange(count)


def _found() -> Findings:
    return Findings(draws=40)


def _truth() -> NDArray[np.float64]:
    """(n, 2, 22) independent units, each side for itself; sd 1."""
    sides = np.random.default_rng(0).uniform(0, np.sqrt(12), (COUNT, 2, UNITS))
    paired = [not unit.sided for unit in ACTION_UNITS]
    sides[:, 1, paired] = sides[:, 0, paired]
    return sides


def _answers(truth: NDArray[Any], noise: float = 0.0, sd: float = 1.0) -> UnitAnswers:
    """The truth and Gaussian noise, as a network that claims `sd` would give it."""
    random = np.random.default_rng(1)
    sides = truth + random.normal(0, noise, truth.shape)
    intensity = whole(truth) + random.normal(0, noise, (len(truth), UNITS))
    sides[:, :, [row for row in range(UNITS) if row not in SIDED_ROWS]] = np.nan
    return UnitAnswers(intensity, intensity / 5, np.full(intensity.shape, sd), sides)


def _missing(answers: UnitAnswers, part: slice) -> UnitAnswers:
    """The same without an answer for some faces."""
    copies = [getattr(answers, n).copy() for n in ("intensity", "probability", "sd", "sides")]
    for values in copies:
        values[part] = np.nan
    return UnitAnswers(*copies)


def _blank(number: int) -> Image:
    return np.full((4, 6, 3), number, np.uint8)


def _set(person: NDArray[Any] | None = None, **labels: NDArray[Any]) -> PictureSet:
    count = len(next(iter(labels.values())))
    return PictureSet("s", "exact", _everyone(count) if person is None else person, _blank, labels)


def _rows(found: Findings) -> dict[str, Row]:
    return {row.metric: row for row in found.report().rows}


def test_correlations_are_those_of_the_noise() -> None:
    truth, found = _truth(), _found()
    peer = np.full_like(truth, np.nan)
    peer[:, :, ROW[12]] = truth[:, :, ROW[12]]
    unit_renders.correlations(found, _set(units=truth), _answers(truth, noise=0.75), peer)
    # Variance 1 and noise of variance .75 ** 2: r = 1 / sqrt(1 + .75 ** 2), ICC = 2 / (2 + .5625).
    assert found.metrics["render_r_sided"] == pytest.approx(0.8, abs=0.02)
    assert found.metrics["render_icc_sided"] == pytest.approx(2 / 2.5625, abs=0.02)
    row = _rows(found)["AU12 lip corner puller: Pearson r"]
    assert row.peer_value == pytest.approx(1)
    assert row.low is not None and row.value is not None and row.high is not None
    assert row.low < row.value < row.high
    # The peer says one of its nine sided units; the others are charged as no correlation.
    mean = _rows(found)["mean Pearson r over the 9 sided AUs that blendshapes tell"]
    assert mean.peer_value == pytest.approx(1 / 9)


def test_faces_that_are_not_found_cost_correlation_and_are_counted() -> None:
    truth, whole_set, half = _truth(), _found(), _found()
    peer = np.zeros_like(truth)
    unit_renders.correlations(whole_set, _set(units=truth), _answers(truth), peer)
    answers = _missing(_answers(truth), slice(0, COUNT // 2))
    unit_renders.correlations(half, _set(units=truth), answers, peer)
    assert whole_set.metrics["render_r_sided"] == pytest.approx(1)
    assert half.metrics["render_r_sided"] < 0.6
    assert {row.not_found for row in half.report().rows} == {0.5}


def test_the_larger_side_must_be_larger_on_the_right_side() -> None:
    truth, right, wrong, nothing = _truth(), _found(), _found(), _found()
    unit_renders.sides(right, _set(units=truth), _answers(truth))
    unit_renders.sides(wrong, _set(units=truth), _answers(truth[:, ::-1]))
    flat = _answers(np.repeat(truth.mean(axis=1, keepdims=True), 2, axis=1))
    unit_renders.sides(nothing, _set(units=truth), flat)
    assert right.metrics["render_side_right"] == 1
    assert wrong.metrics["render_side_right"] == 0
    assert nothing.metrics["render_side_right"] == 0


def test_sides_that_differ_too_little_do_not_count() -> None:
    truth = np.array([[[2.0], [1.5]], [[0.0], [1.0]]])
    right, counts = side_right(truth, truth, 1.0)
    assert right.ravel().tolist() == [True, True]
    assert counts.ravel().tolist() == [False, True]


def test_a_unit_that_only_repeats_its_neighbour_is_found_out() -> None:
    truth, honest, leaky = _truth(), _found(), _found()
    # Six and twelve go together, so that twelve alone already correlates with six.
    truth[:, :, ROW[6]] = 0.8 * truth[:, :, ROW[12]] + 0.6 * truth[:, :, ROW[6]]
    pictures = _set(units=truth)
    unit_renders.independence(honest, pictures, _answers(truth, noise=0.3))
    copied = truth.copy()
    copied[:, :, ROW[6]] = truth[:, :, ROW[12]]
    answers = _answers(copied, noise=0.3)
    unit_renders.independence(leaky, pictures, answers)
    assert honest.metrics["partial_r_worst"] > 0.6
    assert pearson(answers.intensity, whole(truth))[ROW[6]] > 0.6
    assert abs(leaky.metrics["partial_r_AU06_given_AU12"]) < 0.15
    assert leaky.metrics["partial_r_worst"] == leaky.metrics["partial_r_AU06_given_AU12"]


def test_partial_correlation_of_known_numbers() -> None:
    # A textbook example: r12 = .8, r13 = .6, r23 = .5 gives (.8 - .3) / sqrt(.64 * .75).
    correlation = np.array([[1, 0.8, 0.6], [0.8, 1, 0.5], [0.6, 0.5, 1]])
    raw = np.random.default_rng(0).normal(size=(3, 50))
    raw -= raw.mean(axis=1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(raw)), raw)
    first, second, third = np.linalg.cholesky(correlation) @ white
    assert partial_r(first, second, third) == pytest.approx(0.5 / np.sqrt(0.64 * 0.75))


@pytest.mark.parametrize(("claimed", "share"), [(0.7, 0.683), (1.4, 0.954)])
def test_coverage_tells_an_honest_sd_from_a_timid_one(claimed: float, share: float) -> None:
    truth, found = _truth(), _found()
    unit_renders.coverage(found, _set(units=truth), _answers(truth, noise=0.7, sd=claimed))
    assert found.metrics["coverage_render"] == pytest.approx(share, abs=0.015)


def test_false_alarms_are_of_the_worst_unit_and_count_the_missing() -> None:
    truth, found = np.zeros((100, 2, UNITS)), _found()
    answers = _answers(truth)
    answers.probability[:] = 0.1
    answers.probability[:7, ROW[25]] = 0.9
    # Two of the faces that raise the alarm do part their lips.
    truth[:2, :, ROW[25]] = 1
    unit_renders.false_alarms(found, _set(units=truth), answers)
    assert found.metrics["neutral_fpr_worst"] == pytest.approx(5 / 98)
    unit_renders.false_alarms(found, _set(units=truth), _missing(answers, slice(50, 60)))
    assert found.metrics["neutral_fpr_worst"] == pytest.approx(15 / 98)


def test_two_raters_agree_as_the_analysis_of_variance_says() -> None:
    random = np.random.default_rng(2)
    one = random.normal(size=30)
    other = 0.5 * one + random.normal(size=30) + 3
    both = np.stack([one, other], axis=1)
    between = 2 * both.mean(axis=1).var(ddof=1)
    rest = both - both.mean(axis=1, keepdims=True) - both.mean(axis=0) + both.mean()
    error = (rest**2).sum() / 29
    expected = (between - error) / (between + error)
    assert icc31(one[:, None], other[:, None])[0] == pytest.approx(expected)


def test_a_constant_answer_correlates_with_nothing() -> None:
    truth = np.arange(4.0)[:, None]
    assert pearson(np.ones((4, 1)), truth).tolist() == [0]
    assert icc31(np.ones((4, 1)), truth).tolist() == [0]
    assert np.isnan(pearson(truth, np.ones((4, 1)))).all()


def test_auc_counts_pairs_in_the_right_order() -> None:
    positive = np.array([True, True, False, False])
    assert auc_of(np.array([3.0, 1.0, 2.0, 0.0]), positive)(_everyone(4)) == 0.75
    assert auc_of(np.ones(4), positive)(_everyone(4)) == 0.5
    # A face that was not found is ranked wrong whichever class it is of.
    assert auc_of(np.array([np.nan, 3.0, 2.0, 1.0]), positive)(_everyone(4)) == 0.5
    assert auc_of(np.array([4.0, 3.0, np.nan, 1.0]), positive)(_everyone(4)) == 0.5
    assert np.isnan(auc_of(np.ones(4), positive)(np.array([0, 1])))


def test_medians_charge_the_missing() -> None:
    assert median_of(np.array([0.0, 1.0, np.nan]))(_everyone(3)) == 1
    assert median_of(np.array([0.0, np.nan, np.nan]))(_everyone(3)) == 5


def _intensities(values: Sequence[float], unit: int) -> UnitAnswers:
    truth = np.zeros((len(values), 2, UNITS))
    truth[:, :, ROW[unit]] = np.asarray(values)[:, None]
    return _answers(truth)


def test_rises_are_counted_person_by_person() -> None:
    person = np.array(["a", "b", "c", "a", "b", "d"])
    smiling = np.array([False, False, False, True, True, True])
    found, pictures = _found(), _set(person, smiling=smiling)
    # a rises, b falls; c and d have no pair.
    answers = _intensities([1, 2, 0, 3, 1, 5], 12)
    unit_photos.rises(found, pictures, answers)
    assert found.metrics["london_au12_rises"] == 0.5
    assert found.metrics["london_au06_rises"] == 0
    unit_photos.rises(found, pictures, _missing(answers, slice(3, 4)))
    assert found.metrics["london_au12_rises"] == 0


def test_the_worst_median_at_rest_is_reported() -> None:
    neutral = np.array([True, True, True, False])
    found = _found()
    answers = _intensities([0, 0.25, 0.5, 5], 4)
    unit_photos.rest(found, _set(neutral=neutral), answers, neutral, "worst")
    assert found.metrics["worst"] == 0.25


def test_emotions_stand_under_their_keys() -> None:
    emotion = np.array(["happiness", "anger", "disgust", "surprise", "sadness", "neutral"])
    found = _found()
    answers = _intensities([3, 0, 0, 0, 0, 0], 12)
    unit_photos.emotions(found, _set(emotion=emotion), answers, answers.found, "ferplus_auc")
    assert found.metrics["ferplus_auc_AU12_happiness"] == 1
    assert found.metrics["ferplus_auc_AU04_anger"] == 0.5
    assert len(found.metrics) == len(unit_photos.AUC_BARS)
    unseen = np.array([False] + [True] * 5)
    unit_photos.emotions(found, _set(emotion=emotion), answers, unseen, "strict")
    assert found.metrics["strict_AU12_happiness"] == 0


def test_half_faces_are_judged_by_the_half_that_moves() -> None:
    emotion = np.repeat(["happiness", "surprise"], 2)
    left = np.array([True, False, True, False])
    truth = np.zeros((4, 2, UNITS))
    truth[[0, 2], 0], truth[[1, 3], 1] = 2, 2
    truth[3] = truth[3, ::-1].copy()  # one surprise is taken for the other side
    pictures, found = _set(emotion=emotion, left=left), _found()
    shares = unit_photos.chimera_sides(found, pictures, _answers(truth), {12: ">= 0.97"})
    assert shares == {1: 0.5, 2: 0.5, 5: 0.5, 6: 1, 12: 1}
    assert {row.faces for row in found.report().rows} == {2}


def test_openface_rows_meet_facekits_rows_of_the_same_frame() -> None:
    peer = pd.DataFrame({"frame": [1, 2, 3, 4], "success": [1, 1, 0, 1], "AU45_r": [0, 1, 9, 2.0]})
    table = pd.DataFrame({"frame": [0, 1, 2, 3], "AU12": [1, None, 3, 4.0]})
    rows = unit_clips.matched(table.astype({"frame": "Int64"}), peer)
    assert rows["frame"].tolist() == [0, 1, 3]
    assert rows["AU45_r"].tolist() == [0, 1, 2]
    assert rows["AU12"].isna().tolist() == [False, True, False]


def test_agreement_has_a_bar_only_where_openface_moves() -> None:
    time = np.linspace(0, 6, 50)
    table = {f"AU{unit:02d}": np.sin(time) for unit in unit_clips.PEER_NAMES}
    peer = {name: 0.1 * np.sin(time) for name in unit_clips.PEER_NAMES.values()}
    rows = pd.DataFrame({**table, **peer, "AU45_r": -np.sin(time)})
    found = _found()
    unit_clips.compare(found, "talk.mp4", rows)
    assert found.metrics["openface_r_talk_AU12"] == pytest.approx(1)
    assert found.metrics["openface_r_talk_AU43"] == pytest.approx(-1)
    assert [row.bar for row in found.report().rows] == [""] * 7 + ["> 0.5"]


def test_records_become_arrays_and_a_missing_face_is_missing() -> None:
    values = np.arange(UNITS, dtype=np.float32)
    record = ActionUnits(values, values, values, values, values + 1, np.zeros(64, np.float32))
    answers = UnitAnswers.of([record, None])
    assert answers.found.tolist() == [True, False]
    assert answers.sides[0, 1].tolist() == (values + 1).tolist()
    assert answers.rows(np.array([1])).found.tolist() == [False]
