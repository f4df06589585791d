"""The library: what ``import facekit`` gives a script."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import facekit
from facekit import Frame, OptionsError, Pipeline, PipelineOptions, Region, SourceError
from facekit.bench.material import average_face
from facekit.geometry import iou
from tests.media import write_video
from tests.truth import clip_points, still


def test_every_public_name_exists() -> None:
    for name in facekit.__all__:
        assert getattr(facekit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = facekit.analyse


def test_extract_gives_what_the_command_line_writes(example_clip: Path, tmp_path: Path) -> None:
    table = facekit.extract(example_clip, end=0.5, detect_every=3)
    assert table.frame.tolist() == list(range(13))
    assert str(table.track.dtype) == "Int64"
    assert table.attrs["facekit"]["options"]["detect_every"] == 3

    from facekit.task import extract_to

    pipeline = Pipeline(PipelineOptions(end=0.5, detect_every=3))
    outcome = extract_to(example_clip, tmp_path / "t.parquet", pipeline)
    assert (outcome.state, outcome.frames, outcome.rows) == ("complete", 13, 13)
    pd.testing.assert_frame_equal(table, facekit.read_table(tmp_path / "t.parquet"))


def test_errors_are_facekits_and_builtin() -> None:
    with pytest.raises(SourceError, match="does not exist"):
        facekit.extract("nowhere.mp4")
    with pytest.raises(OSError, match="does not exist"):
        facekit.extract("nowhere.mp4")
    with pytest.raises(OptionsError, match="no option named 'detect_evry'"):
        facekit.extract("nowhere.mp4", detect_evry=2)


def test_two_runs_of_one_pipeline_are_equal(example_clip: Path) -> None:
    pipeline = Pipeline(PipelineOptions(end=0.6))
    runs = []
    for _ in range(2):
        with facekit.open_source(example_clip, end=0.6) as source:
            runs.append([faces for _, faces in pipeline.run(source)])
    for first, second in zip(*runs, strict=True):
        assert [f.region.track for f in first] == [f.region.track for f in second] == [0]
        assert np.array_equal(first[0].region.box, second[0].region.box)


def test_a_still_image_has_faces_without_tracks() -> None:
    image, true = still("yaw_left")
    faces = Pipeline().process(Frame(0, float("nan"), image))
    assert len(faces) == 1
    assert faces[0].region.track is None
    assert faces[0].status == "ok"
    assert np.abs(faces[0].region.points - true.region.points).max() < 0.1 * true.eye_distance
    assert iou(faces[0].region.box[None], true.region.box[None])[0, 0] > 0.6


def test_known_regions_are_taken_as_they_are() -> None:
    box = np.array([10, 20, 30, 40], np.float32)
    region = Region(7, box, 1.0, np.zeros((5, 2), np.float32), False)
    faces = Pipeline().process(Frame(0, 0.0, average_face()), regions=[region])
    assert [face.region for face in faces] == [region]


def test_a_small_face_is_low_quality() -> None:
    image = np.full((200, 200, 3), 120, np.uint8)
    region = Region(
        0, np.array([5, 5, 23, 30], np.float32), 1.0, np.zeros((5, 2), np.float32), True
    )
    assert Pipeline().process(Frame(0, 0.0, image), regions=[region])[0].status == "low_quality"


def test_mirrored_picture_mirrors_the_box() -> None:
    image = average_face()
    pipeline = Pipeline()
    straight = pipeline.process(Frame(0, float("nan"), image))[0].region
    mirror = np.ascontiguousarray(image[:, ::-1])
    mirrored = pipeline.process(Frame(0, float("nan"), mirror))[0].region
    width = image.shape[1]
    back = width - 1 - mirrored.points[[1, 0, 2, 4, 3], 0]
    assert back == pytest.approx(straight.points[:, 0], abs=0.03 * float(straight.box[2]))


def test_the_box_stays_on_the_face_with_and_without_searches(example_clip: Path) -> None:
    often = facekit.extract(example_clip, every=0.08, detect_every=1).set_index("frame")
    seldom = facekit.extract(example_clip, every=0.08, detect_every=1000).set_index("frame")
    for frame, true in clip_points().items():
        x, y, width, height = true.region.box.tolist()
        middle = np.array([x + width / 2, y + height / 2])
        for table in (often, seldom):
            row = table.loc[frame]
            assert row.status == "ok"
            centre = np.array([row.box_x + row.box_w / 2, row.box_y + row.box_h / 2])
            assert np.abs(centre - middle).max() < 0.15 * height, frame
            assert row.box_h / height == pytest.approx(1.1, abs=0.25), frame


def test_a_face_that_appears_is_found_within_the_interval(tmp_path: Path) -> None:
    plain = np.full((240, 240, 3), 127, np.uint8)
    face = np.ascontiguousarray(average_face()[::2, ::2])
    clip = write_video(
        tmp_path / "c.mp4", count=20, size=(240, 240), pictures=[plain] * 7 + [face] * 13
    )
    table = facekit.extract(clip, detect_every=5)
    seen = table[table.status == "ok"].frame
    assert 7 <= seen.min() <= 11
    assert seen.max() == 19
