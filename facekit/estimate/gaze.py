"""Gaze by facekit's own network: both eyes of each face, all faces of a frame in one batch.

The network sees the eyes through a normalised camera (`facekit.estimate.eye_crops`), to which the
head's pose is turned; its answer is turned back. Every face is looked at three times, through
crops that differ by a hair: most of the error of a single look is that of the landmarks which
placed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.eye_crops import (
    EyePlace,
    cut_eyes,
    fit_eye_image,
    gray_around,
    place_of_landmarks,
)
from facekit.estimate.gaze_calibration import GazeCalibration
from facekit.estimate.head_pose import crop_turn
from facekit.geometry import Camera, angles, gaze_angles, gaze_vectors, ray_rotation, rotation
from facekit.runtime.device import Device, choose
from facekit.runtime.runner import Runner, load
from facekit.types import Floats, Gaze, HeadPose, Image, Landmarks

NETWORK = "gaze"
"""The network's name in the manifest."""

SHUT = 0.3
"""Below this openness an eye is closed: it does not tell where it looks."""

HIDDEN = 0.5
"""Above this probability something hides an eye."""

# How the three looks are moved: outwards (for each eye) and down, distances of the eyes.
_LOOKS = ((0.0, 0.0), (0.02, 0.012), (-0.02, -0.012))
_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """How one face is seen.

    Attributes:
        place: of its eyes.
        turn: (3, 3) from the normalised camera's axes to camera axes.
        turned: (3, 3) the head in camera axes.
    """

    place: EyePlace
    turn: NDArray[np.float64]
    turned: NDArray[np.float64]


class GazeEstimator:
    """Where faces look.

    In the line of Zhang et al., "MPIIGaze" (PAMI 2019) and "ETH-XGaze" (ECCV 2020).

    Args:
        device: where the network runs.
        calibration: of the person who is seen; None for nobody in particular.

    Attributes:
        calibration: as given; may be set between frames.
    """

    def __init__(self, device: Device, calibration: GazeCalibration | None = None) -> None:
        """Load the network.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        self._runner = load(NETWORK, device)
        self.calibration = calibration

    def estimate(
        self,
        image: Image,
        camera: Camera,
        landmarks: Sequence[Landmarks | None],
        poses: Sequence[HeadPose],
    ) -> list[Gaze | None]:
        """Gaze of faces.

        Args:
            image: (height, width, 3) uint8 RGB, the frame.
            camera: of the frame.
            landmarks: of each face; where None, the answer is None.
            poses: of the same faces.
        """
        seen = [
            None if marks is None else _view(marks.points, pose, camera)
            for marks, pose in zip(landmarks, poses, strict=True)
        ]
        views = [view for view in seen if view is not None]
        if not views:
            return [None] * len(seen)
        answers = iter(self._look(image, views))
        return [None if view is None else next(answers) for view in seen]

    def _look(self, image: Image, views: Sequence[_View]) -> list[Gaze]:
        eyes = np.concatenate([_looks(image, view.place) for view in views])
        heads = [angles(view.turn.T @ view.turned) for view in views]
        head = np.repeat(np.asarray(heads, np.float32), len(_LOOKS), axis=0)
        outputs = self._runner.run({"eyes": eyes, "head": head})
        gaze, log_sd, each, opened, hidden, _ = (
            output.reshape(len(views), len(_LOOKS), *output.shape[1:]).mean(axis=1)
            for output in outputs
        )
        return [
            self._record(
                view,
                gaze[row],
                np.exp(log_sd[row]),
                each[row],
                _shares(opened[row]),
                _shares(hidden[row]),
            )
            for row, view in enumerate(views)
        ]

    def _record(
        self,
        view: _View,
        gaze: Floats,
        sd: Floats,
        each: Floats,
        opened: NDArray[np.float64],
        hidden: NDArray[np.float64],
    ) -> Gaze:
        usable = (opened >= SHUT) & (hidden <= HIDDEN)
        vectors = gaze_vectors(np.vstack([gaze, each])) @ view.turn.T
        in_head = gaze_angles(vectors @ view.turned)
        if self.calibration is not None:
            in_head = self.calibration.correct(in_head)
            vectors = gaze_vectors(in_head) @ view.turned.T
        vectors[1:][~usable] = np.nan
        opened = np.where(hidden <= HIDDEN, opened, np.nan)
        left, right = vectors[1:].astype(np.float32)
        if not usable.any():
            nothing = (_NAN,) * 6
            return Gaze(*nothing, left, right, *opened.tolist())
        yaw, pitch = gaze_angles(vectors[0]).tolist()
        # The crop is rolled against the frame: the axes' errors mix.
        angle = np.deg2rad(view.place.roll_deg)
        mixed = np.square([[np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        yaw_sd, pitch_sd = np.sqrt(mixed @ np.square(sd)).tolist()
        head_yaw, head_pitch = in_head[0].tolist()
        return Gaze(
            yaw, pitch, yaw_sd, pitch_sd, head_yaw, head_pitch, left, right, *opened.tolist()
        )


def eye_openness(eye_images: Sequence[Image], runner: Runner | None = None) -> Floats:
    """How open eyes are, each in a picture of its own.

    Args:
        eye_images: (height, width, 3) RGB or (height, width) gray, uint8; one eye of any side in
            each, upright, about half to nine tenths as wide as the picture.
        runner: of the gaze network; None runs the shipped one on the CPU.

    Returns:
        (n,) 0 closed, 1 open; below `SHUT` an eye is closed.

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    if len(eye_images) == 0:
        return np.empty(0, np.float32)
    one = np.stack([fit_eye_image(image) for image in eye_images])
    # Nobody knows the side: the picture stands for either eye.
    eyes = np.stack([one, one[:, :, ::-1]], axis=1)
    head = np.zeros((len(one), 3), np.float32)
    opened = (runner or _on_cpu()).run({"eyes": np.ascontiguousarray(eyes), "head": head})[3]
    return np.asarray(_shares(opened).mean(axis=1), np.float32)


@cache
def _on_cpu() -> Runner:
    return load(NETWORK, choose("cpu"))


def _view(points: Floats, pose: HeadPose, camera: Camera) -> _View:
    turned = rotation(pose.yaw, pose.pitch, pose.roll)
    # The place of the eyes barely depends on the yaw, the scale does: one refinement is enough.
    ray = camera.rays(place_of_landmarks(points, 0.0).middle[None])[0]
    yaw_deg = float(angles(ray_rotation(ray).T @ turned)[0])
    place = place_of_landmarks(points, yaw_deg)
    return _View(place, crop_turn(place.roll_deg, ray), turned)


def _looks(image: Image, place: EyePlace) -> Floats:
    """(looks, 2, HEIGHT, WIDTH) crops of both eyes, each time moved a little."""
    angle = np.deg2rad(place.roll_deg)
    level = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    sides = np.array([1.0, -1.0])  # outwards is to image right for the left eye
    image, place = gray_around(image, place)
    crops = []
    for out, down in _LOOKS:
        moved = np.column_stack([out * sides, np.full(2, down)]) * place.unit
        crops.append(
            cut_eyes(image, EyePlace(place.centres + moved @ level.T, place.roll_deg, place.unit))
        )
    return np.stack(crops)


def _shares(logits: Floats) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))
