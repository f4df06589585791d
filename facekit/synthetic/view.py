"""The unfinished picture that things are painted on, behind and in front of the head."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic.camera import Camera, Matrix
from facekit.types import Floats

_SHIFT = 4  # cv2 draws at whole pixels unless told that coordinates carry fractional bits


@dataclass(slots=True, eq=False)
class View:
    """A picture in the making; painting changes `image` and `cover`.

    Attributes:
        image: (size, size, 3) float32 display RGB.
        cover: (size, size) float32, how much something hides the face there, 0-1.
        camera: of this picture.
        rotation: (3, 3) head to camera.
        translation: (3,) model units.
        points: (478, 2) pixels.
        depth: (size, size) z of the head in model units, infinite beside it.
    """

    image: Floats
    cover: Floats
    camera: Camera
    rotation: Matrix
    translation: Matrix
    points: Floats
    depth: Floats

    @property
    def size(self) -> int:
        """Side of the picture, pixels."""
        return len(self.image)

    @property
    def face(self) -> float:
        """Longer side of the box around the points, pixels."""
        return float((self.points.max(0) - self.points.min(0)).max())

    def place(self, points: NDArray[np.floating]) -> tuple[Floats, Matrix]:
        """(n, 2) pixels and (n,) z of (n, 3) points in head axes."""
        seen = points @ self.rotation.T + self.translation
        return self.camera.project(seen), seen[:, 2]

    def polygon(self, corners: NDArray[np.floating], blur: float = 0.0) -> Floats:
        """(size, size) float32 0-1 mask of a polygon with smooth edges."""
        mask = np.zeros((self.size, self.size), np.uint8)
        cv2.fillPoly(mask, [fixed(corners)], 255, cv2.LINE_AA, _SHIFT)
        if blur > 0.3:
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.uint8)
        return np.asarray(mask / 255, np.float32)

    def line(
        self, mask: Floats, corners: NDArray[np.floating], thickness: float, closed: bool = False
    ) -> None:
        """Draw a line of value 1 into a mask."""
        cv2.polylines(
            mask, [fixed(corners)], closed, 1.0, max(1, round(thickness)), cv2.LINE_AA, _SHIFT
        )

    def blend(self, mask: Floats, colour: NDArray[np.floating]) -> None:
        """Lay a colour, or a picture of colours, over the picture where the mask is."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows) == 0:
            return
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if colour.ndim == 3:  # a picture of colours, perhaps one column or row of them
            colour = np.broadcast_to(colour, self.image.shape)[part]
        image = self.image[part]
        image += (colour.astype(np.float32) - image) * mask[part][..., None]

    def hide(self, mask: Floats) -> None:
        """Note that a mask hides the face."""
        np.maximum(self.cover, mask, out=self.cover)

    def covered(self) -> NDArray[np.bool_]:
        """(478,) which points something hides."""
        at = np.clip(np.round(self.points).astype(int), 0, self.size - 1)
        return np.asarray(self.cover[at[:, 1], at[:, 0]] > 0.5)


def fixed(corners: NDArray[np.floating]) -> NDArray[np.int32]:
    """Corners in the fixed-point numbers that cv2 draws with, kept within its range."""
    return np.asarray(np.round(np.clip(corners, -2000, 2000) * (1 << _SHIFT)), np.int32)


def blurred(mask: NDArray[np.generic], sigma: float) -> Floats:
    """The picture or mask under a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(np.asarray(mask, np.float32), (0, 0), sigma), np.float32)


def convex_hull(corners: Floats) -> Floats:
    """(m, 2) corners of the convex hull of (n, 2) places."""
    return np.asarray(cv2.convexHull(corners.astype(np.float32))[:, 0], np.float32)
