import json
import math
from pathlib import Path

import numpy as np
import pytest

from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.temporal.baseline import (
    LEAST_FRAMES,
    Baseline,
    BaselineChoice,
    BaselineEstimator,
)

UNITS = len(ACTION_UNITS)


def _face(value: float) -> np.ndarray:
    return np.full(UNITS, value, np.float32)


def _fed(estimator: BaselineEstimator, values: list[float], track: int = 0) -> BaselineEstimator:
    for number, value in enumerate(values):
        estimator.add(track, number / 10, _face(value))
    return estimator


def test_rest_is_found_under_a_long_smile_and_a_few_mistakes() -> None:
    random = np.random.default_rng(0)
    rest = (0.8 + random.normal(0, 0.05, 300)).tolist()
    found = _fed(BaselineEstimator(), [0.0] * 5 + rest + [3.5] * 600).baseline(0)
    assert found is not None
    assert found.intensity == pytest.approx(_face(0.8), abs=0.06)
    assert found.frames == 905


def test_a_quantile_is_that_of_numpy_to_a_step() -> None:
    values = np.random.default_rng(1).uniform(0, 5, 777)
    for quantile in (0.1, 0.5):
        found = _fed(BaselineEstimator(quantile), values.tolist()).baseline(0)
        assert found is not None
        assert found.intensity[3] == pytest.approx(np.quantile(values, quantile), abs=0.02)


def test_the_first_seconds_are_taken_at_their_median() -> None:
    estimator = BaselineEstimator.of(BaselineChoice.parse("first:2"))
    found = _fed(estimator, [0.2] * 5 + [0.6] * 11 + [0.9] * 5 + [4.0] * 100).baseline(0)
    assert found is not None
    assert found.frames == 21
    assert found.intensity == pytest.approx(_face(0.6))


def test_every_track_has_its_own_and_a_glimpse_has_none() -> None:
    estimator = _fed(_fed(BaselineEstimator(), [1.0] * 20, 3), [2.0] * 30, 5)
    _fed(estimator, [0.5] * (LEAST_FRAMES - 1), 9)
    first, second = estimator.baseline(3), estimator.baseline(5)
    assert first is not None and second is not None
    assert (first.intensity[0], second.intensity[0]) == (1, 2)
    assert estimator.baseline(9) is None
    assert estimator.baseline(77) is None
    assert estimator.longest() == 5
    assert estimator.tracks() == (3, 5, 9)
    estimator.reset()
    assert estimator.longest() is None


def test_a_face_without_numbers_says_nothing() -> None:
    estimator = _fed(BaselineEstimator(), [1.0] * 10)
    estimator.add(0, 5.0, np.where(np.arange(UNITS) == 4, math.nan, 3.0).astype(np.float32))
    assert estimator.frames(0) == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", BaselineChoice()),
        ("first:2.5", BaselineChoice(seconds=2.5)),
        ("me.json", BaselineChoice(file=Path("me.json"))),
    ],
)
def test_choices(text: str, expected: BaselineChoice) -> None:
    assert BaselineChoice.parse(text) == expected
    assert expected.needs_whole_clip == (text != "me.json")


@pytest.mark.parametrize("text", ["first:", "first:-1", "first:soon", "first:0", "first:inf"])
def test_seconds_that_make_no_sense_are_shown(text: str) -> None:
    with pytest.raises(OptionsError, match=f"baseline: '{text}' is not valid.*first:SECONDS"):
        BaselineChoice.parse(text)


def test_a_saved_baseline_comes_back(tmp_path: Path) -> None:
    values = np.linspace(0, 5, UNITS).astype(np.float32)
    (tmp_path / "me.json").write_text(Baseline(values, 120, "neutral.mp4", 0.5).to_json())
    found = Baseline.load(tmp_path / "me.json")
    assert found.intensity == pytest.approx(values, abs=1e-4)
    assert (found.frames, found.source, found.quantile) == (120, "neutral.mp4", 0.5)
    content = json.loads((tmp_path / "me.json").read_text())
    assert list(content["intensity"])[:2] == ["AU01", "AU02"]


def test_what_is_no_baseline_is_refused_with_the_file_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    with pytest.raises(OptionsError, match=r"me\.json: cannot be read .*facekit baseline"):
        Baseline.load(path)
    for text in ("[]", "{}", "nonsense", '{"format": "facekit baseline 1"}'):
        path.write_text(text)
        with pytest.raises(OptionsError, match=r"me\.json: is not a baseline"):
            Baseline.load(path)
    text = Baseline(np.full(UNITS, 5, np.float32), 1, "s", 0.5).to_json()
    path.write_text(text.replace("5.0", "7.0"))
    with pytest.raises(OptionsError, match="outside 0-5"):
        Baseline.load(path)
