"""A gallery from the command line, with the shipped embedder on the project's own clip."""

import stat
from pathlib import Path

import numpy as np
import pytest

from facekit import read_table
from facekit.gallery import Entry, Gallery
from facekit.output.embeddings import embeddings_path, read_embeddings, vectors_of
from facekit.runtime.weights import identity, load_manifest
from tests.cli.runner import Cli

SHIPPED = "identity" in load_manifest().networks
needs_embedder = pytest.mark.skipif(not SHIPPED, reason="needs the embedder")
FEW = ("--end", "0.3", "--action-units", "none", "--gaze", "none", "--columns", "person")


@needs_embedder
def test_somebody_is_added_named_and_forgotten(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    people, table = tmp_path / "people.json", tmp_path / "t.csv"
    still = Path(__file__).parents[1] / "data" / "front.jpg"
    added = cli("gallery", "add", "Average", still, "--gallery", people)
    assert added.code == 0, added.err
    assert "Average: known by 1 face" in added.err
    assert stat.S_IMODE(people.stat().st_mode) == 0o600
    listed = cli("gallery", "list", "--gallery", people)
    assert listed.out.split() == ["name", "faces", "Average", "1"]
    both = ("--columns", "person,person_name", "--gallery", people)
    result = cli("extract", example_clip, "-o", table, *FEW, *both, "--embeddings")
    assert result.code == 0, result.err
    found = read_table(table)
    assert set(found["person"]) == {0} and set(found["person_name"]) == {"Average"}
    named = found.attrs["facekit"]["identity"]["persons"]["0"]
    assert named["name"] == "Average" and named["likeness"] > 0.9
    vectors = vectors_of(read_embeddings(embeddings_path(table))[0])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(vectors)), abs=1e-3)
    assert cli("gallery", "remove", "Average", "--gallery", people).code == 0
    again = cli("extract", example_clip, "-o", table, *FEW, *both, "--embeddings")
    assert "other networks: gallery" in again.err
    assert set(read_table(table)["person_name"]) == {"unknown"}


@needs_embedder
def test_nobody_well_seen_is_not_taken_in(cli: Cli, tmp_path: Path) -> None:
    from tests.media import write_video

    empty = write_video(tmp_path / "empty.mp4", count=4)
    result = cli("gallery", "add", "Nobody", empty, "--gallery", tmp_path / "g.json")
    assert result.code == 2
    assert "nobody is seen well enough" in result.err
    assert not (tmp_path / "g.json").exists()


@needs_embedder
def test_removing_a_stranger_says_who_is_there(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    Gallery(identity("identity"), {"Ann": Entry(np.ones(128) / 12, 1.0, 1)}).save(path)
    result = cli("gallery", "remove", "Bob", "--gallery", path)
    assert result.code == 2
    assert "nobody is called 'Bob'. It holds: Ann" in result.err


def test_options_that_contradict_are_refused(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    shard = ("--shard", "1/2", "--same-people")
    result = cli("extract", example_clip, "-o", tmp_path / "out/", *shard)
    assert result.code == 2 and "no --shard" in result.err
    result = cli("extract", example_clip, "-o", "-", "--embeddings")
    assert result.code == 2 and "embeddings: needs facekit's own tables" in result.err


@needs_embedder
@pytest.mark.parametrize("workers", [(), ("--workers", "2", "--threads", "1")])
def test_somebody_in_two_files_is_one_person(
    cli: Cli, example_clip: Path, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "in" / name).write_bytes(example_clip.read_bytes())
    arguments = ("extract", tmp_path / "in", "-o", tmp_path / "out", *FEW, "--same-people")
    result = cli(*arguments, *workers)
    assert result.code == 0, result.err
    for name in ("a.csv", "b.csv"):
        assert set(read_table(tmp_path / "out" / name)["person"]) == {0}
    assert "2 kept" in cli(*arguments, *workers).err
