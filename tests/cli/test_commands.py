"""The smaller commands, and the command line as such."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from facekit.columns import GROUPS, columns, families
from tests.cli.runner import Cli
from tests.conftest import ROOT


def test_help_lists_every_command(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    for name in ("extract", "webcam", "columns", "weights", "doctor", "bench"):
        assert f"  {name} " in result.out
        assert cli(name, "--help").code == 0


def test_help_and_import_load_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['facekit', '--help']\n"
        "import facekit\n"
        "from facekit.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'torch', 'cv2', 'av', 'onnxruntime', 'rich'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "LOADED []" in done.stdout


def test_extraction_never_imports_torch_on_a_cpu(example_clip: Path) -> None:
    program = (
        "import sys, facekit\n"
        f"facekit.extract({str(example_clip)!r}, end=0.1, device='cpu')\n"
        "heavy = {'torch', 'torchvision', 'facenet_pytorch', 'mediapipe', 'matplotlib'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "LOADED []" in done.stdout, done.stderr


def test_version_and_unknown_commands(cli: Cli) -> None:
    assert cli("--version").out.startswith("facekit, version ")
    unknown = cli("analyse")
    assert unknown.code == 2
    assert "No such command 'analyse'" in unknown.err


def test_columns_in_each_form(cli: Cli) -> None:
    listed = json.loads(cli("columns", "--format", "json").out)
    assert listed[0]["name"] == "frame"
    assert "| `score` | frame |  | 0 to 1 |" in cli("columns", "--format", "markdown").out
    listed_once = cli("columns")
    assert "x_0 ... x_67" in listed_once.out
    lines = listed_once.out.splitlines()
    assert len(lines) == 1 + len(families(columns(GROUPS, images=True))), "no line is folded"
    assert "only with --columns" in listed_once.err
    assert "landmarks478" in listed_once.err
    assert "x_33" in cli("columns", "--all").out


def test_doctor_names_versions_weights_and_says_that_all_is_well(cli: Cli) -> None:
    result = cli("doctor")
    assert result.code == 0, result.out
    words = ("facekit", "onnxruntime", "device: cpu", "libavcodec", "mtcnn_output.onnx")
    for word in (*words, "MB at its peak for one process"):
        assert word in result.out


def test_weights_are_listed_and_sound(cli: Cli) -> None:
    listed = cli("weights", "list").out
    assert str(ROOT / "weights" / "mtcnn_proposal.onnx") in listed, "the path is not folded"
    verified = cli("weights", "verify")
    assert verified.code == 0
    assert "sound    mtcnn_output.onnx" in verified.out


def test_a_damaged_weights_file_is_found(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mtcnn_output.onnx").write_bytes(b"damaged")
    monkeypatch.setenv("FACEKIT_WEIGHTS", str(tmp_path))
    verified = cli("weights", "verify")
    assert verified.code == 3
    assert "DAMAGED  mtcnn_output.onnx" in verified.out
    assert hashlib.sha256(b"damaged").hexdigest() in verified.out
    assert cli("doctor").code == 3


def test_pull_refuses_a_name_it_does_not_know(cli: Cli) -> None:
    result = cli("weights", "pull", "everything")
    assert result.code == 2
    assert "everything: no optional weights of this name" in result.err
    assert "mediapipe" in result.err


def test_bench_writes_its_metrics(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import facekit.bench.video

    monkeypatch.setattr(facekit.bench.video, "run", lambda clip: {"default_over_decode": 2.5})
    result = cli("bench", "video", "--json", tmp_path / "b.json")
    assert result.code == 0
    assert "default_over_decode" in result.out
    report = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert report == {"metrics": {"default_over_decode": 2.5}}
