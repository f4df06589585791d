"""What cheap cameras and video calls do to a picture of eyes.

Real webcams are smooth rather than noisy: noise is weak, and there is smoothing and compression.
"""

import cv2
import numpy as np

from facekit.types import Floats, Image


def degrade(image: Floats, random: np.random.Generator) -> Image:
    """A worse picture of the same size; nothing moves.

    Args:
        image: (height, width) or (height, width, 3) float32 display values 0-255.
        random: source of chance.
    """
    haze = random.uniform(0, 0.35) if random.random() < 0.25 else 0.0
    image = image + (random.uniform(90, 230) - image) * np.float32(haze)
    gamma = float(np.exp(random.normal(0, 0.2)))
    gain = float(np.exp(random.normal(0, 0.15)))
    image = (255 * np.clip(image * gain / 255, 0, 1.2) ** gamma).astype(np.float32)
    if random.random() < 0.7:
        sigma = random.uniform(0.35, 1.2)
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    noise = random.exponential(1.2)
    if noise > 0.5:
        image = image + random.standard_normal(image.shape, np.float32) * np.float32(noise)
    out = np.clip(np.round(image), 0, 255).astype(np.uint8)
    if random.random() < 0.15:
        if random.random() < 0.5:
            out = np.asarray(cv2.medianBlur(out, 3), np.uint8)
        else:
            out = np.asarray(cv2.bilateralFilter(out, 5, 25, 3), np.uint8)
    if random.random() < 0.75:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(30, 95))]
        packed = cv2.imencode(".jpg", out, quality)[1]
        out = np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8)
    return out
