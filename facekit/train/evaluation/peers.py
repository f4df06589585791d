"""Other people's methods on the same faces; signs are facekit's."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from facekit.estimate.mediapipe_landmarks import MediaPipeLandmarks
from facekit.geometry import box_centre, crop, crop_matrix
from facekit.types import Floats, Image, Region

_LOG = logging.getLogger(__name__)


class PosePeer(Protocol):
    """A method that reads head pose from a face, as if the camera looked straight at it."""

    name: str

    def angles(self, image: Image, region: Region) -> Floats:
        """(3,) yaw, pitch, roll in degrees; NaN where it finds no face."""

    def close(self) -> None:
        """Free what it holds."""


class LandmarkPeer:
    """MediaPipe's 478 points, by the backend that facekit itself offers."""

    name = "MediaPipe"

    def __init__(self, teachers: Path) -> None:
        """Load ``face_landmarker.task`` from the folder of teachers."""
        self._backend = MediaPipeLandmarks(teachers / "face_landmarker.task")

    def points(self, image: Image, region: Region | None) -> Floats:
        """(478, 2) pixels; NaN where it finds no face."""
        found = None if region is None else self._backend.estimate(image, [region])[0]
        if found is None:
            return np.full((478, 2), np.nan, np.float32)
        return found.points[:, :2]

    def close(self) -> None:
        """Free MediaPipe's threads."""
        self._backend.close()


class OpenVinoPose:
    """OpenVINO's head-pose-estimation-adas-0001 (Open Model Zoo, Apache-2)."""

    name = "OpenVINO"
    _SIDE = 60
    _MARGIN = 1.4  # the best of 1.0-2.2 on drivface

    def __init__(self, teachers: Path) -> None:
        """Load the network."""
        import openvino

        core = openvino.Core()
        model = core.read_model(teachers / "head-pose-estimation-adas-0001.xml")
        self._network: Any = core.compile_model(model, "CPU")

    def angles(self, image: Image, region: Region) -> Floats:
        """(3,) yaw, pitch, roll in degrees."""
        planes = _planes(_square(image, region, self._MARGIN, self._SIDE))
        answers = self._network(planes)
        by_name = {key.get_any_name(): float(answer.ravel()[0]) for key, answer in answers.items()}
        # Its pitch counts downwards.
        return np.array(
            [by_name["angle_y_fc"], -by_name["angle_p_fc"], by_name["angle_r_fc"]], np.float32
        )

    def close(self) -> None:
        """Nothing is held."""


class FsaNetPose:
    """FSA-Net (Yang et al., CVPR 2019), the mean of its 1x1 and var variants."""

    name = "FSA-Net"
    _SIDE = 64
    _MARGIN = 2.2  # its authors': 0.6 of the box on each side

    def __init__(self, teachers: Path) -> None:
        """Load both networks."""
        import onnxruntime

        self._sessions = [
            onnxruntime.InferenceSession(
                str(teachers / f"fsanet-{variant}.onnx"), providers=["CPUExecutionProvider"]
            )
            for variant in ("1x1", "var")
        ]

    def angles(self, image: Image, region: Region) -> Floats:
        """(3,) yaw, pitch, roll in degrees."""
        planes = (_planes(_stretched(image, region, self._MARGIN, self._SIDE)) - 127.5) / 128
        answers = [
            session.run(None, {session.get_inputs()[0].name: planes})[0].ravel()
            for session in self._sessions
        ]
        yaw, pitch, roll = np.mean(answers, axis=0)
        return np.array([-yaw, pitch, roll], np.float32)

    def close(self) -> None:
        """Nothing is held."""


class _FaceLandmarker:
    """MediaPipe's Face Landmarker on a turned square around a face."""

    _SIDE = 320
    _MARGIN = 1.9

    def __init__(self, teachers: Path, **outputs: bool) -> None:
        """Load ``face_landmarker.task``; `outputs` beside its landmarks, by option."""
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        self._mediapipe = mediapipe
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(teachers / "face_landmarker.task")),
                num_faces=1,
                min_face_detection_confidence=0.3,
                min_face_presence_confidence=0.3,
                **outputs,
            )
        )

    def detect(self, image: Image, region: Region) -> tuple[Any, float]:
        """What it says of the face, and the roll in degrees that was taken out before."""
        eyes = region.points[1] - region.points[0]
        roll_deg = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
        side = self._MARGIN * float(max(region.box[2:]))
        matrix = crop_matrix(box_centre(region.box), side, roll_deg, self._SIDE)
        patch = np.ascontiguousarray(crop(image, matrix, self._SIDE))
        picture = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=patch)
        return self._landmarker.detect(picture), roll_deg

    def close(self) -> None:
        """Free MediaPipe's threads."""
        self._landmarker.close()


class MediaPipePose(_FaceLandmarker):
    """The facial transformation matrix of MediaPipe's Face Landmarker."""

    name = "MediaPipe"

    def __init__(self, teachers: Path) -> None:
        """Load ``face_landmarker.task``."""
        super().__init__(teachers, output_facial_transformation_matrixes=True)

    def angles(self, image: Image, region: Region) -> Floats:
        """(3,) yaw, pitch, roll in degrees."""
        found, roll_deg = self.detect(image, region)
        if not found.facial_transformation_matrixes:
            return np.full(3, np.nan, np.float32)
        return _of_matrix(np.asarray(found.facial_transformation_matrixes[0])[:3, :3], roll_deg)


class BlendshapeUnits(_FaceLandmarker):
    """Action units as MediaPipe's blendshapes say them, where they say them at all."""

    name = "MediaPipe blendshapes"
    SHAPES: Mapping[int, str] = {
        1: "browInnerUp",
        2: "browOuterUp",
        5: "eyeWide",
        7: "eyeSquint",
        10: "mouthUpperUp",
        12: "mouthSmile",
        15: "mouthFrown",
        17: "mouthShrugLower",
        18: "mouthPucker",
        20: "mouthStretch",
        26: "jawOpen",
        43: "eyeBlink",
    }
    """FACS number to shape; shapes that are sided have Left or Right after their name."""

    def __init__(self, teachers: Path) -> None:
        """Load ``face_landmarker.task``."""
        super().__init__(teachers, output_face_blendshapes=True)

    def sides(self, image: Image, region: Region) -> dict[int, tuple[float, float]]:
        """FACS number to the weights (0-1) of the subject's left and right; empty without a face.

        A shape that is not sided says the same of both.
        """
        found, _ = self.detect(image, region)
        if not found.face_blendshapes:
            return {}
        weights = {shape.category_name: float(shape.score) for shape in found.face_blendshapes[0]}
        return {
            number: (
                weights.get(f"{shape}Left", weights.get(shape, float("nan"))),
                weights.get(f"{shape}Right", weights.get(shape, float("nan"))),
            )
            for number, shape in self.SHAPES.items()
        }


def pose_peers(teachers: Path) -> list[PosePeer]:
    """Every head-pose peer whose package is installed."""
    peers: list[PosePeer] = []
    for make in (OpenVinoPose, FsaNetPose, MediaPipePose):
        try:
            peers.append(make(teachers))
        except ImportError as error:
            _LOG.warning("%s is left out: %s", make.name, error)
    return peers


def _of_matrix(matrix: Floats, roll_deg: float) -> Floats:
    """Angles of MediaPipe's matrix: x to image right, y up, z to the viewer."""
    axes = matrix / np.linalg.norm(matrix, axis=0)
    yaw = np.arctan2(axes[0, 2], np.hypot(axes[1, 2], axes[2, 2]))
    pitch = np.arctan2(axes[1, 2], axes[2, 2])
    roll = np.arctan2(-axes[1, 0], axes[0, 0])
    return np.array([*np.degrees([yaw, pitch]), np.degrees(roll) + roll_deg], np.float32)


def _planes(patch: Image) -> Floats:
    """(1, 3, h, w) BGR planes of an RGB picture, 0-255."""
    return np.ascontiguousarray(patch[..., ::-1].transpose(2, 0, 1)[None], np.float32)


def _square(image: Image, region: Region, margin: float, side: int) -> Image:
    longer = float(max(region.box[2:]))
    return _resized(image, region, (longer * margin, longer * margin), side)


def _stretched(image: Image, region: Region, margin: float, side: int) -> Image:
    width, height = (float(size) * margin for size in region.box[2:])
    return _resized(image, region, (width, height), side)


def _resized(image: Image, region: Region, size: tuple[float, float], side: int) -> Image:
    """A rectangle around the box's centre, cut at the frame's edge, as these networks expect."""
    centre, half = box_centre(region.box), np.array(size) / 2
    x0, y0 = np.maximum(np.rint(centre - half), 0).astype(int)
    x1, y1 = np.rint(centre + half).astype(int)
    patch = image[y0:y1, x0:x1]
    shrinks = patch.shape[0] > side
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(patch, (side, side), interpolation=interpolation), np.uint8)
