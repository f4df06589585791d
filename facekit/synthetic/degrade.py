"""What cameras, networks and disks do to a picture: blur, noise, gray, few pixels, JPEG."""

import cv2
import numpy as np

from facekit.types import Floats, Image


def degrade(image: Floats, random: np.random.Generator) -> Image:
    """A worse picture of the same size; nothing moves, so that the truth stays true.

    Args:
        image: (size, size, 3) float32 display RGB 0-255.
        random: source of chance.
    """
    size = len(image)
    if random.random() < 0.25:
        small = int(size * random.uniform(0.25, 0.8))
        shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        grown = cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR)
        image = np.asarray(grown, np.float32)
    image = _blurred(image, random)
    contrast, brightness = random.uniform(0.75, 1.2), random.uniform(-14, 16)
    image = (image - 110) * contrast + 110 + brightness
    if random.random() < 0.15:
        image = np.repeat(image @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    noise = random.exponential(4.0)
    if noise > 1:
        channels = 1 if random.random() < 0.4 else 3
        grain = random.standard_normal((size, size, channels), np.float32)
        image = image + grain * np.float32(noise)
    out = to_image(image)
    if random.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(25, 95))]
        packed = cv2.imencode(".jpg", cv2.cvtColor(out, cv2.COLOR_RGB2BGR), quality)[1]
        unpacked = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        out = np.asarray(cv2.cvtColor(unpacked, cv2.COLOR_BGR2RGB), np.uint8)
    return out


def to_image(image: Floats) -> Image:
    """Display values rounded to whole numbers."""
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def _blurred(image: Floats, random: np.random.Generator) -> Floats:
    kind, scale = random.random(), len(image) / 160
    if kind < 0.35:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.4) * scale))
    if kind > 0.45:
        return image
    angle, length = random.uniform(0, np.pi), random.uniform(1, 3.5) * scale
    reach = int(np.ceil(length)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    step = np.array([np.cos(angle), np.sin(angle)]) * length
    ends = [tuple(int(round((reach + sign * s) * 16)) for s in step) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))
