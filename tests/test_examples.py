"""The examples run as they stand, and stay short."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import facekit
from tests.conftest import ROOT

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
    assert "90 frames, a face in 90 of them" in _run("table_of_a_video.py", example_clip)


def test_frame_by_frame(example_clip: Path) -> None:
    lines = _run("frame_by_frame.py", example_clip).splitlines()
    assert len(lines) == 30
    assert all("nose at" in line for line in lines)


def test_units_of_a_table(example_clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    pipeline = facekit.Pipeline(facekit.PipelineOptions(end=0.2))
    from facekit.task import extract_to

    extract_to(example_clip, table, pipeline)
    assert "box_w [px]: 100% present. Width of the face box." in _run("units_of_a_table.py", table)


def test_make_clip_makes_the_clip(tmp_path: Path, example_clip: Path) -> None:
    clip = tmp_path / "clip.mp4"
    _run("make_clip.py", clip)
    assert example_clip.stat().st_size < 1_000_000
    with facekit.open_source(clip) as made, facekit.open_source(example_clip) as shipped:
        assert (made.size, made.frame_count) == (shipped.size, shipped.frame_count)
