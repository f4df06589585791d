import contextlib
import errno
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from facekit.errors import OutputError
from facekit.output.drawing import GREY, draw, face_colour, label
from facekit.output.overlay import open_overlay
from facekit.types import Face, Frame, Gaze, Image
from tests.output.builders import NAN, face, frame, mesh

BOX = (20.0, 30.0, 60.0, 40.0)


def blank(width: int = 120, height: int = 100) -> Image:
    return np.full((height, width, 3), 128, np.uint8)


def test_the_box_lies_on_its_edges_in_the_colour_of_the_track() -> None:
    for track in range(3):
        one = face(track, BOX)
        drawn = draw(blank(), [one])
        for x, y in ((50, 70), (80, 50), (20, 60)):  # lower, right and left edge
            assert np.abs(drawn[y, x].astype(int) - face_colour(one)).max() <= 30


def test_neighbouring_tracks_have_different_colours_and_keep_them() -> None:
    colours = [np.array(face_colour(face(track))) for track in range(12)]
    for first in range(12):
        assert face_colour(face(first)) == tuple(colours[first].tolist())
        for second in range(first):
            assert np.abs(colours[first] - colours[second]).max() >= 40


def test_low_quality_is_grey_and_dashed() -> None:
    drawn = draw(blank(), [face(0, BOX, status="low_quality")])
    edge = drawn[70, 20:80].astype(int)
    grey = np.abs(edge - GREY).max(axis=1) <= 20
    bare = np.abs(edge - 128).max(axis=1) == 0
    assert grey.sum() > 10
    assert bare.sum() > 5


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (face(3, score=0.987), "#3 0.99"),
        (face(None, score=0.5), "0.50"),
        (face(3, score=NAN), "#3"),
        (face(None, score=NAN), ""),
    ],
)
def test_label(one: Face, expected: str) -> None:
    assert label(one) == expected


@pytest.mark.parametrize(
    "one",
    [
        face(0, (-500, -500, 3000, 3000)),
        face(0, (1e9, -1e9, 1, 1)),
        face(0, (NAN, 2, 3, 4)),
        face(0, (5, 5, 0, 0), status="low_quality"),
        face(0, points=mesh()),
        face(0, points=np.full((478, 3), np.nan, np.float32)),
    ],
)
@pytest.mark.parametrize("size", [(120, 100), (3, 2), (1, 1)])
def test_any_face_can_be_drawn_in_any_frame(one: Face, size: tuple[int, int]) -> None:
    image = blank(*size)
    drawn = draw(image, [one])
    assert drawn.shape == image.shape
    assert (image == 128).all()


def test_landmarks_are_drawn_instead_of_the_five_points() -> None:
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = (60, 50)
    drawn = draw(blank(), [face(0, BOX, points=points)])
    assert (drawn[49:52, 59:62] != 128).any()
    assert (drawn[3:5, 2:5] == 128).all()  # where the five points would be


TIMES = [0.0, 0.033, 0.0535, 0.2, 0.2, 0.9, 1.0]


def shaded(index: int, time_s: float, size: tuple[int, int] = (161, 121)) -> Frame:
    width, height = size
    return Frame(index, time_s, np.full((height, width, 3), 30 * index, np.uint8))


@pytest.mark.parametrize("start", [0.0, 5.0])
def test_the_video_keeps_the_timestamps(tmp_path: Path, start: float) -> None:
    path = tmp_path / "clip.mp4"
    with open_overlay(path, "video") as overlay:
        for index, time_s in enumerate(TIMES):
            overlay.append(shaded(index, start + time_s), [face(0, (40, 40, 60, 60))])
        overlay.finish()
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        frames = list(container.decode(stream))
        assert container.duration is not None
        assert container.duration / 1e6 >= TIMES[-1]
    found = [float(f.time or 0) for f in frames]
    # 1/90000 s is the resolution; two frames at one time are one tick apart.
    np.testing.assert_allclose(found, start + np.array(TIMES), atol=2 / 90_000)
    assert (np.diff(found) > 0).all()
    pictures = [f.to_ndarray(format="rgb24") for f in frames]
    assert {p.shape for p in pictures} == {(122, 162, 3)}
    assert [round(float(p[:20].mean()) / 30) for p in pictures] == list(range(len(TIMES)))
    edge = pictures[0][100, 60:80].astype(int).mean(axis=0)
    assert edge[2] > edge[0] + 60  # the first track's blue


def test_a_frame_of_another_size_is_fitted(tmp_path: Path) -> None:
    with open_overlay(tmp_path / "clip.mp4", "video") as overlay:
        overlay.append(shaded(1, 0.0), [])
        overlay.append(shaded(2, 0.1, size=(320, 240)), [])
        overlay.finish()
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert {(f.width, f.height) for f in container.decode(video=0)} == {(162, 122)}


class Stop(BaseException):
    pass


def test_a_stopped_video_stays_as_partial_and_plays(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with pytest.raises(Stop), open_overlay(path, "video") as overlay:
        for index, time_s in enumerate(TIMES):
            overlay.append(shaded(index, time_s), [])
        raise Stop
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4.partial"]
    with av.open(str(path) + ".partial") as container:
        assert len(list(container.decode(video=0))) == len(TIMES)


def test_a_killed_video_plays_up_to_its_last_second_pictures(tmp_path: Path) -> None:
    path, killed = tmp_path / "clip.mp4", tmp_path / "killed.mp4"
    with open_overlay(path, "video") as overlay:
        for index in range(300):
            overlay.append(shaded(index % 8, index / 30), [])
        shutil.copy(str(path) + ".partial", killed)
        overlay.finish()
    with av.open(str(killed)) as container:
        assert len(list(container.decode(video=0))) >= 120


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("missing/clip.mp4", "the folder does not exist"),
        ("file/clip.mp4", "the folder is a file"),
        ("clip.gif", "no video format has the suffix '.gif'. Use .mp4 or .mov"),
    ],
)
def test_a_video_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, name: str, cause: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=cause):
        open_overlay(tmp_path / name, "video")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from facekit.errors import OutputError
from facekit.output.overlay import open_overlay
from facekit.types import Frame
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
noise = np.random.default_rng(0)
try:
    with open_overlay(Path(sys.argv[1]), "video") as overlay:
        for index in range(400):
            image = noise.integers(0, 255, (96, 128, 3), np.uint8)
            overlay.append(Frame(index, index / 30, image), [])
except OutputError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_leaves_a_partial_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "larger than allowed here" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4.partial"]
    with av.open(str(path) + ".partial") as container:
        decoded = 0
        for packet in container.demux(video=0):
            # The picture that did not fit whole is for the player to skip.
            with contextlib.suppress(av.error.InvalidDataError):
                decoded += len(packet.decode())
    assert decoded >= 60


def test_a_still_in_a_video_is_a_wrong_call(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="needs a time"),
        open_overlay(tmp_path / "clip.mp4", "video") as overlay,
    ):
        overlay.append(frame(0, NAN), [])


def test_a_failure_at_the_end_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("facekit.output.film.os.fsync", full)
    with (
        pytest.raises(OutputError, match="the disk is full"),
        open_overlay(tmp_path / "clip.mp4", "video") as overlay,
    ):
        overlay.append(shaded(0, 0.0, size=(1, 1)), [])
        overlay.finish()
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4.partial"]


def test_no_frames_make_no_video(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), open_overlay(tmp_path / "a.mp4", "video") as overlay:
        overlay.finish()
    assert list(tmp_path.iterdir()) == []
    assert "no frame" in caplog.text


def test_images_go_into_a_folder_under_their_own_names(tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    with open_overlay(folder, "images") as overlay:
        for name in ("a.jpg", "a.png", "a.bmp", "größer.PNG"):
            overlay.append(Frame(0, NAN, blank(), name), [face(None, BOX)])
        overlay.finish()
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["a.bmp.png", "a.jpg", "a.png", "größer.PNG"]
    stored = np.frombuffer((folder / "größer.PNG").read_bytes(), np.uint8)
    back = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert back is not None
    np.testing.assert_array_equal(back[..., ::-1], draw(blank(), [face(None, BOX)]))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="the folder is a file"):
        open_overlay(tmp_path / "file" / "drawn", "images")


def test_no_overlay_takes_anything() -> None:
    with open_overlay(None, "video") as overlay:
        overlay.append(frame(), [face()])
        overlay.finish()


def test_each_open_eye_has_a_line_to_where_it_looks() -> None:
    points = np.zeros((478, 3), np.float32)
    points[468, :2], points[473, :2] = (40, 50), (80, 50)
    looks = np.array([0.6, 0.0, -0.8], np.float32)
    shut = np.full(3, np.nan, np.float32)
    gaze = Gaze(37, 0, 1, 1, 37, 0, looks, shut, 1.0, 0.0)
    plain = draw(blank(), [face(0, BOX, points=points)])
    drawn = draw(blank(), [replace(face(0, BOX, points=points), gaze=gaze)])
    rows, changed = np.nonzero((plain != drawn).any(axis=2))
    assert changed.min() >= 76  # the right eye is shut
    assert changed.max() == pytest.approx(80 + 0.6 * 40 * 0.6, abs=4)
    assert np.abs(rows - 50).max() <= 4
