"""The detector beside facenet-pytorch's, which runs the same weights: speed and agreement.

Both run in one process, alternating, with two threads and the same smallest face, so that what
else the machine does falls on both.
"""

import statistics
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.bench.material import average_face
from facekit.detect import Detector
from facekit.geometry import iou
from facekit.runtime.device import choose
from facekit.source import open_source
from facekit.types import Floats, Image

_THREADS = 2
_SMALLEST = 20
_SURE = 0.95
_OVERLAP = 0.9
_SIZE = (1920, 1080)


def run(path: Path | None = None, frames: int = 5, rounds: int = 2) -> dict[str, float]:
    """Compare on frames of a clip, on a picture, or on a picture made for it.

    Args:
        path: clip or picture; every frame is scaled to 1920 x 1080. None for a synthetic one.
        frames: frames taken evenly out of a clip.
        rounds: how often every frame is measured.

    Returns:
        ``speedup_over_facenet_1080p``: median of facenet-pytorch's seconds per frame divided by
        facekit's, frame by frame; ``facenet_seconds_per_frame`` and
        ``facekit_seconds_per_frame``: the medians of each. ``boxes_matched``: share of the
        boxes with a score above 0.95 that the other one has too, at an overlap above 0.9; the
        worse of both directions.
    """
    import torch
    from facenet_pytorch import MTCNN

    torch.set_num_threads(_THREADS)
    cv2.setNumThreads(_THREADS)
    theirs = MTCNN(keep_all=True, min_face_size=_SMALLEST)
    ours = Detector(choose("cpu", _THREADS))
    images = [synthetic_crowd()] if path is None else read_frames(path, frames)
    seconds: list[tuple[float, float]] = []
    counts = np.zeros(4)
    for image in images:
        found = ours.detect(image, _SMALLEST)
        expected = theirs.detect(image, landmarks=True)
        counts += _matches(
            np.array([face.box for face in found], np.float32).reshape(-1, 4),
            np.array([face.score for face in found], np.float32),
            *_as_boxes(expected),
        )
        for _ in range(rounds):
            start = time.perf_counter()
            ours.detect(image, _SMALLEST)
            middle = time.perf_counter()
            theirs.detect(image, landmarks=True)
            seconds.append((time.perf_counter() - middle, middle - start))
    ours.close()
    shares = [counts[i] / counts[i + 1] if counts[i + 1] else 1.0 for i in (0, 2)]
    return {
        "speedup_over_facenet_1080p": statistics.median(their / our for their, our in seconds),
        "facenet_seconds_per_frame": statistics.median(their for their, _ in seconds),
        "facekit_seconds_per_frame": statistics.median(our for _, our in seconds),
        "boxes_matched": float(min(shares)),
    }


def synthetic_crowd() -> Image:
    """A 1920 x 1080 picture with one face in pictures of 60 to 600 pixels."""
    face = average_face()
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (27, 48, 3), dtype=np.uint8)
    crowd = np.asarray(cv2.resize(coarse, _SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
    x = 0
    for height in (600, 420, 300, 210, 150, 100, 60):
        width = height * face.shape[1] // face.shape[0]
        small = cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA)
        for y in range(0, _SIZE[1] - height, height + 30):
            crowd[y : y + height, x : x + width] = small
        x += width + 10
    return crowd


def read_frames(path: Path, count: int) -> list[Image]:
    """Evenly spaced frames of a clip, or the picture, scaled to 1920 x 1080.

    The source is read twice, first to count its frames, so that no more than `count` are held.

    Raises:
        SourceError: it is neither.
    """
    with open_source(path) as source:
        total = sum(1 for _ in source)
    step = max(1, total // count)
    chosen: list[Image] = []
    with open_source(path) as source:
        for number, frame in enumerate(source):
            if number % step == 0:
                chosen.append(np.asarray(cv2.resize(frame.image, _SIZE), np.uint8))
            if len(chosen) == count:
                break
    return chosen


def _as_boxes(result: Any) -> tuple[Floats, Floats]:
    """facenet-pytorch's result as (n, 4) x, y, width, height and (n,) scores."""
    boxes, scores, _ = result
    if boxes is None:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    found = np.array(boxes, np.float32)
    found[:, 2:] -= found[:, :2]
    return found, np.array(scores, np.float32)


def _matches(
    found: Floats, scores: Floats, expected: Floats, expected_scores: Floats
) -> NDArray[np.float64]:
    """Matched and all sure boxes of `expected`, then of `found`."""
    overlap = iou(expected, found) > _OVERLAP
    sure, expected_sure = scores > _SURE, expected_scores > _SURE
    return np.array(
        [
            (overlap.any(1) & expected_sure).sum(),
            expected_sure.sum(),
            (overlap.any(0) & sure).sum(),
            sure.sum(),
        ],
        np.float64,
    )
