import cv2
import numpy as np
import pytest

from facekit.detect import Detector
from facekit.estimate.identity import (
    SIZE,
    VECTOR,
    IdentityEstimator,
    chip,
    chip_matrix,
    threshold,
)
from facekit.geometry import apply
from facekit.network import identity as network
from facekit.runtime.device import choose
from facekit.runtime.runner import TorchRunner
from facekit.runtime.weights import find_verified, load_manifest
from facekit.types import Floats, Image

UPRIGHT = np.array([[40, 50], [80, 50], [60, 75], [44, 92], [76, 92]], np.float32)


@pytest.fixture(scope="module")
def estimator() -> IdentityEstimator:
    return IdentityEstimator(choose("cpu", 1))


@pytest.fixture(scope="module")
def points(photograph: Image) -> Floats:
    detector = Detector(choose("cpu", 1))
    (face,) = detector.detect(photograph)
    return detector.place_points(photograph, face.box[None])[0].points


def test_sizes_are_those_of_the_network() -> None:
    assert (SIZE, VECTOR) == (network.SIZE, network.VECTOR)


def test_eyes_and_mouth_come_to_their_places() -> None:
    places = apply(chip_matrix(UPRIGHT), UPRIGHT)
    assert places[[0, 1]] == pytest.approx(np.array([[46.45, 45.46], [101.5, 45.46]]), abs=3)
    assert places[[3, 4]] == pytest.approx(np.array([[49.43, 104.14], [98.51, 104.14]]), abs=3)


def test_the_nose_does_not_move_the_chip() -> None:
    moved = UPRIGHT.copy()
    moved[2] += 30
    np.testing.assert_array_equal(chip_matrix(moved), chip_matrix(UPRIGHT))


def test_a_turned_and_grown_picture_gives_the_same_chip() -> None:
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (14, 14, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(small, (140, 140), interpolation=cv2.INTER_CUBIC), np.uint8)
    turn = cv2.getRotationMatrix2D((70, 70), 30, 1.5)
    turn[:, 2] += 60
    moved = np.asarray(cv2.warpAffine(image, turn, (280, 280)), np.uint8)
    one, other = chip(image, UPRIGHT), chip(moved, apply(np.asarray(turn, np.float64), UPRIGHT))
    middle = slice(40, 110)
    difference = np.abs(one[middle, middle].astype(int) - other[middle, middle])
    assert difference.mean() < 4


def test_outside_of_the_frame_its_border_is_repeated() -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    assert chip(image, UPRIGHT - 30).min() == 200


def test_no_faces_no_vectors(estimator: IdentityEstimator, photograph: Image) -> None:
    assert estimator.estimate(photograph, []).shape == (0, VECTOR)


def test_one_face_stays_itself(
    estimator: IdentityEstimator, photograph: Image, points: Floats
) -> None:
    gray = cv2.cvtColor(cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mirrored = np.ascontiguousarray(photograph[:, ::-1])
    swapped = points[[1, 0, 2, 4, 3]] * [-1, 1] + [photograph.shape[1] - 1, 0]
    vectors = np.concatenate(
        [
            estimator.estimate(photograph, [points, points + 1]),
            estimator.estimate(np.asarray(gray, np.uint8), [points]),
            estimator.estimate(mirrored, [swapped.astype(np.float32)]),
        ]
    )
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-4)
    assert (vectors[0] @ vectors[1:].T).min() > threshold()


def test_something_else_is_someone_else(
    estimator: IdentityEstimator, photograph: Image, points: Floats
) -> None:
    upside_down = np.ascontiguousarray(photograph[::-1])
    one, other = (estimator.estimate(image, [points])[0] for image in (photograph, upside_down))
    assert one @ other < threshold()


def test_onnxruntime_and_torch_agree(photograph: Image, points: Floats) -> None:
    entry = load_manifest().network("identity")
    planes = chip(photograph, points).transpose(2, 0, 1)[None].astype(np.float32)
    (one,) = IdentityEstimator(choose("cpu", 1))._runner.run(planes)
    (other,) = TorchRunner(entry, find_verified(entry.torch), "cpu").run(planes)
    assert one == pytest.approx(other, abs=1e-3)


def test_the_file_is_small() -> None:
    entry = load_manifest().network("identity")
    assert entry.onnx.size < 12e6
    assert entry.torch.size < 12e6
