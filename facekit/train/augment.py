"""From a labelled picture to a training crop: jitter of the square, mirror, and bad pictures."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import SIZE, Square
from facekit.geometry import apply
from facekit.synthetic.camera import rotation
from facekit.train.data import Faces
from facekit.types import Floats, Image

Random = np.random.Generator
_MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far a square is moved; standard deviations.

    The defaults cover what was measured between MTCNN's square and the landmarks' square of the
    same face: shift .02 (.05 in profile), log scale .06 (.09), roll 1 to 4 degrees (11).

    Attributes:
        shift: shares of the side, each axis.
        log_scale: natural logarithm of the side.
        roll_deg: degrees.
    """

    shift: float = 0.045
    log_scale: float = 0.09
    roll_deg: float = 8.0

    def move(self, square: Square, random: Random) -> Square:
        """A square near `square`."""
        shift = np.clip(random.normal(0, self.shift, 2), -0.16, 0.16) * square.side
        scale = float(np.exp(np.clip(random.normal(0, self.log_scale), -0.3, 0.3)))
        roll_deg = square.roll_deg + float(np.clip(random.normal(0, self.roll_deg), -40, 40))
        return Square(square.centre + shift, square.side * scale, roll_deg)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A training crop with its truth.

    Attributes:
        image: (SIZE, SIZE, 3) uint8 RGB.
        points: (478, 3) float32, shares of the side, (0, 0) at the centre.
        rotation: (3, 3) float32 head to camera as the crop shows it; NaN where unknown.
        eyes: distance of the eyeball centres, shares of the side.
    """

    image: Image
    points: Floats
    rotation: Floats
    eyes: float


def cut(faces: Faces, row: int, square: Square, mirror: NDArray[np.intp] | None = None) -> Crop:
    """The crop of a row in a given square, mirrored when the point mirror map is given."""
    image = square.cut(faces.image(row))
    points = faces.points[row]
    flat = (apply(square.matrix(), points[:, :2]) - (SIZE - 1) / 2) / SIZE
    placed = np.column_stack([flat, points[:, 2] / square.side]).astype(np.float32)
    turn = rotation(0, 0, -square.roll_deg) @ faces.rotation[row]
    if mirror is not None:
        image = np.ascontiguousarray(image[:, ::-1])
        placed = placed[mirror] * np.array([-1, 1, 1], np.float32)
        turn = _MIRROR @ turn @ _MIRROR
    return Crop(image, placed, turn.astype(np.float32), float(faces.eyes[row] / square.side))


def away(square: Square, random: Random) -> Square:
    """A square that does not hold the face: beside it, or of quite another size."""
    if random.random() < 0.7:
        angle, far = random.uniform(0, 2 * np.pi), random.uniform(0.55, 0.8)
        shift = far * square.side * np.array([np.cos(angle), np.sin(angle)])
        return Square(square.centre + shift, square.side, random.uniform(-45, 45))
    scale = np.exp(random.choice([-1, 1]) * random.uniform(1.1, 1.6))
    shift = random.normal(0, 0.2, 2) * square.side * scale
    return Square(square.centre + shift, float(square.side * scale), random.uniform(-45, 45))


def degrade(image: Image, random: Random) -> Image:
    """A worse picture of the same thing: colour, resolution, blur, noise, JPEG, hidden parts."""
    if random.random() < 0.3:
        image = _low_resolution(image, random)
    image = _colour(image, random)
    if random.random() < 0.15:
        image = blur(image, random)
    if random.random() < 0.2:
        image = _noise(image, random)
    if random.random() < 0.15:
        image = _cutout(image, random)
    if random.random() < 0.25:
        image = jpeg(image, random)
    return image


def _low_resolution(image: Image, random: Random) -> Image:
    small = int(np.exp(random.uniform(np.log(22), np.log(90))))
    down = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if random.random() < 0.7 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(down, (SIZE, SIZE), interpolation=how), np.uint8)


def _colour(image: Image, random: Random) -> Image:
    if random.random() < 0.15:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)
    levels = np.arange(256, dtype=np.float64) / 255
    gamma = np.exp(random.normal(0, 0.2))
    gain, offset = np.exp(random.normal(0, 0.15)), random.normal(0, 0.06)
    tint = np.exp(random.normal(0, 0.05, 3))
    curve = ((levels**gamma)[:, None] * gain * tint + offset) * 255
    table = np.clip(curve, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(image, table), np.uint8)


def blur(image: Image, random: Random) -> Image:
    """Out of focus, or moved while the shutter was open."""
    if random.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 2.0)), np.uint8)
    length = int(random.integers(3, 9))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2,) * 2, random.uniform(0, 180), 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)


def _noise(image: Image, random: Random) -> Image:
    noise = random.standard_normal(image.shape, np.float32) * random.uniform(2, 14)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _cutout(image: Image, random: Random) -> Image:
    image = image.copy()
    width, height = (random.uniform(0.12, 0.4, 2) * SIZE).astype(int)
    x, y = int(random.integers(0, SIZE - width)), int(random.integers(0, SIZE - height))
    image[y : y + height, x : x + width] = random.integers(0, 256, 3)
    return image


def jpeg(image: Image, random: Random) -> Image:
    """Packed too tightly."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 80))]
    packed = cv2.imencode(".jpg", image, quality)[1]
    decoded = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)
