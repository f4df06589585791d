"""``facekit gaze-calibrate`` and what uses its file."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.runner import Cli
from tests.test_gaze_targets import GRID, TIMES, table


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    seen, targets = tmp_path / "clip.csv", tmp_path / "targets.csv"
    table(GRID).to_csv(seen, index=False)
    pd.DataFrame({"time_s": TIMES, "target_yaw": GRID[:, 0], "target_pitch": GRID[:, 1]}).to_csv(
        targets, index=False
    )
    return seen, targets


def test_a_table_and_targets_give_a_calibration(
    cli: Cli, files: tuple[Path, Path], tmp_path: Path
) -> None:
    result = cli("gaze-calibrate", *files, "-o", tmp_path / "ann.json")
    assert result.code == 0, result.err
    assert "6 moments at 6 places" in result.err
    assert "5.0 deg before, 0.0 deg after" in result.err
    content = json.loads((tmp_path / "ann.json").read_text())
    assert content["offset_deg"] == pytest.approx([4, -3], abs=1e-3)


def test_too_few_targets_are_wrong_usage(
    cli: Cli, files: tuple[Path, Path], tmp_path: Path
) -> None:
    seen, targets = files
    pd.read_csv(targets)[:2].to_csv(targets, index=False)
    result = cli("gaze-calibrate", seen, targets, "-o", tmp_path / "ann.json")
    assert result.code == 2
    assert "2 moments at 2 places are too few" in result.err
    assert not (tmp_path / "ann.json").exists()


def test_a_calibration_that_cannot_be_read_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    clip = tmp_path / "clip.png"
    clip.write_bytes(b"")
    missing = tmp_path / "none.json"
    result = cli("extract", clip, "-o", tmp_path / "t.csv", "--gaze-calibration", missing)
    assert result.code == 2
    assert "gaze_calibration" in result.err or "none.json" in result.err


def test_calibrating_at_the_screen_needs_its_size(cli: Cli, tmp_path: Path) -> None:
    result = cli("webcam", "--calibrate", tmp_path / "ann.json")
    assert result.code == 2
    assert "--screen-mm" in result.err
