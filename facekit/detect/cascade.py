"""The MTCNN cascade: proposals on a pyramid, refinement, output with five points.

Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded
convolutional networks", IEEE Signal Processing Letters 23 (2016). Boxes, scores and points are
those of ``facenet_pytorch.MTCNN(keep_all=True).detect``.

On the CPU the work is cut into tiles and chunks that fit a core's cache, and every thread takes
the next one: from resampling to decoding a tile never leaves its core.
"""

import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2
import numpy as np

from facekit.detect.boxes import WINDOW, logit, move, probability, square, suppress, suppress_nested
from facekit.detect.proposals import Proposer
from facekit.detect.resample import AreaSampler, pyramid
from facekit.errors import OptionsError
from facekit.runtime.device import Device
from facekit.runtime.runner import Runner, load
from facekit.types import Detection, Floats, Image

_LOG = logging.getLogger(__name__)
_LARGEST_FRAME = 1 << 24
_OVERLAP = 0.7
SMALLEST = 20.0
# First squares around a known face, as shares of its longer side, and how many go on.
_START_SIDES = np.linspace(0.8, 1.15, 5, dtype=np.float32)
_KEPT = 2
NETWORKS = ("mtcnn_proposal", "mtcnn_refinement", "mtcnn_output")
"""The cascade's networks in the manifest, in order."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def smallest_face(min_face: float, width: int, height: int) -> float:
    """The smallest face to search for, in pixels and at least 20.

    Args:
        min_face: below 1 a share of the frame's shorter side, from 1 on pixels.
        width: columns of the frame.
        height: rows of the frame.
    """
    pixels = min_face * min(width, height) if min_face < 1 else min_face
    return max(SMALLEST, float(pixels))


class Detector:
    """Finds the faces of one picture.

    >>> detector = Detector(choose("cpu"))
    >>> [face.box for face in detector.detect(image)]

    Args:
        device: where the networks run.
        min_face: smallest face searched for (see `smallest_face`).
        thresholds: smallest probability to pass P-, R- and O-Net.
        factor: size of a pyramid level relative to the one before.
    """

    def __init__(
        self,
        device: Device,
        min_face: float = SMALLEST,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
    ) -> None:
        """Load the three networks."""
        if not 0 < factor < 1:
            raise OptionsError(f"{factor} is not between 0 and 1", where="factor")
        if len(thresholds) != 3 or not all(0 < value < 1 for value in thresholds):
            raise OptionsError(f"{thresholds} are not three of 0-1", where="thresholds")
        self.min_face = min_face
        self.thresholds = thresholds
        self.factor = factor
        on_cpu = device.name == "cpu"
        # A GPU takes a whole level or batch at once.
        tile = (48, 144) if on_cpu else (2048, 2048)
        self._chunks = {24: 16, 48: 4} if on_cpu else {24: 2048, 48: 2048}
        workers = device.threads if on_cpu else 1
        self._pool = ThreadPoolExecutor(workers, "detect") if workers > 1 else None
        proposal, self._refinement, self._output = (
            load(name, device, threads=1) for name in NETWORKS
        )
        self._proposer = Proposer(proposal, thresholds[0], tile, self._map)

    def detect(self, image: Image, min_face_px: float | None = None) -> list[Detection]:
        """All faces of a picture, the most probable first.

        Frames above 16 megapixels are shrunk by a whole factor first, so that memory stays
        bounded; the smallest face grows with them.

        Args:
            image: (h, w, 3) uint8 RGB.
            min_face_px: smallest face in pixels, >= 12; default `smallest_face` of ``min_face``.
        """
        height, width = image.shape[:2]
        smallest = min_face_px or smallest_face(self.min_face, width, height)
        image, shrink = _bounded(image)
        sampler = AreaSampler(image, place=self._output.place)
        height, width = image.shape[:2]
        levels = pyramid(height, width, max(smallest / shrink, WINDOW), self.factor, WINDOW)
        boxes = self._proposer.propose(sampler, levels)
        boxes = boxes[sampler.inside(boxes)]
        rows = self._classify(self._refinement, sampler, boxes, 24)
        passed = rows[:, 0] > logit(self.thresholds[1])
        boxes, rows = boxes[passed], rows[passed]
        kept = suppress(boxes, probability(rows[:, 0]), _OVERLAP)
        boxes = square(move(boxes[kept], rows[kept, 1:5], 1))
        boxes = boxes[sampler.inside(boxes)]
        rows = self._classify(self._output, sampler, boxes, 48)
        passed = rows[:, 0] > logit(self.thresholds[2])
        boxes, rows = boxes[passed], rows[passed]
        kept = suppress_nested(move(boxes, rows[:, 1:5], 1), probability(rows[:, 0]), _OVERLAP)
        return [_detection(boxes[index], rows[index], shrink) for index in kept]

    def refine(self, image: Image, boxes: Floats) -> list[Detection | None]:
        """Faces that are expected at known places, without a search: one batch per network.

        May be called on its own result frame after frame. Unlike in `detect`, what lies outside
        the frame is black, as in the paper: stretching cut crops makes the boxes of close-ups
        grow from call to call.

        Args:
            image: (h, w, 3) uint8 RGB.
            boxes: (n, 4) x, y, width, height: predicted boxes of tracked faces.

        Returns:
            For each box the face there, or None when R- or O-Net sees none.
        """
        if len(boxes) == 0:
            return []
        corners = np.asarray(boxes, np.float32).copy()
        corners[:, 2:] += corners[:, :2]
        squares = square(corners)
        sampler = AreaSampler(image, _surroundings(squares), self._output.place)
        places = np.nonzero(sampler.inside(squares))[0]
        rows = self._classify(self._refinement, sampler, squares[places], 24, black=True)
        passed = rows[:, 0] > logit(self.thresholds[1])
        places, rows = places[passed], rows[passed]
        squares = square(move(squares[places], rows[:, 1:5], 1))
        inside = sampler.inside(squares)
        places, squares = places[inside], squares[inside]
        rows = self._classify(self._output, sampler, squares, 48, black=True)
        result: list[Detection | None] = [None] * len(boxes)
        for place, box, row in zip(places, squares, rows, strict=True):
            if row[0] > logit(self.thresholds[2]):
                result[place] = _detection(box, row, 1)
        return result

    def place_points(self, image: Image, boxes: Floats) -> list[Detection]:
        """O-Net's points on faces that are known to be there, however unlikely they look to it.

        For profiles that the search misses, and for tracks between detections. O-Net looks at
        squares of several sizes, and again at what the best two become.

        Args:
            image: (h, w, 3) uint8 RGB.
            boxes: (n, 4) x, y, width, height of faces, all with some area inside the frame.

        Returns:
            For each box the likeliest answer; its score may be anything.
        """
        if len(boxes) == 0:
            return []
        corners = np.asarray(boxes, np.float32).copy()
        corners[:, 2:] += corners[:, :2]
        squares = _resized(square(corners), _START_SIDES)
        sampler = AreaSampler(image, _surroundings(squares.reshape(-1, 4)), self._output.place)
        for kept in (_KEPT, _KEPT, 1):
            flat = squares.reshape(-1, 4)
            rows = self._classify(self._output, sampler, flat, 48, black=True)
            moved = square(move(flat, rows[:, 1:5], 1)).reshape(squares.shape)
            rows = rows.reshape(*squares.shape[:2], -1)
            best = np.argsort(-rows[:, :, :1], axis=1)[:, :kept]
            answers = np.take_along_axis(squares, best, 1), np.take_along_axis(rows, best, 1)
            squares = np.take_along_axis(moved, best, 1)
        return [_detection(one[0], row[0], 1) for one, row in zip(*answers, strict=True)]

    def close(self) -> None:
        """End the detector's threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _classify(
        self,
        runner: Runner,
        sampler: AreaSampler,
        boxes: Floats,
        size: int,
        *,
        black: bool = False,
    ) -> Floats:
        """(n, k) outputs of R- or O-Net for square boxes, in chunks that bound the memory."""
        if len(boxes) == 0:
            return np.zeros((0, 5 if size == 24 else 15), np.float32)
        count = self._chunks[size]
        chunks = [boxes[i : i + count] for i in range(0, len(boxes), count)]
        outputs = self._map(
            lambda chunk: runner.run(sampler.crops(chunk, size, black=black))[0], chunks
        )
        return np.concatenate(outputs)

    def _map(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
        if self._pool is None or len(jobs) < 2:
            return [work(job) for job in jobs]
        return list(self._pool.map(work, jobs))


def _surroundings(squares: Floats) -> tuple[int, int, int, int]:
    """The rectangle around squares, each of them grown to twice its side."""
    half = (squares[:, 2:] - squares[:, :2]).max(1, keepdims=True) / 2
    low = np.floor((squares[:, :2] - half).min(0)).astype(int)
    high = np.ceil((squares[:, 2:] + half).max(0)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _resized(squares: Floats, shares: Floats) -> Floats:
    """(n, k, 4) squares about the same centres, with sides times each of k shares."""
    centre = (squares[:, None, :2] + squares[:, None, 2:]) / 2
    half = (squares[:, None, 2:] - squares[:, None, :2]) / 2 * shares[:, None]
    return np.concatenate([centre - half, centre + half], 2).astype(np.float32)


def _bounded(image: Image) -> tuple[Image, int]:
    """The picture, shrunk by a whole factor when it has too many pixels, and the factor."""
    height, width = image.shape[:2]
    factor = max(1, math.ceil(math.sqrt(height * width / _LARGEST_FRAME)))
    if factor == 1:
        return image, 1
    size = max(1, width // factor), max(1, height // factor)
    _LOG.debug("%d x %d pixels are searched at 1/%d of their size", width, height, factor)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), factor


def _detection(box: Floats, row: Floats, scale: int) -> Detection:
    """The record of one row of O-Net's output for a square box."""
    left, top, right, bottom = move(box[None], row[None, 1:5], 1)[0] * scale
    size = box[2:] - box[:2] + 1
    points = row[5:].reshape(2, 5).T * size + box[:2] - 1
    return Detection(
        box=np.array([left, top, right - left, bottom - top], np.float32),
        score=float(probability(row[:1])[0]),
        points=np.asarray(points * scale, np.float32),
    )
