"""The live window on a virtual screen, driven by real key events."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from facekit import read_table
from facekit.bench.material import repeat
from facekit.errors import OutputError
from tests.cli.runner import start


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
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
    monkeypatch.setenv("DISPLAY", f":{number}")
    yield f":{number}"
    server.terminate()
    server.wait(timeout=10)


def _wait(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)


class _Run:
    """``facekit webcam`` with a window, its table, and keys pressed in it."""

    def __init__(self, *arguments: object, table: Path) -> None:
        self.table, self._partial = table, Path(f"{table}.partial")
        self._process = start("webcam", *arguments, "-o", table)
        _wait(lambda: self._windows() and self.seen() > 0, "the window and rows")

    def _windows(self) -> list[str]:
        assert self._process.poll() is None, self._process.communicate()
        found = ["xdotool", "search", "--name", "^facekit$"]
        return subprocess.run(found, capture_output=True, text=True).stdout.split()

    def press(self, key: str) -> None:
        window = self._windows()[-1]
        subprocess.run(["xdotool", "windowfocus", "--sync", window, "key", key], check=True)

    def seen(self, column: str = "frame") -> int:
        """How many rows so far have a value in `column`."""
        return int(read_table(self._partial)[column].count()) if self._partial.exists() else 0

    def has(self, column: str, rows: int) -> bool:
        """Whether there is a value in `column`, or no hope for one: more than `rows` rows."""
        return self.seen(column) > 0 or self.seen() > rows

    def finish(self) -> str:
        _, err = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, err
        return str(err)


def test_baseline_marker_pause_and_quit_by_keys(
    example_clip: Path, tmp_path: Path, display: str
) -> None:
    clip = tmp_path / "long.mp4"
    repeat(example_clip, clip, 600)
    quick = ("--columns", "au,au_rel", "--head-pose", "none", "--gaze", "none")
    run = _Run("--source", clip, *quick, table=tmp_path / "t.csv")
    for _ in range(20):  # a machine that is busy sees too few faces in three seconds
        run.press("b")
        enough = run.seen() + 120
        _wait(partial(run.has, "AU12_rel", enough), "the baseline", 300)
        if run.seen("AU12_rel"):
            break
    run.press("m")
    _wait(lambda: run.seen("marker") == 1, "the first marker")
    run.press("m")
    _wait(lambda: run.seen("marker") == 2, "the second marker")
    run.press("space")
    time.sleep(1.5)
    run.press("space")
    paused_at = run.seen()
    _wait(lambda: run.seen() > paused_at, "rows after the pause")
    run.press("q")
    run.finish()

    table = read_table(run.table)
    described = table.attrs["facekit"]
    assert described["state"] == "complete"
    assert table.marker.dropna().tolist() == [1, 2]
    assert table.latency_ms.min() > 0 and table.dropped.is_monotonic_increasing

    taken = described["baseline"]["taken"][-1]
    after = table[table.time_s >= taken["to_s"]]
    for unit in ("AU12", "AU25"):
        at_rest = taken["tracks"]["0"]["intensity"][unit]
        assert np.allclose(after[f"{unit}_rel"], after[unit] - at_rest, atol=0.0025)
    assert table[table.time_s < taken["from_s"] - 4].AU12_rel.isna().all()

    notes = " ".join(described["notes"])
    assert "Baseline from" in notes
    paused, resumed = (
        float(notes.split(f"{word} at ")[1].split(" s")[0]) for word in ("Paused", "Resumed")
    )
    assert resumed - paused > 1
    assert not table.time_s.between(paused + 0.001, resumed - 0.001).any()


def test_escape_ends_it_and_without_action_units_there_is_no_baseline(
    example_clip: Path, tmp_path: Path, display: str
) -> None:
    options = ("--source", example_clip, "--action-units", "none", "--columns", "pose")
    run = _Run(*options, table=tmp_path / "t.csv")
    run.press("b")
    run.press("c")
    run.press("Escape")
    run.finish()
    table = read_table(run.table)
    assert list(table.columns[-3:]) == ["latency_ms", "dropped", "marker"]
    assert 1 <= len(table) < 225
    assert table.attrs["facekit"]["notes"] == []


def test_no_display_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from facekit.live.window import Window

    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OutputError, match="no display"):
        Window()
