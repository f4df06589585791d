"""Facekit's gaze, and its peers', on the faces of pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.eye_crops import EyePlace, place_of_landmarks
from facekit.estimate.head_pose import crop_turn
from facekit.geometry import angles, apply, crop, crop_matrix, gaze_angles, ray_rotation, rotation
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.synthetic.eye_truth import EYE_POINTS
from facekit.train.evaluation.peers import LandmarkPeer, OpenVinoPose
from facekit.train.evaluation.places import still
from facekit.types import Face, Floats, Image, Region

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GazeAnswer:
    """What was said of one face; NaN where nothing was.

    Attributes:
        gaze: (2,) facekit's yaw and pitch, camera axes, degrees.
        head: (3,) facekit's yaw, pitch, roll of the head.
        open: (2,) how open the left and right eye are.
        openvino: (2,) the OpenVINO network's yaw and pitch.
        iris: (2,) MediaPipe's irises right of and below the middles of the eyes' corners, mean of
            both eyes, eye distances, upright with the eyes.
        box: (4,) of the face.
    """

    gaze: Array
    head: Array
    open: Array
    openvino: Array
    iris: Array
    box: Array


class OpenVinoGaze:
    """OpenVINO's gaze-estimation-adas-0002 (Open Model Zoo, Apache-2), eyes placed by facekit."""

    name = "OpenVINO"
    _SIDE = 60
    _WIDTH = 0.6  # side of an eye's square in eye distances: the best of .6-1.1 on renders

    def __init__(self, teachers: Path) -> None:
        """Load the gaze and the head-pose network."""
        import openvino

        model = openvino.Core().read_model(teachers / "gaze-estimation-adas-0002.xml")
        self._network: Any = openvino.Core().compile_model(model, "CPU")
        self._pose = OpenVinoPose(teachers)

    def gaze(self, image: Image, face: Face, place: EyePlace, turn: Array) -> Array:
        """(2,) yaw and pitch in camera axes, degrees.

        Args:
            image: (height, width, 3) RGB.
            face: in it.
            place: of its eyes.
            turn: (3, 3) from the axes of the level eyes to camera axes.
        """
        side = self._WIDTH * place.unit
        planes = []
        for centre in place.centres:
            matrix = crop_matrix(centre, side, place.roll_deg, self._SIDE)
            patch = crop(image, matrix, self._SIDE)
            planes.append(
                np.ascontiguousarray(patch[..., ::-1].transpose(2, 0, 1)[None], np.float32)
            )
        yaw, pitch, _ = self._pose.angles(image, face.region)
        # The signs that agree best with truth on renders; the roll was taken out of the crops.
        head = np.array([[yaw, pitch, 0]], np.float32)
        answer = self._network(
            {"left_eye_image": planes[0], "right_eye_image": planes[1], "head_pose_angles": head}
        )
        x, y, z = next(iter(answer.values())).ravel().astype(float)
        # Its axes: x to image right, y up, z into the scene.
        vector = np.array([x, -y, z]) / max(float(np.linalg.norm([x, y, z])), 1e-9)
        return gaze_angles(turn @ vector)


class GazeReader:
    """The shipped files through the public API, and the peers on the same faces.

    Args:
        teachers: folder of other people's networks; None for facekit alone.
    """

    def __init__(self, teachers: Path | None) -> None:
        """Load everything."""
        self.pipeline = Pipeline(PipelineOptions(device="cpu"))
        self.finder = Pipeline(PipelineOptions(landmarks="none", device="cpu"))
        self._openvino = None if teachers is None else OpenVinoGaze(teachers)
        self._mediapipe = None if teachers is None else LandmarkPeer(teachers)

    def read(
        self, image: Image, focal_px: float | None = None, region: Region | None = None
    ) -> GazeAnswer:
        """What is said of the largest face of a picture.

        Args:
            image: (height, width, 3) RGB; the optical axis goes through its middle.
            focal_px: focal length; None for the longer side.
            region: where the face is; None to have it found.
        """
        regions = None if region is None else [region]
        faces = self.pipeline.process(still(image), regions, focal_px=focal_px)
        face = max(faces, key=lambda one: float(one.region.box[2:].prod()), default=None)
        if face is None or face.landmarks is None or face.head_pose is None or face.gaze is None:
            two, three, four = (np.full(n, np.nan) for n in (2, 3, 4))
            return GazeAnswer(two, three, two, two, two, four)
        pose, gaze = face.head_pose, face.gaze
        height, width = image.shape[:2]
        focal = focal_px or max(width, height)
        middle = np.array([width - 1, height - 1]) / 2
        place, turn = level_eyes(face, focal, middle)
        openvino = iris = np.full(2, np.nan)
        if self._openvino is not None and self._mediapipe is not None:
            openvino = self._openvino.gaze(image, face, place, turn)
            iris = iris_offset(self._mediapipe.points(image, face.region), place.roll_deg)
        return GazeAnswer(
            np.array([gaze.yaw, gaze.pitch]),
            np.array([pose.yaw, pose.pitch, pose.roll]),
            np.array([gaze.left_open, gaze.right_open]),
            openvino,
            iris,
            np.asarray(face.region.box, np.float64),
        )

    def close(self) -> None:
        """Free what the backends hold."""
        self.pipeline.close()
        self.finder.close()
        if self._mediapipe is not None:
            self._mediapipe.close()


def level_eyes(face: Face, focal: float, middle: Array) -> tuple[EyePlace, Array]:
    """Where a face's eyes are, and the turn from their level axes to camera axes."""
    assert face.landmarks is not None
    assert face.head_pose is not None
    points, pose = face.landmarks.points, face.head_pose
    ray = np.append((place_of_landmarks(points, 0.0).middle - middle) / focal, 1.0)
    seen = ray_rotation(ray).T @ rotation(pose.yaw, pose.pitch, pose.roll)
    place = place_of_landmarks(points, float(angles(seen)[0]))
    return place, crop_turn(place.roll_deg, ray)


def iris_offset(points: Floats, roll_deg: float) -> Array:
    """(2,) the irises from the middles of the eyes' corners, in `GazeAnswer.iris`'s terms."""
    eyes = np.asarray(points, np.float64)[EYE_POINTS]
    middles = eyes[:, :2].mean(axis=1)
    apart = float(np.linalg.norm(middles[0] - middles[1]))
    level = crop_matrix(np.zeros(2), apart, roll_deg, 1)
    level[:, 2] = 0
    return np.asarray(apply(level, (eyes[:, 8] - middles).mean(axis=0)[None])[0], np.float64)


def answers_of(found: list[GazeAnswer]) -> dict[str, Array]:
    """(n, ...) arrays by the names of `GazeAnswer`."""
    return {
        name: np.array([getattr(one, name) for one in found], np.float64)
        for name in GazeAnswer.__dataclass_fields__
    }
