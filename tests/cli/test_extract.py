"""``facekit extract`` on good input: what is written, where, and what is kept."""

import io
import json
import shutil
import sys
from pathlib import Path

import av
import pandas as pd
import pytest

from facekit import read_table
from tests.cli.runner import Cli, start
from tests.media import uneven_times, write_video


def test_one_row_per_frame_with_the_face_followed(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    result = cli("extract", example_clip, "-o", tmp_path / "table.csv")
    assert result.code == 0, result.err
    table = read_table(tmp_path / "table.csv")
    assert table.frame.tolist() == list(range(225))
    assert table.time_s.tolist() == pytest.approx([i / 25 for i in range(225)], abs=1e-6)
    assert (table.status == "ok").all()
    assert (table.track == 0).all()
    assert table.score.between(0.7, 1).all()
    assert "1 complete" in result.err
    assert "running on cpu" in result.err
    assert {p.name for p in tmp_path.iterdir()} - {"table.events.csv"} == {
        "table.csv",
        "table.schema.json",
    }


def test_the_sidecar_says_what_the_table_is(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    options = ("--end", "0.36", "--detect-every", "4")
    cli("extract", example_clip, "-o", tmp_path / "table.csv", *options)
    described = json.loads((tmp_path / "table.schema.json").read_text(encoding="utf-8"))
    assert described["state"] == "complete"
    assert described["rows"] == 10
    assert described["options"]["detect_every"] == 4
    assert described["source"]["name"] == "average_face.mp4"
    assert described["source"]["frames"] == 10
    assert described["source"]["bytes"] == example_clip.stat().st_size
    assert [n["name"] for n in described["networks"]["detect"]] == [
        "mtcnn_proposal",
        "mtcnn_refinement",
        "mtcnn_output",
    ]
    header = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [c["name"] for c in described["columns"]] == header


def test_all_formats_hold_the_same(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    for suffix in ("csv", "parquet", "jsonl"):
        assert cli("extract", example_clip, "-o", tmp_path / f"t.{suffix}", "--end", "1").code == 0
    first = read_table(tmp_path / "t.csv")
    for suffix in ("parquet", "jsonl"):
        pd.testing.assert_frame_equal(first, read_table(tmp_path / f"t.{suffix}"))


def test_json_lines_on_stdout_and_talk_on_stderr(cli: Cli, example_clip: Path) -> None:
    result = cli("extract", example_clip, "-o", "-", "--start", "1", "--end", "1.2")
    assert result.code == 0
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["frame"] for row in rows] == [25, 26, 27, 28, 29, 30]
    assert rows[0]["time_s"] == 1.0


def test_a_reader_that_has_seen_enough_ends_it_quietly(example_clip: Path) -> None:
    process = start("extract", example_clip, "-o", "-", "-q")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""


def test_csv_on_stdout(cli: Cli, example_clip: Path) -> None:
    options = ("--format", "csv", "--every", "0.5", "--end", "2.9", "-q")
    result = cli("extract", example_clip, "-o", "-", *options)
    assert pd.read_csv(io.StringIO(result.out)).frame.tolist() == [0, 13, 25, 38, 50, 63]
    assert result.err == ""


def test_a_folder_is_mirrored_and_equal_names_do_not_meet(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    for place in ("study/a/clip.mp4", "study/b/clip.mp4", "study/b/clip.mov"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(example_clip, tmp_path / place)
    result = cli("extract", tmp_path / "study", "-o", tmp_path / "out", "--end", "0.2")
    assert result.code == 0, result.err
    found = [p for p in tmp_path.rglob("*.csv") if not p.name.endswith(".events.csv")]
    tables = sorted(str(p.relative_to(tmp_path / "out")) for p in found)
    assert tables == ["a/clip.csv", "b/clip.mov.csv", "b/clip.mp4.csv", "study.csv"]


def test_a_second_run_keeps_what_is_the_same_and_says_why_not(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    clip, table = tmp_path / "clip.mp4", tmp_path / "t.csv"
    shutil.copy(example_clip, clip)
    base = ("extract", clip, "-o", table, "--end", "0.3")
    assert "1 complete" in cli(*base).err
    before = table.stat().st_mtime_ns
    assert "1 kept" in cli(*base).err
    assert table.stat().st_mtime_ns == before
    changed = cli(*base, "--detect-every", "2")
    assert "done again: made with other options: detect_every 10 -> 2" in changed.err
    write_video(clip, count=5)
    assert "done again: the input has changed" in cli(*base, "--detect-every", "2").err
    assert "1 complete" in cli(*base, "--detect-every", "2", "--overwrite").err


def test_the_table_of_another_input_is_replaced_only_when_asked(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    first, second, table = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "t.csv"
    shutil.copy(example_clip, first)
    write_video(second, count=3)
    flags = ("-o", table, "--end", "0.1", "--landmarks", "none")
    assert cli("extract", first, *flags).code == 0
    before = table.read_bytes()
    refused = cli("extract", second, *flags)
    assert refused.code == 3
    assert "holds the table of another input (a.mp4, not b.mp4)" in refused.err
    assert "--overwrite" in refused.err
    assert table.read_bytes() == before
    renamed = first.rename(tmp_path / "c.mp4")
    assert "1 kept" in cli("extract", renamed, *flags).err, "the same input by another name"
    assert cli("extract", second, *flags, "--overwrite").code == 0
    assert read_table(table).attrs["facekit"]["source"]["name"] == "b.mp4"


def test_a_smallest_face_larger_than_the_picture_is_said(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    flags = ("--end", "0.05", "--landmarks", "none", "--min-face", "5000")
    result = cli("extract", example_clip, "-o", tmp_path / "t.csv", *flags)
    assert result.code == 0
    assert "no face can be found: the smallest that is searched for (min_face 5000)" in result.err
    (warning,) = read_table(tmp_path / "t.csv").attrs["facekit"]["warnings"]
    assert warning.startswith("no face can be found")


def test_a_folder_of_images_is_one_table(cli: Cli, tmp_path: Path) -> None:
    import cv2

    from facekit.bench.material import average_face

    (tmp_path / "photos").mkdir()
    for name in ("img2.png", "img10.png", "img1.png"):
        cv2.imwrite(str(tmp_path / "photos" / name), average_face()[..., ::-1])
    result = cli("extract", tmp_path / "photos", "-o", tmp_path / "t.csv")
    assert result.code == 0, result.err
    table = read_table(tmp_path / "t.csv")
    assert table.file.tolist() == ["img1.png", "img2.png", "img10.png"]
    assert table.frame.tolist() == [0, 1, 2]
    assert table.time_s.isna().all()
    assert table.track.isna().all()
    assert (table.status == "ok").all()


def test_overlay_has_every_frame_at_its_time(cli: Cli, tmp_path: Path) -> None:
    times = uneven_times(20, start=3.0)
    clip = write_video(tmp_path / "clip.mp4", times)
    assert cli("extract", clip, "-o", tmp_path / "t.csv", "--overlay").code == 0
    with av.open(str(tmp_path / "t.overlay.mp4")) as container:
        shown = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert [t - shown[0] for t in shown] == pytest.approx([t - times[0] for t in times], abs=1e-3)


def test_a_config_file_gives_options_and_flags_win(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    config = tmp_path / "study.toml"
    config.write_text("detect-every = 3\nend = 0.2\n", encoding="utf-8")
    table = tmp_path / "t.csv"
    cli("extract", example_clip, "-o", table, "--config", config, "--end", "0.1")
    options = read_table(table).attrs["facekit"]["options"]
    assert (options["detect_every"], options["end"]) == (3, 0.1)


@pytest.mark.parametrize(
    ("flags", "left"),
    [
        (("--roi", "0,0,40,40"), 0),
        (("--roi", "0,0,480,480"), 3),
        (("--min-face", "500"), 0),
        (("--largest",), 3),
        (("--max-faces", "1"), 3),
    ],
)
def test_flags_that_choose_faces(
    cli: Cli, example_clip: Path, tmp_path: Path, flags: tuple[str, ...], left: int
) -> None:
    cli("extract", example_clip, "-o", tmp_path / "t.csv", "--end", "0.08", *flags)
    table = read_table(tmp_path / "t.csv")
    assert len(table) == 3
    assert int((table.status == "ok").sum()) == left


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.mp4", "b.mp4", "-o", "t.csv"), "2 inputs cannot share one table"),
        (("a.mp4", "-o", "t.csv", "--format", "parquet"), "contradict each other"),
        (("a.mp4", "-o", "t.xlsx"), ".xlsx is not a table format"),
        (("a.mp4", "-o", "-", "--overlay"), "--overlay needs a table file"),
        (("a.mp4", "-o", "t.csv", "--detect-every", "0"), "detect_every: 0 is not valid"),
        (("a.mp4", "-o", "t.csv", "--columns", "poses"), "'poses' is not valid"),
        (
            ("a.mp4", "-o", "t.csv", "--landmarks", "none", "--columns", "landmarks68"),
            "needs what is not run",
        ),
        (("a.mp4", "-o", "t.csv", "--config", "none.toml"), "none.toml: cannot be read"),
        (("a.mp4", "-o", "t.csv", "--device", "mps"), "MPS needs macOS on Apple silicon"),
        (("a.mp4",), "Missing option '-o'"),
    ],
)
@pytest.mark.skipif(sys.platform == "darwin", reason="asks for MPS, which may be there")
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    result = cli("extract", *arguments)
    assert result.code == 2
    assert message in result.err
