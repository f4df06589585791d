"""The summary of twelve rows (`tests.study.twelve`) equals what is worked out by hand."""

import json
import logging
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit import read_table
from facekit.errors import OptionsError, OutputError
from facekit.study.contents import bare
from facekit.study.groups import By
from facekit.study.summarise import Outcome, Request, summarise
from facekit.study.trust import Limits
from tests.study.twelve import twelve, write_twelve
from tests.viewer.tables import write_table


def summary(paths: Path, by: str = "person", **settings: object) -> pd.DataFrame:
    output = paths.parent / "summary.csv"
    request = Request(By.parse(by), **settings)  # type: ignore[arg-type]
    summarise([paths], output, request, overwrite=True)
    return bare(read_table(output))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_twelve(tmp_path_factory.mktemp("twelve") / "clip.csv")


def close(row: "pd.Series[float]", **expected: float) -> None:
    """Equal to the digits that the summary is written with."""
    for name, value in expected.items():
        if math.isnan(value):
            assert pd.isna(row[name]), name
        else:
            assert row[name] == pytest.approx(value, abs=6e-5), name


def test_statistics_of_a_person_by_hand(table: Path) -> None:
    first, second = (row for _, row in summary(table).iterrows())
    assert (first["table"], first["input"], first["subject"]) == ("clip.csv", "clip.mp4", "track 0")
    # Values 0 2 4 1 1 5 2, shown for .2 .2 .4 .2 .2 .2 .2 s; frame 8 was shown for no time.
    close(first, AU12_missing=0, AU12_mean=3.8 / 1.6, AU12_sd=math.sqrt(4.375 / 1.6 * 7 / 6))
    close(first, AU12_q05=0, AU12_q25=1, AU12_q50=2, AU12_q75=4, AU12_q95=5)
    close(first, AU12_present_share=1.4 / 1.6)
    close(first, yaw_missing=1, yaw_mean=200 / 6, yaw_q50=30)
    assert second["subject"] == "track 1"
    close(second, AU12_missing=1, AU12_mean=3, AU12_sd=math.nan, AU12_present_share=1)


def test_quality_of_a_person_by_hand(table: Path) -> None:
    first, second = (row for _, row in summary(table).iterrows())
    close(first, frames=11, seconds=2.2, ok_rows=8, ok_s=1.6)
    close(first, ok_share=1.6 / 2.2, low_quality_share=0.2 / 2.2, absent_share=0.4 / 2.2)
    close(first, gaps=1, gap_s=2.8, repeated_times=1, first_s=0, last_s=4.8)
    close(first, score_mean=(0.9 + 0.8 + 2 * 0.7 + 0.9 + 0.9 + 0.9 + 0.6) / 8)
    close(first, low_score_share=0.6 / 1.6, extreme_pose_share=0.4 / 1.6, small_face_share=0)
    close(first, not_measured_share=0.4 / 1.6, repeated_time_share=0.2 / 1.6)
    close(first, trusted_share=0.8 / 2.2)
    close(second, ok_share=0.4 / 2.2, absent_share=1.8 / 2.2, small_face_share=1, trusted_share=0)
    assert "uncertain_pose_share" not in first, "there is no sd in this table"


def test_events_that_begin_in_ok_rows_are_counted_by_hand(table: Path) -> None:
    first, second = (row for _, row in summary(table).iterrows())
    close(first, AU12_events=2, AU12_per_min=60 * 2 / 1.6, blink_events=1, blink_per_min=60 / 1.6)
    close(second, AU12_events=0, AU12_per_min=0, blink_events=1, blink_per_min=60 / 0.4)


def test_a_row_for_the_file_by_hand(table: Path) -> None:
    (_, row), *others = summary(table, "file").iterrows()
    assert (row["subject"], others) == ("all", [])
    close(row, ok_rows=10, ok_s=2.0, AU12_missing=1, AU12_mean=4.4 / 1.8)
    close(row, ok_share=1.8 / 2.2, low_quality_share=0.2 / 2.2, absent_share=0.2 / 2.2)
    close(row, AU12_per_min=60, blink_per_min=60)


def test_windows_by_hand(table: Path) -> None:
    found = summary(table, "window:1")
    assert found["subject"].tolist() == ["track 0"] * 3 + ["track 1"]
    # No frame begins from 2 to 4 s; track 1 lasts from 1.2 to 1.6 s.
    assert found["window_start_s"].tolist() == [0, 1, 4, 1]
    assert found["window_end_s"].tolist() == [1, 2, 5, 2]
    first, second, last, other = (row for _, row in found.iterrows())
    close(first, frames=4, seconds=1, ok_share=0.8, low_quality_share=0.2, absent_share=0)
    close(first, AU12_mean=2.0 / 0.8, yaw_missing=1, yaw_mean=15, AU12_events=1, blink_events=0)
    close(second, seconds=0.6, ok_share=1 / 3, absent_share=2 / 3, gaps=1, gap_s=2.8)
    close(second, AU12_mean=1, blink_per_min=60 / 0.2)
    close(last, ok_share=1, AU12_mean=8 / 3, repeated_times=1, gaps=0, AU12_per_min=60 / 0.6)
    close(other, ok_share=0.4 / 0.6, AU12_mean=3)


def test_a_person_is_absent_from_windows_but_a_track_is_not_there(tmp_path: Path) -> None:
    known = twelve().assign(person=twelve()["track"])
    found = summary(write_table(tmp_path / "clip.csv", known), "window:1")
    assert found["subject"].tolist() == ["person 0"] * 3 + ["person 1"] * 3
    assert found["absent_share"].tolist()[3:] == pytest.approx([1, 1 / 3, 1], abs=6e-5)
    assert pd.isna(found["AU12_mean"].iloc[3]), "never zero"


def test_limits_move_what_is_trusted_and_groups_what_is_measured(table: Path) -> None:
    limits = Limits(min_score=0.5, max_yaw=60, min_face_px=20)
    found = summary(table, limits=limits, groups=("pose",)).iloc[0]
    close(found, trusted_share=1.0 / 2.2, low_score_share=0, extreme_pose_share=0)
    assert "yaw_mean" in found
    assert "AU12_mean" not in found


def test_a_table_without_anyone_has_one_row(tmp_path: Path) -> None:
    nobody = twelve().assign(status="no_face", track=pd.array([None] * 12, "Int64"))
    row = summary(write_table(tmp_path / "clip.csv", nobody)).iloc[0]
    assert pd.isna(row["subject"])
    close(row, absent_share=1, ok_rows=0, ok_s=0, AU12_mean=math.nan)


def test_still_images_count_by_pictures_and_have_no_windows(tmp_path: Path) -> None:
    still = twelve().assign(time_s=math.nan, track=pd.array([None] * 12, "Int64"))
    path = write_table(tmp_path / "clip.csv", still)
    row = summary(path, "file").iloc[0]
    close(row, frames=11, seconds=math.nan, ok_s=math.nan, ok_share=9 / 11, AU12_mean=19 / 9)
    with pytest.raises(OutputError, match="no times to cut windows by"):
        summary(path, "window:10")


def test_columns_that_only_some_tables_have_are_empty_in_others(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "b").mkdir(parents=True)
    write_twelve(folder / "a.csv")
    write_table(folder / "b" / "a.parquet", twelve().drop(columns="AU12"))
    found = summary(folder, "file").set_index("table")
    assert found.index.tolist() == ["a.csv", "b/a.parquet"]
    assert found["AU12_per_min"].isna().tolist() == [False, True]
    assert found["AU12_mean"].isna().tolist() == [False, True]
    assert found["yaw_mean"].nunique() == 1


def test_formats_hold_the_same_and_the_sidecar_defines_every_column(tmp_path: Path) -> None:
    table = write_twelve(tmp_path / "clip.csv")
    found = {}
    for suffix in ("parquet", "jsonl", "csv"):
        outcome = summarise([table], tmp_path / f"s.{suffix}")
        assert (outcome.tables, outcome.rows) == (1, 2)
        found[suffix] = bare(read_table(tmp_path / f"s.{suffix}"))
    pd.testing.assert_frame_equal(found["csv"], found["parquet"])
    pd.testing.assert_frame_equal(found["csv"], found["jsonl"])
    described = json.loads((tmp_path / "s.schema.json").read_text(encoding="utf-8"))
    header = (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [column["name"] for column in described["columns"]] == header
    assert all(column["meaning"] for column in described["columns"])
    assert described["summary"]["limits"]["max_yaw"] == 45
    assert (described["summary"]["by"], described["summary"]["tables"]) == ("person", 1)


def test_a_bad_table_does_not_stop_the_others(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_twelve(out / "a.csv")
    write_twelve(out / "b.csv", events=False)
    (out / "b.csv").write_bytes(b"")
    write_twelve(out / "c.csv", events=False)
    text = (out / "c.csv").read_text(encoding="utf-8").replace("40.0", "forty")
    (out / "c.csv").write_text(text, encoding="utf-8")
    write_twelve(out / "d.csv", events=False)
    (out / "d.events.csv").write_text("nothing\n1\n", encoding="utf-8")
    outcome = summarise([out], tmp_path / "s.csv", Request(By("file")))
    assert (outcome.tables, outcome.rows, len(outcome.errors)) == (1, 1, 3)
    told = "\n".join(outcome.errors)
    assert "b.csv: is damaged" in told
    assert "forty" in told
    assert "d.events.csv: has no column kind, onset_s, offset_s" in told
    for name in ("b", "c", "d"):
        (out / f"{name}.csv").unlink()


def test_nothing_usable_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    write_twelve(tmp_path / "b.csv", events=False).write_bytes(b"")
    with pytest.raises(OutputError, match=r"b\.csv: is damaged"):
        summarise([tmp_path / "b.csv"], tmp_path / "s.csv")
    assert not list(tmp_path.glob("s.*"))


def test_only_summaries_are_replaced(tmp_path: Path) -> None:
    table = write_twelve(tmp_path / "clip.csv")
    with pytest.raises(OutputError, match="is one of the tables"):
        summarise([table], table, overwrite=True)
    mine = tmp_path / "mine.csv"
    mine.write_text("participant,age\n", encoding="utf-8")
    with pytest.raises(OutputError, match="exists and is not a summary"):
        summarise([table], mine)
    assert mine.read_text(encoding="utf-8") == "participant,age\n"
    with pytest.raises(OutputError, match=r"is the sidecar of clip\.csv"):
        summarise([table], tmp_path / "clip.parquet", overwrite=True)
    assert summarise([table], mine, overwrite=True).rows == 2
    assert summarise([table], mine).rows == 2, "an earlier summary"


@pytest.mark.parametrize("text", ["track", "window", "window:", "window:0", "window:x", "file:3"])
def test_a_division_that_is_none(text: str) -> None:
    with pytest.raises(OptionsError, match="is not valid"):
        By.parse(text)


def test_groups_that_do_not_exist() -> None:
    with pytest.raises(OptionsError, match="no column group named poses"):
        Request(groups=("poses",))


def test_two_hours_are_read_a_few_columns_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from facekit.study import columnwise

    asked: list[int] = []

    def counting(path: Path, names: list[str]) -> pd.DataFrame:
        asked.append(len(names))
        return read_table(path, names)

    monkeypatch.setattr(columnwise, "read_table", counting)
    monkeypatch.setattr(columnwise, "_CELLS", 36)
    wide = twelve().assign(**{f"mine_{i}": np.arange(12.0) for i in range(10)})
    path = tmp_path / "clip.csv"
    wide.to_csv(path, index=False)
    with caplog.at_level(logging.WARNING):
        outcome: Outcome = summarise([path], tmp_path / "s.csv")
    assert outcome.errors == ()
    assert max(asked[1:]) == 3, "of twelve rows at a time, after the columns that say whose"
    assert caplog.text == ""
    found = read_table(tmp_path / "s.csv").iloc[0]
    assert found["mine_9_q95"] == 11
