"""Copies that browsers play: every frame, at its own time."""

import time
from pathlib import Path

import av
import pytest

from facekit.source.video import VideoSource
from facekit.viewer.film import Film, copy_playable
from tests.media import is_upright, read_index, uneven_times, write_text, write_video
from tests.viewer.browser import wait


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_copy_has_every_frame_at_its_time_upright(tmp_path: Path, container: str) -> None:
    times = uneven_times(20, start=0.7)
    source = write_video(tmp_path / "a.mkv", times, rotation=90, audio_s=1.5)
    shares: list[float] = []
    assert container in ("mp4", "webm")
    copy = tmp_path / f"copy.{container}"
    copy_playable(source, copy, "mp4" if container == "mp4" else "webm", shares.append)
    with VideoSource(copy) as video:
        assert video.start_time_s == pytest.approx(0, abs=1e-3)
        frames = list(video)
    assert [read_index(frame.image) for frame in frames] == list(range(20))
    assert all(is_upright(frame.image) for frame in frames)
    found = [frame.time_s for frame in frames]
    assert found == pytest.approx([at - 0.7 for at in times], abs=2e-3)
    assert shares == sorted(shares) and shares[-1] > 0.5
    with av.open(str(copy)) as container_file:
        assert len(container_file.streams.audio) == 1
    assert not list(tmp_path.glob("*.partial"))


def test_a_film_makes_its_copy_once_and_tells_how_far_it_is(tmp_path: Path) -> None:
    film = Film(write_video(tmp_path / "a.avi", codec="mpeg4", count=10), tmp_path / "cache")
    assert film.state("mp4") == {"state": "none"}
    assert film.start("mp4")["state"] == "running"
    wait(lambda: film.state("mp4")["state"] == "done", "the copy")
    made = film.copy_path("mp4").stat().st_mtime_ns
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    again = Film(film.path, tmp_path / "cache")
    assert again.start("mp4")["state"] == "done"
    assert again.copy_path("mp4").stat().st_size > 0 and made
    # Another video under the same name is another video.
    time.sleep(0.01)
    write_video(film.path, codec="mpeg4", count=11)
    assert Film(film.path, tmp_path / "cache").state("mp4") == {"state": "none"}


def test_what_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    film = Film(write_text(tmp_path / "a.mp4"), tmp_path / "cache")
    film.start("mp4")
    failed = wait(lambda: film.state("mp4").get("error"), "the failure")
    assert "is text" in failed
