"""Drawing after the fact: rows and frames find each other by container time."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from facekit import Pipeline, PipelineOptions
from facekit.draw import draw_table
from facekit.errors import OptionsError, SourceError
from facekit.estimate.ibug import subset68
from facekit.output.records import Recorded
from facekit.source import VideoSource
from facekit.task import extract_to
from tests.media import write_image, write_video
from tests.output.test_film import packets

SPARSE = PipelineOptions(every=0.2, action_units="none")


@pytest.fixture(scope="module")
def table(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the short clip, a row every fifth of a second."""
    path = tmp_path_factory.mktemp("table") / "short.csv"
    extract_to(short_clip, path, Pipeline(SPARSE))
    return path


def test_records_are_what_the_pipeline_saw(short_clip: Path, table: Path) -> None:
    pipeline = Pipeline(SPARSE)
    with VideoSource(short_clip) as source, VideoSource(short_clip) as again:
        recorded = Recorded(table, again)
        compared = 0
        for frame in source:
            back = recorded.at(frame)
            if not back:
                continue
            (face,), (seen,) = back, pipeline.process(frame)
            np.testing.assert_allclose(face.region.box, seen.region.box, atol=0.01)
            assert (face.region.track, face.status) == (seen.region.track, seen.status)
            assert face.head_pose is not None and seen.head_pose is not None
            assert face.head_pose.yaw == pytest.approx(seen.head_pose.yaw, abs=0.01)
            assert face.landmarks is not None and seen.landmarks is not None
            known, true = subset68(face.landmarks.points), subset68(seen.landmarks.points)
            np.testing.assert_allclose(known[:, :2], true[:, :2], atol=0.01)
            np.testing.assert_allclose(face.region.points, seen.region.points, atol=25)
            compared += 1
    assert compared == len(recorded) >= 3


def test_a_drawn_copy_keeps_times_and_sound(short_clip: Path, table: Path, tmp_path: Path) -> None:
    made = tmp_path / "drawn.mp4"
    drawn = draw_table(short_clip, table, made)
    assert drawn.frames == 10
    assert drawn.matched == drawn.moments >= 3
    times = [time for time, _ in packets(short_clip, "video")]
    assert [time for time, _ in packets(made, "video")] == times
    assert packets(made, "audio") == packets(short_clip, "audio")
    changed = []
    with VideoSource(short_clip) as before, VideoSource(made) as after:
        for one, other in zip(before, after, strict=True):
            difference = np.abs(one.image.astype(int) - other.image).max(axis=2)
            changed.append(int((difference > 60).sum()) > 300)
    assert sum(changed) == drawn.matched


def test_what_cannot_belong_together_is_refused(
    short_clip: Path, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionsError, match="is the video itself"):
        draw_table(short_clip, table, short_clip)
    small = write_video(tmp_path / "small.mp4", count=3)
    with pytest.raises(OptionsError, match="video of 480x480 pixels; small.mp4 has 160x96"):
        draw_table(small, table, tmp_path / "drawn.mp4")
    image = write_image(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(SourceError, match="is no video"):
        draw_table(image, table, tmp_path / "drawn.mp4")
    (tmp_path / "numbers.csv").write_text("frame,yaw\n0,1\n", encoding="utf-8")
    with pytest.raises(OptionsError, match="has no column time_s, status"):
        draw_table(short_clip, tmp_path / "numbers.csv", tmp_path / "drawn.mp4")
    assert not (tmp_path / "drawn.mp4").exists()


def test_a_table_of_other_times_is_refused(
    short_clip: Path, table: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Container times count: the same pictures from zero are another recording."""
    other = write_video(tmp_path / "other.mp4", count=3, size=(480, 480))
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(OptionsError, match="is a frame's of other.mp4"),
    ):
        draw_table(other, table, tmp_path / "drawn.mp4")
    assert "not from this file" in caplog.text


def test_a_table_without_its_sidecar_starts_with_the_video(
    short_clip: Path, table: Path, tmp_path: Path
) -> None:
    shutil.copy(table, tmp_path / "bare.csv")
    drawn = draw_table(short_clip, tmp_path / "bare.csv", tmp_path / "drawn.mp4", mute=True)
    assert drawn.matched == drawn.moments >= 3
    assert packets(tmp_path / "drawn.mp4", "audio") == []
