"""Real wrinkles: what an expression does to skin, as ratio images in the texture's layout.

Liu, Shan and Zhang, "Expressive expression mapping with ratio images", SIGGRAPH 2001. Two photos of
one person, neutral and with an expression, are laid out flat by their landmarks; the logarithm of
their ratio is what the expression changed in brightness, on whomever's skin it is put. What the eye
takes for light (low frequencies) is removed. Only train people's photos are used, whatever split
is drawn; what is made of them is never shipped.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.synthetic.mesh import renderer_folder
from facekit.synthetic.raster import Buffers, interpolate, new_buffers, rasterise
from facekit.types import Floats, Image

SIDE = 256
"""Of the layout, pixels; the eyes are 72 apart."""

LOUDEST = 0.6
"""Largest magnitude of a log ratio that is kept: display values."""

_LAYOUT = 512  # side of the layout in which the renderer's files give texels
_LIT = 10.0  # added to both photos: the ratio of two dark pixels is noise
_INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_INNER_LIPS_BELOW = (324, 318, 402, 317, 14, 87, 178, 88, 95)
_EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
_NOSTRILS = ((64, 98, 97, 75, 60, 240, 79, 238, 239, 44), (294, 327, 326, 305, 290, 460, 309, 458))
_REGISTERED = 5.0  # texels that skin may be off after the landmarks have been brought together


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The face laid out flat, subject's right at the left.

    Attributes:
        texels: (468, 2) column and row of every surface point.
        triangles: (t, 3) surface points; they fill eyes and mouth.
        buffers: which triangle each texel lies in.
        skin: (SIDE, SIDE) float32, 0 in eyes, mouth and outside the face, 1 on skin.
        brows: (SIDE, SIDE) float32, 1 on the hair of the brows.
        lips: (SIDE, SIDE) float32, 1 on the lips.
    """

    texels: Floats
    triangles: NDArray[np.int32]
    buffers: Buffers
    skin: Floats
    brows: Floats
    lips: Floats

    def unfold(self, image: Image, points: Floats) -> Floats:
        """(SIDE, SIDE, 3) float32 display RGB of a photo, laid out.

        Args:
            image: (height, width, 3) RGB.
            points: (478, 2 or more) landmarks, pixels.
        """
        places = np.ascontiguousarray(points[:468, :2], np.float32)
        at = interpolate(places, self.triangles, self.buffers)
        flat = cv2.remap(
            image.astype(np.float32),
            at[..., 0],
            at[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(np.clip(flat, 0, 255), np.float32)


def load_layout(data: Path) -> Layout:
    """The layout of the renderer's face texture.

    Args:
        data: the project's data folder.

    Raises:
        SourceError: a file is missing.
    """
    folder = renderer_folder(data)
    for name in ("uv_masks.npz", "corr478.npz"):
        if not (folder / name).is_file():
            raise SourceError("file not found", where=folder / name)
    with np.load(folder / "uv_masks.npz") as file:
        texels = (file["lpx"] + 0.5) * (SIDE / _LAYOUT) - 0.5
        brows, lips = (_shrunk(file[name]) for name in ("brows", "lips"))
    with np.load(folder / "corr478.npz") as file:
        triangles = file["canonical_tri"].astype(np.int32)
    return make_layout(texels.astype(np.float32), triangles, brows, lips)


def make_layout(
    texels: Floats, triangles: NDArray[np.int32], brows: Floats, lips: Floats
) -> Layout:
    """A layout from the texels of the surface points (see `Layout`)."""
    both = np.ascontiguousarray(np.concatenate([triangles, triangles[:, ::-1]]))
    screen = np.ones((len(texels), 4), np.float32)
    screen[:, :2] = texels
    buffers = new_buffers(SIDE, SIDE)
    rasterise(both, screen, buffers)
    skin = cv2.erode((buffers.triangle >= 0).astype(np.uint8), np.ones((7, 7), np.uint8))
    for loop in (*_EYES, *_NOSTRILS, _INNER_LIPS + _INNER_LIPS_BELOW):
        hole = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillConvexPoly(hole, cv2.convexHull(np.round(texels[list(loop)]).astype(np.int32)), 1)
        skin[cv2.dilate(hole, np.ones((5, 5), np.uint8)) > 0] = 0
    return Layout(texels, both, buffers, skin.astype(np.float32), brows, lips)


def _shrunk(mask: NDArray[np.bool_]) -> Floats:
    small = cv2.resize(mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def ratio_image(neutral: Floats, expression: Floats, layout: Layout, smooth: float) -> Floats:
    """(SIDE, SIDE) log ratio of two unfolded photos of a person, zero outside the skin.

    Args:
        neutral: (SIDE, SIDE, 3) from `Layout.unfold`.
        expression: the same person's.
        layout: of both.
        smooth: standard deviation in texels of what counts as light.
    """
    before, after = neutral.mean(2), expression.mean(2)
    after = _registered(before, after, layout)
    ratio = np.clip(np.log((after + _LIT) / (before + _LIT)), -0.9, 0.9)
    skin = layout.skin
    light = _blurred(ratio * skin, smooth) / np.maximum(_blurred(skin, smooth), 1e-3)
    return np.asarray(np.clip(ratio - light, -LOUDEST, LOUDEST) * _blurred(skin, 1.5) * skin)


def _registered(before: Floats, after: Floats, layout: Layout) -> Floats:
    """The second photo moved a little so that brows and lips lie where they are in the first.

    Landmarks do not follow brows exactly; without this half of a frown's ratio is moved hair.
    """
    scaled = [
        np.asarray(np.clip(one * (110 / max(float(one[layout.skin > 0].mean()), 1)), 0, 255))
        for one in (before, after)
    ]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(
        scaled[0].astype(np.uint8),
        scaled[1].astype(np.uint8),
        np.zeros((SIDE, SIDE, 2), np.float32),
    )
    # Smooth: single wrinkles shall not be explained away as movement.
    flow = np.clip(_blurred(np.asarray(flow, np.float32), 5), -_REGISTERED, _REGISTERED)
    near = np.clip(3 * _blurred(np.maximum(layout.brows, layout.lips), 5), 0, 1)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return np.asarray(
        cv2.remap(
            after,
            columns + flow[..., 0] * near,
            rows + flow[..., 1] * near,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _blurred(image: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
