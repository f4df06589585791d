"""Reading some columns of a table, or only its head."""

from pathlib import Path

import pandas as pd
import pytest

from facekit import read_table
from facekit.columns import columns
from facekit.errors import OutputError
from facekit.output import open_table
from facekit.output.reading import read_head

COLUMNS = columns(("pose",))
FORMATS = ("csv", "parquet", "jsonl")


def write(path: Path, *, finish: bool = True) -> Path:
    """Three frames, the second without a face."""
    rest = len(COLUMNS) - 4
    with open_table(path, COLUMNS) as table:
        for frame, status in enumerate(("ok", "no_face", "low_quality")):
            track = None if status == "no_face" else 3
            table.append([(frame, frame / 10, track, status, *[0.5] * rest)])
        if finish:
            table.finish()
    return path


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("finish", [True, False])
def test_chosen_columns_are_those_of_the_whole_table(
    tmp_path: Path, suffix: str, finish: bool
) -> None:
    path = write(tmp_path / f"clip.{suffix}", finish=finish)
    whole = read_table(path)
    some = read_table(path, columns=["status", "track", "time_s"])
    assert some.columns.tolist() == ["status", "track", "time_s"]
    pd.testing.assert_frame_equal(some, whole[["status", "track", "time_s"]])
    head = read_head(path)
    assert len(head) == 0
    pd.testing.assert_series_equal(head.dtypes, whole.dtypes)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_column_that_is_not_there_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip.{suffix}")
    with pytest.raises(OutputError, match=rf"clip\.{suffix}: .*smile"):
        read_table(path, columns=["frame", "smile"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_head_of_what_is_no_table(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    path.write_bytes(b"")
    with pytest.raises(OutputError, match="is damaged"):
        read_head(path)
    with pytest.raises(OutputError, match="there is no such table"):
        read_head(tmp_path / f"none.{suffix}")
