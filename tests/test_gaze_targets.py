from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit.errors import OptionsError
from facekit.gaze_targets import calibrate, read_targets
from facekit.geometry import gaze_angles, gaze_vectors, rotation

OFFSET = np.array([4.0, -3.0])


def table(targets: np.ndarray, head: tuple[float, float, float] = (0, 0, 0)) -> pd.DataFrame:
    """Ten frames a second; the person looks at one target a second, the measure is off."""
    rows = []
    for number, target in enumerate(targets):
        in_head = gaze_angles(gaze_vectors(target) @ rotation(*head)) - OFFSET
        for frame in range(10):
            time_s = number + frame / 10
            rows.append((time_s, 0, *in_head, *head, 0.0, 0.0, 600.0))
    names = "time_s track gaze_head_yaw gaze_head_pitch yaw pitch roll"
    return pd.DataFrame(rows, columns=[*names.split(), "head_x_mm", "head_y_mm", "head_z_mm"])


GRID = np.array([[x, y] for y in (-15.0, 0.0) for x in (-20.0, 0.0, 20.0)])
TIMES = np.arange(len(GRID)) + 0.5


def _write(path: Path, columns: dict[str, np.ndarray]) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_angles_are_compared_in_the_head(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "t.csv",
        {"time_s": TIMES, "target_yaw": GRID[:, 0], "target_pitch": GRID[:, 1]},
    )
    found = calibrate(table(GRID, (25, -10, 15)), read_targets(path))
    assert found.offset == pytest.approx(OFFSET, abs=1e-3)
    assert found.after_deg == pytest.approx(0, abs=1e-3)
    assert found.before_deg == pytest.approx(5, abs=0.3)


def test_places_on_a_screen_are_seen_from_the_eyes(tmp_path: Path) -> None:
    screen = np.array([[x, y] for y in (20.0, 300.0) for x in (-250.0, 0.0, 250.0)])
    looks = np.degrees(
        np.column_stack(
            [
                np.arctan2(-screen[:, 0], 600),
                -np.arctan2(screen[:, 1], np.hypot(screen[:, 0], 600)),
            ]
        )
    )
    path = _write(
        tmp_path / "t.csv",
        {"time_s": TIMES, "screen_x_mm": screen[:, 0], "screen_y_mm": screen[:, 1]},
    )
    found = calibrate(table(looks), read_targets(path))
    assert found.offset == pytest.approx(OFFSET, abs=1e-3)


def test_times_without_open_eyes_are_left_out(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "t.csv",
        {"time_s": TIMES, "target_yaw": GRID[:, 0], "target_pitch": GRID[:, 1]},
    )
    seen = table(GRID)
    seen.loc[seen.time_s.between(1.99, 2.95), "gaze_head_yaw"] = np.nan
    assert calibrate(seen, read_targets(path)).moments == len(GRID) - 1
    with pytest.raises(OptionsError, match="too few"):
        calibrate(seen.assign(time_s=seen.time_s + 100), read_targets(path))


def test_the_track_with_most_rows_is_the_person(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "t.csv",
        {"time_s": TIMES, "target_yaw": GRID[:, 0], "target_pitch": GRID[:, 1]},
    )
    other = table(GRID).assign(track=1, gaze_head_yaw=0.0)[::3]
    both = pd.concat([table(GRID), other])
    assert calibrate(both, read_targets(path)).offset == pytest.approx(OFFSET, abs=1e-3)
    assert calibrate(both, read_targets(path), track=1).offset[0] != pytest.approx(4, abs=0.5)
    with pytest.raises(OptionsError, match="track 7"):
        calibrate(both, read_targets(path), track=7)


def test_what_was_calibrated_is_not_calibrated_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", {"time_s": TIMES, "target_yaw": TIMES, "target_pitch": TIMES})
    seen = table(GRID)
    seen.attrs["facekit"] = {"options": {"gaze_calibration": "ann.json"}}
    with pytest.raises(OptionsError, match="already corrected"):
        calibrate(seen, read_targets(path))
    with pytest.raises(OptionsError, match="gaze_head_yaw"):
        calibrate(table(GRID).drop(columns="gaze_head_yaw"), read_targets(path))


@pytest.mark.parametrize(
    "columns",
    [
        {"time_s": [1]},
        {"target_yaw": [1], "target_pitch": [1]},
        {"time_s": [1], "target_yaw": [1], "target_pitch": [np.nan]},
        {"time_s": [1], "target_yaw": ["left"], "target_pitch": [1]},
        {"time_s": [], "screen_x_mm": [], "screen_y_mm": []},
        {
            "time_s": [1],
            "target_yaw": [1],
            "target_pitch": [1],
            "screen_x_mm": [1],
            "screen_y_mm": [1],
        },
    ],
)
def test_files_that_are_no_targets_are_named(
    tmp_path: Path, columns: dict[str, list[float]]
) -> None:
    path = tmp_path / "targets.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    with pytest.raises(OptionsError, match=r"targets\.csv"):
        read_targets(path)
    with pytest.raises(OptionsError, match="cannot be read"):
        read_targets(tmp_path / "none.csv")
