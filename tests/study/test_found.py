"""Which tables a folder, a study.csv or a list of files holds."""

from pathlib import Path

import pytest

from facekit.errors import OutputError
from facekit.study.found import find_tables
from facekit.study.summarise import summarise
from tests.study.twelve import twelve, write_twelve

STUDY = """input,table,status,frames
day1/a.mp4,day1/a.csv,complete,11
day2/b.avi,day2/b.csv,damaged,11
lost.mp4,,failed,
gone.mp4,gone.csv,complete,11
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder of two tables that its study.csv lists, and much that is none."""
    folder = tmp_path / "out"
    for name in ("day1/a.csv", "day2/b.csv"):
        (folder / name).parent.mkdir(parents=True)
        write_twelve(folder / name)
    (folder / "study.csv").write_text(STUDY, encoding="utf-8")
    (folder / "study.1-of-2.csv").write_text(STUDY, encoding="utf-8")
    (folder / "participants.csv").write_text("participant,age\n1,20\n", encoding="utf-8")
    (folder / "day1" / "c.csv.partial").write_text("frame\n", encoding="utf-8")
    summarise([folder / "day1"], folder / "day1" / "summary.csv")
    return folder


def test_a_folder_holds_its_tables_and_says_what_is_none(out: Path) -> None:
    found = find_tables([out])
    assert [(table.name, table.input) for table in found.tables] == [
        ("day1/a.csv", "day1/a.mp4"),
        ("day2/b.csv", "day2/b.avi"),
    ]
    assert [error.split(": ", 1)[1] for error in found.errors] == [
        "is in the study's list, but there is no such table"
    ]
    told = "\n".join(found.left_out)
    assert "lost.mp4: has no table (failed)" in told
    assert "participants.csv: is no table of faces" in told
    assert "files that are not complete (NAME.partial): 1" in told
    assert "summary.csv" not in told
    assert "events" not in told


def test_a_study_csv_stands_for_its_tables(out: Path) -> None:
    found = find_tables([out / "study.csv"])
    assert [table.name for table in found.tables] == ["day1/a.csv", "day2/b.csv"]


def test_files_that_a_shell_lists_are_sorted_out(out: Path) -> None:
    given = [*sorted((out / "day1").glob("*.csv")), out / "day1" / "a.csv"]
    assert [path.name for path in given] == ["a.csv", "a.events.csv", "summary.csv", "a.csv"]
    found = find_tables(given[:2] + given[3:])
    assert [table.path for table in found.tables] == [out / "day1" / "a.csv"]
    assert "holds events" in found.left_out[0]


def test_a_table_without_its_sidecar_is_one_by_its_columns(tmp_path: Path) -> None:
    twelve().to_csv(tmp_path / "mine.csv", index=False)
    assert [table.name for table in find_tables([tmp_path]).tables] == ["mine.csv"]


def test_no_table_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no table\. Run facekit extract first"):
        find_tables([tmp_path])
    (tmp_path / "participants.csv").write_text("participant,age\n", encoding="utf-8")
    with pytest.raises(OutputError, match="is no table of faces"):
        find_tables([tmp_path])


def test_a_damaged_study_csv_is_said(out: Path) -> None:
    (out / "study.csv").write_text("one,two\n1,2\n", encoding="utf-8")
    found = find_tables([out])
    assert any("study.csv: is damaged" in error for error in found.errors)
    assert len(found.tables) == 2
