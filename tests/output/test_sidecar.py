import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from facekit.columns import columns
from facekit.errors import OutputError
from facekit.output import open_table, read_table, reuse, sidecar, to_frame
from facekit.output.rows import Row
from facekit.output.sidecar import NetworkRecord
from tests.output.builders import record

ROW: Row = (0, 0.0, 0, "ok", 0.5, 1.0, 2.0, 3.0, 4.0)
EMPTY: Row = (0, 0.0, None, "no_face", None, None, None, None, None)
ALL = columns(["landmarks68"])


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("clip.csv", "clip.schema.json"),
        ("clip.parquet", "clip.schema.json"),
        ("a/my.clip.jsonl", "a/my.clip.schema.json"),
        ("clip.csv.partial", "clip.schema.json"),
    ],
)
def test_schema_path(table: str, expected: str) -> None:
    assert sidecar.schema_path(Path(table)) == Path(expected)


def test_a_sidecar_reads_back_as_it_was(tmp_path: Path) -> None:
    networks = {"landmarks": (NetworkRecord("mesh", "dd"),)}
    written = record(
        columns=sidecar.describe(ALL, networks),
        networks=networks,
        warnings=("damaged after 3.2 s",),
        notes=("größer",),
    )
    path = sidecar.write(written, tmp_path / "clip.csv")
    assert path == tmp_path / "clip.schema.json.partial"
    assert sidecar.read(path) == written
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_column_says_all_that_the_registry_knows(tmp_path: Path) -> None:
    networks = {"detect": (NetworkRecord("pnet", "aa"), NetworkRecord("rnet", "bb"))}
    described = record(columns=sidecar.describe(columns(), networks), networks=networks)
    path = sidecar.write(described, tmp_path / "clip.csv")
    values = json.loads(path.read_text())
    assert values["columns"][4] == {
        "name": "score",
        "group": "frame",
        "kind": "number",
        "unit": "",
        "range": [0, 1],
        "digits": 4,
        "meaning": columns()[4].meaning,
        "stage": "detect",
        "networks": [{"name": "pnet", "sha256": "aa"}, {"name": "rnet", "sha256": "bb"}],
    }
    assert values["columns"][0]["networks"] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"facekit": "0.1.0"}',
        sidecar.to_json(record()).replace('"running"', '"asleep"'),
        sidecar.to_json(record()).replace('"rows"', '"lines"'),
        sidecar.to_json(record())[:-40],
        "\udcff",
    ],
)
def test_a_damaged_sidecar_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clip.schema.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OutputError, match="damaged") as caught:
        sidecar.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_sidecar_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file"):
        sidecar.read(tmp_path / "clip.schema.json")


def test_a_sidecar_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="the folder is a file"):
        sidecar.write(record(), tmp_path / "file" / "clip.csv")


SAME: dict[str, Any] = {
    "version": "0.1.0",
    "options": record().options,
    "networks": record().networks,
    "source_bytes": 1000,
    "source_sha256": "cc",
}


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, "complete", ""),
        ({"options": {**record().options, "device": "cuda", "threads": None}}, "complete", ""),
        ({}, "stopped", "not complete (stopped)"),
        ({"version": "0.2.0"}, "complete", "made with another version of facekit: 0.1.0 -> 0.2.0"),
        (
            {"options": {**record().options, "detect_every": 5}},
            "complete",
            "made with other options: detect_every 10 -> 5",
        ),
        (
            {"options": {**record().options, "roi": (1, 2, 3, 4), "detect_every": 5}},
            "complete",
            "made with other options: detect_every 10 -> 5, roi None -> [1, 2, 3, 4]",
        ),
        (
            {"options": {**record().options, "every": 0.5}},
            "complete",
            "made with other options: every None -> 0.5",
        ),
        (
            {"networks": {"detect": (NetworkRecord("pnet", "aa"), NetworkRecord("rnet", "b0"))}},
            "complete",
            "made with other networks: detect",
        ),
        (
            {"networks": {**record().networks, "landmarks": (NetworkRecord("mesh", "dd"),)}},
            "complete",
            "made with other networks: landmarks",
        ),
        ({"source_bytes": 999}, "complete", "the input has changed: 1000 -> 999 bytes"),
        ({"source_sha256": "c0"}, "complete", "the input has changed: same size, other content"),
    ],
)
def test_matches(tmp_path: Path, changes: dict[str, Any], state: Any, reason: str) -> None:
    path = sidecar.write(record(state=state), tmp_path / "clip.csv")
    assert reuse.matches(sidecar.read(path), **(SAME | changes)) == reason


def run(path: Path, rows: list[Row], crash_at: str = "", **changes: Any) -> None:
    """One run as the task does it; `crash_at` names the step before which it is killed."""
    described = record(table=path.name, columns=sidecar.describe(columns(), {}), options={"run": 1})
    described = dataclasses.replace(described, **changes)
    with pytest.MonkeyPatch.context() as patch, open_table(path, columns()) as table:
        sidecar.write(described, path)
        table.append(rows)
        if crash_at == "table":
            patch.setattr(table, "finish", crash)
        if crash_at == "sidecar":
            patch.setattr(sidecar, "replace", crash)
        sidecar.finish(table, described)


class Killed(BaseException):
    pass


def crash(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
@pytest.mark.parametrize("rows", [[ROW], [EMPTY], []], ids=["face", "no face", "no rows"])
def test_finish_completes_both(tmp_path: Path, suffix: str, rows: list[Row]) -> None:
    path = tmp_path / f"clip{suffix}"
    run(path, rows)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == sorted([path.name, "clip.schema.json"])
    back = read_table(path)
    pd.testing.assert_frame_equal(back, to_frame(rows, columns()))
    assert back.attrs["facekit"]["state"] == "complete"
    assert back.attrs["facekit"]["rows"] == len(rows)


def test_a_crash_between_the_renames_never_shows_a_table_with_a_wrong_sidecar(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clip.csv"
    run(path, [ROW], options={"run": "old"})
    with pytest.raises(Killed):
        run(path, [ROW, ROW], crash_at="table", options={"run": "new"})
    assert len(read_table(path)) == 1
    assert sidecar.find(path) is None
    partial = read_table(tmp_path / "clip.csv.partial")
    assert len(partial) == 2
    assert partial.attrs["facekit"]["options"] == {"run": "new"}

    run(path, [ROW], options={"run": "old"})
    with pytest.raises(Killed):
        run(path, [ROW, ROW], crash_at="sidecar", options={"run": "new"})
    finished = read_table(path)
    assert len(finished) == 2
    assert finished.attrs["facekit"]["options"] == {"run": "new"}
    assert finished.attrs["facekit"]["state"] == "complete"


def test_a_sidecar_of_another_format_beside_it_is_not_taken(tmp_path: Path) -> None:
    run(tmp_path / "clip.csv", [ROW])
    run(tmp_path / "clip.parquet", [ROW])
    assert sidecar.find(tmp_path / "clip.csv") is None
    assert sidecar.find(tmp_path / "clip.parquet") == tmp_path / "clip.schema.json"


def test_a_table_renamed_with_its_sidecar_keeps_it(tmp_path: Path) -> None:
    run(tmp_path / "clip.csv", [ROW])
    (tmp_path / "clip.csv").rename(tmp_path / "anna.csv")
    (tmp_path / "clip.schema.json").rename(tmp_path / "anna.schema.json")
    assert read_table(tmp_path / "anna.csv").attrs["facekit"]["table"] == "clip.csv"


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_without_sidecar_the_types_are_inferred_and_it_is_said(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"clip{suffix}"
    run(path, [EMPTY])
    (tmp_path / "clip.schema.json").unlink()
    with caplog.at_level(logging.WARNING):
        back = read_table(path)
    assert "there is no sidecar" in caplog.text
    pd.testing.assert_frame_equal(back, to_frame([EMPTY], columns()))
    assert back.attrs["facekit"] == {}


def test_a_sidecar_with_other_columns_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path / "clip.csv", [ROW], columns=sidecar.describe(ALL, {}))
    with caplog.at_level(logging.WARNING):
        assert read_table(tmp_path / "clip.csv")["frame"].tolist() == [0]
    assert "describes other columns" in caplog.text
