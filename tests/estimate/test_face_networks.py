"""The shipped landmark and head-pose networks through the public API."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import facekit
from facekit import Frame, HeadPose, Landmarks, Pipeline, PipelineOptions, Region
from facekit.estimate.ibug import subset68
from facekit.types import Face, Image
from tests.truth import FIVE, STILLS, clip_points, clip_table, still

_RENDERS = 24
# iBUG numbers of the mirrored face.
# fmt: off
MIRROR_68 = np.array([
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
])
# fmt: on


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(PipelineOptions(device="cpu"))


def _still(image: Image) -> Frame:
    return Frame(0, float("nan"), np.ascontiguousarray(image))


def _measured(face: Face) -> tuple[Landmarks, HeadPose]:
    assert face.landmarks is not None
    assert face.head_pose is not None
    return face.landmarks, face.head_pose


def _mirrored(region: Region, width: int) -> Region:
    x, y, w, h = region.box
    points = region.points[[1, 0, 2, 4, 3]] * [-1, 1] + [width - 1, 0]
    box = np.array([width - 1 - x - w, y, w, h], np.float32)
    return Region(region.track, box, region.score, points.astype(np.float32), region.detected)


@pytest.mark.parametrize("name", STILLS)
def test_a_still_is_measured_as_it_is_true(name: str, pipeline: Pipeline) -> None:
    image, true = still(name)
    face = pipeline.process(_still(image), focal_px=true.camera.focal)[0]
    landmarks, pose = _measured(face)
    assert landmarks.points.shape == (478, 3)
    apart = np.linalg.norm(landmarks.points[:, :2] - true.points, axis=1)[true.visible]
    assert apart.mean() < 0.045 * true.eye_distance
    assert [pose.yaw, pose.pitch, pose.roll] == pytest.approx(true.pose, abs=9)
    assert pose.position_mm == pytest.approx(true.translation_mm, rel=0.12, abs=15)


def test_uncertainty_and_presence_are_those_of_a_clear_face(pipeline: Pipeline) -> None:
    image, true = still("front")
    landmarks, pose = _measured(pipeline.process(_still(image))[0])
    assert landmarks.presence is not None
    assert landmarks.presence > 0.9
    assert landmarks.sd is not None
    assert landmarks.sd.shape == (478,)
    assert 0 < landmarks.sd.min() < landmarks.sd.max() < 0.15 * true.eye_distance
    assert 0 < min(pose.yaw_sd, pose.pitch_sd, pose.roll_sd)
    assert max(pose.yaw_sd, pose.pitch_sd, pose.roll_sd) < 10


def test_the_clip_is_followed_as_it_is_true(example_clip: Path) -> None:
    focal = clip_points()[0].camera.focal
    table = facekit.extract(example_clip, focal=focal, columns=("pose",))
    true = clip_table()
    for name, degrees in (("yaw", 3), ("pitch", 5), ("roll", 3)):
        assert np.abs(table[name].to_numpy() - true[name].to_numpy()).mean() < degrees
    turned = np.abs(true.yaw.to_numpy()) > 15
    assert turned.sum() > 20
    assert (np.sign(table.yaw.to_numpy()) == np.sign(true.yaw.to_numpy()))[turned].all()


def test_landmarks_in_mm_are_measured_when_asked_for(pipeline: Pipeline) -> None:
    image, true = still("yaw_right")
    asked = Pipeline(PipelineOptions(device="cpu", columns=("landmarks3d",)))
    face = asked.process(_still(image), focal_px=true.camera.focal)[0]
    assert face.landmarks is not None
    assert face.landmarks_mm is not None
    seen = face.landmarks.points[:, :2]
    assert true.camera.project(face.landmarks_mm) == pytest.approx(seen, abs=0.1)
    assert pipeline.process(_still(image))[0].landmarks_mm is None


def test_a_real_photograph_is_measured(pipeline: Pipeline, photograph: Image) -> None:
    face = pipeline.process(_still(photograph))[0]
    landmarks, pose = _measured(face)
    eyes = np.linalg.norm(landmarks.points[263, :2] - landmarks.points[33, :2])
    five = landmarks.points[FIVE, :2]
    assert np.linalg.norm(five - face.region.points, axis=1).max() < 0.25 * eyes
    assert max(abs(pose.yaw), abs(pose.pitch)) < 35
    assert abs(pose.roll) < 20
    # 63 mm between the eyeballs are about 1.39 times less than the outer corners.
    expected = max(photograph.shape) * 63 * 1.39 / eyes
    assert pose.position_mm[2] == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("name", STILLS)
def test_a_mirrored_still_negates_yaw_and_roll_and_swaps_the_sides(
    name: str, pipeline: Pipeline
) -> None:
    image, true = still(name)
    _compare_with_mirror(pipeline, image, true.region, points=0.05, degrees=5)


def test_a_mirrored_photograph_negates_yaw_and_roll_and_swaps_the_sides(
    pipeline: Pipeline, photograph: Image
) -> None:
    region = pipeline.process(_still(photograph))[0].region
    _compare_with_mirror(pipeline, photograph, region, points=0.06, degrees=6)


def test_mirrored_renders_negate_yaw_and_roll_and_swap_the_sides(
    pipeline: Pipeline, shared_data: Path
) -> None:
    from facekit.synthetic.sampling import CLEAN
    from facekit.synthetic.scene import Studio

    studio = Studio(shared_data, "average", 192, CLEAN)
    random = np.random.default_rng(5)
    person = studio.people.draw(random)
    for _ in range(_RENDERS):
        sample = studio.sample(person, random)
        box = np.concatenate([sample.points.min(0), np.ptp(sample.points, axis=0)])
        five = sample.points[FIVE]
        region = Region(None, box.astype(np.float32), 1.0, five.astype(np.float32), True)
        _compare_with_mirror(pipeline, sample.image, region, points=0.1, degrees=10)


def _compare_with_mirror(
    pipeline: Pipeline, image: Image, region: Region, *, points: float, degrees: float
) -> None:
    width = image.shape[1]
    landmarks, pose = _measured(pipeline.process(_still(image), regions=[region])[0])
    flipped = _mirrored(region, width)
    mirrored, turned = _measured(pipeline.process(_still(image[:, ::-1]), regions=[flipped])[0])
    back = subset68(mirrored.points)[MIRROR_68, :2] * [-1, 1] + [width - 1, 0]
    straight = subset68(landmarks.points)[:, :2]
    eyes = np.linalg.norm(straight[45] - straight[36])
    apart = np.linalg.norm(back - straight, axis=1)[17:]
    assert apart.mean() < points * eyes
    assert turned.yaw == pytest.approx(-pose.yaw, abs=degrees)
    assert turned.pitch == pytest.approx(pose.pitch, abs=degrees)
    assert turned.roll == pytest.approx(-pose.roll, abs=degrees)


def test_a_turned_picture_turns_the_roll(pipeline: Pipeline) -> None:
    image = still("front")[0]
    upright = _measured(pipeline.process(_still(image))[0])[1]
    height, width = image.shape[:2]
    # OpenCV's angle counts anticlockwise.
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -20, 1.0)
    turned = np.asarray(cv2.warpAffine(image, matrix, (width, height)), np.uint8)
    tilted = _measured(pipeline.process(_still(turned))[0])[1]
    assert tilted.roll - upright.roll == pytest.approx(20, abs=4)
    assert tilted.yaw == pytest.approx(upright.yaw, abs=6)


def test_the_camera_scales_the_distance(pipeline: Pipeline) -> None:
    image = still("front")[0]
    near, far = (
        _measured(pipeline.process(_still(image), focal_px=focal)[0])[1] for focal in (600, 1200)
    )
    assert far.position_mm[2] == pytest.approx(2 * near.position_mm[2], rel=0.05)


def test_no_face_no_landmarks(pipeline: Pipeline) -> None:
    assert pipeline.process(_still(np.full((120, 160, 3), 127, np.uint8))) == []


def test_between_searches_landmarks_follow_without_a_jump(example_clip: Path) -> None:
    table = facekit.extract(example_clip, columns=("landmarks68",), detect_every=10)
    moves = np.hypot(table.x_30.diff(), table.y_30.diff()) / table.box_w
    searched = (table.frame % 10 == 0) & (table.frame > 0)
    assert (table.status == "ok").all()
    assert moves[searched].median() < 1.5 * moves[~searched].median() + 0.002
