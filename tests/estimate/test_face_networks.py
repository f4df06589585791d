"""The shipped landmark and head-pose networks through the public API."""

from pathlib import Path

import numpy as np
import pytest

from facekit import Frame, HeadPose, Landmarks, Pipeline, PipelineOptions, Region
from facekit.bench.material import portrait
from facekit.estimate.ibug import subset68
from facekit.geometry import Camera
from facekit.types import Face, Image

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


def test_a_portrait_has_landmarks_pose_and_their_uncertainty(pipeline: Pipeline) -> None:
    image = portrait()
    face = pipeline.process(_still(image))[0]
    landmarks, pose = _measured(face)
    assert landmarks.points.shape == (478, 3)
    assert landmarks.sd is not None
    assert landmarks.sd.shape == (478,)
    assert (landmarks.sd > 0).all()
    assert landmarks.presence is not None
    assert landmarks.presence > 0.9
    eyes = np.linalg.norm(landmarks.points[263, :2] - landmarks.points[33, :2])
    five = landmarks.points[[468, 473, 4, 61, 291], :2]
    assert np.linalg.norm(five - face.region.points, axis=1).max() < 0.25 * eyes
    assert abs(pose.yaw) < 35
    assert abs(pose.pitch) < 35
    assert abs(pose.roll) < 20
    assert min(pose.yaw_sd, pose.pitch_sd, pose.roll_sd) > 0
    # 63 mm between the eyeballs are about 1.39 times less than the outer corners.
    expected = max(image.shape) * 63 * 1.39 / eyes
    assert pose.position_mm[2] == pytest.approx(expected, rel=0.2)
    assert face.landmarks_mm is not None
    camera = Camera(max(image.shape), (image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    assert camera.project(face.landmarks_mm) == pytest.approx(landmarks.points[:, :2], abs=0.1)


def test_a_mirrored_photo_negates_yaw_and_roll_and_swaps_the_sides(pipeline: Pipeline) -> None:
    image = portrait()
    region = pipeline.process(_still(image))[0].region
    face = pipeline.process(_still(image), regions=[region])[0]
    other = pipeline.process(_still(image[:, ::-1]), regions=[_mirrored(region, image.shape[1])])[0]
    _compare(face, other, image.shape[1], points=0.06, degrees=6)


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
        five = sample.points[[468, 473, 4, 61, 291]]
        region = Region(None, box.astype(np.float32), 1.0, five.astype(np.float32), True)
        face = pipeline.process(_still(sample.image), regions=[region])[0]
        flipped = _mirrored(region, sample.image.shape[1])
        other = pipeline.process(_still(sample.image[:, ::-1]), regions=[flipped])[0]
        _compare(face, other, sample.image.shape[1], points=0.1, degrees=10)


def _compare(face: Face, other: Face, width: int, *, points: float, degrees: float) -> None:
    landmarks, pose = _measured(face)
    mirrored, turned = _measured(other)
    back = subset68(mirrored.points)[MIRROR_68, :2] * [-1, 1] + [width - 1, 0]
    straight = subset68(landmarks.points)[:, :2]
    eyes = np.linalg.norm(straight[45] - straight[36])
    apart = np.linalg.norm(back - straight, axis=1)[17:]
    assert apart.mean() < points * eyes
    assert turned.yaw == pytest.approx(-pose.yaw, abs=degrees)
    assert turned.pitch == pytest.approx(pose.pitch, abs=degrees)
    assert turned.roll == pytest.approx(-pose.roll, abs=degrees)


def test_a_turned_photo_turns_the_roll(pipeline: Pipeline) -> None:
    import cv2

    image = portrait()
    upright = _measured(pipeline.process(_still(image))[0])[1]
    height, width = image.shape[:2]
    # OpenCV's angle counts anticlockwise.
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -20, 1.0)
    turned = np.asarray(cv2.warpAffine(image, matrix, (width, height)), np.uint8)
    tilted = _measured(pipeline.process(_still(turned))[0])[1]
    assert tilted.roll - upright.roll == pytest.approx(20, abs=4)
    assert tilted.yaw == pytest.approx(upright.yaw, abs=6)


def test_the_camera_scales_the_distance(pipeline: Pipeline) -> None:
    image = portrait()
    near, far = (
        _measured(pipeline.process(_still(image), focal_px=focal)[0])[1] for focal in (600, 1200)
    )
    assert far.position_mm[2] == pytest.approx(2 * near.position_mm[2], rel=0.05)


def test_no_face_no_landmarks(pipeline: Pipeline) -> None:
    assert pipeline.process(_still(np.full((120, 160, 3), 127, np.uint8))) == []


def test_between_searches_landmarks_follow_without_a_jump(example_clip: Path) -> None:
    import facekit

    table = facekit.extract(example_clip, columns=("landmarks68",), detect_every=10)
    moves = np.hypot(table.x_30.diff(), table.y_30.diff()) / table.box_w
    searched = (table.frame % 10 == 0) & (table.frame > 0)
    assert (table.status == "ok").all()
    assert moves[searched].median() < 1.5 * moves[~searched].median() + 0.002
