from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from facekit.detect import Detector, smallest_face
from facekit.errors import OptionsError
from facekit.geometry import iou
from facekit.runtime.device import choose
from facekit.types import Detection, Floats, Image


@pytest.fixture(scope="session")
def reference() -> Any:
    facenet = pytest.importorskip("facenet_pytorch", reason="the reference implementation")
    # Waiting threads of torch take the cores from other processes: one is faster there.
    pytest.importorskip("torch").set_num_threads(1)
    return facenet.MTCNN(keep_all=True, min_face_size=20)


def _boxes(found: list[Detection]) -> Floats:
    return np.array([face.box for face in found], np.float32).reshape(-1, 4)


def _assert_parity(image: Image, detector: Detector, reference: Any) -> int:
    """Same sure faces in both; returns how many there are."""
    corners, scores, points = reference.detect(image, landmarks=True)
    found = [face for face in detector.detect(image, 20) if face.score > 0.95]
    if corners is None:
        assert found == []
        return 0
    boxes = np.array(corners, np.float32)
    boxes[:, 2:] -= boxes[:, :2]
    sure = np.array(scores, np.float32) > 0.95
    overlap = iou(boxes, _boxes(found))
    assert (overlap[sure].max(1, initial=0) > 0.9).all()
    assert (overlap.max(0, initial=0) > 0.9).all()
    for index, face in zip(overlap.argmax(0), found, strict=True):
        assert face.score == pytest.approx(float(scores[index]), abs=0.02)
        assert np.abs(face.points - points[index]).max() < 0.05 * face.box[2:].max()
    return len(found)


def _refine_often(detector: Detector, image: Image, box: Floats) -> Detection:
    for _ in range(19):
        (refined,) = detector.refine(image, box[None])
        assert refined is not None
        box = refined.box
    (last,) = detector.refine(image, box[None])
    assert last is not None
    return last


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (11, 11), (12, 300), (20, 20)])
def test_tiny_pictures_have_no_face(detector: Detector, size: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*size, 3), np.uint8), 20) == []


def test_nothing_to_refine(detector: Detector) -> None:
    assert detector.refine(np.zeros((9, 9, 3), np.uint8), np.zeros((0, 4), np.float32)) == []


def test_one_photograph_one_face(detector: Detector, photograph: Image) -> None:
    (face,) = detector.detect(photograph)
    # Written down from facenet-pytorch 2.5.3 on the same picture (see the parity tests).
    assert face.score > 0.999
    left_eye, right_eye, nose, left_mouth, right_mouth = face.points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert face.box.dtype == face.points.dtype == np.float32


@pytest.mark.parametrize("height", [60, 150, 401, 600])
def test_parity_on_a_photograph(
    height: int, detector: Detector, reference: Any, photograph: Image
) -> None:
    width = height * 512 // 600
    image = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
    assert _assert_parity(np.asarray(image, np.uint8), detector, reference) == 1


@pytest.mark.parametrize(
    "clip",
    [
        "street_crowd_1080p.mp4",
        "classroom_leaves.mp4",
        "three_men.avi",
        "talker_224px.mp4",
        "webcam_sway.wmv",
    ],
)
def test_parity_on_clips(clip: str, detector: Detector, reference: Any, shared_data: Path) -> None:
    with av.open(str(shared_data / "videos" / clip)) as container:
        frame = next(container.decode(video=0))
    image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    assert _assert_parity(image, detector, reference) > 0


def test_the_number_of_threads_changes_nothing(detector: Detector, photograph: Image) -> None:
    alone = Detector(choose("cpu", 1)).detect(photograph)
    np.testing.assert_allclose(_boxes(alone), _boxes(detector.detect(photograph)), atol=0.01)


@pytest.fixture
def large_and_small(photograph: Image) -> Image:
    """A photograph beside itself at a fifth of its size: faces of about 200 and 40 pixels."""
    small = cv2.resize(photograph, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    both = np.zeros((600, 700, 3), np.uint8)
    both[:, :512] = photograph
    both[200 : 200 + small.shape[0], 560 : 560 + small.shape[1]] = small
    return both


def test_most_probable_face_first(detector: Detector, large_and_small: Image) -> None:
    scores = [face.score for face in detector.detect(large_and_small, 20)]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_faces_below_the_smallest_are_not_searched(
    detector: Detector, large_and_small: Image
) -> None:
    (face,) = detector.detect(large_and_small, 120)
    assert face.box[0] < 512


def test_refine_stays_on_the_face(detector: Detector, photograph: Image) -> None:
    (face,) = detector.detect(photograph)
    box = face.box + np.array([6, -5, 8, -4], np.float32)
    refined = _refine_often(detector, photograph, box)
    assert iou(refined.box[None], face.box[None])[0, 0] > 0.85
    assert np.abs(refined.points - face.points).max() < 0.05 * face.box[2]


def test_refine_does_not_inflate_a_close_up(detector: Detector, photograph: Image) -> None:
    (face,) = detector.detect(photograph)
    x, y, width, height = face.box.astype(int)
    close = np.ascontiguousarray(photograph[y : y + height, x : x + width])
    box = np.array([0, 0, width, height], np.float32)
    refined = _refine_often(detector, close, box)
    assert 0.7 < refined.box[2] * refined.box[3] / (width * height) < 1.3


def test_refine_answers_for_each_box(detector: Detector, photograph: Image) -> None:
    (face,) = detector.detect(photograph)
    elsewhere = np.array([0, 0, 40, 40], np.float32)
    outside = np.array([9000, 9000, 40, 40], np.float32)
    found = detector.refine(photograph, np.stack([elsewhere, face.box, outside]))
    assert [one is None for one in found] == [True, False, True]


def test_a_huge_frame_is_searched_in_bounded_memory(detector: Detector, photograph: Image) -> None:
    huge = np.zeros((2400, 16384, 3), np.uint8)
    huge[900:1500, 9000:9512] = photograph
    (face,) = detector.detect(huge, 200)
    (expected,) = detector.detect(photograph)
    moved = expected.box + np.array([9000, 900, 0, 0], np.float32)
    assert iou(face.box[None], moved[None])[0, 0] > 0.8


@pytest.mark.parametrize(
    ("min_face", "expected"), [(0.05, 54.0), (0.001, 20.0), (0.5, 540.0), (33, 33.0), (1, 20.0)]
)
def test_smallest_face_is_a_share_or_pixels(min_face: float, expected: float) -> None:
    assert smallest_face(min_face, 1920, 1080) == pytest.approx(expected)


def test_values_that_make_no_sense_are_refused() -> None:
    with pytest.raises(OptionsError, match=r"1\.5"):
        Detector(choose("cpu", 1), factor=1.5)
    with pytest.raises(OptionsError, match="thresholds"):
        Detector(choose("cpu", 1), thresholds=(0.6, 0.7, 1.0))


def test_points_are_placed_on_a_known_face(detector: Detector, photograph: Image) -> None:
    (face,) = detector.detect(photograph)
    moved = face.box + np.array([8, -6, 10, -8], np.float32)
    (placed,) = detector.place_points(photograph, moved[None])
    assert placed.score > 0.99
    assert np.abs(placed.points - face.points).max() < 0.05 * face.box[2]


def test_points_of_a_face_at_the_frames_edge_stay_where_they_are(
    detector: Detector, photograph: Image
) -> None:
    (face,) = detector.detect(photograph)
    x, y, width, height = face.box
    top = int(y + 0.15 * height)
    cut = np.ascontiguousarray(photograph[top:, int(x) : int(x + width)])
    moved = face.box - np.array([int(x), top, 0, 0], np.float32)
    (placed,) = detector.place_points(cut, moved[None])
    expected = face.points - [int(x), top]
    assert np.abs(placed.points - expected).max() < 0.08 * width


def test_there_is_an_answer_for_every_box(detector: Detector, photograph: Image) -> None:
    (face,) = detector.detect(photograph)
    elsewhere = np.array([0, 0, 40, 40], np.float32)
    nothing, found = detector.place_points(photograph, np.stack([elsewhere, face.box]))
    assert nothing.score < 0.6 < found.score
    assert detector.place_points(photograph, np.zeros((0, 4), np.float32)) == []
