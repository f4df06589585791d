"""Who is who: embeddings of aligned faces by facekit's own network.

A face is aligned by MTCNN's points; alignment decides more than the network. Between detections
`facekit.detect.Detector.place_points` finds them where a track is known to be.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekit.geometry import crop, similarity
from facekit.runtime.device import Device
from facekit.runtime.runner import load
from facekit.runtime.weights import load_manifest
from facekit.types import Floats, Image

NETWORK = "identity"
"""The network's name in the manifest."""

SIZE = 150
"""Side of the aligned crop in pixels."""

VECTOR = 128
"""Length of an embedding."""

# Eyes and mouth corners among MTCNN's points. The nose stays out: in profile it is elsewhere.
_FOUR = [0, 1, 3, 4]
_PLACES = np.array([[46.45, 45.46], [101.50, 45.46], [49.43, 104.14], [98.51, 104.14]])


class IdentityEstimator:
    """Embeddings of faces: unit vectors whose cosine says how alike two faces are.

    Schroff, Kalenichenko and Philbin, "FaceNet" (CVPR 2015), for the loss; the network is dlib's.

    >>> estimator = IdentityEstimator(choose("cpu"))
    >>> vectors = estimator.estimate(image, [detection.points for detection in found])
    >>> alike = vectors @ vectors.T

    Args:
        device: where the network runs.
    """

    def __init__(self, device: Device) -> None:
        """Load the network.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        self._runner = load(NETWORK, device)

    def estimate(self, image: Image, points: Sequence[Floats]) -> Floats:
        """Embeddings of the faces of one picture.

        Args:
            image: (height, width, 3) uint8 RGB.
            points: for each face (5, 2) MTCNN's points, pixels.

        Returns:
            (n, VECTOR) float32, each of unit length.
        """
        return self.embed([chip(image, five) for five in points])

    def embed(self, chips: Sequence[Image]) -> Floats:
        """Embeddings of aligned faces.

        Args:
            chips: (SIZE, SIZE, 3) uint8 RGB each, cut by `chip`.

        Returns:
            (n, VECTOR) float32, each of unit length.
        """
        if len(chips) == 0:
            return np.zeros((0, VECTOR), np.float32)
        planes = np.stack(chips).transpose(0, 3, 1, 2).astype(np.float32)
        (vectors,) = self._runner.run(np.ascontiguousarray(planes))
        return np.asarray(vectors, np.float32)


def chip(image: Image, points: Floats) -> Image:
    """A face cut upright, eyes and mouth where the network expects them.

    Args:
        image: (height, width, 3) uint8 RGB.
        points: (5, 2) MTCNN's points, pixels.

    Returns:
        (SIZE, SIZE, 3) uint8 RGB; outside the frame its border is repeated.
    """
    return crop(image, chip_matrix(points), SIZE, replicate=True)


def chip_matrix(points: Floats) -> NDArray[np.float64]:
    """(2, 3) similarity from pixels of the picture to those of `chip`.

    Args:
        points: (5, 2) MTCNN's points, pixels.
    """
    return similarity(np.asarray(points, np.float64)[_FOUR], _PLACES)


def threshold() -> float:
    """Cosine from which on two faces count as one person, at one false match in a thousand.

    It was found on validation people whom the network has not seen (the manifest says which).

    Raises:
        WeightsError: the network is missing.
    """
    return float(load_manifest().network(NETWORK).details["scores"]["threshold"])
