"""A run with a baseline, from faces to finished files; no network is run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest

from facekit.columns import Column, columns
from facekit.errors import OptionsError
from facekit.options import PipelineOptions
from facekit.outcome import network_records
from facekit.output.reading import read_table
from facekit.pipeline import Pipeline
from facekit.source import Source
from facekit.task import record
from facekit.temporal.baseline import Baseline
from facekit.types import ActionUnits, Face, Floats, Frame, Region


@dataclass
class _Source:
    """A video of 60 black frames."""

    kind: str = "video"
    name: str = "clip.mp4"
    warnings: list[str] = field(default_factory=list)
    size: tuple[int, int] = (8, 6)
    frame_count: int = 60
    start_time_s: float = 0.0
    damaged: bool = False
    stop_at: int | None = None

    def __iter__(self) -> Iterator[Frame]:
        for index in range(60):
            if index == self.stop_at:
                raise KeyboardInterrupt
            yield Frame(index, index / 30, np.zeros((6, 8, 3), np.uint8))


@dataclass
class _Device:
    name: str = "cpu"
    reason: str = "no other"


class _Pipeline:
    """One face that rests at 1 in the first half and smiles at 3 in the other."""

    networks: ClassVar[dict[str, tuple[str, ...]]] = {}
    device = _Device()
    recogniser = None

    def __init__(self, baseline: str) -> None:
        self.options = PipelineOptions(baseline=baseline)

    def columns(self, *, images: bool = False, live: bool = False) -> tuple[Column, ...]:
        return columns(("au", "au_rel"), images=images)

    def variant(self, kind: str) -> None:
        """No temporal network is run."""

    look_ahead = variant

    def run(self, source: _Source, *, later: bool = False) -> Iterator[tuple[Frame, list[Face]]]:
        for frame in source:
            yield frame, [_face(1.0 if frame.index < 30 else 3.0)]


def _face(intensity: float) -> Face:
    def all_units(value: float) -> Floats:
        return np.full(22, value, np.float32)

    units = ActionUnits(
        all_units(intensity),
        all_units(0.5),
        all_units(0.7),
        all_units(intensity),
        all_units(intensity),
        np.zeros(64, np.float32),
    )
    region = Region(0, np.ones(4, np.float32), 1.0, np.zeros((5, 2), np.float32), True)
    return Face(region, "ok", action_units=units)


def _run(table: Path | None, baseline: str, source: _Source | None = None) -> None:
    record(cast(Source, source or _Source()), cast(Pipeline, _Pipeline(baseline)), table)


@pytest.mark.parametrize("baseline", ["auto", "first:0.9"])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_the_finished_table_has_both_and_the_sidecar_says_what_was_taken_off(
    baseline: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"t.{suffix}"
    _run(path, baseline)
    table = read_table(path)
    assert table["AU12"].tolist() == [1.0] * 30 + [3.0] * 30
    assert table["AU12_rel"].tolist() == [0.0] * 30 + [2.0] * 30
    described = json.loads((tmp_path / "t.schema.json").read_text())
    assert (described["state"], described["rows"], described["notes"]) == ("complete", 60, [])
    assert described["baseline"]["option"] == baseline
    assert described["baseline"]["tracks"]["0"]["intensity"]["AU12"] == 1
    assert [c["name"] for c in described["columns"]] == list(table.columns)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"t.{suffix}", "t.schema.json"]


def test_a_stopped_run_keeps_the_raw_rows_and_says_that_they_are_raw(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "t.csv", "auto", _Source(stop_at=40))
    table = read_table(tmp_path / "t.csv.partial")
    assert len(table) == 40
    assert "AU12" in table.columns and "AU12_rel" not in table.columns
    described = table.attrs["facekit"]
    assert described["state"] == "stopped"
    assert described["baseline"] is None
    assert "baseline was not taken off" in described["notes"][0]


def test_a_run_stopped_in_its_second_pass_keeps_the_raw_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facekit.personal import PersonalBaseline

    def stop(self: PersonalBaseline, row: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PersonalBaseline, "complete", stop)
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "t.csv", "auto")
    table = read_table(tmp_path / "t.csv.partial")
    assert len(table) == 60
    assert "baseline was not taken off" in table.attrs["facekit"]["notes"][0]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "t.csv.partial",
        "t.schema.json.partial",
    ]


def test_a_saved_baseline_is_taken_off_while_rows_are_written(tmp_path: Path) -> None:
    saved = tmp_path / "anna.json"
    saved.write_text(Baseline(np.full(22, 0.5, np.float32), 90, "rest.mp4", 0.5).to_json())
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "t.csv", str(saved), _Source(stop_at=40))
    table = read_table(tmp_path / "t.csv.partial")
    assert table["AU12_rel"].tolist() == [0.5] * 30 + [2.5] * 10
    _run(tmp_path / "t.csv", str(saved))
    described = read_table(tmp_path / "t.csv").attrs["facekit"]
    assert described["baseline"]["source"] == "rest.mp4"
    (network,) = described["networks"]["baseline"]
    assert network["name"] == "anna.json"
    # The same name with other content is another baseline.
    saved.write_text(saved.read_text().replace("0.5", "0.25"))
    (changed,) = network_records(cast(Pipeline, _Pipeline(str(saved))), "video")["baseline"]
    assert changed.name == network["name"] and changed.sha256 != network["sha256"]


def test_images_and_streams_cannot_be_their_own_baseline(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="needs a video and a table in a file"):
        _run(tmp_path / "t.csv", "auto", _Source(kind="images"))
    with pytest.raises(OptionsError, match="needs a video and a table in a file"):
        _run(None, "first:3")
    assert list(tmp_path.iterdir()) == []
