"""A run over time, from faces to finished files; no network is run but one that echoes."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pandas as pd
import pytest

from facekit.columns import Column, columns
from facekit.errors import OptionsError, OutputError
from facekit.options import PipelineOptions
from facekit.outcome import find_kept
from facekit.output.reading import read_table
from facekit.output.table import TableSink
from facekit.pipeline import Pipeline
from facekit.runtime import weights
from facekit.source import Source
from facekit.task import record
from facekit.temporal.faces import FacesOverTime
from facekit.temporal.tcn import Variant
from facekit.types import Face, Frame
from tests.temporal.echo import echo, shown

FRAMES = 150
SMILE = (60, 90)  # frames
BLINK = (100, 106)


@dataclass
class _Source:
    """A video of black frames, at 30 a second."""

    kind: str = "video"
    name: str = "clip.mp4"
    warnings: list[str] = field(default_factory=list)
    size: tuple[int, int] = (8, 6)
    frame_count: int = FRAMES
    start_time_s: float = 0.5
    damaged: bool = False
    stop_at: int | None = None

    def __iter__(self) -> Iterator[Frame]:
        for index in range(FRAMES):
            if index == self.stop_at:
                raise KeyboardInterrupt
            yield Frame(index, index / 30, np.zeros((6, 8, 3), np.uint8))


@dataclass
class _Device:
    name: str = "cpu"
    reason: str = "no other"


class _Pipeline:
    """Two faces: one smiles and blinks, the other is gone in the middle."""

    networks: ClassVar[dict[str, tuple[str, ...]]] = {}
    device = _Device()
    recogniser = None

    def __init__(self, variant: Variant | None, baseline: str | None = None) -> None:
        self._variant = variant
        self.options = PipelineOptions(baseline=baseline)

    def columns(self, *, images: bool = False, live: bool = False) -> tuple[Column, ...]:
        relative = ("au_rel",) if self.options.baseline else ()
        over_time = ("temporal",) if self._variant else ()
        return columns(("au", *relative, *over_time, *(("live",) if live else ())), images=images)

    def variant(self, kind: str) -> Variant | None:
        return self._variant

    def look_ahead(self, kind: str) -> FacesOverTime | None:
        return FacesOverTime(echo("lookahead")) if self._variant == "lookahead" else None

    def run(self, source: _Source, *, later: bool = False) -> Iterator[tuple[Frame, list[Face]]]:
        assert later == (self._variant == "lookahead")
        causal = FacesOverTime(echo("causal"))
        for frame in source:
            faces = _faces(frame.index)
            if self._variant == "causal":
                ((_, faces),) = causal.push(frame, faces)
            yield frame, faces


def _faces(index: int) -> list[Face]:
    smiles = {"AU12": 3.0 if SMILE[0] <= index < SMILE[1] else 0.0}
    eyes = (0.1, 0.1) if BLINK[0] <= index < BLINK[1] else (0.9, 0.9)
    other = [] if 40 <= index < 80 else [shown(1)]
    return [shown(0, smiles, eyes=eyes), *other]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks have hashes whether or not they are shipped."""
    monkeypatch.setattr(weights, "identity", lambda name: f"hash of {name}")


def _run(
    table: Path | None,
    variant: Variant | None = "lookahead",
    source: _Source | None = None,
    baseline: str | None = None,
) -> None:
    pipeline = cast(Pipeline, _Pipeline(variant, baseline))
    record(cast(Source, source or _Source()), pipeline, table)


def _read_events(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


@pytest.mark.parametrize("variant", ["causal", "lookahead"])
@pytest.mark.parametrize(
    ("suffix", "events"), [("csv", "csv"), ("parquet", "parquet"), ("jsonl", "csv")]
)
def test_the_table_has_its_rows_in_order_and_the_events_lie_beside_it(
    variant: Variant, suffix: str, events: str, tmp_path: Path
) -> None:
    path = tmp_path / f"clip.{suffix}"
    _run(path, variant)
    table = read_table(path)
    assert table[["frame", "track"]].apply(tuple, axis=1).is_monotonic_increasing
    assert len(table) == 2 * FRAMES - 40
    # The echo says what was shown, to every row its own.
    assert table["AU12_smooth"].tolist() == table["AU12"].tolist()
    assert set(table["AU12_phase"]) == {"neutral", "apex"}
    assert (table["blink"] > 0.5).sum() == BLINK[1] - BLINK[0]
    found = _read_events(tmp_path / f"clip.events.{events}")
    assert found["kind"].tolist() == ["AU12", "blink"]
    assert found["onset_s"].tolist() == [2.0, 3.333333]
    assert found["offset_s"].tolist() == [3.0, 3.533333]
    assert found["track"].tolist() == [0, 0] and found["person"].isna().all()
    assert found["side"].tolist() == ["both", "both"]
    described = json.loads((tmp_path / "clip.schema.json").read_text())
    assert described["state"] == "complete" and described["rows"] == len(table)
    (network,) = described["networks"]["temporal"]
    assert network["name"] == f"temporal_{variant}" and variant in described["notes"][0]
    (smooth,) = [c for c in described["columns"] if c["name"] == "AU12_smooth"]
    assert smooth["networks"] == [network]
    assert len(list(tmp_path.iterdir())) == 3


def test_without_the_stage_there_is_nothing_of_it_and_old_events_go(tmp_path: Path) -> None:
    _run(tmp_path / "clip.csv")
    assert (tmp_path / "clip.events.csv").exists()
    _run(tmp_path / "clip.csv", None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.csv", "clip.schema.json"]
    described = json.loads((tmp_path / "clip.schema.json").read_text())
    assert "temporal" not in described["networks"] and described["notes"] == []


def test_a_stopped_run_keeps_every_row_that_was_measured(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "clip.csv", source=_Source(stop_at=110))
    table = read_table(tmp_path / "clip.csv.partial")
    assert table["frame"].tolist()[-1] == 109
    assert table["AU12_smooth"].tolist() == table["AU12"].tolist()
    assert table.attrs["facekit"]["state"] == "stopped"
    assert table.attrs["facekit"]["rows"] == len(table)
    assert pd.read_csv(tmp_path / "clip.events.csv.partial")["kind"].tolist() == ["AU12", "blink"]
    assert not (tmp_path / "clip.events.csv").exists()


def test_a_run_stopped_between_rows_leaves_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = TableSink.append

    def stop(sink: TableSink, rows: list[tuple[object, ...]]) -> None:
        if rows and rows[0][0] == 70 and sink.path.name == "clip.csv":
            raise KeyboardInterrupt
        append(sink, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(TableSink, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "clip.csv")
    frames = read_table(tmp_path / "clip.csv.partial")["frame"].unique().tolist()
    assert frames == list(range(70))


def test_a_second_pass_keeps_what_is_over_time(tmp_path: Path) -> None:
    _run(tmp_path / "clip.csv", baseline="auto")
    table = read_table(tmp_path / "clip.csv")
    assert table["AU12_rel"].max() == 3 and table["AU12_smooth"].max() == 3
    assert set(table["AU12_phase"]) == {"neutral", "apex"}
    assert len(pd.read_csv(tmp_path / "clip.events.csv")) == 2


def test_a_table_without_its_events_is_made_again(tmp_path: Path) -> None:
    path, pipeline = tmp_path / "clip.csv", cast(Pipeline, _Pipeline("lookahead"))
    _run(path)
    kept, _ = find_kept(path, pipeline, "clip.mp4", None, None)
    assert kept is not None
    (tmp_path / "clip.events.csv").unlink()
    kept, reason = find_kept(path, pipeline, "clip.mp4", None, None)
    assert kept is None and reason == "no clip.events.csv yet"
    kept, reason = find_kept(path, cast(Pipeline, _Pipeline("causal")), "clip.mp4", None, None)
    assert kept is None


def test_another_variant_is_another_table(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    _run(path)
    causal = cast(Pipeline, _Pipeline("causal"))
    kept, reason = find_kept(path, causal, "clip.mp4", None, None)
    assert kept is None and reason == "made with other networks: temporal"


def test_events_do_not_take_the_place_of_a_table(tmp_path: Path) -> None:
    _run(tmp_path / "clip.events.csv", None)
    before = (tmp_path / "clip.events.csv").read_bytes()
    with pytest.raises(OutputError, match="is a table; the events would take its place"):
        _run(tmp_path / "clip.csv")
    _run(tmp_path / "clip.csv", None)
    assert (tmp_path / "clip.events.csv").read_bytes() == before


def test_rows_on_standard_output_have_no_events_file(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record(cast(Source, _Source()), cast(Pipeline, _Pipeline("lookahead")), "-")
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [line["frame"] for line in lines] == sorted(line["frame"] for line in lines)
    assert len(lines) == 2 * FRAMES - 40
    assert all(line["AU12_smooth"] == line["AU12"] for line in lines)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The real one, whose temporal networks echo."""
    stages = {"causal": echo("causal"), "lookahead": echo("lookahead")}

    def load(choice: str) -> dict[str, object]:
        return {name: one for name, one in stages.items() if choice in ("auto", name)}

    monkeypatch.setattr("facekit.pipeline.load_stages", load)
    return Pipeline(PipelineOptions())


def test_the_pipeline_runs_each_source_through_its_variant(pipeline: Pipeline) -> None:
    kinds = ("video", "camera", "images")
    assert [pipeline.variant(kind) for kind in kinds] == ["lookahead", "causal", None]
    assert pipeline.look_ahead("video") is not None and pipeline.look_ahead("camera") is None
    assert "AU12_smooth" in {column.name for column in pipeline.columns()}
    assert "AU12_smooth" not in {column.name for column in pipeline.columns(images=True)}
    face = shown(0)
    frame = Frame(0, 0.0, np.full((48, 64, 3), 127, np.uint8))
    (now,) = pipeline.process(frame, regions=[face.region])
    assert now.temporal is not None  # at once, in Python
    (still,) = pipeline.process(dataclasses.replace(frame, time_s=np.nan), regions=[face.region])
    assert still.temporal is None
    ((_, later),) = pipeline.run([frame], later=True)
    assert [one.temporal for one in later] == [None] * len(later)


def test_it_is_run_only_where_it_is_wanted(pipeline: Pipeline) -> None:
    for unwanted in (
        PipelineOptions(columns=("pose", "au")),
        PipelineOptions(temporal="none"),
        PipelineOptions(action_units="none"),
    ):
        without = Pipeline(unwanted)
        assert without.variant("video") is None
        assert "temporal" not in {column.group for column in without.columns()}
    assert Pipeline(PipelineOptions(temporal="causal")).variant("video") == "causal"
    ahead = Pipeline(PipelineOptions(temporal="lookahead"))
    with pytest.raises(OptionsError, match="temporal: 'lookahead' answers late"):
        ahead.columns(live=True)
    with pytest.raises(OptionsError, match="--temporal is 'none'"):
        Pipeline(PipelineOptions(temporal="none", columns=("temporal",))).columns()
