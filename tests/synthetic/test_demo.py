"""The example clip and the fixtures in the repository are what the command makes."""

from pathlib import Path

import numpy as np
import pytest

from facekit.synthetic import demo
from facekit.synthetic.motion import named_weights
from facekit.synthetic.scene import Studio
from tests.conftest import ROOT
from tests.truth import DATA, STILLS, clip_points, clip_table, still

SHIPPED = (*DATA.iterdir(), *(ROOT / "examples").glob("average_face.*"))


@pytest.fixture(scope="module")
def studio(data: Path) -> Studio:
    return demo.demo_studio(data)


def test_demo_shows_every_part_of_its_story() -> None:
    motion = demo.demo_motion(np.arange(demo.SECONDS * demo.RATE) / demo.RATE)
    names = ["mouthSmile_R", "browOuterUp_L", "browDown_L", "jawOpen", "eyeBlink_L"]
    weights = named_weights(motion, names)
    assert weights.max(0) == pytest.approx([1.0, 0.9, 1.2, 0.6, 1.0], abs=0.05)
    assert (weights[0] == 0).all(), "it begins neutral"
    assert motion.pose[:, 0].max() > 30 and motion.pose[:, 0].min() < -30
    assert motion.gaze[..., 0].max() > 15 and motion.gaze[..., 0].min() < -15
    assert motion.blink.any() and motion.nod.any()
    left, right = named_weights(motion, ["eyeBlink_L", "eyeBlink_R"]).T
    assert ((left > 0.9) & (right == 0)).any(), "a wink of the left eye"


def test_the_command_names_the_same_stills_as_the_tests() -> None:
    assert tuple(demo.STILLS) == STILLS


def test_the_shipped_clip_has_the_shipped_truths_frames(example_clip: Path) -> None:
    from facekit import open_source

    table = clip_table()
    with open_source(example_clip) as source:
        times = [frame.time_s for frame in source]
    assert table.frame.tolist() == list(range(demo.SECONDS * demo.RATE))
    assert times == pytest.approx(table.time_s.tolist(), abs=1e-6)
    for frame, true in clip_points().items():
        pose = table[["yaw", "pitch", "roll"]].to_numpy()[frame]
        assert pose == pytest.approx(true.pose, abs=0.01)


def test_what_is_shipped_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED) < 1_000_000


def test_the_shipped_truth_of_the_clip_is_made_again(studio: Studio) -> None:
    points, table = clip_points(), clip_table()
    frames = list(points)[::4]
    for frame, sample in zip(frames, demo.clip_samples(studio, frames), strict=True):
        assert sample.points == pytest.approx(points[frame].points, abs=0.01)
        assert (sample.visible == points[frame].visible).all()
        assert table.to_numpy()[frame, 2:] == pytest.approx(demo.truth(sample), rel=1e-3)


def test_the_shipped_stills_are_made_again(studio: Studio, tmp_path: Path) -> None:
    demo.write_stills(studio, tmp_path)
    with np.load(tmp_path / "stills.npz") as made, np.load(DATA / "stills.npz") as shipped:
        assert made.files == shipped.files
        for name in made.files:
            if name == "name":
                assert made[name].tolist() == shipped[name].tolist()
            else:
                np.testing.assert_allclose(made[name], shipped[name], atol=0.011)
    for name in STILLS:
        image, true = still(name)
        assert image.shape == (480, 480, 3)
        assert true.pose == pytest.approx(demo.STILLS[name].pose, abs=1e-3)
        assert (tmp_path / f"{name}.jpg").is_file()
    front = (ROOT / "facekit" / "bench" / "average_face.jpg").read_bytes()
    assert front == (DATA / "front.jpg").read_bytes(), "speed is measured with the same picture"
