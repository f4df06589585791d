"""One process, two workers, two shards: the same bytes; a second start does only what it must."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from facekit.bench.kills import contents, extract
from facekit.runtime.device import cores
from tests.cli.runner import Cli


def test_the_summary_has_a_row_for_each_input(undisturbed: Path) -> None:
    rows = pd.read_csv(undisturbed / "study.csv", index_col="input")
    assert len(rows) == 40
    assert rows.status.value_counts().to_dict() == {"complete": 37, "damaged": 2, "failed": 1}
    assert "is empty (0 bytes)" in rows.warnings["empty.mp4"]
    assert rows.status[["cut_off.mp4", "flipped.mp4"]].tolist() == ["damaged"] * 2
    assert "could not be decoded" in rows.warnings["cut_off.mp4"]
    assert rows.face_share["nobody.mp4"] == 0
    assert pd.isna(rows.mean_score["nobody.mp4"])
    assert rows.table[["a/clip.mp4", "b/clip.mp4"]].tolist() == ["a/clip.csv", "b/clip.csv"]
    healthy = rows[rows.index.str.startswith("c/")]
    assert (healthy.frames == 4).all()
    assert healthy.seconds.tolist() == pytest.approx([0.12] * 34)
    assert (healthy.face_share == 1).all()
    assert healthy.mean_score.between(0.5, 1).all()
    assert (healthy.taken_s > 0).all()
    assert healthy.index.tolist() == [f"c/part{number}.mp4" for number in range(34)]
    assert rows.sha256.dropna().str.fullmatch("[0-9a-f]{64}").all()
    names = {path.name for path in (undisturbed / "a").iterdir()}
    assert names - {"clip.events.csv"} == {"clip.csv", "clip.schema.json"}


@pytest.mark.skipif(cores() < 2, reason="two workers need two cores")
def test_two_workers_give_the_same_bytes(study: Path, undisturbed: Path, tmp_path: Path) -> None:
    extract(study, tmp_path / "out", "--workers", "2", "-q")
    assert contents(tmp_path / "out") == contents(undisturbed)


def test_shards_together_are_the_whole(study: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for share in ("1/2", "2/2"):
        extract(study, out, "--threads", "1", "--shard", share, "-q")
    expected, found = contents(undisturbed), contents(out)
    summary = expected.pop("study.csv").splitlines()
    first = found.pop("study.1-of-2.csv").splitlines()
    second = found.pop("study.2-of-2.csv").splitlines()
    assert found == expected
    assert sorted([*first[1:], *second[1:]]) == sorted(summary[1:])
    assert first[0] == second[0] == summary[0]


def test_a_second_start_does_only_what_it_must(
    cli: Cli, study: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    before = (out / "c" / "part7.csv").stat().st_mtime_ns
    (out / "c" / "part3.csv").unlink()
    (out / "c" / "part4.schema.json").rename(out / "c" / "part4.schema.json.partial")
    (out / "c" / "part5.csv").rename(out / "c" / "part5.csv.partial")
    again = cli("extract", study, "-o", out, "--threads", "1")
    assert again.code == 3
    assert "1 failed" in again.err
    assert "37 kept" in again.err
    assert "part5.mp4" in again.err
    assert "done again: an earlier run was stopped" in again.err
    assert (out / "c" / "part7.csv").stat().st_mtime_ns == before
    assert contents(out) == contents(undisturbed)
    # The summary is the same as well, with the time that each took when it was made.
    rows = [pd.read_csv(folder / "study.csv", index_col="input") for folder in (out, undisturbed)]
    kept = [name for name in rows[0].index if name not in ("c/part3.mp4", "c/part5.mp4")]
    pd.testing.assert_frame_equal(rows[0].loc[kept], rows[1].loc[kept])
    other = cli("extract", study / "c", "-o", tmp_path / "out" / "c", "--detect-every", "3")
    assert "34 complete" in other.err
    assert "done again: made with other options: detect_every 10 -> 3" in other.err
