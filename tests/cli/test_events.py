"""``facekit events``: out of the file beside a table, or out of its columns."""

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import facekit
from facekit.columns import columns
from facekit.errors import OutputError
from facekit.output import sidecar
from facekit.output.events import EventSink, events_frame, events_path
from facekit.output.rows import rows
from facekit.output.table import open_table
from facekit.study.events_of import find_events, read_or_find_events
from facekit.temporal.events import Event, EventFinder
from facekit.temporal.faces import FacesOverTime
from facekit.types import Face, Frame
from tests.cli.runner import Cli
from tests.output.builders import record
from tests.temporal.echo import echo, shown

COLUMNS = columns(("gaze", "au", "temporal"))


def _faces(random: np.random.Generator, index: int) -> Sequence[Face]:
    """Two who smile, frown and wink now and then, with noise; one is gone in between."""

    def level(phase: int) -> float:
        return float(max(0.0, 3 * np.sin((index + phase) / 17)) + random.uniform(0, 0.2))

    first = shown(
        0,
        {"AU12": level(0), "AU04": level(9)},
        left={"AU12": level(0), "AU04": level(9)},
        right={"AU12": level(0) * 0.3, "AU04": level(9)},
        eyes=(0.1, 0.8) if index % 50 < 6 else (0.9, 0.9),
    )
    second = [shown(4, {"AU25": level(20)})] if not 100 <= index < 190 else []
    return [first, *second]


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, list[Event]]:
    """A table with a sidecar, without a file of events; and the events of its run."""
    over_time, finder, events = FacesOverTime(echo("causal")), EventFinder(), []
    random = np.random.default_rng(0)
    path = tmp_path / "clip.csv"
    with open_table(path, COLUMNS) as table:
        for index in range(300):
            frame = Frame(index, index / 29.97, np.zeros((6, 8, 3), np.uint8))
            ((_, faces),) = over_time.push(frame, _faces(random, index))
            table.append(rows(frame, faces, COLUMNS))
            events += finder.push(frame.time_s, faces)
        described = json.loads(sidecar.to_json(record()))
        described |= {"table": "clip.csv", "columns": []}
        described["source"] |= {"name": "clip.mp4", "start_time_s": 2.0}
        (tmp_path / "clip.schema.json").write_text(json.dumps(described))
        table.finish()
    events += finder.end()
    return path, [event for event in events if event.ended]


def test_a_table_tells_the_very_events_of_its_run(run: tuple[Path, list[Event]]) -> None:
    path, events = run
    assert {(e.track, e.kind, e.side) for e in events} >= {
        (0, "AU12", "left"),
        (0, "AU04", "both"),
        (4, "AU25", ""),
        (0, "blink", "left"),
    }
    found = find_events(facekit.read_table(path))
    pd.testing.assert_frame_equal(found, events_frame(events))
    assert facekit.find_events is find_events


def test_the_file_beside_it_is_read_where_it_is(run: tuple[Path, list[Event]]) -> None:
    path, events = run
    with EventSink(path) as sink:
        sink.append(events[:3])
        sink.finish()
    beside = read_or_find_events(path)
    assert len(beside) == 3 and beside["onset_s"].is_monotonic_increasing
    sink_path = events_path(path)
    sink_path.unlink()
    assert len(read_or_find_events(path)) == len(events)
    sink_path.write_text("kind,when\nblink,1\n")
    with pytest.raises(OutputError, match=r"clip\.events\.csv: is damaged"):
        read_or_find_events(path)


def test_persons_are_filled_in_when_they_are_decided(run: tuple[Path, list[Event]]) -> None:
    path, events = run
    with EventSink(path) as sink:
        sink.append(events)
        sink.finish(lambda track: 7 if track == 4 else None)
    found = read_or_find_events(path)
    assert set(found.loc[found["track"] == 4, "person"]) == {7}
    assert found.loc[found["track"] == 0, "person"].isna().all()
    assert not list(path.parent.glob("*.second*")) and not list(path.parent.glob("*.partial"))


def test_without_the_columns_it_says_what_to_do(tmp_path: Path) -> None:
    with open_table(tmp_path / "a.csv", columns(("au",))) as table:
        table.finish()
    with pytest.raises(OutputError, match="has no column AU01_smooth. Extract with the group"):
        read_or_find_events(tmp_path / "a.csv")


def test_the_command_prints_and_writes(cli: Cli, run: tuple[Path, list[Event]]) -> None:
    path, events = run
    printed = cli("events", path)
    assert printed.code == 0, printed.err
    lines = printed.out.splitlines()
    assert lines[0].startswith("track,person,kind,side,onset_s,apex_s,offset_s,peak,mean,asymmetry")
    assert len(lines) == len(events) + 1
    out = path.with_name("mine.parquet")
    assert cli("events", path, "-o", out).code == 0
    onsets = pd.read_parquet(out)["onset_s"].tolist()
    assert onsets == sorted(onset for onset in events_frame(events)["onset_s"])
    missing = cli("events", path.with_name("none.csv"))
    assert missing.code == 3 and "there is no such table" in missing.err
    assert cli("events", path, "--video", "a.mp4").code == 2


def test_the_command_writes_for_elan(cli: Cli, run: tuple[Path, list[Event]]) -> None:
    path, events = run
    eaf = path.with_suffix(".eaf")
    result = cli("events", path, "--elan", eaf)
    assert result.code == 0 and result.out == ""
    assert f"{len(events)} events of clip.mp4" in result.err
    document = ElementTree.parse(eaf).getroot()
    values = [int(slot.attrib["TIME_VALUE"]) for slot in document.iter("TIME_SLOT")]
    # The video's own clock, which began two seconds before the first frame.
    assert min(values) == round((min(event.onset_s for event in events) + 2) * 1000)
