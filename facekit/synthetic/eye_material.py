"""What eyes are made of: dull whites, dark irises, a bulging cornea, lid shadow, lash line.

Each of these was missing in plain renders, and a gaze network that had not seen them failed on
webcams. Colours are linear RGB until they are laid into the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic.camera import Camera, Matrix, rotation
from facekit.synthetic.material import GAMMA
from facekit.synthetic.mesh import EYE, FaceModel
from facekit.synthetic.people import Person
from facekit.synthetic.raster import Buffers
from facekit.synthetic.shading import Lights
from facekit.synthetic.view import blurred, fixed
from facekit.types import Floats

UPPER_LIDS = (
    (263, 466, 388, 387, 386, 385, 384, 398, 362),
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
)
LOWER_LIDS = (
    (263, 249, 390, 373, 374, 380, 381, 382, 362),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
)
"""Points on the margins from the outer to the inner corner, left eye first."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, slots=True, eq=False)
class EyeLook:
    """How someone's eyes look.

    Attributes:
        sclera: (3,) colour of the white.
        iris: (3,) colour.
        streaks: contrast of the iris' streaks.
        limbus: width of the soft edge of the iris, in iris radii.
        bulge: how much faster than the eyeball's the cornea's normal turns.
        shadow: strength of the shadow that the upper lid throws, 0-1.
        shadow_width: its width in eye distances.
        lash: darkness of the lash line; 0 = none is seen.
        lash_width: in eye distances.
        lash_length: of single lashes, in eye distances.
        smooth: how much of the upper lid's crease is blurred away, 0-1.
    """

    sclera: Floats
    iris: Floats
    streaks: float
    limbus: float
    bulge: float
    shadow: float
    shadow_width: float
    lash: float
    lash_width: float
    lash_length: float
    smooth: float


def random_eye_look(random: np.random.Generator, person: Person) -> EyeLook:
    """Eyes for someone."""
    sclera = np.asarray(person.sclera, np.float64)
    if random.random() < 0.65:
        # Whites are seldom white: in the shade of lids and lashes they are as bright as skin.
        tone = person.albedo * random.uniform(0.75, 1.7) * random.uniform([0.98, 0.9, 0.85], 1.03)
        sclera = tone * np.array([1.0, 0.93, 0.90])
    iris = np.asarray(person.iris, np.float64)
    if random.random() < 0.70:
        iris = np.array([0.05, 0.028, 0.015]) * random.uniform(0.4, 1.5)
    elif float(iris @ _LUMINANCE) < 0.02:
        iris = iris * 2
    return EyeLook(
        sclera=sclera.astype(np.float32),
        iris=iris.astype(np.float32),
        streaks=float(random.uniform(0, 0.2)),
        limbus=float(random.uniform(0.06, 0.22)),
        bulge=float(random.uniform(1.4, 2.1)),
        shadow=float(random.uniform(0.15, 0.75)),
        shadow_width=float(random.uniform(0.02, 0.05)),
        lash=0.0 if random.random() < 0.15 else float(random.uniform(0.3, 0.95)),
        lash_width=float(random.uniform(0.008, 0.03)),
        lash_length=float(random.uniform(0.0, 0.08)),
        smooth=float(random.uniform(0.5, 1)) if random.random() < 0.40 else 0.0,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reflections:
    """Bright rectangles that the cornea mirrors: screens and windows.

    Attributes:
        directions: (k, 3) unit vectors towards their middles, camera axes.
        sizes: (k, 2) half width and half height, tangents of angles.
        colours: (k, 3) linear light, of which the cornea mirrors a few per cent.
    """

    directions: Floats
    sizes: Floats
    colours: Floats


def random_reflections(random: np.random.Generator) -> Reflections:
    """A screen below the camera in most pictures, up to two windows or lamps."""
    directions, sizes, colours = [], [], []
    if random.random() < 0.6:
        directions.append([random.normal(0, 0.2), random.uniform(0.05, 0.5), -1.0])
        sizes.append(random.uniform([0.10, 0.06], [0.40, 0.28]))
        colours.append(random.uniform(0.02, 0.6) * np.array([0.9, 1.0, 1.15]))
    for _ in range(int(random.choice([0, 1, 2], p=[0.4, 0.4, 0.2]))):
        directions.append([*random.normal(0, [1.0, 0.6]) + [0, -0.35], -random.uniform(0.2, 1)])
        sizes.append(random.uniform([0.04, 0.05], [0.35, 0.45]))
        colours.append(random.uniform(0.05, 1.0) * (1 + random.normal(0, 0.08, 3)))
    found = np.asarray(directions, np.float32).reshape(-1, 3)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return Reflections(
        found,
        np.asarray(sizes, np.float32).reshape(-1, 2),
        np.asarray(colours, np.float32).reshape(-1, 3),
    )


@dataclass(frozen=True, slots=True, eq=False)
class EyePixels:
    """The pixels of a picture that show an eyeball.

    Attributes:
        rows: (n,).
        columns: (n,).
        side: (n,) 0 left, 1 right eye.
        local: (n, 3) unit direction from the eyeball's centre, in the eye's own axes.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    side: NDArray[np.intp]
    local: Matrix

    def mask(self, shape: tuple[int, int], side: int | None = None) -> Floats:
        """(height, width) 1 where an eyeball is seen; of one eye, if `side` is given."""
        out = np.zeros(shape, np.float32)
        chosen = slice(None) if side is None else self.side == side
        out[self.rows[chosen], self.columns[chosen]] = 1
        return out


def find_eye_pixels(
    model: FaceModel, triangles: NDArray[np.int32], layers: NDArray[np.uint8], buffers: Buffers
) -> EyePixels:
    """Where the eyeballs are seen.

    Args:
        model: the head.
        triangles: (t, 3) that were drawn.
        layers: (t,) of the same.
        buffers: from the rasteriser.
    """
    here = buffers.triangle
    shown = (here >= 0) & (layers[np.maximum(here, 0)] == EYE)
    rows, columns = np.nonzero(shown)
    corners = triangles[here[rows, columns]]
    first = buffers.weights[rows, columns]
    weights = np.column_stack([first, 1 - first.sum(1)])
    local = np.einsum("nkc,nk->nc", model.eye_directions[corners], weights).astype(np.float64)
    local /= np.maximum(np.linalg.norm(local, axis=1, keepdims=True), 1e-9)
    begin, end = model.eye_vertices[0]
    side = np.where((corners[:, 0] >= begin) & (corners[:, 0] < end), 0, 1)
    return EyePixels(rows, columns, side, local)


def shade_eyes(
    pixels: EyePixels,
    look: EyeLook,
    mirror: Reflections,
    lights: Lights,
    turn: Matrix,
    optical: Matrix,
    camera: Camera,
    iris_half_angle: float,
    pupil: float,
) -> Floats:
    """(n, 3) linear light of every eyeball pixel, before the lids' shadow.

    Args:
        pixels: where.
        look: of the person.
        mirror: what the cornea reflects.
        lights: in camera axes.
        turn: (3, 3) head to camera.
        optical: (2, 2) yaw and pitch of the eyes in the head, degrees.
        camera: of the picture.
        iris_half_angle: radians.
        pupil: pupil / iris.
    """
    albedo, radius = _albedo(pixels.local, look, iris_half_angle, pupil)
    eyes = np.stack([turn @ rotation(yaw, pitch, 0) for yaw, pitch in optical])
    normal = np.einsum("nij,nj->ni", eyes[pixels.side], pixels.local)
    cornea = np.einsum("nij,nj->ni", eyes[pixels.side], _bulged(pixels.local, radius, look.bulge))
    view = camera.rays(np.column_stack([pixels.columns, pixels.rows]).astype(np.float64))
    view = -view / np.linalg.norm(view, axis=1, keepdims=True)
    light = albedo * _diffuse(normal, lights)
    mirrored = 2 * (cornea * view).sum(1, keepdims=True) * cornea - view
    # Light mirrored by the white is scattered by its uneven film of tears.
    shiny = 1 - 0.8 * _ramp(radius, 0.95, 1.25)[:, None]
    bright = _mirror(mirrored, mirror) + _glint(mirrored, lights)
    return np.asarray(light + shiny * bright, np.float32)


def _albedo(local: Matrix, look: EyeLook, half_angle: float, pupil: float) -> tuple[Matrix, Matrix]:
    angle = np.arccos(np.clip(-local[:, 2], -1, 1))
    radius = angle / half_angle
    white = _ramp(radius, 1.0 - look.limbus, 1.0 + look.limbus / 2)
    around = np.arctan2(local[:, 1], local[:, 0])
    streaks = 1 + look.streaks * np.sin(around * 37 + 3 * radius)
    ring = (1.25 - 0.5 * _ramp(radius, 0.3, 1)) * (1 - 0.55 * _ramp(radius, 0.78, 1))
    coloured = look.iris * (ring * streaks)[:, None]
    open_pupil = _ramp(radius, pupil - 0.06, pupil + 0.05)[:, None]
    inside = 0.006 + (coloured - 0.006) * open_pupil
    corner = 0.5 * _ramp(np.abs(local[:, 0]), 0.35, 1.0)
    pink = 1 - corner[:, None] * np.array([0.0, 0.28, 0.34])
    outside = look.sclera * pink * (1 - 0.25 * _ramp(angle, 0.6, 1.3))[:, None]
    return inside + (outside - inside) * white[:, None], radius


def _bulged(local: Matrix, radius: Matrix, bulge: float) -> Matrix:
    """Normals of the cornea, which is rounder than the eyeball and keeps glints in the iris."""
    angle = np.arccos(np.clip(-local[:, 2], -1, 1))
    steeper = angle * (1 + (bulge - 1) * (1 - _ramp(radius, 0.9, 1.15)))
    across = local[:, :2] / np.maximum(np.linalg.norm(local[:, :2], axis=1, keepdims=True), 1e-9)
    return np.column_stack([across * np.sin(steeper)[:, None], -np.cos(steeper)])


def _diffuse(normal: Matrix, lights: Lights) -> Matrix:
    x, y, z = normal.T
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    light = np.maximum(basis.T @ lights.harmonics.astype(np.float64), 0.03)
    facing = np.clip((normal @ lights.directions.T + 0.05) / 1.05, 0, None)
    return np.asarray(light + facing @ lights.colours)


def _mirror(mirrored: Matrix, mirror: Reflections) -> Matrix:
    out = np.zeros_like(mirrored)
    for towards, size, colour in zip(mirror.directions, mirror.sizes, mirror.colours, strict=True):
        across = np.cross([0.0, 1.0, 0.0], towards)
        across /= np.linalg.norm(across)
        down = np.cross(towards, across)
        along = mirrored @ towards
        deep = np.maximum(along, 1e-3)
        u, v = np.abs(mirrored @ across) / deep, np.abs(mirrored @ down) / deep
        edge = 0.06
        inside = (1 - _ramp(u, size[0] - edge, size[0] + edge)) * (
            1 - _ramp(v, size[1] - edge, size[1] + edge)
        )
        out += (inside * (along > 0))[:, None] * colour
    return out


def _glint(mirrored: Matrix, lights: Lights) -> Matrix:
    towards = np.clip(mirrored @ lights.directions.T, 1e-6, 1)
    return np.asarray(towards**220 @ (lights.colours * 2.2))


def _ramp(value: Matrix, low: float, high: float) -> Matrix:
    return np.asarray(np.clip((value - low) / (high - low), 0, 1))


def lid_shadow(mask: Floats, unit: float, look: EyeLook) -> Floats:
    """(height, width) factor on the eyeballs' light: dark under the upper lid.

    Args:
        mask: 1 where an eyeball is seen.
        unit: distance of the eyes in pixels.
        look: of the person.
    """
    sigma = look.shadow_width * unit
    soft = blurred(mask, sigma)
    drop = max(1, round(sigma))
    lowered = np.zeros_like(soft)
    lowered[drop:] = soft[:-drop]
    return np.asarray(1 - look.shadow * np.clip(1.15 - 1.3 * lowered, 0, 1), np.float32)


def display(linear: Floats, exposure: float) -> Floats:
    """Display RGB 0-255 of linear light: the curve of `facekit.synthetic.shading`."""
    value = np.maximum(linear * exposure, 0)
    value = value / (1 + 0.12 * value * value)
    return np.asarray(255 * np.minimum(value, 1) ** (1 / GAMMA), np.float32)


def paint_lashes(
    image: Floats,
    points: Floats,
    seen: list[bool],
    unit: float,
    look: EyeLook,
    shut: Matrix,
    random: np.random.Generator,
) -> None:
    """Dark lid margins and single lashes, in place.

    Args:
        image: (height, width, 3) display RGB.
        points: (478, 2) pixels.
        seen: whether the left and right eye are not behind the nose.
        unit: distance of the eyes in pixels.
        look: of the person.
        shut: (2,) 0 open, 1 shut: the lashes of shut eyes point down.
        random: source of chance.
    """
    if look.lash == 0:
        return
    mask = np.zeros(image.shape[:2], np.float32)
    for side in (0, 1):
        if not seen[side]:
            continue
        upper, lower = points[list(UPPER_LIDS[side])], points[list(LOWER_LIDS[side])]
        width = max(1, round(look.lash_width * unit))
        cv2.polylines(mask, [fixed(upper)], False, 1.0, width, cv2.LINE_AA, 4)
        faint = np.zeros_like(mask)
        cv2.polylines(faint, [fixed(lower)], False, 0.35, max(1, width - 1), cv2.LINE_AA, 4)
        if look.lash_length > 0.015:
            _lashes(mask, upper, unit, look, float(shut[side]), random)
        np.maximum(mask, faint, out=mask)
    soft = blurred(mask, max(0.35, 0.006 * unit))
    image *= 1 - look.lash * soft[..., None] * np.array([0.82, 0.86, 0.9], np.float32)


def _lashes(
    mask: Floats,
    lid: Floats,
    unit: float,
    look: EyeLook,
    shut: float,
    random: np.random.Generator,
) -> None:
    outer = lid[0] - lid[-1]
    outer = outer / max(float(np.linalg.norm(outer)), 1e-6)
    up = np.array([0.0, -1.0]) * (1 - 2 * shut)
    at = np.linspace(0, len(lid) - 1, 15)
    roots = np.column_stack([np.interp(at, np.arange(len(lid)), lid[:, k]) for k in (0, 1)])
    for number, root in enumerate(roots[:-2]):
        spread = 1.1 - 1.5 * number / len(roots)
        way = up + outer * (spread + random.normal(0, 0.15))
        tip = root + way * look.lash_length * unit * random.uniform(0.5, 1.0)
        cv2.polylines(mask, [fixed(np.stack([root, tip]))], False, 0.7, 1, cv2.LINE_AA, 4)
