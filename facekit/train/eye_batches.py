"""From a strip of eyes to the gaze network's input: bad pictures, misplaced crops."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facekit.estimate.eye_crops import (
    HEIGHT,
    WIDTH,
    EyePlace,
    cut_eyes,
    fit_eye_image,
    place_of_corners,
)
from facekit.geometry import angles, apply, gaze_angles, rotation
from facekit.synthetic.webcam import degrade
from facekit.train.eye_data import LoneEyes, Strips
from facekit.types import Floats, Image

Random = np.random.Generator
_EYE_DISTANCE = (30.0, 112.0)


@dataclass(frozen=True, slots=True)
class EyeJitter:
    """How far crops are misplaced; standard deviations.

    Attributes:
        shift: of one eye, distances of the eyes.
        common: of both.
        log_scale: natural logarithm of the size.
        roll_deg: degrees.
        head_deg: of yaw, pitch and roll of the head.
    """

    shift: float = 0.024
    common: float = 0.012
    log_scale: float = 0.05
    roll_deg: float = 1.0
    head_deg: float = 3.0

    def place(self, corners: Floats, yaw_deg: float, unit: float, random: Random) -> EyePlace:
        """Where a landmark network might see the eyes.

        Args:
            corners: (2, 2, 2) outer and inner corner of the left and right eye, pixels.
            yaw_deg: of the head.
            unit: distance of the eyes, pixels.
            random: source of chance.
        """
        moved = random.normal(0, self.shift, (2, 1, 2)) + random.normal(0, self.common, 2)
        place = place_of_corners(corners + moved * unit, yaw_deg)
        scale = float(np.exp(random.normal(0, self.log_scale)))
        roll_deg = place.roll_deg + random.normal(0, self.roll_deg)
        return EyePlace(place.centres, roll_deg, place.unit * scale)


@dataclass(frozen=True, slots=True, eq=False)
class EyeCrop:
    """An input of the gaze network with its truth; NaN where unknown.

    Attributes:
        eyes: (2, HEIGHT, WIDTH) float32 gray.
        head: (3,) yaw, pitch, roll of the head, degrees.
        gaze: (2, 2) yaw and pitch of the left and right eye.
        both: (2,) of both together.
        points: (2, 13, 2) from the crop's centre, halves of its width.
        open: (2,) 0-1.
        hidden: (2,) 0-1.
        judged: (2,) weight of the eyes' gaze.
        trust: weight of the points.
        roll_deg: by which the crop was turned against the strip.
    """

    eyes: Floats
    head: Floats
    gaze: Floats
    both: Floats
    points: Floats
    open: Floats
    hidden: Floats
    judged: Floats
    trust: float
    roll_deg: float


def cut(
    strips: Strips,
    row: int,
    random: Random,
    jitter: EyeJitter,
    eye_distance: float | None = None,
    zoom: float = 1.0,
) -> EyeCrop:
    """A crop of a row, made worse.

    Args:
        strips: where from.
        row: which.
        random: source of chance.
        jitter: of place and head pose.
        eye_distance: pixels between the eyes before the crop; drawn at random if None.
        zoom: how much larger than by the crop rule the eyes are shown.
    """
    unit = float(strips.unit[row])
    low, high = np.log(_EYE_DISTANCE)
    wanted = eye_distance or float(np.exp(random.uniform(low, high)))
    scale = min(1.0, wanted / unit)
    image = degrade(_shrunk(strips.images[row], scale), random)
    turn = strips.rotation[row].astype(np.float64)
    yaw_deg = float(angles(turn)[0] + random.normal(0, jitter.head_deg))

    def scaled(points: Floats) -> Floats:
        return np.asarray((points + 0.5) * scale - 0.5, np.float32)

    place = jitter.place(scaled(strips.corners[row]), yaw_deg, unit * scale, random)
    place = EyePlace(place.centres, place.roll_deg, place.unit / zoom)
    level = rotation(0, 0, place.roll_deg)
    head = angles(level.T @ turn) + random.normal(0, jitter.head_deg, 3)
    head[0] = yaw_deg
    gaze = strips.gaze[row].astype(np.float64) @ level
    middle = gaze.mean(0)
    eyes = cut_eyes(image, place)
    if random.random() < 0.25:
        _cover(eyes, random)
    flat = scaled(strips.points[row])
    points = np.stack([_in_crop(flat[side], place, side) for side in (0, 1)])
    return EyeCrop(
        eyes,
        head.astype(np.float32),
        gaze_angles(gaze).astype(np.float32),
        gaze_angles(middle / np.linalg.norm(middle)).astype(np.float32),
        points,
        strips.open[row],
        strips.hidden[row],
        strips.judged[row],
        1.0 if strips.exact else 0.5,
        place.roll_deg,
    )


def _shrunk(image: Image, scale: float) -> Floats:
    if scale > 0.97:
        return np.asarray(image, np.float32)
    size = [round(side * scale) for side in image.shape[::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _in_crop(points: Floats, place: EyePlace, side: int) -> Floats:
    middle = np.array([WIDTH - 1, HEIGHT - 1]) / 2
    return np.asarray((apply(place.matrix(side), points) - middle) / (WIDTH / 2), np.float32)


def _cover(eyes: Floats, random: Random) -> None:
    """Something before one eye, in place."""
    side = int(random.integers(2))
    width, height = (random.uniform(0.1, 0.35, 2) * [WIDTH, HEIGHT]).astype(int)
    x, y = int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))
    eyes[side, y : y + height, x : x + width] = random.uniform(0, 255)


def lone_crop(eyes: LoneEyes, row: int, random: Random | None) -> EyeCrop:
    """A lone eye, seen by both branches of the network.

    Args:
        eyes: where from.
        row: which.
        random: source of chance that moves and worsens it; None leaves it as it is.
    """
    planes = []
    for side in (0, 1):
        image = eyes.images[row]
        plane = fit_eye_image(image)
        if random is not None:
            plane = _moved(plane, random)
            plane = degrade(plane, random).astype(np.float32)
        planes.append(plane if side == 0 else plane[:, ::-1])
    nothing = np.full((2, 2), np.nan, np.float32)
    opened = np.full(2, float(eyes.open[row]), np.float32)
    return EyeCrop(
        np.stack(planes),
        np.zeros(3, np.float32),
        nothing,
        nothing[0],
        np.full((2, 13, 2), np.nan, np.float32),
        opened,
        np.zeros(2, np.float32),
        np.zeros(2, np.float32),
        0.0,
        0.0,
    )


def tight_crop(strips: Strips, row: int, random: Random) -> EyeCrop:
    """Eyes of a strip shown as lone ones are: larger, in no known head."""
    near = EyeJitter(shift=0.03, roll_deg=8.0)
    crop = cut(strips, row, random, near, zoom=float(np.exp(random.uniform(0, 0.7))))
    return replace(
        crop,
        head=np.zeros(3, np.float32),
        gaze=np.full((2, 2), np.nan, np.float32),
        both=np.full(2, np.nan, np.float32),
        points=np.full((2, 13, 2), np.nan, np.float32),
        judged=np.zeros(2, np.float32),
    )


def _moved(plane: Floats, random: Random) -> Floats:
    if random.random() < 0.5:
        plane = np.ascontiguousarray(plane[:, ::-1])
    if random.random() < 0.4:  # few pixels
        small = float(random.uniform(0.3, 0.8))
        shrunk = cv2.resize(plane, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        plane = np.asarray(cv2.resize(shrunk, (WIDTH, HEIGHT)), np.float32)
    scale = float(np.exp(random.uniform(-0.2, 0.75)))
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), random.uniform(-15, 15), scale)
    moved = np.array(turn, np.float64)
    moved[:, 2] += random.normal(0, 0.05, 2) * WIDTH
    return np.asarray(
        cv2.warpAffine(plane, moved, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.float32
    )


@dataclass(frozen=True, slots=True)
class EyeMix:
    """What a batch holds.

    Attributes:
        size: rows in all.
        photos: share of photos, in pairs of the same eyes.
        lone: share of eyes that only teach open and closed: lone ones, and one in three rendered.
    """

    size: int
    photos: float = 0.14
    lone: float = 0.15


class EyeBatches:
    """Makes the batch of any step out of (seed, step).

    Args:
        strips: renders.
        photos: strips out of photos; None for none.
        lone: eyes that are open or closed.
        mix: what a batch holds.
        seed: of everything random.
        jitter: how far crops are misplaced.
    """

    def __init__(
        self,
        strips: Strips,
        photos: Strips | None,
        lone: LoneEyes,
        mix: EyeMix,
        seed: int,
        jitter: EyeJitter | None = None,
    ) -> None:
        """Keep what is given."""
        self._strips, self._photos, self._lone = strips, photos, lone
        self._mix, self._seed, self._jitter = mix, seed, jitter or EyeJitter()

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The batch of a step.

        Returns:
            Arrays of `EyeCrop`, stacked, and ``pair`` (n,) 1 in the first row of two that show
            the same eyes.
        """
        random = np.random.default_rng((self._seed, 2, step))
        size = self._mix.size
        pairs = 0 if self._photos is None else round(size * self._mix.photos / 2)
        lone = round(size * self._mix.lone)
        crops = []
        for _ in range(pairs):
            assert self._photos is not None
            row = self._any(self._photos, random)
            crops += [cut(self._photos, row, random, self._jitter) for _ in range(2)]
        for number in range(lone):
            if number % 3 == 0:
                crops.append(tight_crop(self._strips, self._any(self._strips, random), random))
            else:
                row = int(random.integers(len(self._lone.open)))
                crops.append(lone_crop(self._lone, row, random))
        while len(crops) < size:
            row = self._any(self._strips, random)
            crops.append(cut(self._strips, row, random, self._jitter))
        pair = np.zeros(size, np.float32)
        pair[: 2 * pairs : 2] = 1
        return {**stacked(crops), "pair": torch.from_numpy(pair)}

    def _any(self, strips: Strips, random: Random) -> int:
        return int(random.integers(len(strips)))


def stacked(crops: list[EyeCrop]) -> dict[str, Tensor]:
    """Arrays of crops as tensors, by the names of `EyeCrop`."""
    names = EyeCrop.__dataclass_fields__
    arrays: dict[str, NDArray[np.float32]] = {
        name: np.stack([np.asarray(getattr(crop, name), np.float32) for crop in crops])
        for name in names
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
