"""The examples run as they stand, and stay short."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import facekit
from tests.conftest import ROOT
from tests.truth import clip_points

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def _run(name: str, argument: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), str(argument)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # the examples of this very tree
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_table_of_a_video(example_clip: Path) -> None:
    assert "225 frames, a face in 225 of them" in _run("table_of_a_video.py", example_clip)


def test_frame_by_frame(example_clip: Path) -> None:
    lines = _run("frame_by_frame.py", example_clip).splitlines()
    assert len(lines) == 90
    for frame, true in clip_points().items():  # ten lines a second, of 25 frames
        said = re.search(r"nose at (\d+), (\d+)", lines[frame * 10 // 25])
        assert said is not None
        assert np.abs(np.array(said.groups(), int) - true.points[4]).max() < 16, frame


def test_units_of_a_table(example_clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    pipeline = facekit.Pipeline(facekit.PipelineOptions(end=0.2))
    from facekit.task import extract_to

    extract_to(example_clip, table, pipeline)
    assert "box_w [px]: 100% present. Width of the face box." in _run("units_of_a_table.py", table)
