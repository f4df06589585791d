import numpy as np
import pytest

from facekit.temporal.features import SIZE
from facekit.temporal.spans import Span
from facekit.train.evaluation import temporal_clips
from facekit.train.evaluation.temporal import chosen_thresholds, cut, true_phases
from facekit.train.evaluation.temporal_scores import (
    NOTHING,
    Truth,
    closures,
    f1_of,
    matched,
    near,
    onset_of,
    overlap,
    total,
    true_spans,
)
from facekit.train.temporal_data import Clip
from facekit.train.temporal_dynamics import RATE, simulate
from tests.conftest import ROOT


def span(onset: float, offset: float) -> Span:
    return Span(onset, (onset + offset) / 2, offset, 1, 1, 1)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [((0, 2), (0, 2), 1), ((0, 2), (1, 3), 1 / 3), ((0, 1), (1, 2), 0), ((0, 1), (5, 6), 0)],
)
def test_overlap(one: tuple[float, float], other: tuple[float, float], share: float) -> None:
    assert overlap(span(*one), span(*other)) == pytest.approx(share)


def test_events_are_matched_once_and_the_best_first() -> None:
    truth = Truth([span(0, 1), span(3, 4)], unjudged=[span(6, 7)])
    found = matched([span(0.1, 1), span(0, 1.2), span(6.5, 8), span(9, 10)], truth)
    # One of the two on the first event is too many, that on the unjudged stretch does not count.
    assert (found.hits, found.found, found.true) == (1, 3, 2)
    assert found.f1 == pytest.approx(2 / 5)
    np.testing.assert_allclose(found.onset_s, [0.1])


def test_scores_add_up_over_clips() -> None:
    each = [matched([span(0.1, 1)], Truth([span(0, 1)])), matched([], Truth([span(0, 1)]))]
    assert total(each).f1 == pytest.approx(2 / 3)
    assert f1_of(each)(np.array([0, 0])) == 1 and f1_of(each)(np.array([1])) == 0
    assert onset_of(each)(np.array([0, 1])) == pytest.approx(3)
    assert np.isnan(onset_of(each)(np.array([1]))) and np.isnan(NOTHING.f1)


def test_blinks_counted_by_eye_are_moments() -> None:
    found = near([span(0.9, 1.2), span(5, 5.2)], [1.0, 3.0])
    assert (found.hits, found.found, found.true) == (1, 2, 2)
    assert near([span(0.9, 1.2)], [1.0, 1.1]).hits == 1


def test_truth_spans() -> None:
    phase = np.array([0, 1, 2, 3, 0, -1, -1, 0])
    truth = true_spans(np.arange(8) / 10, phase)
    (event,), (unjudged,) = truth.spans, truth.unjudged
    assert (event.onset_s, event.offset_s) == pytest.approx((0.1, 0.4))
    assert (unjudged.onset_s, unjudged.offset_s) == pytest.approx((0.5, 0.7))


def _clip(seed: int) -> Clip:
    truth = simulate(np.random.default_rng(seed), 6)
    moment = np.arange(60, 60 + 180)
    rows = np.zeros((180, SIZE), np.float32)
    rows[:, :22] = truth.visible()[moment].max(axis=1)
    lids = truth.units[moment].max(axis=1)[:, -1]
    rows[:, -19], rows[:, -18] = 1 - lids / 5, 1 - lids / 5
    return Clip(rows, (moment - 60) / RATE, truth.visible()[moment], truth, moment)


def test_a_lower_rate_takes_the_nearest_frames() -> None:
    clip = _clip(0)
    times, rows, moment = cut(clip, 25)
    assert len(times) == len(rows) == 75 and np.abs(times - np.arange(75) / 25).max() < 1 / 100
    np.testing.assert_array_equal(moment, 60 + np.round(times * RATE))
    time_s, phase = true_phases(clip)
    assert len(time_s) == len(phase) == 180 and time_s[0] == 0


def test_thresholds_are_chosen_and_perfect_signals_score_high() -> None:
    clips = [_clip(seed) for seed in range(4)]
    high, low = chosen_thresholds(clips)
    assert 0.5 <= high <= 1.0 and 0.3 <= low <= 0.7
    open_eyes = np.where(np.arange(90) // 10 == 4, 0.1, 0.9)
    (blink,) = closures((np.arange(90) / 30).tolist(), open_eyes, 0.5)
    assert blink.onset_s == pytest.approx(1.3, abs=0.1)


def test_labels_lie_within_the_clips() -> None:
    counted = temporal_clips.labelled()
    assert temporal_clips.LABELS.is_relative_to(ROOT)
    assert {clip: len(times) for clip, times in counted.items()} == {
        "webcam_sway.wmv": 6,
        "talker_224px.mp4": 5,
        "gaze_then_head.avi": 0,
    }
    for times in counted.values():
        assert times == sorted(times) and all(0 < time_s < 20 for time_s in times)
