"""Head pose by facekit's own network: rotation in camera axes, its uncertainty, the place in mm.

The network sees a face in a crop that is upright with the face and has lost its place in the
frame; its rotation is that of a camera which looks straight at the face and is rolled with it.
Both turns are undone here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import Square
from facekit.estimate.patches import Patches
from facekit.geometry import Camera, Numbers, angles, ray_rotation, rotation
from facekit.runtime.device import Device
from facekit.runtime.runner import load
from facekit.types import Floats, HeadPose, Landmarks

NETWORK = "head_pose"
"""The network's name in the manifest."""

_STEP_DEG = 0.05
_NOWHERE = np.full(3, np.nan)

# fmt: off
# Landmarks that people and expressions move least: eye corners, bridge and root of the nose.
_RIGID = np.array([33, 133, 362, 263, 9, 168, 6, 197, 2])
# Their mean place in 1,500 rendered people, mm in head axes from the midpoint of the eyeball
# centres, which are 63 mm apart.
_RIGID_MM = np.array([
    [-45.8, 2.8, -7.9], [-17.3, 4.4, -14.5], [17.3, 4.4, -14.5], [45.8, 2.8, -7.9],
    [0.0, -19.3, -32.0], [0.0, -1.1, -31.6], [0.0, 6.6, -37.0], [0.0, 13.4, -41.9],
    [0.0, 47.7, -40.9],
])
# fmt: on


class HeadPoseEstimator:
    """Turn and place of each head.

    Zhou et al., "On the continuity of rotation representations in neural networks", CVPR 2019,
    for the six numbers that the network gives.

    Args:
        device: where the network runs.
    """

    def __init__(self, device: Device) -> None:
        """Load the network.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        self._runner = load(NETWORK, device)

    def estimate(
        self,
        patches: Patches,
        camera: Camera,
        landmarks: Sequence[Landmarks | None] | None = None,
    ) -> list[HeadPose]:
        """Pose of each patch's head, in camera axes.

        Args:
            patches: cut by the crop rule; none is fine.
            camera: of the frame.
            landmarks: of the same faces, for the place of the head; without, it is NaN.
        """
        if len(patches) == 0:
            return []
        six, log_sd = self._runner.run(patches.planes)
        known = landmarks or [None] * len(patches)
        return [
            _pose(rotation_of(six[row]), np.exp(log_sd[row]), square, camera, found)
            for row, (square, found) in enumerate(zip(patches.squares, known, strict=True))
        ]


def rotation_of(six: Floats) -> NDArray[np.float64]:
    """(3, 3) rotation of (6,) numbers: its first two columns, made orthonormal."""
    first, second = np.asarray(six, np.float64).reshape(2, 3)
    first = first / np.linalg.norm(first)
    second = second - (first @ second) * first
    second = second / np.linalg.norm(second)
    return np.column_stack([first, second, np.cross(first, second)])


def crop_turn(roll_deg: float, ray: Numbers) -> NDArray[np.float64]:
    """(3, 3) turn from the axes of what a crop shows to camera axes.

    ``crop_turn(...) @ R`` is a head's rotation in camera axes when the crop shows it as R.

    Args:
        roll_deg: clockwise turn of the crop's square in the frame.
        ray: (3,) direction in which the head is seen.
    """
    return np.asarray(ray_rotation(ray) @ rotation(0, 0, roll_deg))


def turned_sd(seen: Numbers, sd: Numbers, turn: Numbers) -> NDArray[np.float64]:
    """(3,) standard deviations of yaw, pitch and roll after a turn, degrees.

    Propagated to first order; the errors of the angles in the crop are taken as independent.

    Args:
        seen: (3, 3) rotation in the crop.
        sd: (3,) of its yaw, pitch and roll, degrees.
        turn: (3, 3) of `crop_turn`.
    """
    base, centre = angles(turn @ seen), angles(seen)
    moved = [angles(turn @ rotation(*(centre + step))) for step in _STEP_DEG * np.eye(3)]
    slopes = ((np.array(moved) - base + 180) % 360 - 180) / _STEP_DEG
    return np.asarray(np.sqrt(np.square(sd) @ np.square(slopes)))


def locate(points: Floats, turned: Numbers, camera: Camera) -> NDArray[np.float64]:
    """(3,) midpoint of the eyeball centres in camera axes, mm.

    The average face, turned like the head, is moved to where it projects onto the landmarks: a
    linear least-squares problem.

    Args:
        points: (478, 2 or 3) landmarks, frame pixels.
        turned: (3, 3) rotation of the head in camera axes.
        camera: of the frame.
    """
    rays = camera.rays(points[_RIGID, :2])
    shape = _RIGID_MM @ turned.T
    # x - ray_x * z = 0 for each point, and the same for y.
    system = np.zeros((2 * len(shape), 3))
    system[0::2, 0] = system[1::2, 1] = 1
    system[0::2, 2], system[1::2, 2] = -rays[:, 0], -rays[:, 1]
    wanted = np.empty(2 * len(shape))
    wanted[0::2] = rays[:, 0] * shape[:, 2] - shape[:, 0]
    wanted[1::2] = rays[:, 1] * shape[:, 2] - shape[:, 1]
    return np.asarray(np.linalg.lstsq(system, wanted, rcond=None)[0])


def points_in_mm(landmarks: Landmarks, pose: HeadPose, camera: Camera) -> Floats:
    """(478, 3) landmarks in camera axes, mm.

    Args:
        landmarks: in frame pixels, with depth.
        pose: of the same head.
        camera: of the frame.
    """
    place = np.asarray(pose.position_mm, np.float64)
    turned = rotation(pose.yaw, pose.pitch, pose.roll)
    # Landmark depth counts from the middle of the face, along the ray to it.
    mm_per_px = float(np.linalg.norm(place)) / camera.focal
    depth = landmarks.points[:, 2].astype(np.float64) * mm_per_px
    rigid = (_RIGID_MM @ turned.T) @ (place / np.linalg.norm(place))
    along = float(np.linalg.norm(place)) + depth + float(np.mean(rigid - depth[_RIGID]))
    rays = camera.rays(landmarks.points[:, :2])
    towards = rays @ (place / np.linalg.norm(place))
    return (rays * (along / towards)[:, None]).astype(np.float32)


def _pose(
    seen: NDArray[np.float64],
    sd: Numbers,
    square: Square,
    camera: Camera,
    landmarks: Landmarks | None,
) -> HeadPose:
    # The eyes' midpoint is what the network was taught to look along; the crop's centre is near.
    aim = square.centre if landmarks is None else landmarks.points[_RIGID[:4], :2].mean(axis=0)
    ray = camera.rays(aim[None])[0]
    turn = crop_turn(square.roll_deg, ray)
    turned = turn @ seen
    place = _NOWHERE if landmarks is None else locate(landmarks.points, turned, camera)
    spread = turned_sd(seen, sd, turn)
    yaw, pitch, roll = angles(turned).tolist()
    yaw_sd, pitch_sd, roll_sd = spread.tolist()
    return HeadPose(yaw, pitch, roll, yaw_sd, pitch_sd, roll_sd, place.astype(np.float32))
