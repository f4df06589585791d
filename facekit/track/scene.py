"""Cuts: frames that do not continue the one before."""

import cv2
import numpy as np

from facekit.types import Floats, Image

_THUMBNAIL = (32, 18)
_LEAST_CHANGE = 22.0
_TIMES_USUAL = 4.0
# Colours hardly change from shot to shot of one film, but within a shot they change less: .07 and
# more at cuts between interiors, .01 and less in a camera that is carried around.
_LEAST_HISTOGRAM_CHANGE = 0.04
_SAME_ARRANGEMENT = 0.9


class CutDetector:
    """Says of each frame whether a cut lies before it.

    A cut changes the picture's thumbnail by more than motion in this clip usually does, its
    colours as well, and what is bright where: a fast pan keeps the colours, a flash of light keeps
    the arrangement.
    """

    def __init__(self) -> None:
        """Start with no frame seen."""
        self.reset()

    def reset(self) -> None:
        """Forget the previous frame, as before a new video."""
        self._thumbnail: Floats | None = None
        self._histogram: Floats | None = None
        self._usual_change = 0.0

    def is_cut(self, image: Image) -> bool:
        """Whether `image`, (height, width, 3) uint8 RGB, starts a new shot."""
        thumbnail = _thumbnail(image)
        histogram = _histogram(thumbnail)
        before, histogram_before = self._thumbnail, self._histogram
        self._thumbnail, self._histogram = thumbnail, histogram
        if before is None or histogram_before is None:
            return False
        change = float(np.abs(thumbnail - before).mean())
        moved = change > max(_LEAST_CHANGE, _TIMES_USUAL * self._usual_change)
        recoloured = 1 - float(histogram @ histogram_before) > _LEAST_HISTOGRAM_CHANGE
        cut = moved and recoloured and _likeness(thumbnail, before) < _SAME_ARRANGEMENT
        if not cut:
            self._usual_change += 0.2 * (change - self._usual_change)
        return cut


def _thumbnail(image: Image) -> Floats:
    return np.asarray(cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)


def _likeness(one: Floats, other: Floats) -> float:
    """Correlation of the brightness of two thumbnails; 0 where one of them is flat."""
    a, b = (gray - gray.mean() for gray in (one.mean(axis=2), other.mean(axis=2)))
    return float((a * b).sum() / max(float(np.sqrt((a**2).sum() * (b**2).sum())), 1e-6))


def _histogram(thumbnail: Floats) -> Floats:
    counts = cv2.calcHist([thumbnail], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3).ravel()
    # Blurred, so that a slight change of exposure does not move whole bins.
    cube = counts.reshape(6, 6, 6)
    for axis in range(3):
        cube = cube + 0.5 * (np.roll(cube, 1, axis) + np.roll(cube, -1, axis))
    shares = np.sqrt(cube.ravel() / cube.sum())
    return np.asarray(shares / np.linalg.norm(shares), np.float32)
