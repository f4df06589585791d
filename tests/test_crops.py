"""Aligned faces: the transform is the one in the index, and the files hold what it says."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from facekit import Pipeline, PipelineOptions
from facekit.crops import CropOptions, alignment, cut_faces
from facekit.errors import OptionsError
from facekit.estimate.ibug import subset68
from facekit.geometry import apply, crop, crop_matrix
from facekit.source import VideoSource
from facekit.task import extract_to
from facekit.types import Floats
from tests.output.test_film import packets

OPTIONS = PipelineOptions(head_pose="none", gaze="none", action_units="none")


@pytest.fixture(scope="module")
def face_points() -> Floats:
    path = Path(__file__).parent / "data" / "average_face_points.npz"
    with np.load(path) as file:
        return subset68(np.asarray(file["points"][0], np.float32))


@pytest.mark.parametrize("roll", [0.0, 35.0, -120.0])
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_a_face_is_aligned_however_it_lies(face_points: Floats, roll: float, scale: float) -> None:
    upright = alignment(face_points, 112)
    assert upright is not None
    moved = crop_matrix(np.array([40.0, 70.0]), 100.0 / scale, roll, 100)
    turned = alignment(apply(moved, face_points), 112)
    assert turned is not None
    expected = apply(upright, face_points)
    np.testing.assert_allclose(apply(turned, apply(moved, face_points)), expected, atol=0.05)
    # The eyes lie level above the mouth, all of them within the crop.
    right, left, mouth = expected[36:42].mean(0), expected[42:48].mean(0), expected[48:].mean(0)
    assert abs(right[1] - left[1]) < 3
    assert 20 < right[0] < left[0] < 92
    assert right[1] + 15 < mouth[1] < 100


def test_too_few_points_align_nothing(face_points: Floats) -> None:
    few = np.full_like(face_points, np.nan)
    assert alignment(few) is None
    few[[36, 39, 42, 45]] = face_points[[36, 39, 42, 45]]
    assert alignment(few) is None
    assert alignment(np.zeros_like(few)) is None


def test_pictures_index_and_descriptors_agree(short_clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="HOG comes with the extra hog")
    options = CropOptions(format="png", size=64, hog=True)
    done = cut_faces(short_clip, tmp_path / "out", options, OPTIONS)
    assert (done.frames, done.crops, done.skipped, done.tracks) == (10, 10, 0, 1)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "crops.zip",
        "hog.parquet",
        "index.csv",
    ]
    index = pd.read_csv(tmp_path / "out" / "index.csv")
    assert index.frame.tolist() == list(range(10))
    with (
        zipfile.ZipFile(tmp_path / "out" / "crops.zip") as archive,
        VideoSource(short_clip) as film,
    ):
        for row, frame in zip(index.to_dict("records"), film, strict=True):
            assert row["time_s"] == pytest.approx(frame.time_s, abs=1e-6)
            a, b = float(row["a"]), float(row["b"])
            matrix = np.array([[a, -b, float(row["tx"])], [b, a, float(row["ty"])]])
            data = np.frombuffer(archive.read(str(row["file"])), np.uint8)
            stored = cv2.cvtColor(
                np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB
            )
            expected = crop(frame.image, matrix, 64)
            assert np.abs(stored.astype(int) - expected).max() <= 2
    table = pq.read_table(tmp_path / "out" / "hog.parquet").to_pandas()
    assert table.frame.tolist() == index.frame.tolist()
    vectors = np.stack(table.hog.tolist())
    assert vectors.shape == (10, 7 * 7 * 2 * 2 * 8)
    assert (np.linalg.norm(vectors, axis=1) > 1).all()


def test_a_film_has_the_times_of_the_video_and_a_table_gives_the_same(
    short_clip: Path, tmp_path: Path
) -> None:
    extract_to(short_clip, tmp_path / "short.csv", Pipeline(OPTIONS))
    ran = cut_faces(short_clip, tmp_path / "ran", CropOptions(), OPTIONS)
    chosen = CropOptions(table=tmp_path / "short.csv")
    read = cut_faces(short_clip, tmp_path / "read", chosen)
    assert ran == read
    indices = [pd.read_csv(tmp_path / name / "index.csv") for name in ("ran", "read")]
    assert indices[0].picture.tolist() == list(range(10))
    numbers = [index[["a", "b", "tx", "ty"]].to_numpy() for index in indices]
    np.testing.assert_allclose(numbers[0], numbers[1], atol=0.02)
    film = tmp_path / "ran" / str(indices[0].file[0])
    times = [time for time, _ in packets(short_clip, "video")]
    assert [time for time, _ in packets(film, "video")] == times
    with VideoSource(film) as crops:
        assert {frame.image.shape for frame in crops} == {(112, 112, 3)}


def test_a_table_without_landmarks_is_refused(short_clip: Path, tmp_path: Path) -> None:
    plain = PipelineOptions(landmarks="none", head_pose="none", end=0.1)
    extract_to(short_clip, tmp_path / "short.csv", Pipeline(plain))
    with pytest.raises(OptionsError, match="has no landmarks, by which faces are aligned"):
        cut_faces(short_clip, tmp_path / "out", CropOptions(table=tmp_path / "short.csv"))


@pytest.mark.parametrize(("size", "kind"), [(5, "png"), (113, "video"), (5000, "png")])
def test_sizes_that_make_no_sense_are_refused(size: int, kind: str) -> None:
    with pytest.raises(OptionsError, match=f"size: {size} is not valid"):
        CropOptions(size=size, format="png" if kind == "png" else "video")
