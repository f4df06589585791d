"""Columns that are known only at the end: added in a second pass that loses nothing."""

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from facekit.columns import Column, columns
from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.options import PipelineOptions
from facekit.output import sidecar
from facekit.output.reading import read_table
from facekit.output.rows import Row
from facekit.output.second_pass import SecondPass, read_rows
from facekit.output.table import Format, open_table
from facekit.personal import PersonalBaseline, personal_baseline
from facekit.temporal.baseline import Baseline, BaselineChoice
from tests.output.builders import record

FORMATS = get_args(Format)
UNITS = len(ACTION_UNITS)


def _unit(name: str) -> Column:
    return Column(name, "au", "number", "", 0, 5, 3, "An intensity.", "action_units", name)


def _table_columns() -> tuple[Column, ...]:
    """Frame columns, intensities, the group that is added, and one group after it."""
    listed = columns(["au_rel", "landmark_sd"])
    place = [column.group for column in listed].index("au_rel")
    units = tuple(_unit(unit.code) for unit in ACTION_UNITS)
    return listed[:place] + units + listed[place:]


def _row(frame: int, track: int | None, intensity: float | None, status: str = "ok") -> Row:
    """A row as the first pass writes it."""
    if track is None:
        return (frame, frame / 30, None, "no_face", *[None] * (5 + UNITS + 1))
    box = (0.9, 1.0, 2.0, 3.0, 4.0)
    return (frame, frame / 30, track, status, *box, *[intensity] * UNITS, 0.125)


def _rows() -> list[Row]:
    """Track 0 rests at 1 and smiles at 3; track 1 is there for a moment; nobody at the end."""
    listed = [_row(n, 0, 1.0 if n < 40 else 3.0) for n in range(60)]
    listed += [_row(n, 1, 2.0) for n in range(60, 63)]
    return [*listed, _row(63, 0, 0.25), _row(64, 0, None), _row(65, None, None)]


def _personal(text: str = "auto") -> PersonalBaseline:
    personal = PersonalBaseline(BaselineChoice.parse(text), _table_columns())
    for row in _rows():
        personal.take([row])
    return personal


def _first_pass(path: Path, personal: PersonalBaseline, rows: list[Row]) -> None:
    """Both passes to `path`, as a run does it."""
    described = sidecar.describe(personal.after, {})
    with open_table(path, personal.before) as first:
        first.append(rows)
        with SecondPass(first, personal.before, personal.after, _format(path)) as second:
            second.run(personal.complete)
            sidecar.finish(second, record(table=path.name, columns=described))


def _format(path: Path) -> Format:
    return {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}[path.suffix]  # type: ignore[return-value]


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_columns_are_added_and_nothing_else_is_changed(suffix: str, tmp_path: Path) -> None:
    personal, path, plain = _personal(), tmp_path / f"t.{suffix}", tmp_path / f"plain.{suffix}"
    _first_pass(path, personal, _rows())
    with open_table(plain, personal.before) as table:
        table.append(_rows())
        sidecar.finish(
            table, record(table=plain.name, columns=sidecar.describe(personal.before, {}))
        )
    found, raw = read_table(path), read_table(plain)
    assert list(found.columns) == [column.name for column in personal.after]
    pd.testing.assert_frame_equal(
        found[list(raw.columns)], raw, check_flags=False, obj="what stood there before"
    )
    # Track 0 rests at 1; below it stays negative; a glimpse and a face without numbers say nothing.
    relative = found["AU12_rel"]
    assert relative[:60].tolist() == [0.0] * 40 + [2.0] * 20
    assert relative[60:63].isna().all()
    assert relative[63] == -0.75
    assert relative[64:].isna().all()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"plain.{suffix}",
        "plain.schema.json",
        f"t.{suffix}",
        "t.schema.json",
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_stopped_in_the_second_pass_the_first_is_all_there(suffix: str, tmp_path: Path) -> None:
    personal, path = _personal(), tmp_path / f"t.{suffix}"

    def stop(row: Row) -> Row:
        if row[0] == 30:
            raise KeyboardInterrupt
        return personal.complete(row)

    with pytest.raises(KeyboardInterrupt), open_table(path, personal.before) as first:
        first.append(_rows())
        with SecondPass(first, personal.before, personal.after, _format(path)) as second:
            second.run(stop)
    assert [p.name for p in tmp_path.iterdir()] == [f"t.{suffix}.partial"]
    pieces = read_rows(tmp_path / f"t.{suffix}.partial", personal.before, _format(path))
    read = [row for piece in pieces for row in piece]
    assert [row[0] for row in read] == list(range(66))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_without_rows(suffix: str, tmp_path: Path) -> None:
    personal, path = _personal(), tmp_path / f"t.{suffix}"
    _first_pass(path, personal, [])
    assert len(read_table(path)) == 0
    assert list(read_table(path).columns) == [column.name for column in personal.after] or (
        suffix == "jsonl"
    )


def test_pieces_are_bounded(tmp_path: Path) -> None:
    personal, path = _personal(), tmp_path / "t.csv"
    with open_table(path, personal.before) as table:
        table.append([_row(n, 0, 1.0) for n in range(2500)])
    pieces = list(read_rows(tmp_path / "t.csv.partial", personal.before, "csv"))
    assert max(map(len, pieces)) <= 1000
    assert sum(map(len, pieces)) == 2500


def test_the_first_seconds_count_from_the_first_row() -> None:
    personal = PersonalBaseline(BaselineChoice.parse("first:1"), _table_columns())
    late = [(n, 7 + n / 30, *_row(n, 0, 0.5 if n < 30 else 4.0)[2:]) for n in range(90)]
    for row in late:
        personal.take([row])
    assert personal.complete(late[-1])[-2] == pytest.approx(3.5)
    assert personal.warnings() == ()


def test_what_has_no_baseline_is_said_and_what_was_taken_off_is_recorded() -> None:
    personal = _personal()
    assert personal.warnings() == ("no baseline for track 1: fewer than 10 faces to take it from",)
    described = personal.record("auto")
    assert described["option"] == "auto"
    assert list(described["tracks"]) == ["0"]
    assert described["tracks"]["0"]["frames"] == 61
    assert described["tracks"]["0"]["intensity"]["AU12"] == 1


def test_low_quality_faces_do_not_say_what_rest_is() -> None:
    personal = PersonalBaseline(BaselineChoice(), _table_columns())
    personal.take([_row(n, 0, 1.0) for n in range(20)])
    personal.take([_row(n, 0, 0.0, "low_quality") for n in range(20, 80)])
    assert personal.complete(_row(90, 0, 1.0))[-2] == 0


def test_a_saved_baseline_is_taken_off_at_once_and_of_every_track(tmp_path: Path) -> None:
    saved = Baseline(np.full(UNITS, 0.5, np.float32), 90, "neutral.mp4", 0.5)
    (tmp_path / "me.json").write_text(saved.to_json())
    options = PipelineOptions(baseline=str(tmp_path / "me.json"))
    personal = personal_baseline(options, _table_columns(), whole=False)
    assert personal is not None and not personal.needs_second_pass
    done = personal.take([_row(0, 0, 2.0), _row(0, 4, 0.0), _row(1, None, None)])
    assert [row[-2] for row in done] == [1.5, -0.5, None]
    assert [len(row) for row in done] == [len(personal.after)] * 3
    described = personal.record("me.json")
    assert (described["source"], described["intensity"]["AU01"]) == ("neutral.mp4", 0.5)


@pytest.mark.parametrize("text", ["auto", "first:3"])
def test_a_stream_cannot_be_its_own_baseline(text: str) -> None:
    options = PipelineOptions(baseline=text)
    with pytest.raises(OptionsError, match=f"baseline: '{text}' needs a video and a table"):
        personal_baseline(options, _table_columns(), whole=False)
    assert personal_baseline(PipelineOptions(), _table_columns(), whole=False) is None


def test_options_refuse_a_baseline_without_its_columns() -> None:
    with pytest.raises(OptionsError, match="au and au_rel among them"):
        PipelineOptions(baseline="auto", columns=("au_rel",))
    with pytest.raises(OptionsError, match="first:SECONDS"):
        PipelineOptions(baseline="first:never")
