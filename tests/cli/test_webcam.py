"""``facekit webcam`` without a camera: a file played at its own pace."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from facekit import read_table
from facekit.bench.material import average_face, make_clip
from tests.cli.runner import Cli, start
from tests.media import write_video


def test_headless_plays_the_file_to_its_end(cli: Cli, tmp_path: Path) -> None:
    pictures = [average_face()] * 50
    clip = write_video(tmp_path / "clip.mp4", count=50, size=(480, 480), pictures=pictures)
    started = time.monotonic()
    result = cli("webcam", "--source", clip, "--headless", "-o", tmp_path / "t.csv")
    assert result.code == 0, result.err
    assert time.monotonic() - started > 1.9, "two seconds of video take two seconds"
    table = read_table(tmp_path / "t.csv")
    assert table.time_s.is_monotonic_increasing
    assert table.frame.max() >= 45
    assert f"{len(table)} frames, {50 - table.frame.nunique()} dropped" in result.err


def test_seconds_end_it_and_the_table_is_complete(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    result = cli("webcam", "--source", example_clip, "--headless", "-o", table, "--seconds", "0.5")
    assert result.code == 0, result.err
    assert read_table(table).attrs["facekit"]["state"] == "complete"
    assert read_table(table).time_s.max() < 2


def test_ctrl_c_ends_it_cleanly(example_clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    process = start("webcam", "--source", example_clip, "--headless", "-o", table)
    partial = Path(f"{table}.partial")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (partial.exists() and partial.stat().st_size > 200):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert not partial.exists()
    assert 1 <= len(read_table(table)) < 225


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--headless",), 2, "--headless without -o would show and keep nothing"),
        (("--overlay", "--headless", "-o", "-"), 2, "--overlay needs a table file"),
        (("--source", "nowhere.mp4", "--headless", "-o", "-"), 3, "nowhere.mp4"),
        (("--source", "97", "--headless", "-o", "-"), 3, "camera 97: does not open"),
    ],
)
def test_what_cannot_work_is_said(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("webcam", *arguments)
    assert result.code == code
    assert message in result.err


def test_no_display_is_said_instead_of_crashing(
    cli: Cli, example_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = cli("webcam", "--source", example_clip)
    assert result.code == 3
    assert "there is no display" in result.err
    assert "--headless" in result.err


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual screen."""
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("Xvfb and xdotool are not installed (see .ci/debian-packages)")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(timeout=10)


def test_q_in_the_window_ends_it_and_keeps_the_table(
    example_clip: Path, tmp_path: Path, display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    table = tmp_path / "t.csv"
    clip = tmp_path / "long.mp4"
    make_clip(clip, 30, example_clip)
    process = start("webcam", "--source", clip, "-o", table)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = subprocess.run(
            ["xdotool", "search", "--name", "^facekit$"], capture_output=True, text=True
        ).stdout.split()
        partial = Path(f"{table}.partial")
        if found and partial.exists() and partial.stat().st_size > 200:
            subprocess.run(["xdotool", "windowfocus", found[-1], "key", "q"], check=False)
        time.sleep(0.2)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert read_table(table).attrs["facekit"]["state"] == "complete"
    assert 1 <= len(read_table(table)) < 900
