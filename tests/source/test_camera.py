"""Live sources: the newest picture only, and an end to cameras that stall."""

import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facekit.errors import SourceError
from facekit.source import CameraSource, PacedFile, open_source
from facekit.source.selection import Selection
from tests import media


class FakeCamera:
    """Gives `count` pictures `step_s` apart, then fails; or hangs instead."""

    def __init__(
        self, count: int = 40, step_s: float = 0.01, *, opens: bool = True, hangs: bool = False
    ) -> None:
        self.count, self.step_s, self.opens, self.hangs = count, step_s, opens, hangs
        self.given = 0
        self.released = threading.Event()

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def get(self, propId: int) -> float:  # noqa: N803
        return {cv2.CAP_PROP_FRAME_WIDTH: 160.0, cv2.CAP_PROP_FRAME_HEIGHT: 96.0}[propId]

    def read(self) -> tuple[bool, Any]:
        if self.given >= self.count:
            if self.hangs:
                self.released.wait(1.0)
            return False, None
        time.sleep(self.step_s)
        picture = media.index_picture(self.given)
        picture[-8:, :, 2] = 255  # red, as a camera gives it: BGR
        self.given += 1
        return True, picture

    def release(self) -> None:
        self.released.set()


def reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read ")]


def test_a_fast_consumer_sees_every_picture() -> None:
    camera = FakeCamera(count=20, step_s=0.02)
    with CameraSource(0, open_capture=lambda number: camera) as source:
        assert (source.kind, source.name, source.size) == ("camera", "camera 0", (160, 96))
        frames = list(source)
        assert source.dropped + len(frames) == 20
        assert "gave no more pictures" in source.warnings[0]
    assert [media.read_index(frame.image) for frame in frames] == [f.index for f in frames]
    assert frames[0].time_s == 0.0
    started = [frame.captured_s - frame.time_s for frame in frames]
    assert np.ptp(started) < 1e-6 and frames[-1].captured_s <= time.monotonic()
    assert all(
        later.time_s > frame.time_s for frame, later in zip(frames, frames[1:], strict=False)
    )
    assert tuple(frames[0].image[-1, 0]) == (255, 160, 160)
    assert camera.released.is_set() and reading_threads() == []


def test_a_slow_consumer_gets_the_newest_and_sees_the_gap() -> None:
    camera = FakeCamera(count=60, step_s=0.005)
    frames = []
    with CameraSource(0, open_capture=lambda number: camera) as source:
        for frame in source:
            frames.append(frame)
            time.sleep(0.05)
        dropped = source.dropped
    assert dropped > 20
    assert dropped + len(frames) == 60
    assert max(np.diff([frame.index for frame in frames])) > 2
    assert [media.read_index(frame.image) for frame in frames] == [f.index for f in frames]


def test_a_camera_that_stalls_ends_with_a_warning() -> None:
    camera = FakeCamera(count=3, hangs=True)
    begin = time.monotonic()
    with CameraSource(0, open_capture=lambda number: camera, stall_s=0.3) as source:
        frames = list(source)
        assert source.damaged
        assert "gave no picture for 0.3 s" in source.warnings[0]
    assert 1 <= len(frames) <= 3
    assert time.monotonic() - begin < 3


def test_a_camera_that_does_not_open() -> None:
    camera = FakeCamera(opens=False)
    with pytest.raises(SourceError, match="camera 7: does not open. Check that"):
        CameraSource(7, open_capture=lambda number: camera)
    assert camera.released.is_set()


def test_open_source_takes_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FakeCamera(count=5)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: camera)
    with open_source(0) as source:
        assert source.kind == "camera" and source.path is None
        assert len(list(source)) >= 1


def test_a_camera_is_freed_without_being_read() -> None:
    camera = FakeCamera()
    with CameraSource(0, open_capture=lambda number: camera):
        pass
    assert camera.released.is_set()


def test_rarely_wanted_frames_do_not_look_like_a_stall() -> None:
    camera = FakeCamera(count=60, step_s=0.02)
    with CameraSource(
        0, selection=Selection(every=0.8), open_capture=lambda number: camera, stall_s=0.5
    ) as source:
        frames = list(source)
        assert "gave no more pictures" in source.warnings[0]
    assert len(frames) >= 2
    assert np.diff([frame.time_s for frame in frames]).min() > 0.4


def test_a_file_is_played_at_its_own_pace(tmp_path: Path) -> None:
    times = media.uneven_times(20)
    path = media.write_video(tmp_path / "clip.mp4", times)
    late = []
    begin = time.monotonic()
    with PacedFile(path) as source:
        for frame in source:
            late.append(time.monotonic() - begin - frame.time_s)
            assert media.read_index(frame.image) == frame.index
            assert frame.time_s == pytest.approx(times[frame.index] - times[0], abs=1e-9)
            assert frame.captured_s <= time.monotonic()
            assert begin <= frame.captured_s - frame.time_s < begin + 1
        assert (source.kind, source.path, source.size) == ("camera", path, (160, 96))
        assert source.dropped + len(late) == 20
    # Never early; how late depends on what else the machine does.
    assert min(late) >= 0 and np.median(late) < 0.5


def test_a_played_file_drops_for_a_slow_consumer(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.mp4", count=25)
    seen = []
    with PacedFile(path) as source:
        for frame in source:
            seen.append(frame.index)
            time.sleep(0.2)
        assert source.dropped == 25 - len(seen) > 10
        assert not source.damaged
    assert seen[0] == 0 and seen[-1] == 24


def test_a_played_file_stops_at_once(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.mp4", [0.0, 30.0])
    begin = time.monotonic()
    with PacedFile(path) as source:
        assert next(iter(source)).index == 0
    assert time.monotonic() - begin < 2
    assert reading_threads() == []
