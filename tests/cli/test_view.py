"""``facekit view`` and ``facekit report``."""

import signal
import urllib.request
from pathlib import Path

from tests.cli.runner import Cli, start
from tests.media import even_times
from tests.viewer.tables import table_frame, write_table


def test_view_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    table = write_table(tmp_path / "clip.csv", table_frame(even_times(50)))
    process = start("view", table, "--no-browser")
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        assert link.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{link}about.json", timeout=20) as answer:
            assert b"clip.csv" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=60)
    assert process.returncode == 0, talk
    assert "the viewer has ended" in talk


def test_view_says_what_is_wrong(cli: Cli, tmp_path: Path) -> None:
    missing = cli("view", tmp_path / "missing.csv")
    assert missing.code == 3
    assert "there is no such table" in missing.err
    table = write_table(tmp_path / "clip.csv", table_frame(even_times(5)))
    assert cli("view", table, table, table).code == 2
    no_video = cli("view", table, "--video", tmp_path / "missing.mp4")
    assert no_video.code == 3
    assert "missing.mp4: cannot be read" in no_video.err
    port = cli("view", table, "--port", 99999)
    assert port.code == 2
    assert "99999" in port.err


def test_report_is_written_and_failures_are_told(cli: Cli, tmp_path: Path) -> None:
    table = write_table(tmp_path / "clip.csv", table_frame(even_times(50)))
    done = cli("report", table, "-o", tmp_path / "r.html")
    assert done.code == 0
    assert "clip.csv" in (tmp_path / "r.html").read_text(encoding="utf-8")
    some = cli("report", table, tmp_path / "missing.csv", "-o", tmp_path / "r.html")
    assert some.code == 3
    assert "1 of 2 tables" in some.err
    nowhere = cli("report", table, "-o", tmp_path / "none" / "r.html")
    assert nowhere.code == 3
    assert "the folder does not exist" in nowhere.err
