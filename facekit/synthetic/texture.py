"""Mends and completes a person's texture: temples, cheeks' edge, lash line, clothes.

A front photograph shows neither temples nor neck. What it cannot show was filled with plain skin
when the textures were made; here hair is led back over the temples in three dimensions, the dark
rim where the photograph ended is blended away, and a line of lashes is drawn on the lid's margin.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic.mesh import BACK, FACE, FaceModel, scalp_weight, smoothstep
from facekit.synthetic.raster import interpolate, new_buffers, rasterise
from facekit.types import Floats

_SIZE = 512
_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (263, 466, 388, 387, 386, 385, 384, 398, 362),
    (263, 249, 390, 373, 374, 380, 381, 382, 362),
)
"""Points on the margins: upper and lower lid of the right eye, then of the left."""

_PHOTO_SKIN = np.array([1.21, 0.95, 0.84], np.float32)
"""Skin RGB / mean of the people photographed with a neutral white balance."""


class TexturePainter:
    """Paints textures of one head model; everything that people share is computed once.

    Args:
        model: the head.
        core: (512, 512) bool, texels that the front photograph shows well.
        skin: (512, 512) bool, texels of bare skin.
        point_texels: (468, 2) texel of every surface point.
    """

    def __init__(
        self,
        model: FaceModel,
        core: NDArray[np.bool_],
        skin: NDArray[np.bool_],
        point_texels: NDArray[np.float64],
    ) -> None:
        """Lay the head out flat and find the regions."""
        self._skin = skin
        places = [texel_positions(model, layer) for layer in (FACE, BACK)]
        self._temples = _temples(places[0], core)
        self._rim = _rim(places[0], core)
        self._height = np.stack([_filled(place) for place in places])
        self._back_scalp = scalp_weight(places[1])
        self._top_scalp = scalp_weight(places[0]) * (
            1 - cv2.GaussianBlur(core.astype(np.float32), (0, 0), 4)
        )
        self._lashes = _lash_line(point_texels)
        noise = np.random.default_rng(1).normal(size=(_SIZE, _SIZE)).astype(np.float32)
        streaks = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.8, sigmaY=9)
        self._streaks = streaks / streaks.std()

    def paint(
        self, face: Floats, back: Floats, skin: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Mended face and back tile, hair colour and skin colour.

        Args:
            face: (512, 512, 3) display RGB.
            back: (256, 256, 3) display RGB of the back of the head.
            skin: (3,) median skin colour.
        """
        # A third of the photographs are redder than skin is; lead them most of the way back.
        chroma = skin / skin.mean()
        gain = np.clip((_PHOTO_SKIN / chroma) ** 0.75, 0.75, 1.25).astype(np.float32)
        face, back, skin = face * gain, back * gain, skin * gain
        hair = np.median(back[30:100, 100:150].reshape(-1, 3), axis=0)
        back = np.asarray(cv2.resize(back, (_SIZE, _SIZE)), np.float32)
        # Where a photograph shows no hair its colour was guessed: dark skin has dark hair.
        if skin.mean() < 92:
            darker = min(1.0, 0.5 * float(skin.mean() / hair.mean()))
            hair = hair * darker
            back = back * (1 - (1 - darker) * self._back_scalp[..., None])
            face = face * (1 - (1 - darker) * self._top_scalp[..., None])
        shade = face.mean(2, keepdims=True) / max(float(face[self._skin].mean()), 1)
        plain = skin * np.clip(0.7 + 0.3 * cv2.GaussianBlur(shade, (0, 0), 6)[..., None], 0.93, 1)
        face = face + (plain - face) * self._rim[..., None]
        strands = hair * (1 + 0.2 * self._streaks[..., None])
        face = face + (strands - face) * self._temples[..., None]
        face = face * (1 - 0.6 * self._lashes[..., None])
        return face, back, hair.astype(np.float32), np.clip(skin, 0, 255)

    def clothes(self, neckline: float, size: int) -> Floats:
        """(2, size, size, 1) where cloth covers the neck below a height on the mean head, 0-1."""
        step = _SIZE // size
        return smoothstep(self._height[:, ::step, ::step, None], neckline, neckline + 0.4)


def texel_positions(model: FaceModel, layer: int) -> Floats:
    """(512, 512, 4) place on the mean head of every texel of a tile, and 1 where it has one."""
    keep = model.layers == layer
    uv_triangles, triangles = model.uv_triangles[keep], model.triangles[keep]
    screen = np.ones((len(model.uv), 4), np.float32)
    screen[:, :2] = model.uv * _SIZE - 0.5
    vertex_of = np.zeros(len(model.uv), np.int32)
    vertex_of[uv_triangles] = triangles
    buffers = new_buffers(_SIZE, _SIZE)
    # Texture space may be mirrored with respect to the picture: draw either side.
    both = np.concatenate([uv_triangles, uv_triangles[:, ::-1]])
    rasterise(np.ascontiguousarray(both), screen, buffers)
    values = np.column_stack([model.vertices, np.ones(len(model.vertices), np.float32)])
    return np.asarray(
        interpolate(np.ascontiguousarray(values[vertex_of]), np.ascontiguousarray(both), buffers)
    )


def _filled(place: Floats) -> Floats:
    """(512, 512) how far down a texel is, continued a little beyond the edges of the layout."""
    known = place[..., 3] > 0
    kernel = np.ones((9, 9), np.uint8)
    spread = cv2.dilate(np.where(known, place[..., 1], -100), kernel)
    return np.where(known, place[..., 1], spread).astype(np.float32)


def _temples(place: Floats, core: NDArray[np.bool_]) -> Floats:
    """Where hair grows between the photographed forehead and the scalp, 0-1."""
    x, up, near = np.abs(place[..., 0]), -place[..., 1], -place[..., 2]
    outside = 1 - cv2.GaussianBlur(core.astype(np.float32), (0, 0), 4)
    hairline = smoothstep(up - 0.35 * (near - 4), 4.3, 5.6) * smoothstep(x, 5.0, 6.5)
    sideburn = smoothstep(up, 2.0, 3.5) * smoothstep(5.2 - near, 0, 1.5) * smoothstep(x, 6.5, 7.0)
    ear = smoothstep(x, 7.6, 7.9) * (up < 5.2) * (near < 3.5)
    mask = outside * np.maximum(hairline, sideburn) * (1 - ear) * place[..., 3]
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2.5))


def _rim(place: Floats, core: NDArray[np.bool_]) -> Floats:
    """The edge of the photograph along cheeks and jaw, 0-1."""
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (75, 75))
    narrow = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (45, 45))
    inner = cv2.erode(core.astype(np.uint8), wide)
    outer = cv2.dilate(core.astype(np.uint8), narrow)
    band = cv2.GaussianBlur((outer - inner).astype(np.float32), (0, 0), 7)
    x, up = np.abs(place[..., 0]), -place[..., 1]
    return np.asarray(band * smoothstep(x, 3.9, 5.2) * (1 - smoothstep(up, 5.0, 7.0)), np.float32)


def _lash_line(texels: NDArray[np.float64]) -> Floats:
    """Dark margins of the lids, the upper darker, 0-1."""
    mask = np.zeros((_SIZE, _SIZE), np.float32)
    for number, lid in enumerate(_LIDS):
        line = np.round(texels[list(lid)] * 16).astype(np.int32)
        upper = number % 2 == 0
        cv2.polylines(
            mask, [line], False, 1.0 if upper else 0.35, 3 if upper else 2, cv2.LINE_AA, 4
        )
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5))
