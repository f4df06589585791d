from pathlib import Path

import numpy as np

import facekit
from facekit.bench.detector import synthetic_crowd
from facekit.bench.material import make_clip
from facekit.detect import Detector
from facekit.runtime.device import choose


def test_the_clip_that_is_measured_has_one_face_on_every_frame(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4", 0.5)
    with facekit.open_source(tmp_path / "clip.mp4") as source:
        assert source.size == (1280, 720)
    table = facekit.extract(tmp_path / "clip.mp4")
    assert table.frame.tolist() == list(range(15))
    assert (table.status == "ok").all()
    assert table.box_x.is_monotonic_increasing, "it sways"


def test_a_longer_clip_repeats_its_packets(tmp_path: Path, example_clip: Path) -> None:
    make_clip(tmp_path / "clip.mp4", 12, example_clip)
    with facekit.open_source(tmp_path / "clip.mp4") as source:
        times = np.array([frame.time_s for frame in source])
    assert len(times) == 600
    assert np.diff(times).min() > 0


def test_the_crowd_has_faces_of_many_sizes() -> None:
    found = Detector(choose("cpu", 1)).detect(synthetic_crowd(), 20)
    heights = sorted(float(face.box[3]) for face in found if face.score > 0.95)
    assert len(heights) > 10
    assert heights[-1] > 5 * heights[0]
