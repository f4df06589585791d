from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from facekit.estimate import gaze as module
from facekit.estimate.eye_crops import HEIGHT, WIDTH
from facekit.estimate.gaze import GazeEstimator, eye_openness
from facekit.estimate.gaze_calibration import GazeCalibration
from facekit.estimate.head_pose import _RIGID, _RIGID_MM
from facekit.geometry import Camera, angles, gaze_angles, gaze_vectors, ray_rotation, rotation
from facekit.network.gaze import GazeNetwork
from facekit.runtime.device import choose
from facekit.runtime.runner import Inputs
from facekit.types import Gaze, HeadPose, Image, Landmarks

CAMERA = Camera(900.0, 639.5, 359.5)
OPEN, SHUT = 8.0, -8.0


class FixedRunner:
    """Always gives the same answer, and keeps what it was asked."""

    def __init__(
        self,
        gaze: tuple[float, float] = (0, 0),
        opened: tuple[float, float] = (OPEN, OPEN),
        hidden: tuple[float, float] = (SHUT, SHUT),
    ) -> None:
        self.gaze, self.opened, self.hidden = gaze, opened, hidden
        self.asked: dict[str, Any] = {}

    def run(self, inputs: Inputs) -> tuple[np.ndarray, ...]:
        assert isinstance(inputs, Mapping)
        self.asked = dict(inputs)
        count = len(inputs["eyes"])
        return tuple(
            np.tile(np.asarray(one, np.float32), (count, *([1] * np.ndim(one))))
            for one in (
                self.gaze,
                np.log([2.0, 3.0]),
                [self.gaze, self.gaze],
                self.opened,
                self.hidden,
                np.zeros((2, 13, 2)),
            )
        )

    def place(self, array: Any) -> Any:
        return array


class TorchModule(FixedRunner):
    """An untrained network."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self._network = GazeNetwork().eval()

    def run(self, inputs: Inputs) -> tuple[np.ndarray, ...]:
        assert isinstance(inputs, Mapping)
        with torch.no_grad():
            given = [torch.from_numpy(inputs[name]) for name in ("eyes", "head")]
            return tuple(output.numpy() for output in self._network(*given))


def _face(
    pose: tuple[float, float, float], place: tuple[float, float, float] = (0, 0, 600)
) -> tuple[Landmarks, HeadPose]:
    points = np.zeros((478, 3), np.float32)
    points[_RIGID, :2] = CAMERA.project(_RIGID_MM @ rotation(*pose).T + place)
    sd = (1.0, 1.0, 1.0)
    return Landmarks(points), HeadPose(*pose, *sd, np.array(place, np.float32))


def _picture() -> Image:
    random = np.random.default_rng(0)
    return np.repeat(np.repeat(random.integers(0, 255, (90, 160, 3), np.uint8), 8, 0), 8, 1)


def _estimate(
    monkeypatch: pytest.MonkeyPatch,
    runner: FixedRunner,
    pose: tuple[float, float, float] = (0, 0, 0),
    place: tuple[float, float, float] = (0, 0, 600),
    calibration: GazeCalibration | None = None,
    image: Image | None = None,
) -> Gaze:
    monkeypatch.setattr(module, "load", lambda *_: runner)
    marks, head = _face(pose, place)
    picture = np.zeros((720, 1280, 3), np.uint8) if image is None else image
    found = GazeEstimator(choose("cpu"), calibration).estimate(picture, CAMERA, [marks], [head])[0]
    assert found is not None
    return found


def test_straight_ahead_of_the_normalised_camera_is_at_the_lens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = (250.0, -120.0, 600.0)
    found = _estimate(monkeypatch, FixedRunner(), (20, 5, 10), place)
    aim = -np.array(place) / np.linalg.norm(place)
    assert [found.yaw, found.pitch] == pytest.approx(gaze_angles(aim), abs=1)
    assert found.left == pytest.approx(aim, abs=0.02)
    assert found.yaw < 0  # a face at image right that looks into the lens looks to image left


@pytest.mark.parametrize("roll_deg", [0, 30, -90])
def test_gaze_is_turned_back_by_the_roll_of_the_eyes(
    monkeypatch: pytest.MonkeyPatch, roll_deg: float
) -> None:
    found = _estimate(monkeypatch, FixedRunner((20, 10)), (0, 0, roll_deg))
    expected = rotation(0, 0, roll_deg) @ gaze_vectors(np.array([20.0, 10.0]))
    assert [found.yaw, found.pitch] == pytest.approx(gaze_angles(expected), abs=0.8)
    upright = (found.head_yaw, found.head_pitch)
    assert upright == pytest.approx((20, 10), abs=0.8)
    sd = (2, 3) if abs(roll_deg) != 90 else (3, 2)
    if roll_deg != 30:
        assert (found.yaw_sd, found.pitch_sd) == pytest.approx(sd, abs=0.02)


def test_the_network_is_told_the_head_as_the_crop_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner, place = FixedRunner(), (250.0, 0.0, 600.0)
    _estimate(monkeypatch, runner, (25, 5, 0), place)
    seen = angles(ray_rotation(np.array(place)).T @ rotation(25, 5, 0))
    assert runner.asked["head"][0, :2] == pytest.approx(seen[:2], abs=1.0)
    assert runner.asked["eyes"].shape[1:] == (2, HEIGHT, WIDTH)


def test_gaze_in_the_head_is_gaze_less_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _estimate(monkeypatch, FixedRunner((0, 0)), (30, 0, 0))
    assert (found.head_yaw, found.head_pitch) == pytest.approx((-30, 0), abs=0.8)


def test_a_shut_eye_has_no_direction_and_two_shut_eyes_no_gaze(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = _estimate(monkeypatch, FixedRunner(opened=(SHUT, OPEN)))
    assert np.isnan(one.left).all()
    assert np.isfinite(one.right).all()
    assert np.isfinite(one.yaw)
    both = _estimate(monkeypatch, FixedRunner(opened=(SHUT, SHUT)))
    angles_deg = (both.yaw, both.pitch, both.yaw_sd, both.pitch_sd, both.head_yaw, both.head_pitch)
    assert np.isnan(angles_deg).all()
    assert np.isnan([both.left, both.right]).all()
    assert (both.left_open, both.right_open) == pytest.approx((0, 0), abs=0.01)


def test_of_a_hidden_eye_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _estimate(monkeypatch, FixedRunner(hidden=(OPEN, SHUT)))
    assert np.isnan(found.left).all()
    assert np.isnan(found.left_open)
    assert found.right_open == pytest.approx(1, abs=0.01)
    assert np.isnan(_estimate(monkeypatch, FixedRunner(hidden=(OPEN, OPEN))).yaw)


def test_a_calibration_corrects_gaze_in_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = GazeCalibration(((1, 0), (0, 1)), (4.0, -3.0), 9, 9, 5.0, 1.0)
    plain = _estimate(monkeypatch, FixedRunner((10, 5)), (20, 0, 0))
    found = _estimate(monkeypatch, FixedRunner((10, 5)), (20, 0, 0), calibration=calibration)
    assert found.head_yaw == pytest.approx(plain.head_yaw + 4)
    assert found.head_pitch == pytest.approx(plain.head_pitch - 3)
    in_head = gaze_vectors(np.array([found.head_yaw, found.head_pitch]))
    assert gaze_angles(rotation(20, 0, 0) @ in_head) == pytest.approx([found.yaw, found.pitch])
    assert np.linalg.norm(found.left) == pytest.approx(1)


def test_a_mirrored_picture_mirrors_the_gaze(monkeypatch: pytest.MonkeyPatch) -> None:
    pose, image, runner = (15.0, -8.0, 6.0), _picture(), TorchModule()
    plain = _estimate(monkeypatch, runner, pose, (60, 40, 500), image=image)
    mirrored = _estimate(
        monkeypatch,
        runner,
        (-15.0, -8.0, -6.0),
        (-60, 40, 500),
        image=np.ascontiguousarray(image[:, ::-1]),
    )
    # Interpolation at mirrored places differs by a grey level here and there.
    assert mirrored.yaw == pytest.approx(-plain.yaw, abs=0.1)
    assert mirrored.pitch == pytest.approx(plain.pitch, abs=0.1)
    assert mirrored.left_open == pytest.approx(plain.right_open, abs=0.01)
    assert mirrored.left == pytest.approx(plain.right * [-1, 1, 1], abs=0.01, nan_ok=True)


def test_without_faces_or_landmarks_there_is_no_gaze(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load", lambda *_: FixedRunner())
    estimator, image = GazeEstimator(choose("cpu")), np.zeros((720, 1280, 3), np.uint8)
    assert estimator.estimate(image, CAMERA, [], []) == []
    marks, head = _face((0, 0, 0))
    nothing, something = estimator.estimate(image, CAMERA, [None, marks], [head, head])
    assert nothing is None
    assert something is not None


def test_openness_of_lone_eyes_does_not_depend_on_their_side() -> None:
    random = np.random.default_rng(0)
    eyes = [random.integers(0, 255, shape, np.uint8) for shape in ((26, 34), (64, 64, 3))]
    runner = TorchModule()
    found = eye_openness(eyes, runner)
    assert found.shape == (2,)
    assert ((found > 0) & (found < 1)).all()
    flipped = [np.ascontiguousarray(eye[:, ::-1]) for eye in eyes]
    assert eye_openness(flipped, runner) == pytest.approx(found, abs=5e-3)
    assert len(eye_openness([], runner)) == 0
