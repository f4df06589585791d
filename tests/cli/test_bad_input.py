"""The table of bad input: for each case its message, its exit code and what is on the disk."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facekit import read_table
from tests.cli.runner import Cli, start
from tests.media import (
    flip_bytes,
    truncate,
    write_audio,
    write_empty,
    write_text,
    write_tiny,
    write_video,
    write_wide,
)


def _files(folder: Path) -> list[str]:
    """Everything but events, which are written with the temporal networks only."""
    found = [p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".events.csv")]
    return sorted(str(p.relative_to(folder)) for p in found)


def _missing(folder: Path) -> Path:
    return folder / "missing.mp4"


def _folder_without_media(folder: Path) -> Path:
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("no media", encoding="utf-8")
    return folder / "notes"


def _truncated_without_index(folder: Path) -> Path:
    whole = write_video(folder / "whole.mp4", count=60)
    return truncate(whole, 0.5, folder / "half.mp4")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_missing, "does not exist"),
        (_folder_without_media, "is a folder without videos or images"),
        (lambda folder: write_text(folder / "text.mp4"), "text"),
        (lambda folder: write_empty(folder / "empty.mp4"), "is empty (0 bytes)"),
        (lambda folder: write_audio(folder / "sound.mp4"), "no video"),
        (_truncated_without_index, "half.mp4"),
    ],
    ids=["missing", "no media", "text", "zero bytes", "audio only", "index cut off"],
)
def test_what_cannot_be_read_writes_no_table(
    cli: Cli, tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    path = make(tmp_path)
    out = tmp_path / "out"
    result = cli("extract", path, "-o", out)
    assert result.code == 3
    assert message in result.err
    assert path.name in result.err
    assert _files(out) == ["study.csv"]
    row = (out / "study.csv").read_text(encoding="utf-8").splitlines()[1]
    assert row.startswith(f"{path.name},,failed,")


def test_a_truncated_stream_gives_its_first_half_and_says_so(cli: Cli, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", count=200, faststart=True)
    half = truncate(whole, 0.5, tmp_path / "half.mp4")
    result = cli("extract", half, "-o", tmp_path / "t.csv")
    assert result.code == 3
    assert "damaged" in result.err
    table = read_table(tmp_path / "t.csv")
    assert 20 < table.frame.nunique() < 160
    assert table.attrs["facekit"]["warnings"]
    assert table.attrs["facekit"]["state"] == "complete"
    # Done as far as it goes: it is not done again, but still counts as damaged.
    again = cli("extract", half, "-o", tmp_path / "t.csv")
    assert again.code == 3
    assert "kept" in again.err


def test_flipped_bytes_lose_only_what_they_hit(cli: Cli, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", count=200, faststart=True)
    flipped = flip_bytes(whole, tmp_path / "flipped.mp4")
    result = cli("extract", flipped, "-o", tmp_path / "t.csv")
    assert result.code == 3, result.err
    table = read_table(tmp_path / "t.csv")
    assert table.frame.nunique() >= 100
    assert table.attrs["facekit"]["warnings"]


def test_a_video_without_faces_is_not_an_error(cli: Cli, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "plain.mp4", count=12)
    result = cli("extract", clip, "-o", tmp_path / "t.csv")
    assert result.code == 0
    table = read_table(tmp_path / "t.csv")
    assert table.status.tolist() == ["no_face"] * 12
    assert table.drop(columns=["frame", "time_s", "status"]).isna().all(axis=None)


@pytest.mark.parametrize(("write", "frames"), [(write_tiny, 5), (write_wide, 1)])
def test_frames_of_odd_sizes(
    cli: Cli, tmp_path: Path, write: Callable[[Path], Path], frames: int
) -> None:
    clip = write(tmp_path / "odd.mkv")
    assert cli("extract", clip, "-o", tmp_path / "t.csv").code == 0
    assert len(read_table(tmp_path / "t.csv")) == frames


def test_no_frame_between_start_and_end(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    result = cli("extract", example_clip, "-o", tmp_path / "t.csv", "--start", "60")
    assert result.code == 0
    assert "no frame lies between start and end" in result.err
    assert len(read_table(tmp_path / "t.csv")) == 0


def test_an_output_folder_that_cannot_be_made(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    inside = cli("extract", example_clip, "-o", tmp_path / "file" / "out")
    assert inside.code == 3
    assert "cannot be created" in inside.err
    itself = cli("extract", example_clip, "-o", tmp_path / "file")
    assert itself.code == 3
    assert "is a file, not a folder" in itself.err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "in the way"


def test_a_batch_goes_on_past_bad_files(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_video(folder / "a.mp4", count=5)
    write_empty(folder / "b.mp4")
    write_text(folder / "c.mp4")
    write_video(folder / "d.mp4", count=6)
    result = cli("extract", folder, tmp_path / "nowhere.mp4", "-o", tmp_path / "out")
    assert result.code == 3
    tables = ["a.csv", "a.schema.json", "d.csv", "d.schema.json"]
    assert _files(tmp_path / "out") == [*tables, "study.csv"]
    assert "2 complete, 3 failed" in result.err


def test_a_full_disk_keeps_whole_rows(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", count=900)
    process = start(
        "extract", clip, "-o", tmp_path / "t.csv", "--min-face", "90", file_size_limit=200_000
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "t.csv: the file is larger than allowed here" in err
    assert "Traceback" not in err
    assert not (tmp_path / "t.csv").exists()
    kept = read_table(tmp_path / "t.csv.partial")
    assert 100 < len(kept) < 900
    assert kept.frame.tolist() == list(range(len(kept)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_keeps_its_rows_and_the_next_one_is_whole(
    cli: Cli, tmp_path: Path, number: signal.Signals
) -> None:
    clip = write_video(tmp_path / "clip.mp4", count=1000, size=(320, 240))
    table, partial = tmp_path / "t.csv", tmp_path / "t.csv.partial"
    process = start("extract", clip, "-o", table, "--detect-every", "1")
    _wait_for_rows(partial, 20)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert not table.exists()
    kept = read_table(partial)
    assert 20 <= len(kept) < 1000
    assert str(kept.frame.dtype) == "Int64"
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert str(partial) in err
        assert kept.attrs["facekit"]["state"] == "stopped"
    else:
        assert process.returncode == -signal.SIGKILL
        assert kept.attrs["facekit"]["state"] == "running"
    assert cli("extract", clip, "-o", table, "--end", "2").code == 0
    assert len(read_table(table)) == 51
    assert _files(tmp_path) == ["clip.mp4", "t.csv", "t.schema.json"]


def _wait_for_rows(partial: Path, rows: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if partial.exists() and len(partial.read_bytes().splitlines()) > rows:
            return
        time.sleep(0.05)
    raise AssertionError(f"{partial} never had {rows} rows")
