import io
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from facekit.columns import columns
from facekit.errors import OutputError
from facekit.output import PipeClosedError, Row, open_table, read_table, rows, to_frame
from facekit.output.cells import rounded
from facekit.output.table import StandardOutput
from tests.output.builders import NAN, face, frame, mesh

SUFFIXES = [".csv", ".parquet", ".jsonl"]
FIRST = columns()
ROWS: list[Row] = [
    (0, 0.0, 0, "ok", 0.99996, 1.005, -0.001, 3.125, 4.135),
    (1, 0.0333333, None, "no_face", None, None, None, None, None),
    (2, 1234.5, 12, "low_quality", 0.5, -1e6, 2.0, 3.0, NAN),
]
CSV = """\
frame,time_s,track,status,score,box_x,box_y,box_w,box_h
0,0.000000,0,ok,1.0000,1.00,0.00,3.12,4.13
1,0.033333,,no_face,,,,,
2,1234.500000,12,low_quality,0.5000,-1000000.00,2.00,3.00,
"""


def write(path: Path, table: list[Row], images: bool = False) -> None:
    with open_table(path, columns(images=images)) as sink:
        for row in table:
            sink.append([row])
        sink.finish()


def test_csv_as_written(tmp_path: Path) -> None:
    write(tmp_path / "clip.csv", ROWS)
    assert (tmp_path / "clip.csv").read_bytes().decode() == CSV
    assert os.listdir(tmp_path) == ["clip.csv"]


def test_json_lines_as_written(tmp_path: Path) -> None:
    write(tmp_path / "clip.jsonl", ROWS[1:2])
    assert (tmp_path / "clip.jsonl").read_text() == (
        '{"frame": 1, "time_s": 0.033333, "track": null, "status": "no_face", "score": null, '
        '"box_x": null, "box_y": null, "box_w": null, "box_h": null}\n'
    )


def test_a_csv_field_is_quoted_where_it_must_be(tmp_path: Path) -> None:
    row: Row = (0, 'a,"b"\n.png', NAN, None, "no_face", None, None, None, None, None)
    write(tmp_path / "t.csv", [row], images=True)
    assert (tmp_path / "t.csv").read_text().splitlines()[1:] == [
        '0,"a,""b""',
        '.png",,,no_face,,,,,',
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("table", [ROWS, []], ids=["rows", "zero rows"])
def test_a_table_reads_back_as_to_frame_has_it(
    tmp_path: Path, suffix: str, table: list[Row]
) -> None:
    path = tmp_path / f"clip{suffix}"
    write(path, table)
    expected = to_frame(table, FIRST)
    pd.testing.assert_frame_equal(read_table(path), expected, check_exact=True)
    assert [str(kind) for kind in expected.dtypes] == (
        ["Int64", "float64", "Int64", "string"] + ["float64"] * 5
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_landmarks_read_back(tmp_path: Path, suffix: str) -> None:
    table = columns(["landmarks68", "landmarks478"])
    found = [
        *rows(frame(0), [face(0, points=mesh(1)), face(1)], table),
        *rows(frame(1, 0.04), [], table),
        *rows(frame(2, 0.08), [face(0, points=mesh(2))], table),
    ]
    with open_table(tmp_path / f"t{suffix}", table) as sink:
        sink.append(found)
        sink.finish()
    back = read_table(tmp_path / f"t{suffix}")
    pd.testing.assert_frame_equal(back, to_frame(found, table), check_exact=True)
    assert back["lx_0"].tolist()[0] == float(f"{mesh(1)[0, 0]:.2f}")


number = st.none() | st.floats(-1e9, 1e9) | st.floats(width=32) | st.just(NAN)
a_row = st.tuples(
    st.integers(0, 2**53),
    st.none() | st.text(st.characters(exclude_characters="\0"), max_size=8),
    number,
    st.none() | st.integers(0, 10**6),
    st.sampled_from(["ok", "no_face", "low_quality"]),
    *[number] * 5,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=st.lists(a_row, min_size=1, max_size=5))
def test_every_format_gives_the_same_table(tmp_path: Path, table: list[Row]) -> None:
    expected = to_frame(table, columns(images=True))
    for suffix in SUFFIXES:
        write(tmp_path / f"t{suffix}", table, images=True)
        back = read_table(tmp_path / f"t{suffix}")
        pd.testing.assert_frame_equal(back, expected, check_exact=True)
    for cell, row in zip(expected["box_x"], table, strict=True):
        known = row[6] is not None and np.isfinite(float(row[6]))
        assert cell == float(f"{row[6]:.2f}") if known else np.isnan(cell)


@settings(deadline=None)
@given(
    values=hypothesis_numpy.arrays(
        np.float64, 20, elements=st.floats() | st.integers(-(10**6), 10**6).map(lambda n: n / 200)
    ),
    digits=st.sampled_from([0, 2, 4, 6]),
)
def test_rounding_is_that_of_python(values: np.ndarray, digits: int) -> None:
    expected = [float(f"{v:.{digits}f}") if np.isfinite(v) else NAN for v in values]
    np.testing.assert_array_equal(rounded(values, digits), expected)


def test_a_file_name_that_is_no_utf_8_is_shown_escaped(tmp_path: Path) -> None:
    row: Row = (0, os.fsdecode(b"caf\xe9.png"), None, None, "no_face", *[None] * 5)
    for suffix in SUFFIXES:
        write(tmp_path / f"t{suffix}", [row], images=True)
        assert read_table(tmp_path / f"t{suffix}")["file"].tolist() == ["caf\\udce9.png"]


class Stop(BaseException):
    """As a Ctrl-C: not an Exception."""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_stopped_table_keeps_every_row_as_partial(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    with pytest.raises(Stop), open_table(path, FIRST) as sink:
        sink.append(ROWS)
        assert sink.rows_written == 3
        raise Stop
    assert os.listdir(tmp_path) == [f"clip{suffix}.partial"]
    for asked in (path, path.with_name(path.name + ".partial")):
        pd.testing.assert_frame_equal(read_table(asked), to_frame(ROWS, FIRST))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_finished_table_stays_until_its_successor_is_complete(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"clip{suffix}"
    write(path, ROWS)
    with pytest.raises(Stop), open_table(path, FIRST) as sink:
        sink.append(ROWS[:1])
        raise Stop
    assert len(read_table(path)) == 3
    write(path, ROWS[:2])
    assert len(read_table(path)) == 2
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_run_leaves_whole_rows(tmp_path: Path, suffix: str) -> None:
    running, killed = tmp_path / f"run{suffix}.partial", tmp_path / f"killed{suffix}.partial"
    expected = to_frame(ROWS, FIRST)
    with open_table(tmp_path / f"run{suffix}", FIRST) as sink:
        for row in ROWS:
            sink.append([row])
            sink.flush()
        shutil.copy(running, killed)
        sink.finish()
    whole = killed.read_bytes()
    pd.testing.assert_frame_equal(read_table(killed), expected)
    for lost in range(1, 60, 7):
        killed.write_bytes(whole[:-lost])
        back = read_table(killed)
        assert len(back) in (1, 2)
        pd.testing.assert_frame_equal(back, expected[: len(back)])


def test_a_line_torn_inside_a_quoted_file_name_is_left_out(tmp_path: Path) -> None:
    table: list[Row] = [(i, "a\n\nb,c.png", *ROWS[1][1:]) for i in range(2)]
    write(tmp_path / "t.csv", table, images=True)
    whole = (tmp_path / "t.csv").read_bytes()
    for end in range(len(whole) - 1, len(whole) - 35, -1):
        (tmp_path / "torn.csv.partial").write_bytes(whole[:end])
        assert read_table(tmp_path / "torn.csv")["frame"].tolist() == [0]


def test_rows_reach_the_file_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("facekit.output.table.time.monotonic", lambda: clock[0])
    with open_table(tmp_path / "t.csv", FIRST) as sink:
        sink.append(ROWS[:1])
        assert len(read_table(tmp_path / "t.csv")) == 0
        clock[0] += 1.0
        sink.append(ROWS[1:2])
        assert len(read_table(tmp_path / "t.csv")) == 2


def test_rows_do_not_pile_up_within_a_second(tmp_path: Path) -> None:
    with open_table(tmp_path / "t.csv", FIRST) as sink:
        for _ in range(300):
            sink.append(ROWS * 100)
        assert len(read_table(tmp_path / "t.csv")) >= 60_000


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    with open_table(tmp_path / "t.csv", FIRST) as sink:
        with pytest.raises(ValueError, match="2 values for 9 columns"):
            sink.append([(1, 2.0)])
        sink.finish()
        with pytest.raises(ValueError, match="finished"):
            sink.append(ROWS)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("clip.xlsx", ".csv, .parquet, .jsonl"),
        ("clip", ".csv, .parquet, .jsonl"),
        ("missing/clip.csv", "the folder does not exist"),
        ("file/clip.parquet", "the folder is a file"),
        ("folder.csv", "is a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_at_once(
    tmp_path: Path, name: str, advice: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match=advice) as caught:
        open_table(tmp_path / name, FIRST)
    assert name in str(caught.value)
    assert isinstance(caught.value, OSError)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="csv, parquet, jsonl"):
        open_table(tmp_path / "t.csv", FIRST, "xml")  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="Parquet needs a file"):
        open_table("-", FIRST, "parquet")


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no such table"):
        read_table(tmp_path / "clip.csv")


@pytest.mark.parametrize("suffix", [".parquet", ".parquet.partial", ".jsonl"])
def test_a_damaged_table_is_an_error(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"t{suffix}").write_bytes(b"this is no table\n")
    with pytest.raises(OutputError, match="damaged"):
        read_table(tmp_path / f"t{suffix}")


FULL_DISK = """
import resource, signal, sys
from facekit.columns import columns
from facekit.errors import OutputError
from facekit.output import open_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, when = sys.argv[1:]
row = lambda i: (i, i / 30, 0, "ok", 0.5, 1.0, 2.0, 3.0, i * 0.37)
limit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
try:
    with open_table(path, columns()) as table:
        if when == "while running":
            limit(20_000)
        for i in range(2000):
            table.append([row(i)])
            if i % 50 == 49:
                table.flush()
        limit(1_000)
        table.finish()
except OutputError as error:
    print(table.rows_written)
    sys.exit(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
@pytest.mark.parametrize(
    ("suffix", "when"),
    [*((suffix, "while running") for suffix in SUFFIXES), (".parquet", "at the end")],
)
def test_a_full_disk_keeps_the_whole_rows_that_fit(tmp_path: Path, suffix: str, when: str) -> None:
    path = tmp_path / f"clip{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(path), when],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "larger than allowed here" in done.stderr
    assert f"{path}:" in done.stderr
    assert f"clip{suffix}.partial" in done.stderr
    assert os.listdir(tmp_path) == [f"clip{suffix}.partial"]
    back = read_table(path)
    assert len(back) == int(done.stdout) > 100
    assert back["frame"].tolist() == list(range(len(back)))
    if suffix != ".parquet":
        assert path.with_name(path.name + ".partial").read_bytes().endswith(b"\n")
        assert path.with_name(path.name + ".partial").stat().st_size > 19_800


class Pipe(io.RawIOBase):
    """Takes a few bytes, then nobody reads any more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.room <= 0:
            raise BrokenPipeError(32, "Broken pipe")
        self.taken += bytes(data[: self.room])
        self.room -= len(data)
        return len(data)


def test_standard_output_gets_each_row_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe(10**6)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(pipe)))
    with open_table("-", FIRST) as sink:
        sink.append(ROWS[:1])
        assert json.loads(pipe.taken)["box_w"] == 3.12
        sink.append(ROWS[1:])
        sink.finish()
    assert pipe.taken.count(b"\n") == 3
    assert sink.rows_written == 3


def test_csv_on_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_table("-", FIRST, "csv") as sink:
        sink.append(ROWS)
        sink.finish()
    assert capsysbinary.readouterr().out.decode() == CSV


def test_a_closed_pipe_is_told_from_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Pipe(1))))
    with pytest.raises(PipeClosedError) as caught, open_table("-", FIRST) as sink:
        sink.append(ROWS)
        sink.append(ROWS)
    assert isinstance(caught.value, BrokenPipeError)


def test_without_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="Name a file"):
        StandardOutput()
