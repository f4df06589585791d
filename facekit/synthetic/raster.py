"""A software rasteriser: which triangle is seen at which pixel, and where on it.

Compiled by numba, one thread, no display. Shading comes later (`facekit.synthetic.shading`), once
per visible pixel. Pixel centres have whole-number coordinates.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from facekit.types import Floats

Indices: TypeAlias = NDArray[np.int32]
Number: TypeAlias = Any  # inside compiled code numba decides between single and double precision


class Buffers(NamedTuple):
    """What the rasteriser finds per pixel.

    Attributes:
        triangle: (height, width) int32 number of the triangle in front, -1 for none.
        inverse_depth: (height, width) float32, 1 / z in camera axes; 0 where nothing is.
        weights: (height, width, 2) float32 perspective-correct barycentric weights of the
            triangle's first two corners.
    """

    triangle: Indices
    inverse_depth: Floats
    weights: Floats


def new_buffers(height: int, width: int) -> Buffers:
    """Buffers to be filled by `rasterise`, and to be used again for the next picture."""
    return Buffers(
        np.empty((height, width), np.int32),
        np.empty((height, width), np.float32),
        np.empty((height, width, 2), np.float32),
    )


@njit(cache=True, error_model="numpy")
def project(
    vertices: Floats, rotation: Floats, translation: Floats, camera: Floats
) -> Floats:  # pragma: no cover - compiled
    """(n, 4) column, row, 1 / z and z of vertices; `camera` is focal, centre x, centre y."""
    screen = np.empty((vertices.shape[0], 4), np.float32)
    for i in range(vertices.shape[0]):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        a = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + translation[0]
        b = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + translation[1]
        c = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + translation[2]
        inverse = np.float32(1) / c
        screen[i, 0] = camera[1] + camera[0] * a * inverse
        screen[i, 1] = camera[2] + camera[0] * b * inverse
        screen[i, 2] = inverse
        screen[i, 3] = c
    return screen


@njit(cache=True, error_model="numpy")
def vertex_normals(vertices: Floats, triangles: Indices) -> Floats:  # pragma: no cover - compiled
    """(n, 3) unit normals, each the area-weighted mean over the triangles of a vertex."""
    normals = np.zeros_like(vertices)
    for k in range(triangles.shape[0]):
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        bx = vertices[j, 0] - vertices[i, 0]
        by = vertices[j, 1] - vertices[i, 1]
        bz = vertices[j, 2] - vertices[i, 2]
        cx = vertices[m, 0] - vertices[i, 0]
        cy = vertices[m, 1] - vertices[i, 1]
        cz = vertices[m, 2] - vertices[i, 2]
        nx, ny, nz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        for corner in range(3):
            v = triangles[k, corner]
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        scale = np.float32(1) / np.float32(np.sqrt(x * x + y * y + z * z) + np.float32(1e-9))
        normals[i, 0] *= scale
        normals[i, 1] *= scale
        normals[i, 2] *= scale
    return normals


@njit(cache=True, error_model="numpy")
def _fill(
    number: int,
    ax: Number,
    ay: Number,
    az: Number,
    bx: Number,
    by: Number,
    bz: Number,
    cx: Number,
    cy: Number,
    cz: Number,
    triangle: Indices,
    inverse_depth: Floats,
    weights: Floats,
) -> None:  # pragma: no cover - compiled
    """Draw one triangle; corners are column, row and 1 / z."""
    height, width = triangle.shape
    left = max(int(np.ceil(min(ax, bx, cx))), 0)
    right = min(int(np.floor(max(ax, bx, cx))), width - 1)
    top = max(int(np.ceil(min(ay, by, cy))), 0)
    bottom = min(int(np.floor(max(ay, by, cy))), height - 1)
    if left > right or top > bottom:
        return
    scale = np.float32(1) / ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    slack = np.float32(-1e-5)  # so that no pixel on a shared edge falls between two triangles
    for row in range(top, bottom + 1):
        y = np.float32(row)
        for column in range(left, right + 1):
            x = np.float32(column)
            first = ((cx - bx) * (y - by) - (cy - by) * (x - bx)) * scale
            second = ((ax - cx) * (y - cy) - (ay - cy) * (x - cx)) * scale
            third = np.float32(1) - first - second
            if first < slack or second < slack or third < slack:
                continue
            inverse = first * az + second * bz + third * cz
            if inverse > inverse_depth[row, column]:
                inverse_depth[row, column] = inverse
                triangle[row, column] = number
                weights[row, column, 0] = first * az / inverse
                weights[row, column, 1] = second * bz / inverse


@njit(cache=True, error_model="numpy")
def rasterise(
    triangles: Indices, screen: Floats, buffers: Buffers
) -> None:  # pragma: no cover - compiled
    """Fill the buffers with the nearest front-facing triangle of every pixel.

    Args:
        triangles: (n, 3) corners, counter-clockwise as seen from outside.
        screen: (m, 4) from `project`.
        buffers: overwritten.
    """
    triangle, inverse_depth, weights = buffers.triangle, buffers.inverse_depth, buffers.weights
    triangle[:] = -1
    inverse_depth[:] = 0
    for k in range(triangles.shape[0]):
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ax, ay, bx, by = screen[i, 0], screen[i, 1], screen[j, 0], screen[j, 1]
        cx, cy = screen[m, 0], screen[m, 1]
        # Counter-clockwise is negative because rows grow downwards; the rest is seen from behind.
        if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0:
            _fill(
                k,
                ax,
                ay,
                screen[i, 2],
                bx,
                by,
                screen[j, 2],
                cx,
                cy,
                screen[m, 2],
                triangle,
                inverse_depth,
                weights,
            )


@njit(cache=True, error_model="numpy")
def interpolate(
    values: Floats, triangles: Indices, buffers: Buffers
) -> Floats:  # pragma: no cover - compiled
    """(height, width, c) values of (n, c) vertices at every pixel; zero where nothing is."""
    height, width = buffers.triangle.shape
    out = np.zeros((height, width, values.shape[1]), np.float32)
    for row in range(height):
        for column in range(width):
            k = buffers.triangle[row, column]
            if k < 0:
                continue
            first, second = buffers.weights[row, column, 0], buffers.weights[row, column, 1]
            third = np.float32(1) - first - second
            for j in range(values.shape[1]):
                out[row, column, j] = (
                    first * values[triangles[k, 0], j]
                    + second * values[triangles[k, 1], j]
                    + third * values[triangles[k, 2], j]
                )
    return out
