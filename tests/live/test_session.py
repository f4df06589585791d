"""What keys do, without a screen: the window is one that presses keys by plan."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from facekit import read_table
from facekit.estimate.gaze_calibration import GazeCalibration, load
from facekit.facs import ACTION_UNITS
from facekit.live.session import GazeKey, Session
from facekit.live.window import Window
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.source.camera import LiveSource
from facekit.source.damage import DamageLog
from facekit.task import record
from facekit.types import ActionUnits, Face, Frame, Gaze, HeadPose, Image
from tests.output.builders import face

RATE = 30


class _Keyboard:
    """A window that presses `keys` after so many pictures, and keeps what filled the screen."""

    def __init__(self, keys: dict[int, str]) -> None:
        self.keys, self.shown, self.filled = keys, 0, [False]

    def show(self, image: Image) -> str:
        self.shown += 1
        return self.keys.get(self.shown, "")

    def fill_screen(self, filled: bool) -> None:
        self.filled.append(filled)


def _camera(count: int) -> LiveSource:
    """A source that gives `count` frames as soon as they are wanted; they hold their number."""

    def frames(stopping: object) -> Iterator[Frame]:
        yield from ()

    source = LiveSource(
        "camera 0",
        (8, 6),
        cast(Any, frames),
        selection=None,
        damage=DamageLog(),
        stall_s=None,
    )
    image = np.zeros((6, 8, 3), np.uint8)
    given = (Frame(i, i / RATE, image, captured_s=0.0) for i in range(count))
    cast(Any, source)._iterate = lambda: given
    return source


def _measured(index: int) -> Face:
    """A face whose intensities rise with the frame; half a unit more on its left."""
    level = np.full(22, 1.0 + index / 1000, np.float32)
    nothing = np.zeros(22, np.float32)
    units = ActionUnits(level, nothing, nothing, level, level - 0.5, np.zeros(64, np.float32))
    unknown = np.full(3, np.nan, np.float32)
    pose = HeadPose(0, 0, 0, 1, 1, 1, np.array([0, 0, 600], np.float32))
    gaze = Gaze(1, 2, 1, 1, 1.0, 2.0, unknown, unknown, 0.9, 0.9)
    return replace(face(), action_units=units, head_pose=pose, gaze=gaze)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The real one, whose answer to frame n is `_measured(n)`."""
    options = PipelineOptions(baseline="key", columns=("gaze", "au", "au_rel"))
    made = Pipeline(options)

    def process(frame: Frame, *_: object, **__: object) -> list[Face]:
        return [_measured(frame.index)]

    monkeypatch.setattr(made, "process", process)
    return made


def _run(pipeline: Pipeline, keys: dict[int, str], count: int, table: Path, **more: Any) -> Session:
    window = cast(Window, _Keyboard(keys))
    session = Session(pipeline, window, **more)
    record(_camera(count), pipeline, table, steering=session)
    return session


def test_markers_stand_in_the_row_after_the_key(pipeline: Pipeline, tmp_path: Path) -> None:
    _run(pipeline, {3: "m", 6: "m", 7: "m"}, 10, tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    marked = table[table.marker.notna()]
    assert dict(zip(marked.frame, marked.marker, strict=True)) == {3: 1, 6: 2, 7: 3}


@pytest.mark.parametrize("key", ["q", "\x1b"])
def test_the_end_by_key_completes_the_table(pipeline: Pipeline, tmp_path: Path, key: str) -> None:
    _run(pipeline, {4: key}, 10, tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    assert table.frame.tolist() == [0, 1, 2, 3]
    assert table.attrs["facekit"]["state"] == "complete"


def test_a_pause_leaves_out_frames_and_can_be_ended_by_quit(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    _run(pipeline, {3: " ", 6: " "}, 10, tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    assert table.frame.tolist() == [0, 1, 2, 5, 6, 7, 8, 9]
    assert "Paused at 0.067 s." in table.attrs["facekit"]["notes"]
    assert "Resumed at 0.167 s." in table.attrs["facekit"]["notes"]
    _run(pipeline, {3: " ", 5: "q"}, 10, tmp_path / "t.csv")
    assert len(read_table(tmp_path / "t.csv")) == 3


def test_a_baseline_holds_from_its_end_until_the_next(pipeline: Pipeline, tmp_path: Path) -> None:
    _run(pipeline, {11: "b", 151: "b"}, 300, tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    known = table[table.AU12_rel.notna()]
    assert known.frame.tolist() == list(range(10 + 90, 300)), "three seconds after the key"
    taken = table.attrs["facekit"]["baseline"]["taken"]
    assert [one["to_s"] for one in taken] == pytest.approx([100 / RATE, 240 / RATE])
    first, second = (one["tracks"]["0"]["intensity"]["AU12"] for one in taken)
    assert first == pytest.approx(1 + 55 / 1000, abs=0.01), "the median of what rested"
    before, after = known[known.frame < 240], known[known.frame >= 240]
    assert np.allclose(before.AU12 - before.AU12_rel, first, atol=0.002)
    assert np.allclose(after.AU12 - after.AU12_rel, second, atol=0.002)
    assert len(ACTION_UNITS) == len(taken[0]["tracks"]["0"]["intensity"])


def test_dots_calibrate_the_gaze_of_what_follows(pipeline: Pipeline, tmp_path: Path) -> None:
    window = _Keyboard({2: "c"})
    gaze = GazeKey((520.0, 290.0), tmp_path / "t.gaze.json")
    session = Session(pipeline, cast(Window, window), gaze=gaze)
    record(_camera(30 * 21), pipeline, tmp_path / "t.csv", steering=session)
    notes = read_table(tmp_path / "t.csv").attrs["facekit"]["notes"]
    assert notes[0].startswith("Gaze calibration from 0.033 s on")
    assert notes[1].startswith("Gaze calibrated from 19.") and "t.gaze.json" in notes[1]
    assert load(tmp_path / "t.gaze.json").targets == 9
    assert pipeline.calibrate_gaze(None) is not None
    assert window.filled == [False, True, False]


@pytest.mark.parametrize(("keys", "count"), [({2: "c", 30: "q"}, 60), ({2: "c"}, 700)])
def test_dots_given_up_or_failed_leave_the_gaze_as_it_was(
    pipeline: Pipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys: dict[int, str],
    count: int,
) -> None:
    earlier = GazeCalibration(((1, 0), (0, 1)), (3.0, 0.0), 9, 9, 5.0, 2.0)
    pipeline.calibrate_gaze(earlier)

    def unseen(frame: Frame, *_: object, **__: object) -> Sequence[Face]:
        return []

    monkeypatch.setattr(pipeline, "process", unseen)
    gaze = GazeKey((520.0, 290.0), None)
    _run(pipeline, keys, count, tmp_path / "t.csv", gaze=gaze)
    notes = read_table(tmp_path / "t.csv").attrs["facekit"]["notes"]
    assert notes[1].startswith("Gaze not calibrated")
    assert pipeline.calibrate_gaze(None) is earlier
    assert len(read_table(tmp_path / "t.csv")) == count, "q ends the dots, not the run"


def test_without_a_window_there_are_no_keys(pipeline: Pipeline) -> None:
    assert not Session(pipeline).has_keys
