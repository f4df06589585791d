"""The protocol of the gaze evaluation, on numbers made here."""

import numpy as np
import pytest

from facekit.geometry import gaze_angles, gaze_vectors, rotation
from facekit.synthetic.eye_truth import EYE_POINTS
from facekit.train.evaluation.gaze import _in_head, _slope_of, charged
from facekit.train.evaluation.gaze_answers import iris_offset
from facekit.train.evaluation.gaze_clips import blink_dive, clip_correlation
from facekit.train.evaluation.gaze_dots import predictions


def _session(noise: float, count: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    target = random.uniform(0, 1, (count, 2))
    gaze = (target - 0.5) * [-30, -20] + random.normal(0, noise, (count, 2))
    return np.column_stack([gaze, random.normal(0, 1, (count, 6))]), target


def test_a_place_is_predicted_by_the_others_of_its_session_alone() -> None:
    columns, target = _session(0.1)
    session = np.array(["a"] * 16)
    found = predictions(columns, target, session)
    assert np.median(np.linalg.norm(found - target, axis=1)) < 0.08
    shifted = np.concatenate([columns, columns + 1000])
    both = predictions(shifted, np.tile(target, (2, 1)), np.array(["a"] * 16 + ["b"] * 16))
    assert both[:16] == pytest.approx(found)
    assert both[16:] == pytest.approx(found)


def test_a_place_does_not_teach_itself() -> None:
    columns, target = _session(0.1)
    moved = target.copy()
    moved[3] = [50, 50]
    session = np.array(["a"] * 16)
    assert predictions(columns, moved, session)[3] == pytest.approx(
        predictions(columns, target, session)[3]
    )


def test_an_answer_that_is_missing_is_the_mean_of_the_others() -> None:
    columns, target = _session(0.1)
    session = np.array(["a"] * 16)
    columns[5, :2] = np.nan
    known = np.delete(columns, 5, axis=0)
    filled = columns.copy()
    filled[5, :2] = known[:, :2].mean(axis=0)
    assert predictions(columns, target, session)[5] == pytest.approx(
        predictions(filled, target, session)[5]
    )


def test_a_missing_gaze_is_charged_as_one_along_the_axis() -> None:
    truth = np.array([[20.0, 0.0], [20.0, 0.0]])
    answers = np.array([[20.0, 5.0], [np.nan, np.nan]])
    assert charged(answers, truth) == pytest.approx([5, 20])


def test_the_slope_of_an_answer_that_shrinks() -> None:
    truth = np.linspace(-20, 20, 9)
    assert _slope_of(0.8 * truth + 3, truth)(np.arange(9)) == pytest.approx(0.8)


def test_gaze_in_the_head() -> None:
    vector = rotation(20, -10, 15) @ gaze_vectors(np.array([7.0, 4.0]))
    found = _in_head(gaze_angles(vector)[None], np.array([[20.0, -10.0, 15.0]]))
    assert found[0] == pytest.approx([7, 4])


@pytest.mark.parametrize("roll_deg", [0.0, 40.0])
def test_irises_are_measured_upright_with_the_eyes(roll_deg: float) -> None:
    points = np.zeros((478, 2))
    for side, x in enumerate((40.0, -40.0)):
        outer, inner = EYE_POINTS[side, :2]
        points[outer], points[inner] = [x * 1.4, 0], [x * 0.6, 0]
        points[EYE_POINTS[side, 8]] = [x + 4, -2]
    turn = rotation(0, 0, roll_deg)[:2, :2]
    found = iris_offset((points @ turn.T + [300, 200]).astype(np.float32), roll_deg)
    assert found == pytest.approx([0.05, -0.025], abs=1e-4)


def _clip(pitch: np.ndarray, opened: np.ndarray) -> dict[str, np.ndarray]:
    count = len(pitch)
    gaze = np.column_stack([np.sin(np.arange(count)), pitch])
    return {
        "time_s": np.arange(count) / 30,
        "gaze": gaze,
        "open": np.column_stack([opened, opened]),
        "openvino": gaze * [2.0, -1.0] + 10,
    }


def test_agreement_over_clips_ignores_bias_but_not_sign() -> None:
    random = np.random.default_rng(0)
    clips = [_clip(random.normal(m, 1, 90), np.ones(90)) for m in (0.0, 30.0)]
    clips[0]["gaze"][5] = np.nan
    assert clip_correlation(clips) == pytest.approx([1, -1])


def test_a_dive_beside_a_blink_is_seen() -> None:
    opened = np.ones(120)
    opened[60:64] = 0
    pitch = np.full(120, -5.0)
    pitch[60:64] = np.nan
    assert blink_dive([_clip(pitch, opened)]) == pytest.approx(0)
    pitch[58] = -25
    assert blink_dive([_clip(pitch, opened)]) == pytest.approx(20)
    assert np.isnan(blink_dive([_clip(pitch, np.ones(120))]))
