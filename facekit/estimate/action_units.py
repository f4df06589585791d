"""Facial action units by facekit's own network, out of an aligned crop and the landmarks.

Friesen and Ekman's Facial Action Coding System: intensity, probability and uncertainty of each
unit, and the intensity of either side. The crop stands upright with the upper face and shows as
many millimetres whoever is seen and however the head is turned.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import SIZE, Square
from facekit.estimate.patches import cut
from facekit.facs import ACTION_UNITS
from facekit.geometry import apply, similarity
from facekit.runtime.device import Device
from facekit.runtime.runner import load
from facekit.types import ActionUnits, Floats, Image, Landmarks

NETWORK = "action_units"
"""The network's name in the manifest."""

_SIDE_MM = 190.0
_EYES_DOWN = 0.34  # share of the side above the eyes

# fmt: off
# Landmarks that expressions and people move least: eye corners, bridge and root of the nose.
_STEADY = np.array([33, 133, 362, 263, 9, 168, 6, 197, 2])
# Their mean place in rendered people, mm in head axes, as in `facekit.estimate.head_pose`.
_STEADY_MM = np.array([
    [-45.8, 2.8, -7.9], [-17.3, 4.4, -14.5], [17.3, 4.4, -14.5], [45.8, 2.8, -7.9],
    [0.0, -19.3, -32.0], [0.0, -1.1, -31.6], [0.0, 6.6, -37.0], [0.0, 13.4, -41.9],
    [0.0, 47.7, -40.9],
])
# fmt: on
_SPREAD_MM = float(np.linalg.norm(_STEADY_MM - _STEADY_MM.mean(axis=0)))
_EYE_CORNERS = 4  # the first of the steady points
_UNSIDED = np.array([not unit.sided for unit in ACTION_UNITS])


class ActionUnitEstimator:
    """Action units of each face of a frame, all in one batch.

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
        self, image: Image, landmarks: Sequence[Landmarks | None]
    ) -> list[ActionUnits | None]:
        """Action units of the faces whose landmarks are given.

        Args:
            image: (height, width, 3) uint8 RGB.
            landmarks: of its faces, in frame pixels; none is fine.

        Returns:
            One for each; None where there are no landmarks, or none that span a face.
        """
        squares = [None if one is None else unit_square(one.points) for one in landmarks]
        found: list[ActionUnits | None] = [None] * len(squares)
        rows = [row for row, square in enumerate(squares) if square is not None]
        if not rows:
            return found
        usable = [square for square in squares if square is not None]
        known = [one for one in landmarks if one is not None and _is_usable(one.points)]
        points = [points_in(one.points, s) for one, s in zip(known, usable, strict=True)]
        outputs = self._runner.run({"image": cut(image, usable).planes, "points": np.stack(points)})
        for place, row in enumerate(rows):
            found[row] = _record(*(output[place] for output in outputs))
        return found


def unit_square(points: Floats) -> Square | None:
    """The square in which action units are read.

    Args:
        points: (478, 3) landmarks in frame pixels, z on the same scale.

    Returns:
        The square; None where the landmarks are not finite or lie on one spot.
    """
    if not _is_usable(points):
        return None
    steady = np.asarray(points[_STEADY], np.float64)
    # The spread in all three dimensions is the same however the head is turned; along x alone it
    # would shrink to nothing in profile, and the crop with it.
    spread = float(np.linalg.norm(steady - steady.mean(axis=0)))
    matrix = similarity(_STEADY_MM[:, :2], steady[:, :2])
    angle = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    side = _SIDE_MM * spread / _SPREAD_MM
    down = np.array([-np.sin(angle), np.cos(angle)])
    eyes = steady[:_EYE_CORNERS, :2].mean(axis=0)
    return Square(eyes + (0.5 - _EYES_DOWN) * side * down, side, float(np.rad2deg(angle)))


def points_in(points: Floats, square: Square) -> Floats:
    """(478, 2) landmarks in shares of the square's side, (0, 0) at its centre.

    Args:
        points: (478, 2 or 3) landmarks in frame pixels.
        square: of `unit_square`.
    """
    flat = apply(square.matrix(), np.asarray(points[:, :2], np.float64))
    return ((flat - (SIZE - 1) / 2) / SIZE).astype(np.float32)


def _is_usable(points: Floats) -> bool:
    steady = points[_STEADY, :2]
    return bool(np.isfinite(points).all()) and bool((np.ptp(steady, axis=0) > 1e-3).any())


def _record(
    intensity: Floats,
    probability: Floats,
    sd: Floats,
    sides: Floats,
    feature: Floats,
) -> ActionUnits:
    apart: NDArray[np.float32] = np.where(_UNSIDED, np.nan, sides).astype(np.float32)
    return ActionUnits(intensity, probability, sd, apart[0], apart[1], feature)
