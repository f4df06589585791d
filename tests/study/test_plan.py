from pathlib import Path

import pytest

from facekit.errors import OptionsError, SourceError
from facekit.source.inputs import Input
from facekit.study.plan import Job, Shard, plan, summary_name


def _found(*paths: str, below: int = 1) -> list[Input]:
    """Inputs whose relative path is the last `below` parts of their path."""
    return [
        Input(Path(p), Path(*Path(p).parts[-below:]), "images" if "." not in p else "video")
        for p in paths
    ]


@pytest.mark.parametrize(
    ("paths", "names", "tables"),
    [
        (["/d/a.mp4", "/d/b.avi"], ["a.mp4", "b.avi"], ["a.csv", "b.csv"]),
        # Equal but for the suffix.
        (["/d/a.mp4", "/d/a.avi"], ["a.mp4", "a.avi"], ["a.mp4.csv", "a.avi.csv"]),
        (
            ["/d/a.mp4", "/d/a.avi", "/d/a.mp4.mp4"],
            ["a.mp4", "a.avi", "a.mp4.mp4"],
            ["a.mp4.csv", "a.avi.csv", "a.mp4.mp4.csv"],
        ),
        # Equal names in different folders: as many folders as tell them apart.
        (["/d/x/a.mp4", "/d/y/a.mp4"], ["x/a.mp4", "y/a.mp4"], ["x/a.csv", "y/a.csv"]),
        (
            ["/x/s/a.mp4", "/y/s/a.mp4", "/y/s/b.mp4"],
            ["x/s/a.mp4", "y/s/a.mp4", "b.mp4"],
            ["x/s/a.csv", "y/s/a.csv", "b.csv"],
        ),
        # The summary's name is taken.
        (
            ["/d/study.mp4", "/d/study"],
            ["study.mp4", "study"],
            ["study.mp4.csv", "study.table.csv"],
        ),
        # The name of another's events is taken.
        (
            ["/d/a.mp4", "/d/a.events.mp4"],
            ["a.mp4", "a.events.mp4"],
            ["a.csv", "a.events.mp4.csv"],
        ),
        (["/d/study.1-of-2.mp4"], ["study.1-of-2.mp4"], ["study.1-of-2.mp4.csv"]),
    ],
)
def test_tables_mirror_their_inputs_and_never_meet(
    paths: list[str], names: list[str], tables: list[str]
) -> None:
    jobs = plan(_found(*paths), Path("out"))
    assert [job.name for job in jobs] == names
    assert [job.table for job in jobs] == [str(Path("out", table)) for table in tables]


def test_below_a_folder_paths_are_kept() -> None:
    jobs = plan(_found("/d/x/a.mp4", "/d/y/a.mp4", below=2), Path("out"), "parquet", overlay=True)
    assert [job.table for job in jobs] == ["out/x/a.parquet", "out/y/a.parquet"]
    assert [str(job.overlay) for job in jobs] == ["out/x/a.overlay.mp4", "out/y/a.overlay.mp4"]


def test_addresses_that_differ_in_their_password_only_are_numbered() -> None:
    found = [Input(f"rtsp://{who}@cam/1", Path("cam_1"), "video") for who in ("a", "b", "c")]
    assert [job.name for job in plan(found, Path("out"))] == ["cam_1", "cam_1-2", "cam_1-3"]


def test_ten_thousand_equal_names_are_planned_in_no_time() -> None:
    found = _found(*(f"/d/{number}/clip.mp4" for number in range(10_000)))
    assert len({job.table for job in plan(found, Path("out"))}) == 10_000


def test_what_cannot_be_opened_keeps_its_error() -> None:
    missing = Input(Path("x.mp4"), Path("x.mp4"), "none", SourceError("does not exist", where="x"))
    assert plan([missing], Path("out"))[0].error == "x: does not exist"


@pytest.mark.parametrize("count", [1, 3, 7, 12])
def test_shards_are_disjoint_complete_and_balanced(count: int) -> None:
    jobs = [Job(str(number), Path(str(number)), f"{number}.csv") for number in range(10)]
    shares = [Shard(index, count).of(jobs) for index in range(1, count + 1)]
    assert sorted(int(job.name) for share in shares for job in share) == list(range(10))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(OptionsError, match="is not a share"):
        Shard.parse(text)


def test_each_shard_has_a_summary_of_its_own() -> None:
    assert summary_name(None) == "study.csv"
    assert summary_name(Shard.parse("2/10")) == "study.2-of-10.csv"
