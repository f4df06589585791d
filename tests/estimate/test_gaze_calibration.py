import json
from pathlib import Path

import numpy as np
import pytest

from facekit.errors import OptionsError, OutputError
from facekit.estimate.gaze_calibration import (
    GazeCalibration,
    angle_between,
    fit,
    load,
    save,
    screen_direction,
)

GRID = np.array([[x, y] for y in (-15.0, -5.0, 5.0) for x in (-15.0, 0.0, 15.0)])


def _measured(offset: tuple[float, float], gain: float, noise: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.asarray((GRID - offset) / gain + random.normal(0, noise, GRID.shape))


def test_an_offset_is_found_and_halves_the_error_of_other_places() -> None:
    found = fit(_measured((5.0, -4.0), 1.0, 1.5), GRID)
    assert found.offset == pytest.approx((5, -4), abs=1.5)
    assert (found.moments, found.targets) == (9, 9)
    assert found.after_deg < 0.5 * found.before_deg
    assert found.before_deg == pytest.approx(6.4, abs=1.5)


def test_a_gain_is_fitted_only_where_it_shows() -> None:
    clear = fit(_measured((3.0, 2.0), 1.5, 0.05), GRID)
    assert clear.matrix[0][0] == pytest.approx(1.5, abs=0.15)
    noisy = fit(_measured((3.0, 2.0), 1.0, 3.0), GRID)
    assert np.array(noisy.matrix) == pytest.approx(np.eye(2), abs=0.25)


def test_moments_without_gaze_are_left_out() -> None:
    measured = _measured((5.0, 0.0), 1.0, 0.1)
    measured[2] = np.nan
    assert fit(measured, GRID).moments == 8
    corrected = fit(measured, GRID).correct(measured)
    assert np.isnan(corrected[2]).all()
    assert corrected[0] == pytest.approx(GRID[0], abs=0.5)


def test_one_place_looked_at_often_is_no_calibration() -> None:
    with pytest.raises(OptionsError, match="9 moments at 1 places"):
        fit(np.zeros((9, 2)), np.zeros((9, 2)))
    with pytest.raises(OptionsError, match="0 moments"):
        fit(np.full((9, 2), np.nan), GRID)


def test_repeats_of_a_place_are_left_out_together() -> None:
    twice = np.concatenate([GRID, GRID])
    measured = np.concatenate([_measured((5, 0), 1, 1.0, 0), _measured((5, 0), 1, 1.0, 1)])
    found = fit(measured, twice)
    assert (found.moments, found.targets) == (18, 9)


def test_the_angle_between_directions() -> None:
    angle = angle_between(np.array([[0.0, 0.0], [90, 0]]), np.array([[0.0, 30.0], [-90, 0]]))
    assert angle == pytest.approx([30, 180])


def test_the_viewers_right_is_image_left_and_down_is_down() -> None:
    eyes = np.array([[0.0, 0.0, 600.0]] * 3)
    places = np.array([[0.0, 0.0], [300.0, 0.0], [0.0, 200.0]])
    yaw, pitch = screen_direction(places, eyes).T
    assert yaw == pytest.approx([0, -np.degrees(np.arctan2(300, 600)), 0])
    assert pitch == pytest.approx([0, 0, -np.degrees(np.arctan2(200, 600))])
    beside = screen_direction(places[:1], np.array([[100.0, 0.0, 600.0]]))[0]
    assert beside[0] == pytest.approx(-np.degrees(np.arctan2(100, 600)))


def test_saved_and_read_again(tmp_path: Path) -> None:
    found = fit(_measured((5.0, -4.0), 1.3, 0.5), GRID)
    save(found, tmp_path / "ann.json")
    again = load(tmp_path / "ann.json")
    assert again.matrix == found.matrix
    assert again.offset == found.offset
    assert again.after_deg == pytest.approx(found.after_deg, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "is not JSON"),
        ("[1]", "is not a gaze calibration"),
        ('{"facekit_gaze_calibration": 99}', "is not a gaze calibration"),
        ('{"facekit_gaze_calibration": 1}', "is damaged"),
    ],
)
def test_a_file_that_is_no_calibration_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(OptionsError, match=said) as caught:
        load(path)
    assert "bad.json" in str(caught.value)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    save(GazeCalibration(((1, 0), (0, 1)), (1, 2), 9, 9, 2.0, 1.0), path)
    content = json.loads(path.read_text())
    content["offset_deg"] = [float("nan"), 0]
    path.write_text(json.dumps(content))
    with pytest.raises(OptionsError, match="is damaged"):
        load(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="cannot be read"):
        load(tmp_path / "none.json")
    with pytest.raises(OutputError, match="cannot be written"):
        save(GazeCalibration(((1, 0), (0, 1)), (1, 2), 9, 9, 2.0, 1.0), tmp_path / "no" / "a.json")
