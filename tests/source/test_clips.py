"""Real footage: frames are PyAV's, times the container's, and nothing healthy is damaged."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from facekit.source import VideoSource, open_source
from facekit.source.selection import Selection

CLIPS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "videos"
COUNTS = {
    "asymmetric_faces.mp4": 1008,
    "classroom_leaves.mp4": 329,
    "comes_and_goes_vfr.mp4": 810,
    "face_then_none_vfr.mov": 169,
    "gaze_then_head.avi": 842,
    "no_face.mp4": 95,
    "profile_vfr.mp4": 1017,
    "rotated_selfie.mov": 352,
    "street_crowd_1080p.mp4": 105,
    "talker_224px.mp4": 498,
    "three_men.avi": 702,
    "webcam_sad_brows.mp4": 158,
    "webcam_sway.wmv": 288,
    "weeps_then_laughs.mp4": 472,
    "winks.mp4": 354,
}
pytestmark = pytest.mark.skipif(
    not CLIPS.is_dir(), reason=f"real clips are not there: {CLIPS} is missing"
)


@cache
def stamps_of(name: str) -> list[Fraction]:
    """Container time of every frame."""
    with av.open(str(CLIPS / name)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        base = stream.time_base
        assert base is not None
        return [frame.pts * base for frame in container.decode(stream) if frame.pts is not None]


@pytest.mark.parametrize("name", COUNTS)
def test_healthy_clips_are_complete_and_undamaged(name: str) -> None:
    stamps = stamps_of(name)
    with VideoSource(CLIPS / name, selection=Selection(every=1.0)) as source:
        frames = list(source)
        assert source.warnings == [] and not source.damaged
        assert source.start_time_s == float(stamps[0])
        assert source._decoded == COUNTS[name] == len(stamps)
    assert len(frames) > 3
    for frame in frames:
        assert frame.time_s == float(stamps[frame.index] - stamps[0])


@pytest.mark.parametrize(
    "name", ["comes_and_goes_vfr.mp4", "face_then_none_vfr.mov", "profile_vfr.mp4"]
)
def test_uneven_times_are_the_containers(name: str) -> None:
    stamps = stamps_of(name)
    with open_source(CLIPS / name) as source:
        times = [frame.time_s for frame in source]
    assert times == [float(stamp - stamps[0]) for stamp in stamps]
    steps = np.diff(times)
    assert steps.min() > 0 and steps.max() > 1.5 * steps.min()


@pytest.mark.parametrize("name", ["winks.mp4", "webcam_sway.wmv"])
def test_pictures_are_those_that_pyav_decodes(name: str) -> None:
    with open_source(CLIPS / name, end=2.0) as source, av.open(str(CLIPS / name)) as container:
        count = 0
        for frame, expected in zip(source, container.decode(video=0), strict=False):
            assert np.array_equal(frame.image, expected.to_ndarray(format="rgb24"))
            count += 1
    assert count > 25


def test_the_rotated_selfie_stands_upright() -> None:
    with open_source(CLIPS / "rotated_selfie.mov", end=0.0) as source:
        (frame,) = source
        assert source.size == frame.size == (540, 960)
    with av.open(str(CLIPS / "rotated_selfie.mov")) as container:
        lying = next(container.decode(video=0)).to_ndarray(format="rgb24")
    # A clockwise quarter turn, seen by eye once.
    assert np.array_equal(frame.image, np.rot90(lying, -1))
