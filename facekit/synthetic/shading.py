"""Deferred shading: the colour of every pixel that the rasteriser found. Linear light inside.

Light falls as nine spherical harmonics (Ramamoorthi & Hanrahan, 2001) plus directional lights with
wrapped diffuse and Blinn highlights. Irises and pupils are drawn from the direction on the eyeball,
the inside of the mouth darkens with its depth behind the lips, and expression lines are dark and
bright ridges on the skin. Compiled by numba; colours are RGB.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from facekit.synthetic.mesh import BACK, EYE, EYE_SOCKET, FACE, TEETH
from facekit.synthetic.raster import Buffers, Indices, Number
from facekit.types import Floats, Image

ONE = np.float32(1)  # a Python number would turn the compiled sums into double precision


class Geometry(NamedTuple):
    """The posed head in head axes.

    Attributes:
        triangles: (t, 3) vertices.
        uv_triangles: (t, 3) rows of `uv`.
        uv: (u, 2) texture coordinates, row downwards.
        layers: (t,) what each triangle is made of.
        vertices: (n, 3).
        normals: (n, 3).
        eye_directions: (n, 3) place on the eyeball, in the eye's own axes.
    """

    triangles: Indices
    uv_triangles: Indices
    uv: Floats
    layers: NDArray[np.uint8]
    vertices: Floats
    normals: Floats
    eye_directions: Floats


class Material(NamedTuple):
    """What someone is made of; colours are linear RGB.

    Attributes:
        texture: (2, s, s, 3) float32 skin and hair of the face, and of the back of the head.
        flat: (7, 3) colour of each layer that has no texture.
        gloss: (7, 2) strength and exponent of each layer's highlight.
        iris: (3,) colour.
        sclera: (3,) colour.
        eye: (3,) pupil as a share of the iris, iris half angle in radians, streak contrast.
        lip_depth: z of the lips in the head.
    """

    texture: Floats
    flat: Floats
    gloss: Floats
    iris: Floats
    sclera: Floats
    eye: Floats
    lip_depth: float


class Lights(NamedTuple):
    """Light in camera axes.

    Attributes:
        harmonics: (9, 3) irradiance: constant, y, z, x, xy, yz, 3zz - 1, xz, xx - yy of the normal.
        directions: (2, 3) unit vectors towards the lamps.
        colours: (2, 3) of the lamps.
        exposure: factor on everything.
    """

    harmonics: Floats
    directions: Floats
    colours: Floats
    exposure: float


@njit(cache=True, error_model="numpy", inline="always")
def _step(value: Number, low: Number, high: Number) -> Number:  # pragma: no cover - compiled
    t = (value - low) / (high - low)
    return min(max(t, np.float32(0)), np.float32(1))


@njit(cache=True, error_model="numpy", inline="always")
def _skin(
    layer: int, u: Number, v: Number, texture: Floats, line_map: Floats
) -> tuple[Number, Number, Number]:  # pragma: no cover - compiled
    size = texture.shape[1]
    edge = np.float32(size - 1.001)
    x = min(max(u * size - np.float32(0.5), np.float32(0)), edge)
    y = min(max(v * size - np.float32(0.5), np.float32(0)), edge)
    i, j = int(y), int(x)
    right, down = np.float32(x - j), np.float32(y - i)
    left, up = ONE - right, ONE - down
    a, b, c, d = up * left, up * right, down * left, down * right
    t = texture
    red = (
        a * t[layer, i, j, 0]
        + b * t[layer, i, j + 1, 0]
        + c * t[layer, i + 1, j, 0]
        + d * t[layer, i + 1, j + 1, 0]
    )
    green = (
        a * t[layer, i, j, 1]
        + b * t[layer, i, j + 1, 1]
        + c * t[layer, i + 1, j, 1]
        + d * t[layer, i + 1, j + 1, 1]
    )
    blue = (
        a * t[layer, i, j, 2]
        + b * t[layer, i, j + 1, 2]
        + c * t[layer, i + 1, j, 2]
        + d * t[layer, i + 1, j + 1, 2]
    )
    if layer == FACE:
        side = line_map.shape[0]
        depth = line_map[min(int(v * side), side - 1), min(int(u * side), side - 1)]
        if abs(depth) > np.float32(0.004):  # creases of skin are redder than the skin around
            red *= np.exp(-depth)
            green *= np.exp(-depth * np.float32(1.12))
            blue *= np.exp(-depth * np.float32(1.15))
    return red, green, blue


@njit(cache=True, error_model="numpy", inline="always")
def _eye(
    x: Number, y: Number, z: Number, iris: Floats, sclera: Floats, eye: Floats
) -> tuple[Number, Number, Number]:  # pragma: no cover - compiled
    scale = 1 / np.sqrt(x * x + y * y + z * z + 1e-12)
    angle = np.arccos(min(max(-z * scale, -1.0), 1.0))
    radius = angle / eye[1]
    white = _step(radius, 0.92, 1.06)
    open_pupil = _step(radius, eye[0] - 0.05, eye[0] + 0.03)
    streaks = 1 + eye[2] * np.sin(np.arctan2(y, x) * 37 + 3 * radius)
    ring = (1.25 - 0.5 * _step(radius, 0.3, 1.0)) * (1 - 0.55 * _step(radius, 0.78, 1.0))
    fade = 1 - 0.2 * _step(angle, 0.6, 1.3)
    corner = 0.5 * _step(abs(x * scale), 0.35, 1.0)
    red = 0.008 + (iris[0] * ring * streaks - 0.008) * open_pupil
    green = 0.008 + (iris[1] * ring * streaks - 0.008) * open_pupil
    blue = 0.008 + (iris[2] * ring * streaks - 0.008) * open_pupil
    return (
        np.float32(red * (1 - white) + sclera[0] * fade * white),
        np.float32(green * (1 - white) + sclera[1] * fade * (1 - 0.28 * corner) * white),
        np.float32(blue * (1 - white) + sclera[2] * fade * (1 - 0.34 * corner) * white),
    )


@njit(cache=True, error_model="numpy", inline="always")
def _occlusion(
    layer: int, normal_y: Number, y: Number, z: Number, lip_depth: Number
) -> Number:  # pragma: no cover - compiled
    """How much of the surroundings' light reaches a place of the head, 0-1."""
    if layer == EYE:  # the upper lid and its lashes shade the top of the eyeball
        return np.float32(1 - 0.5 * _step(-normal_y, 0.02, 0.42))
    if layer <= BACK:  # the chin shades the neck
        if y < np.float32(5.5):
            return ONE
        return np.float32(1 - 0.45 * _step(y, 5.5, 9.0) * _step(z, -9.0, -4.0))
    if layer == EYE_SOCKET:
        return np.float32(0.5)
    deep = _step(z, lip_depth, lip_depth + 3.2) ** 0.7
    shadow = 1.0
    if layer == TEETH:  # molars beside the tongue would shine like a pillar
        shadow = 1 - 0.93 * _step(z, lip_depth + 0.9, lip_depth + 2.3)
    return np.float32((0.8 - 0.74 * deep) * shadow)


@njit(cache=True, error_model="numpy", inline="always")
def _ambient(sh: Floats, j: int, x: Number, y: Number, z: Number) -> Number:  # pragma: no cover
    value = (
        sh[0, j]
        + sh[1, j] * y
        + sh[2, j] * z
        + sh[3, j] * x
        + sh[4, j] * x * y
        + sh[5, j] * y * z
        + sh[6, j] * (np.float32(3) * z * z - ONE)
        + sh[7, j] * x * z
        + sh[8, j] * (x * x - y * y)
    )
    return max(value, np.float32(0.03))


@njit(cache=True, error_model="numpy", inline="always")
def _lamp(
    x: Number,
    y: Number,
    z: Number,
    vx: Number,
    vy: Number,
    vz: Number,
    directions: Floats,
    lamp: int,
    strength: Number,
    exponent: Number,
    wrap: Number,
) -> tuple[Number, Number]:  # pragma: no cover - compiled
    """Diffuse and mirrored share of a lamp's light; the normal, then the way to the viewer."""
    dx, dy, dz = directions[lamp, 0], directions[lamp, 1], directions[lamp, 2]
    facing = x * dx + y * dy + z * dz
    diffuse = max((facing + wrap) / (ONE + wrap), np.float32(0))
    if facing <= 0 or strength <= 0:
        return diffuse, np.float32(0)
    hx, hy, hz = dx + vx, dy + vy, dz + vz
    half = (x * hx + y * hy + z * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)
    if (half - ONE) * exponent < np.float32(-7):  # an upper limit of log(half) * exponent
        return diffuse, np.float32(0)
    shine = np.exp(np.log(half) * exponent) * strength * (exponent + np.float32(8))
    return diffuse, shine * np.float32(0.0064)


def shade(
    buffers: Buffers,
    geometry: Geometry,
    material: Material,
    lines: Floats,
    lights: Lights,
    rotation: Floats,
    camera: Floats,
    tone: Image,
) -> Image:
    """(height, width, 4) RGB and coverage (0 or 255) of the head.

    Args:
        buffers: from `rasterise`.
        geometry: the posed head.
        material: colours and texture.
        lines: (w, w) depth of the expression lines over the face's texture, from `line_map`.
        lights: in camera axes.
        rotation: (3, 3) head to camera.
        camera: (3,) focal length and optical centre.
        tone: (4096,) display value of linear 0-1 light, from `tone_table`.
    """
    height, width = buffers.triangle.shape
    out = np.zeros((height, width, 4), np.uint8)
    _shade_pixels(
        buffers.triangle,
        buffers.weights,
        *geometry,
        *material[:-1],
        np.float32(material.lip_depth),
        lines,
        *lights[:-1],
        np.float32(lights.exposure),
        rotation,
        camera,
        tone,
        out,
    )
    return out


@njit(cache=True, error_model="numpy")
def _shade_pixels(
    # Plain arrays instead of records: numba counts references at every use of a record's field,
    # which in this loop costs more than the light.
    triangle: Indices,
    weights: Floats,
    triangles: Indices,
    uv_triangles: Indices,
    uv: Floats,
    layers: NDArray[np.uint8],
    vertices: Floats,
    normals: Floats,
    eye_directions: Floats,
    texture: Floats,
    flat: Floats,
    gloss: Floats,
    iris: Floats,
    sclera: Floats,
    eye: Floats,
    lip_depth: Number,
    line_map: Floats,
    harmonics: Floats,
    directions: Floats,
    lamps: Floats,
    exposure: Number,
    rotation: Floats,
    camera: Floats,
    tone: Image,
    out: Image,
) -> None:  # pragma: no cover - compiled
    at = np.zeros(11, np.float32)
    colour = np.empty(3, np.float32)
    for row in range(triangle.shape[0]):
        vy = -(np.float32(row) - camera[2]) / camera[0]
        for column in range(triangle.shape[1]):
            k = triangle[row, column]
            if k < 0:
                continue
            layer = int(layers[k])
            _place(
                k,
                layer,
                weights[row, column, 0],
                weights[row, column, 1],
                triangles,
                uv_triangles,
                uv,
                vertices,
                normals,
                eye_directions,
                at,
            )
            if layer <= BACK:
                red, green, blue = _skin(layer, at[9], at[10], texture, line_map)
            elif layer == EYE:
                red, green, blue = _eye(at[6], at[7], at[8], iris, sclera, eye)
            else:
                red, green, blue = flat[layer, 0], flat[layer, 1], flat[layer, 2]
            colour[0], colour[1], colour[2] = red, green, blue
            vx = -(np.float32(column) - camera[1]) / camera[0]
            _lit(
                colour, at, layer, rotation, vx, vy, gloss, lip_depth, harmonics, directions, lamps
            )
            for j in range(3):
                value = colour[j] * exposure
                # A soft shoulder, as film and cameras have.
                value /= ONE + np.float32(0.12) * value * value
                out[row, column, j] = tone[int(min(value, ONE) * np.float32(4095))]
            out[row, column, 3] = 255


@njit(cache=True, error_model="numpy", inline="always")
def _place(
    k: int,
    layer: int,
    a: Number,
    b: Number,
    triangles: Indices,
    uv_triangles: Indices,
    uv: Floats,
    p: Floats,
    n: Floats,
    e: Floats,
    at: Floats,
) -> None:  # pragma: no cover - compiled
    """Fill `at`: normal, place, eye direction in head axes (3 each), texture coordinates (2)."""
    c = np.float32(1) - a - b
    i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
    for axis in range(3):
        at[axis] = a * n[i, axis] + b * n[j, axis] + c * n[m, axis]
        at[3 + axis] = a * p[i, axis] + b * p[j, axis] + c * p[m, axis]
    if layer == EYE:
        for axis in range(3):
            at[6 + axis] = a * e[i, axis] + b * e[j, axis] + c * e[m, axis]
    if layer > BACK:
        return
    i, j, m = uv_triangles[k, 0], uv_triangles[k, 1], uv_triangles[k, 2]
    at[9] = a * uv[i, 0] + b * uv[j, 0] + c * uv[m, 0]
    at[10] = a * uv[i, 1] + b * uv[j, 1] + c * uv[m, 1]


@njit(cache=True, error_model="numpy", inline="always")
def _lit(
    colour: Floats,
    at: Floats,
    layer: int,
    rotation: Floats,
    vx: Number,
    vy: Number,
    gloss: Floats,
    lip_depth: Number,
    harmonics: Floats,
    directions: Floats,
    lamps: Floats,
) -> None:  # pragma: no cover - compiled
    """Turn the albedo in `colour` into light that reaches the viewer along (vx, vy, -1)."""
    r = rotation
    x = r[0, 0] * at[0] + r[0, 1] * at[1] + r[0, 2] * at[2]
    y = r[1, 0] * at[0] + r[1, 1] * at[1] + r[1, 2] * at[2]
    z = r[2, 0] * at[0] + r[2, 1] * at[1] + r[2, 2] * at[2]
    scale = np.float32(1) / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    x, y, z = x * scale, y * scale, z * scale
    vz = -ONE / np.sqrt(vx * vx + vy * vy + ONE)
    vx, vy = -vx * vz, -vy * vz
    open_sky = _occlusion(layer, at[1], at[4], at[5], lip_depth)
    open_lamp = np.float32(0.65) * open_sky + np.float32(0.35)
    wrap = np.float32(0.18) if layer <= BACK else np.float32(0.05)
    strength, exponent = gloss[layer, 0], gloss[layer, 1]
    first, first_shine = _lamp(x, y, z, vx, vy, vz, directions, 0, strength, exponent, wrap)
    second, second_shine = _lamp(x, y, z, vx, vy, vz, directions, 1, strength, exponent, wrap)
    for j in range(3):
        diffuse = _ambient(harmonics, j, x, y, z) * open_sky
        diffuse += (lamps[0, j] * first + lamps[1, j] * second) * open_lamp
        shine = (lamps[0, j] * first_shine + lamps[1, j] * second_shine) * open_sky
        colour[j] = colour[j] * diffuse + shine
