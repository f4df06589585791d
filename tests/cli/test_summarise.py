"""``facekit summarise`` and ``facekit quality`` as a user calls them."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.runner import Cli
from tests.study.twelve import twelve, write_twelve


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    write_twelve(folder / "a.csv")
    write_twelve(folder / "b.csv", events=False)
    return folder


def test_a_summary_on_stdout_and_in_a_file(cli: Cli, out: Path, tmp_path: Path) -> None:
    printed = cli("summarise", out)
    assert printed.code == 0, printed.err
    found = pd.read_csv(io.StringIO(printed.out))
    assert found["table"].tolist() == ["a.csv"] * 2 + ["b.csv"] * 2
    assert "4 rows of 2 tables" in printed.err
    written = cli("summarise", out, "-o", tmp_path / "s.csv")
    assert (written.code, written.out) == (0, "")
    assert (tmp_path / "s.csv").read_text(encoding="utf-8") == printed.out
    assert (tmp_path / "s.schema.json").exists()


def test_divisions_groups_and_limits(cli: Cli, out: Path) -> None:
    options = ("--by", "window:1", "--columns", "pose", "--min-face", "20", "--max-yaw", "60")
    found = pd.read_csv(io.StringIO(cli("summarise", out / "a.csv", *options).out))
    assert found["window_start_s"].tolist() == [0, 1, 4, 1]
    assert found["small_face_share"].tolist() == [0] * 4
    assert not [name for name in map(str, found) if name.startswith("AU12_m")]


def test_one_bad_table_is_exit_code_3_and_the_rest_is_there(cli: Cli, out: Path) -> None:
    (out / "b.csv").write_bytes(b"")
    result = cli("summarise", out, "--by", "file")
    assert result.code == 3
    assert "b.csv: is damaged" in result.err
    assert "1 rows of 1 tables, 1 failed" in result.err
    assert len(pd.read_csv(io.StringIO(result.out))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--by", "frame"), 2, "by: 'frame' is not valid"),
        (("--by", "window:0"), 2, "such as window:60"),
        (("--columns", "poses"), 2, "no column group named poses"),
        (("--max-yaw", "-3"), 2, "max_yaw: -3.0 is not valid"),
        (("-o", "s.xlsx"), 3, "no table format has the suffix '.xlsx'"),
    ],
)
def test_wrong_usage(
    cli: Cli, out: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("summarise", out, *arguments)
    assert result.code == code
    assert message in result.err
    assert result.out == ""


@pytest.mark.parametrize("command", ["summarise", "quality"])
def test_what_is_not_there(cli: Cli, tmp_path: Path, command: str) -> None:
    missing = cli(command, tmp_path / "none.csv")
    assert missing.code == 3
    assert "none.csv: there is no such table. Check the path" in missing.err
    empty = cli(command, tmp_path)
    assert empty.code == 3
    assert "there is no table. Run facekit extract first" in empty.err


def test_quality_for_people(cli: Cli, out: Path) -> None:
    result = cli("quality", out / "a.csv")
    assert result.code == 0, result.err
    assert "a.csv: 41.7% of 12 rows can be trusted" in result.out
    told = [" ".join(line.split()) for line in result.out.splitlines()]
    assert "extreme_pose 3 25.0% 0 yaw beyond 45 or pitch beyond 30 degrees" in told
    missing = "uncertain_pose, uncertain_gaze, uncertain_units, uncertain_landmarks."
    assert f"Not looked for, as the columns are missing: {missing}" in told
    assert "1 gaps of 2.8 s together, the longest of 2.8 s" in result.out


def test_quality_for_programs(cli: Cli, out: Path) -> None:
    result = cli("quality", out, "--json", "--max-pitch", "20")
    told = json.loads(result.out)
    assert told["limits"]["max_pitch"] == 20
    first = told["tables"][0]
    assert (first["rows"], first["trusted"]) == (12, 5)
    reasons = {entry["reason"]: entry["rows"] for entry in first["reasons"]}
    assert (reasons["no_face"], reasons["low_score"]) == (1, 3)
    assert [subject["subject"] for subject in first["subjects"]] == ["all", "track 0", "track 1"]
    assert first["subjects"][0]["gap_s"] == pytest.approx(2.8)


def test_quality_of_a_table_without_rows(cli: Cli, tmp_path: Path) -> None:
    twelve().iloc[:0].to_csv(tmp_path / "none.csv", index=False)
    result = cli("quality", tmp_path / "none.csv")
    assert result.code == 0, result.err
    assert "none of 0 rows can be trusted" in result.out
    assert json.loads(cli("quality", tmp_path, "--json").out)["tables"][0]["trusted_share"] is None


def test_one_bad_table_of_several(cli: Cli, out: Path) -> None:
    (out / "b.csv").write_text("frame,time_s\n0,0\n", encoding="utf-8")
    result = cli("quality", out / "a.csv", out / "b.csv")
    assert result.code == 3
    assert "b.csv: has no column track, status" in result.err
    assert "41.7%" in result.out


def test_a_report_leaves_out_what_is_no_table(cli: Cli, out: Path, tmp_path: Path) -> None:
    result = cli("report", *sorted(out.glob("*.csv")), "-o", tmp_path / "r.html")
    assert result.code == 0, result.err
    assert "a.events.csv: holds events" in result.err
    assert "2 of 2 tables" in result.err
