"""Dense landmarks by facekit's own network, all faces of a frame in one batch."""

import numpy as np

from facekit.estimate.crops import to_frame
from facekit.estimate.patches import Patches
from facekit.runtime.device import Device
from facekit.runtime.runner import load
from facekit.types import Floats, Landmarks

NETWORK = "landmarks"
"""The network's name in the manifest."""


class LandmarkEstimator:
    """478 landmarks of each face in MediaPipe's topology, with their standard deviation.

    Args:
        device: where the network runs.
    """

    def __init__(self, device: Device) -> None:
        """Load the network.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        self._runner = load(NETWORK, device)

    def estimate(self, patches: Patches) -> list[Landmarks]:
        """Landmarks of each patch, in frame pixels.

        Args:
            patches: cut by the crop rule; none is fine.
        """
        if len(patches) == 0:
            return []
        points, log_sd, presence = self._runner.run(patches.planes)
        return [
            Landmarks(to_frame(points[row], square), _sd(log_sd[row], square.side), probability)
            for row, (square, probability) in enumerate(
                zip(patches.squares, _probabilities(presence), strict=True)
            )
        ]


def is_present(landmarks: Landmarks) -> bool:
    """Whether the network holds it more likely than not that there is a face."""
    return landmarks.presence is None or landmarks.presence >= 0.5


def _sd(log_sd: Floats, side: float) -> Floats:
    return (np.exp(log_sd) * side).astype(np.float32)


def _probabilities(logits: Floats) -> list[float]:
    values: list[float] = (1 / (1 + np.exp(-logits.astype(np.float64).ravel()))).tolist()
    return values
