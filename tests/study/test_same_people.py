"""Persons shared by finished tables; no network is run: people are made-up vectors."""

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facekit.columns import columns
from facekit.errors import OutputError
from facekit.estimate import identity
from facekit.facs import ACTION_UNITS
from facekit.options import PipelineOptions
from facekit.output import sidecar
from facekit.output.embeddings import Embeddings, embeddings_path, read_embeddings
from facekit.output.reading import read_table
from facekit.output.rows import Row
from facekit.output.table import open_table
from facekit.runtime import weights
from facekit.study import same_people
from facekit.study.same_people import share_people
from facekit.track.persons import Persons, Thresholds
from facekit.types import Face, Frame, Identity, Region
from tests.output.builders import record

FRAMES = 12
COLUMNS = columns(("au", "au_rel", "person"))
OPTIONS = PipelineOptions(same_people=True, baseline="auto")
_PEOPLE = np.eye(8, dtype=np.float32)


@pytest.fixture(autouse=True)
def _embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "identity", lambda name: "v1")
    monkeypatch.setattr(identity, "threshold", lambda: 0.6)


def _row(frame: int, track: int, person: int, intensity: float) -> Row:
    cells: dict[str, Any] = {"frame": frame, "time_s": frame / 10, "track": track, "status": "ok"}
    cells |= {unit.code: intensity for unit in ACTION_UNITS}
    cells["person"] = person
    return tuple(cells.get(column.name) for column in COLUMNS)


def _table(path: Path, people: list[int], rest: list[float]) -> Path:
    """A finished table in which each track shows one of `people`, one after the other."""
    persons, kept = Persons(Thresholds(0.6, 0.6)), Embeddings()
    rows = []
    for track, (who, low) in enumerate(zip(people, rest, strict=True)):
        for index in range(FRAMES):
            frame = track * FRAMES + index
            rows.append(_row(frame, track, track, low + (index > FRAMES // 2)))
        five = np.zeros((5, 2), np.float32)
        region = Region(track, np.array([1, 2, 30, 40], np.float32), 0.9, five, True)
        face = Face(region, "ok", identity=Identity(_PEOPLE[who], 0.8))
        seen = Frame(track * FRAMES, track * FRAMES / 10, np.zeros((4, 4, 3), np.uint8))
        persons.observe(seen.time_s, [track])
        persons.add(track, _PEOPLE[who], 0.8)
        kept.take(seen, [face])
    kept.write(embeddings_path(path), "v1", persons)
    with open_table(path, COLUMNS) as table:
        table.append(rows)
        told = {"persons": {str(i): {"tracks": [i]} for i in range(len(people))}}
        described = record(
            table=path.name,
            format=path.suffix[1:],
            columns=sidecar.describe(COLUMNS, {}),
            identity=told,
            baseline={"option": "auto", "tracks": {}},
            warnings=("dark", "no baseline for track 7: fewer than 10 faces to take it from"),
        )
        sidecar.finish(table, described)
    return path


def _persons(path: Path) -> dict[int, int]:
    table = read_table(path)
    return {int(t): int(p) for t, p in table.groupby("track")["person"].first().items()}  # type: ignore[call-overload]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_people_keep_their_number_and_their_rest_over_files(tmp_path: Path, suffix: str) -> None:
    first = _table(tmp_path / f"a.{suffix}", [0, 1], [1.0, 2.0])
    second = _table(tmp_path / f"b.{suffix}", [2, 1], [0.5, 0.25])
    before = read_table(second)
    assert share_people([first, second], OPTIONS) == 2
    assert _persons(first) == {0: 0, 1: 1}
    assert _persons(second) == {0: 2, 1: 1}
    after = read_table(second)
    assert after["AU12"].tolist() == before["AU12"].tolist()
    # Person 1 rests at .25 in the second file: that is taken off in the first as well.
    own = read_table(first)
    assert (own["AU12"] - own["AU12_rel"])[own["track"] == 1].to_numpy() == pytest.approx(0.25)
    assert (own["AU12"] - own["AU12_rel"])[own["track"] == 0].to_numpy() == pytest.approx(1.0)
    described = after.attrs["facekit"]
    assert described["identity"]["persons"] == {"1": {"tracks": [1]}, "2": {"tracks": [0]}}
    assert described["baseline"]["tracks"]["1"]["intensity"]["AU12"] == 0.25
    assert described["warnings"] == ["dark"]
    embedded = embeddings_path(second)
    assert read_embeddings(embedded)[0].column("person").to_pylist() == [2, 1]
    assert stat.S_IMODE(embedded.stat().st_mode) == 0o600
    assert not [p.name for p in tmp_path.iterdir() if "second" in p.name or "partial" in p.name]
    # Nothing is left to do.
    assert share_people([first, second], OPTIONS) == 0


def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tables(folder: str) -> list[Path]:
        (tmp_path / folder).mkdir()
        first = _table(tmp_path / folder / "a.csv", [0, 1], [1.0, 2.0])
        return [first, _table(tmp_path / folder / "b.csv", [1, 0], [0.5, 0.25])]

    whole, stopped = tables("whole"), tables("stopped")
    share_people(whole, OPTIONS)
    rewrite = same_people._rewrite

    def stop(table: Any, *rest: Any) -> None:
        if table.number == 1:
            raise KeyboardInterrupt
        rewrite(table, *rest)

    monkeypatch.setattr(same_people, "_rewrite", stop)
    with pytest.raises(KeyboardInterrupt):
        share_people(stopped, OPTIONS)
    monkeypatch.setattr(same_people, "_rewrite", rewrite)
    assert share_people(stopped, OPTIONS) == 1
    for one, other in zip(whole, stopped, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_without_embeddings_it_says_what_to_do(tmp_path: Path) -> None:
    table = _table(tmp_path / "a.csv", [0], [1.0])
    embeddings_path(table).unlink()
    with pytest.raises(OutputError, match="a.embeddings.parquet.*--embeddings"):
        share_people([table], OPTIONS)


def test_embeddings_of_another_network_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(tmp_path / "a.csv", [0], [1.0])
    monkeypatch.setattr(weights, "identity", lambda name: "v2")
    with pytest.raises(OutputError, match="another network"):
        share_people([table], OPTIONS)
