"""``extract --format openface`` and ``import-openface``."""

import json
from pathlib import Path

import pandas as pd

import facekit
from tests.cli.runner import Cli


def _short(clip: Path, output: Path, *more: str) -> tuple[object, ...]:
    return ("extract", clip, "-o", output, "--end", "0.2", "--device", "cpu", *more)


def test_openface_s_columns_are_written_kept_and_come_back(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = cli(*_short(example_clip, out, "--format", "openface"))
    assert result.code == 0, result.err
    table = out / "average_face.csv"
    old = pd.read_csv(table)
    assert old.shape == (6, 714)
    assert old.success.tolist() == [1] * 6
    described = json.loads((out / "average_face.schema.json").read_text(encoding="utf-8"))
    assert (described["format"], described["state"], described["rows"]) == (
        "openface",
        "complete",
        6,
    )
    assert "p_0 ... p_33" in described["notes"][0]
    networks = {column["name"]: column["networks"] for column in described["columns"]}
    assert networks["pose_Rx"][0]["name"] == "head_pose"
    assert networks["p_0"] == []
    assert not list(out.glob("*.partial"))

    before = table.stat().st_mtime_ns
    assert cli(*_short(example_clip, out, "--format", "openface")).code == 0
    assert table.stat().st_mtime_ns == before, "a finished table of the same is kept"

    back = tmp_path / "back.parquet"
    assert cli("import-openface", table, "-o", back).code == 0
    read = facekit.read_table(back)
    assert read.frame.tolist() == list(range(6))
    assert read.time_s.tolist() == old.timestamp.tolist()
    assert "facekit" in read.attrs["facekit"]["notes"][0]

    own = cli(*_short(example_clip, out, "--columns", described_groups(described)))
    assert own.code == 0
    assert "made as openface, not csv" in own.err
    assert "yaw" in facekit.read_table(table)


def described_groups(described: dict[str, dict[str, list[str]]]) -> str:
    """The groups behind the table: with these alone the options are the same."""
    return ",".join(described["options"]["columns"])


def test_contradictions_are_usage_errors(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    asked = cli(*_short(example_clip, tmp_path / "o", "--format", "openface", "--columns", "pose"))
    assert asked.code == 2
    assert "columns: cannot be used with the format openface" in asked.err
    suffix = cli(*_short(example_clip, tmp_path / "t.parquet", "--format", "openface"))
    assert suffix.code == 2
    assert "contradict" in suffix.err


def test_openface_goes_to_standard_output(cli: Cli, example_clip: Path) -> None:
    result = cli(*_short(example_clip, Path("-"), "--format", "openface", "-q"))
    assert result.code == 0
    lines = result.out.splitlines()
    assert len(lines) == 7
    assert lines[0].startswith("frame,face_id,timestamp,confidence,success,gaze_0_x")


def test_a_folder_of_old_tables_is_imported_whatever_is_wrong_with_one(
    cli: Cli, tmp_path: Path
) -> None:
    for name in ("day1/a", "day2/a"):
        path = tmp_path / "old" / f"{name}.csv"
        path.parent.mkdir(parents=True)
        path.write_text("frame, timestamp, confidence, success\n1, 0, 0.9, 1\n", encoding="utf-8")
    (tmp_path / "old" / "bad.csv").write_text("a,b\n", encoding="utf-8")
    result = cli("import-openface", tmp_path / "old", "-o", tmp_path / "new", "--format", "parquet")
    assert result.code == 3
    assert "bad.csv: is not a table of OpenFace's videos" in result.err
    assert "2 of 3 tables imported" in result.err
    made = sorted(p.relative_to(tmp_path / "new").as_posix() for p in tmp_path.rglob("*.parquet"))
    assert made == ["day1/a.parquet", "day2/a.parquet"]
    together = cli("import-openface", tmp_path / "old", "-o", tmp_path / "one.csv")
    assert together.code == 2
    assert "3 tables cannot share one" in together.err
    (tmp_path / "none").mkdir()
    assert cli("import-openface", tmp_path / "none", "-o", tmp_path / "new").code == 2
