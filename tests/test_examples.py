"""The examples run as they stand, and stay short."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import facekit
from tests.conftest import ROOT
from tests.truth import clip_points

EXAMPLES = sorted(
    path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".R", ".m", ".ipynb")
)
NOTEBOOK = ROOT / "examples" / "figure_of_a_video.ipynb"


def _code(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_one_idea(path: Path) -> None:
    text = _code(path) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40


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


def test_the_notebook_runs_and_draws_its_figure(example_clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    shutil.copy(example_clip, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"{_code(NOTEBOOK)}\nprint(summary, asymmetry)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stderr
    assert "share present" in done.stdout
    assert (tmp_path / "figure.png").stat().st_size > 20_000


def test_r_reads_the_table_and_its_sidecar(example_clip: Path, tmp_path: Path) -> None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("R is not installed (see .ci/debian-packages)")
    has_json = subprocess.run([rscript, "-e", "library(jsonlite)"], capture_output=True)
    if has_json.returncode != 0:
        pytest.skip("R has no jsonlite (see .ci/debian-packages)")
    from facekit.task import extract_to

    table = tmp_path / "t.csv"
    extract_to(example_clip, table, facekit.Pipeline(facekit.PipelineOptions(end=1.2)))
    done = subprocess.run(
        [rscript, str(ROOT / "examples" / "read_table.R"), str(table)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"average_face.mp4: 31 frames, facekit {facekit.__version__}" in done.stdout
    written = facekit.read_table(table)
    assert f"yaw [deg]: mean {written.yaw.mean():.3f}, 100% present" in done.stdout
    first = written[written.time_s < 1]
    assert f"{first.AU12_left.mean():.3f}"[:4] in done.stdout
