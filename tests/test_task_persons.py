"""A run that tells people apart, from faces to finished files; no network is run."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pandas as pd
import pytest

from facekit.columns import Column, columns
from facekit.errors import OptionsError
from facekit.estimate.recognition import Recogniser
from facekit.options import PipelineOptions
from facekit.output.embeddings import embeddings_path, read_embeddings, read_tracks
from facekit.output.reading import read_table
from facekit.personal import PersonalBaseline
from facekit.pipeline import Pipeline
from facekit.source import Source
from facekit.task import record
from facekit.temporal.baseline import BaselineChoice
from facekit.track.persons import Decision, Persons, Thresholds
from facekit.types import ActionUnits, Detection, Face, Floats, Frame, Image, Region
from facekit.whole_clip import PersonCells, WholeClip
from tests.test_task_baseline import _Device, _Source

_FIVE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * 100
_TEXTURE = np.random.default_rng(0).integers(0, 255, (120, 120, 3)).astype(np.uint8)


class _Embedder:
    """Its answers are given to it, one look after the other."""

    def __init__(self, angles_deg: Sequence[float]) -> None:
        self._angles = iter(np.radians(angles_deg).tolist())

    def embed(self, chips: Sequence[Image]) -> Floats:
        angles = [next(self._angles) for _ in chips]
        return np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)

    def place_points(self, image: Image, boxes: Floats) -> list[Detection]:
        return [Detection(box, 1.0, _FIVE.astype(np.float32)) for box in boxes]


class _Pipeline:
    """Twenty frames of track 0, twenty of track 1, twenty of both 1 and 2."""

    networks: ClassVar[dict[str, tuple[str, ...]]] = {}
    device = _Device()

    def __init__(self, angles_deg: Sequence[float], options: PipelineOptions) -> None:
        embedder = _Embedder(angles_deg)
        self.options = options
        self.recogniser = Recogniser(embedder, embedder, Persons(Thresholds(0.9, 0.9)), "v1")

    def columns(self, *, images: bool = False, live: bool = False) -> tuple[Column, ...]:
        groups = ("au", "au_rel", "person") if self.options.baseline else ("person",)
        return columns(groups, images=images)

    def variant(self, kind: str) -> None:
        """No temporal network is run."""

    look_ahead = variant

    def run(self, source: _Source, *, later: bool = False) -> Iterator[tuple[Frame, list[Face]]]:
        for frame in source:
            tracks = [[0], [1], [1, 2]][frame.index // 20]
            faces = [_face(track, 1.0 + (track == 0)) for track in tracks]
            shown = replace(frame, image=_TEXTURE)
            yield shown, self.recogniser.recognise(shown, faces)


def _face(track: int, intensity: float) -> Face:
    box = np.array([0, 0, 100, 100], np.float32)
    region = Region(track, box, 1.0, _FIVE.astype(np.float32), True)
    values = np.full(22, intensity, np.float32)
    units = ActionUnits(values, values, values, values, values, np.zeros(64, np.float32))
    return Face(region, "ok", action_units=units)


def _run(
    path: Path | None, angles: Sequence[float], source: _Source | None = None, **options: object
) -> pd.DataFrame | None:
    chosen = PipelineOptions(identity=True, **options)  # type: ignore[arg-type]
    pipeline = cast(Pipeline, _Pipeline(angles, chosen))
    record(cast(Source, source or _Source()), pipeline, path)
    return None if path is None else read_table(path)


# Looks: track 0 at 0 s, track 1 at .667 s, track 2 at 1.333 s, track 1 again at 1.667 s.
_MERGING = (0.0, 30.0, 90.0, 5.0)


def test_the_finished_table_has_the_last_word(tmp_path: Path) -> None:
    table = _run(tmp_path / "t.csv", _MERGING, embeddings=True)
    assert table is not None
    told = {track: set(own["person"]) for track, own in table.groupby("track")}
    assert told == {0: {0}, 1: {0}, 2: {1}}
    described = table.attrs["facekit"]
    persons = described["identity"]["persons"]
    assert persons == {"0": {"tracks": [0, 1]}, "1": {"tracks": [2]}}
    assert described["identity"]["faces_per_look"] >= 15
    embedded, notes = read_embeddings(embeddings_path(tmp_path / "t.csv"))
    assert embedded.column("track").to_pylist() == [0, 1, 2, 1]
    assert embedded.column("person").to_pylist() == [0, 0, 1, 0]
    assert notes["embedder"] == "v1"
    tracks = read_tracks(embeddings_path(tmp_path / "t.csv"), 3, "v1")
    assert [track.key for track in tracks] == [(3, 0), (3, 1), (3, 2)]
    assert tracks[2].apart == {(3, 1)} and tracks[0].apart == set()


def test_without_being_asked_for_embeddings_are_not_kept(tmp_path: Path) -> None:
    _run(tmp_path / "t.csv", _MERGING)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.csv", "t.schema.json"]
    assert "vector" not in (tmp_path / "t.schema.json").read_text()


def test_a_baseline_follows_the_person(tmp_path: Path) -> None:
    same = _run(tmp_path / "same.csv", (0.0, 5.0, 90.0, 5.0, 90.0), baseline="auto")
    assert same is not None
    # Track 0 rests at 2, track 1 at 1: the person who is both rests at 1.
    assert same.groupby("track")["person"].first().tolist() == [0, 0, 1]
    assert same.groupby("track")["AU12_rel"].first().tolist() == [1.0, 0.0, 0.0]


def test_a_stopped_run_keeps_what_was_known_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "t.csv", _MERGING, _Source(stop_at=45), embeddings=True)
    table = read_table(tmp_path / "t.csv.partial")
    assert table.groupby("track")["person"].first().tolist() == [0, 1, 2]
    described = table.attrs["facekit"]
    assert described["identity"] is None
    assert "Who is who was not decided" in described["notes"][0]
    assert not embeddings_path(tmp_path / "t.csv").exists()


def test_on_a_stream_numbers_are_those_known_by_then(capfd: pytest.CaptureFixture[str]) -> None:
    chosen = PipelineOptions(identity=True)
    pipeline = cast(Pipeline, _Pipeline((0.0, 90.0, 90.0, 45.0), chosen))
    record(cast(Source, _Source()), pipeline, "-")
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["person"] for row in rows[:21]] == [0] * 20 + [1]


def test_still_faces_are_found_again_by_their_place_in_the_row() -> None:
    listed = columns(("person", "person_name"), images=True)
    names = [column.name for column in listed]

    def row(frame: int, status: str = "ok") -> tuple[int | str | None, ...]:
        cells: dict[str, int | str] = {"frame": frame, "status": status}
        return tuple(cells.get(name) for name in names)

    decision = Decision({(0, 0): 0, (0, 1): 1, (0, 20000): 1}, {1: ("ann", 0.95)})
    cells = PersonCells(listed)
    cells.begin(decision)
    rows = [cells.fill(r) for r in (row(0), row(0), row(1, "no_face"), row(2), row(2))]
    assert [(r[-2], r[-1]) for r in rows] == [
        (0, "unknown"),
        (1, "ann"),
        (None, None),
        (1, "ann"),
        (None, None),
    ]


def test_nothing_is_done_again_where_nothing_is_to_be_decided() -> None:
    saved = columns(("au", "au_rel"))
    assert not WholeClip(saved, None, None).is_needed
    personal = PersonalBaseline(BaselineChoice(), saved)
    assert WholeClip(saved, personal, None).before == personal.before


@pytest.mark.parametrize("name", ["identity", "gallery"])
def test_columns_that_leave_the_person_out_are_refused(name: str) -> None:
    value = True if name == "identity" else "people.json"
    with pytest.raises(OptionsError, match="person"):
        PipelineOptions(columns=("pose",), **{name: value})  # type: ignore[arg-type]
