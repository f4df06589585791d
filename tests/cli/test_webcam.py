"""``facekit webcam`` without a camera: a file played at its own pace."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from facekit import read_table
from facekit.bench.material import average_face
from facekit.columns import columns
from facekit.live.record import StreamLayout
from facekit.source.camera import CameraSource
from tests.cli.runner import Cli, start
from tests.live.clients import UdpClient, ZmqClient
from tests.media import even_times, write_video
from tests.source.test_camera import FakeCamera


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
    assert table.latency_ms.min() > 0
    gaps = table.frame - np.arange(len(table))
    assert (gaps <= table.dropped).all() and (gaps == table.dropped).mean() > 0.8
    assert table.marker.isna().all()


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
        (("--headless", "--stream", "tcp://a:1"), 2, "stream: 'tcp://a:1' is not a target"),
        (("-o", "-", "--stream", "jsonl:-"), 2, "share standard output"),
        (("--headless", "-o", "-", "--baseline", "key"), 2, "--baseline key needs the window"),
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


def test_streams_carry_the_tables_rows(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    receiver = UdpClient(StreamLayout(columns(("pose", "live")), "", {}))
    receiver.start()
    lines = tmp_path / "rows.jsonl"
    arguments = ("--columns", "pose", "--stream", f"jsonl:{lines}", "--stream", receiver.target)
    table = tmp_path / "t.csv"
    clip = ("--source", example_clip, "--headless", "-o", table, "--seconds", "1")
    result = cli("webcam", *clip, *arguments)
    assert result.code == 0, result.err
    written = read_table(table)
    heard = receiver.wait(len(written))
    receiver.stop()
    read = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    for rows in (heard, read):
        assert [row["frame"] for row in rows] == written.frame.tolist()
        for name in ("time_s", "yaw", "head_z_mm", "latency_ms", "dropped"):
            assert [row[name] for row in rows] == written[name].tolist(), name
        for row in rows:
            assert (row["send_s"] - row["capture_s"]) * 1000 > row["latency_ms"] - 0.1
    tally = f"{receiver.target}: {len(written)} rows sent"
    assert tally in result.err
    assert tally in written.attrs["facekit"]["notes"]


def test_a_stream_alone_is_enough_and_its_reader_ends_the_run(example_clip: Path) -> None:
    process = start("webcam", "--source", example_clip, "--headless", "--stream", "jsonl:-")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["frame"] == 0 and "AU12" in first
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert "lost (the reader has gone)" in process.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="a named pipe of POSIX")
def test_a_receiver_that_never_reads_changes_nothing(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    pipe, table = tmp_path / "pipe", tmp_path / "t.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # it takes 64 kB and then no more
    result = cli("extract", example_clip, "-o", table, "--end", "1", "--stream", f"jsonl:{pipe}")
    os.close(reader)
    assert result.code == 0, result.err
    assert len(read_table(table)) == 26
    assert "the receiver is slower than the analysis" in result.err


def test_extract_streams_a_table_that_still_holds(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    table, lines = tmp_path / "t.csv", tmp_path / "rows.jsonl"
    arguments = ("extract", example_clip, "-o", table, "--end", "0.2", "--columns", "pose")
    assert cli(*arguments).code == 0
    assert cli(*arguments, "--stream", f"jsonl:{lines}").code == 0
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [row["yaw"] for row in rows] == read_table(table).yaw.tolist()
    assert [row["dropped"] for row in rows] == [0] * len(rows)
    assert "latency_ms" not in rows[0], "that is of live runs alone"
    workers = cli(*arguments, "--stream", f"jsonl:{lines}", "--workers", "2")
    assert workers.code == 2 and "--stream takes one input" in workers.err


@pytest.mark.parametrize(
    ("hangs", "message"),
    [(False, "camera 0 gave no more pictures"), (True, "camera 0 gave no picture for 0.5 s")],
)
def test_a_camera_that_is_unplugged_is_said_and_the_table_kept(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: bool, message: str
) -> None:
    camera = FakeCamera(count=8, step_s=0.02, hangs=hangs)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: camera)
    defaults = CameraSource.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "stall_s", 0.5)
    table = tmp_path / "t.csv"
    result = cli("webcam", "--headless", "-o", table)
    assert result.code == 3
    assert message in result.err
    written = read_table(table)
    assert 1 <= len(written) <= 8
    assert message in written.attrs["facekit"]["warnings"][0]
    assert written.attrs["facekit"]["state"] == "complete"


def test_a_port_that_is_taken_is_said_and_leaves_the_earlier_table(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    import socket

    receiver = ZmqClient(StreamLayout((), "", {}))
    port = int(receiver.target.rpartition(":")[2])
    table = tmp_path / "t.csv"
    table.write_text("earlier", encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        clip = ("--source", example_clip, "--headless", "-o", table)
        result = cli("webcam", *clip, "--stream", receiver.target)
    assert result.code == 3
    assert f"{receiver.target}: cannot be bound" in result.err
    assert table.read_text(encoding="utf-8") == "earlier"
    assert not Path(f"{table}.partial").exists()


def test_a_disk_that_fills_up_is_said_and_the_rows_are_kept(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", even_times(2000, rate=200))
    table = tmp_path / "t.csv"
    process = start(
        *("webcam", "--source", clip, "--headless", "-o", table),
        *("--landmarks", "none", "--min-face", "90"),
        file_size_limit=12_000,
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "t.csv: the file is larger than allowed here" in err
    assert "what was complete is in t.csv.partial" in err
    assert "Traceback" not in err
    kept = read_table(tmp_path / "t.csv.partial")
    assert len(kept) >= 5
    assert kept.attrs["facekit"]["state"] == "stopped"


def test_a_stream_whose_disk_is_full_leaves_the_table_whole(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    clip = ("--source", example_clip, "--headless", "-o", table, "--seconds", "0.5")
    result = cli("webcam", *clip, "--stream", "jsonl:/dev/full")
    assert result.code == 3
    assert "jsonl:/dev/full: 0 rows sent" in result.err
    assert "lost (the disk is full)" in result.err
    assert read_table(table).attrs["facekit"]["state"] == "complete"
