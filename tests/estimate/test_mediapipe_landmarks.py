"""The optional MediaPipe backend, where its file lies beside the checkout."""

from pathlib import Path

import numpy as np
import pytest

import facekit
from facekit import Frame, Pipeline, PipelineOptions
from facekit.errors import WeightsError
from facekit.types import Image


@pytest.fixture
def teachers(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shared_data / "teachers"
    monkeypatch.setenv("FACEKIT_WEIGHTS", str(folder))
    return folder


def test_it_says_how_to_fetch_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("FACEKIT_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="facekit weights pull mediapipe"):
        Pipeline(PipelineOptions(landmarks="mediapipe"))


@pytest.mark.usefixtures("teachers")
@pytest.mark.parametrize("scale", [1.0, 0.12])
def test_landmarks_lie_on_the_face_whatever_its_share_of_the_frame(
    scale: float, photograph: Image
) -> None:
    frame = np.full((1080, 1920, 3), 110, np.uint8)
    small = photograph[:: round(1 / scale), :: round(1 / scale)]
    frame[100 : 100 + small.shape[0], 700 : 700 + small.shape[1]] = small
    pipeline = Pipeline(PipelineOptions(landmarks="mediapipe", min_face=20))
    face = pipeline.process(Frame(0, float("nan"), frame))[0]
    assert face.landmarks is not None
    assert face.landmarks.points.shape == (478, 3)
    five = face.landmarks.points[[468, 473, 1, 61, 291], :2]
    # MediaPipe's 468 is the subject's right eye, which is on image left, as MTCNN's first point.
    assert np.abs(five - face.region.points).max() < 0.12 * face.region.box[2]


@pytest.mark.usefixtures("teachers")
def test_the_table_has_them_and_the_sidecar_names_the_network(example_clip: Path) -> None:
    table = facekit.extract(example_clip, end=0.1, landmarks="mediapipe")
    assert [name for name in table.columns if name.startswith(("x_", "y_"))] == [
        f"{axis}_{i}" for i in range(68) for axis in "xy"
    ]
    inside = table.x_30.between(table.box_x, table.box_x + table.box_w)
    assert inside.all(), "the nose tip is inside the box"
    all_points = facekit.extract(
        example_clip, end=0.1, landmarks="mediapipe", columns=("landmarks478",)
    )
    assert "lz_477" in all_points.columns
    assert "x_0" not in all_points.columns


def test_small_faces_in_big_frames(shared_data: Path, teachers: Path) -> None:
    """MediaPipe alone finds none in this clip; on MTCNN's regions it finds most."""
    table = facekit.extract(
        shared_data / "videos" / "street_crowd_1080p.mp4", end=0.3, landmarks="mediapipe"
    )
    faces = table[table.status != "no_face"]
    assert len(faces) > 20
    assert faces.x_30.notna().mean() > 0.6
