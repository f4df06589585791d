"""The head: ICT-FaceKit's mesh, its identities and sided expressions, and the 478 points on it.

Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020 (ICT-FaceKit, MIT).
The file's axes (y up, z towards the viewer) are turned into facekit's here and nowhere else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.synthetic.camera import FORWARD, Matrix, rotation
from facekit.synthetic.raster import Indices, vertex_normals
from facekit.types import Floats

FACE, BACK, GUMS, TEETH, EYE, MOUTH_SOCKET, EYE_SOCKET = range(7)
"""Layers: what a triangle is made of."""

EXPRESSIONS = 53
EYE_DISTANCE_MM = 63.0
IRIS_HALF_ANGLE = 0.395
"""Of the iris seen from the eyeball's centre, radians; the human mean on this eyeball."""

LEFT, RIGHT = 0, 1
"""Order of the eyes in every array; the subject's own sides."""

_TURN = np.array([1, -1, -1], np.float32)  # half a turn about x: y up, z near -> y down, z far
_LAYER_OF_MATERIAL = {
    "M_Face": FACE,
    "M_BackHead": BACK,
    "M_GumsTongue": GUMS,
    "M_Teeth": TEETH,
    "M_ScleraLeft": EYE,
    "M_ScleraRight": EYE,
}


@dataclass(frozen=True, slots=True, eq=False)
class FaceModel:
    """Everything about the head that no picture changes. Lengths are model units, about 1 cm.

    Attributes:
        vertices: (n, 3) float32 mean neutral head.
        triangles: (t, 3) int32 vertices of each triangle.
        uv_triangles: (t, 3) int32 rows of `uv` of each triangle.
        uv: (u, 2) float32 texture coordinates, 0-1, row downwards.
        layers: (t,) uint8, one of the layer constants.
        identity: (100, n, 3) float32 identity modes.
        expression_names: the 53 expressions.
        expression_start: (54,) first row of every expression in the two arrays below.
        expression_rows: vertices that an expression moves.
        expression_moves: (r, 3) float32 how it moves them at weight 1.
        eye_centres: (2, 3) float32 eyeball centres, left then right.
        eye_modes: (100, 2, 3) float32 how the identity modes move them.
        eye_radius: radius of the eyeballs.
        eye_vertices: (2, 2) first and last + 1 vertex of each eyeball.
        eye_directions: (n, 3) float32 unit direction of an eyeball vertex from its centre, in the
            eye's own axes; zero elsewhere.
        point_corners: (468, 3) vertices around each surface point.
        point_weights: (468, 3) float32 their barycentric weights.
        point_mirror: (478,) the point that a mirrored picture shows in a point's place.
        scalp: (n,) float32 0-1, how much hair a vertex carries.
        normals: (n, 3) float32 of the mean neutral head.
        lip_depth: z of the lips; what lies deeper is inside the mouth.
    """

    vertices: Floats
    triangles: Indices
    uv_triangles: Indices
    uv: Floats
    layers: NDArray[np.uint8]
    identity: Floats
    expression_names: tuple[str, ...]
    expression_start: Indices
    expression_rows: Indices
    expression_moves: Floats
    eye_centres: Floats
    eye_modes: Floats
    eye_radius: float
    eye_vertices: Indices
    eye_directions: Floats
    point_corners: Indices
    point_weights: Floats
    point_mirror: Indices
    scalp: Floats
    normals: Floats
    lip_depth: float

    def neutral(self, identity: Floats) -> Floats:
        """(n, 3) head of someone, without expression.

        Args:
            identity: (100,) coefficients, about N(0, 1).
        """
        modes = self.identity.reshape(len(self.identity), -1)
        moved = self.vertices + (identity.astype(np.float32) @ modes).reshape(-1, 3)
        return np.asarray(moved, np.float32)

    def eyeballs(self, identity: Floats) -> Floats:
        """(2, 3) eyeball centres of someone, left then right."""
        moved = np.tensordot(identity, self.eye_modes, axes=1)
        return np.asarray(self.eye_centres + moved, np.float32)

    def posed(self, neutral: Floats, weights: Floats, centres: Floats, gaze: Matrix) -> Floats:
        """(n, 3) head with an expression and turned eyes.

        Args:
            neutral: (n, 3) from `neutral`.
            weights: (53,) expression weights.
            centres: (2, 3) from `eyeballs`.
            gaze: (2, 2) yaw and pitch of each eye in the head, degrees.
        """
        vertices = neutral.copy()
        _add_expressions(
            vertices,
            self.expression_start,
            self.expression_rows,
            self.expression_moves,
            weights.astype(np.float32),
        )
        for eye, (first, last) in enumerate(self.eye_vertices):
            turn = rotation(gaze[eye, 0], gaze[eye, 1], 0).astype(np.float32)
            directions = self.eye_directions[first:last] * np.float32(self.eye_radius)
            vertices[first:last] = directions @ turn.T + centres[eye]
        return vertices

    def points(
        self, vertices: Floats, centres: Floats, gaze: Matrix, iris_half_angle: float
    ) -> Floats:
        """(478, 3) true points in head axes, MediaPipe's topology, irises last."""
        surface = np.einsum("lkc,lk->lc", vertices[self.point_corners], self.point_weights)
        irises = [
            _iris(
                centres[eye],
                rotation(gaze[eye, 0], gaze[eye, 1], 0),
                self.eye_radius,
                iris_half_angle,
            )
            for eye in (RIGHT, LEFT)  # 468-472 belong to the subject's right eye
        ]
        return np.concatenate([surface, *irises]).astype(np.float32)

    def weights_of(self, named: dict[str, float]) -> Floats:
        """(53,) weights of expressions given by name."""
        weights = np.zeros(EXPRESSIONS, np.float32)
        for name, weight in named.items():
            weights[self.expression_names.index(name)] = weight
        return weights


def _iris(centre: Floats, turn: Matrix, radius: float, half_angle: float) -> Matrix:
    """(5, 3) centre of an iris, then its image-right, top, image-left and bottom edge."""
    depth, edge = radius * np.cos(half_angle), radius * np.sin(half_angle)
    around = np.array([[0, 0], [1, 0], [0, -1], [-1, 0], [0, 1]]) * edge
    local = np.column_stack([around, np.full(5, depth * FORWARD[2])])
    return np.asarray(local @ turn.T + centre)


@njit(cache=True, error_model="numpy")
def _add_expressions(
    vertices: Floats, start: Indices, rows: Indices, moves: Floats, weights: Floats
) -> None:  # pragma: no cover - compiled
    for e in range(weights.shape[0]):
        weight = weights[e]
        if weight == 0:
            continue
        for r in range(start[e], start[e + 1]):
            v = rows[r]
            vertices[v, 0] += weight * moves[r, 0]
            vertices[v, 1] += weight * moves[r, 1]
            vertices[v, 2] += weight * moves[r, 2]


def smoothstep(values: Floats, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def scalp_weight(positions: Floats) -> Floats:
    """How much hair grows at (..., 3) places of the mean head (facekit's axes), 0-1."""
    x, up, near = positions[..., 0], -positions[..., 1], -positions[..., 2]
    top = smoothstep(up, 8.9, 10.4)
    side = smoothstep(3.6 - near, 0, 1.6) * smoothstep(up, 3.6, 5.2)
    back = smoothstep(0.6 - near, 0, 1.8) * smoothstep(up, -3.5, -1.0)
    ear = (np.abs(x) > 7.6) & (up < 5.5) & (up > -2)
    return np.where(ear, 0, np.maximum(np.maximum(top, side), back)).astype(np.float32)


def load_model(data: Path) -> FaceModel:
    """The head from the project's data folder.

    Args:
        data: folder with ``ict_facekit.npz``; the correspondence of the 478 points is expected
            in ``../renderer/corr478.npz`` beside it.

    Raises:
        SourceError: a file is missing.
    """
    paths = [data / "ict_facekit.npz", renderer_folder(data) / "corr478.npz"]
    for path in paths:
        if not path.is_file():
            raise SourceError("file not found", where=path, advice="Give --data the data folder")
    with np.load(paths[0], allow_pickle=False) as file:
        head = {key: file[key] for key in file.files}
    with np.load(paths[1], allow_pickle=False) as file:
        points = {key: file[key] for key in file.files}
    return _assemble(head, points)


def renderer_folder(data: Path) -> Path:
    """The folder of fitted people and textures that belongs to a data folder."""
    return data.resolve().parent / "renderer"


def _assemble(head: dict[str, NDArray[Any]], points: dict[str, NDArray[Any]]) -> FaceModel:
    groups = {str(n): r for n, r in zip(head["group_names"], head["group_ranges"], strict=True)}
    count = int(groups["eyeball_R"][1])  # tear film and lashes after it are not drawn
    vertices = (head["vertices"][:count] * _TURN).astype(np.float32)
    triangles, uv_triangles, layers = _triangles(head, groups, count)
    start, rows, moves = _expressions(head, groups, count)
    centres = (points["eye_centre_LR"] * _TURN).astype(np.float32)
    eyes = np.array([groups["sclera_L"][:2], groups["sclera_R"][:2]], np.int32)
    directions = np.zeros_like(vertices)
    for eye, (first, last) in enumerate(eyes):
        offset = vertices[first:last] - centres[eye]
        directions[first:last] = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    uv = head["uv"] - np.floor(head["uv"])
    identity = np.ascontiguousarray(head["identity"][:, :count].astype(np.float32) * _TURN)
    scalp = scalp_weight(vertices)
    scalp[groups["mouth_socket"][0] :] = 0
    return FaceModel(
        vertices=vertices,
        triangles=triangles,
        uv_triangles=uv_triangles,
        uv=np.column_stack([uv[:, 0], 1 - uv[:, 1]]).astype(np.float32),
        layers=layers,
        identity=identity,
        expression_names=tuple(str(n) for n in head["expr_names"][:EXPRESSIONS]),
        expression_start=start,
        expression_rows=rows,
        expression_moves=moves,
        eye_centres=centres,
        eye_modes=np.stack([identity[:, first:last].mean(1) for first, last in eyes], axis=1),
        eye_radius=float(points["eye_radius"]),
        eye_vertices=eyes,
        eye_directions=directions,
        point_corners=points["tri"].astype(np.int32),
        point_weights=points["bary"].astype(np.float32),
        point_mirror=points["mirror"].astype(np.int32),
        scalp=scalp,
        normals=vertex_normals(vertices, triangles),
        lip_depth=float(vertices[head["landmark68"][62], 2]),
    )


def _triangles(
    head: dict[str, NDArray[Any]], groups: dict[str, NDArray[Any]], count: int
) -> tuple[Indices, Indices, NDArray[np.uint8]]:
    """Quads split into triangles, those that are drawn, with their layers."""
    names = [str(n) for n in head["material_names"]]
    layer_of = np.array([_LAYER_OF_MATERIAL.get(name, 255) for name in names], np.uint8)
    quads = head["faces"]
    whole = np.flatnonzero(np.asarray(quads)[:, 3] >= 0)
    sources = np.concatenate([np.arange(len(quads)), whole])
    corners = np.array([[0, 1, 2]] * len(quads) + [[0, 2, 3]] * len(whole))
    triangles = np.asarray(quads)[sources[:, None], corners].astype(np.int32)
    uv_triangles = np.asarray(head["uv_faces"])[sources[:, None], corners].astype(np.int32)
    layers = layer_of[np.asarray(head["face_material"])[sources]]
    lowest = triangles.min(1)
    for name, layer in (
        ("mouth_socket", MOUTH_SOCKET),
        ("eye_socket_L", EYE_SOCKET),
        ("eye_socket_R", EYE_SOCKET),
    ):
        first, last = groups[name][0], groups[name][1]
        layers = np.where((lowest >= first) & (lowest < last) & (layers != 255), layer, layers)
    keep = (layers != 255) & (triangles.max(1) < count)
    return (
        np.ascontiguousarray(triangles[keep]),
        np.ascontiguousarray(uv_triangles[keep]),
        layers[keep].astype(np.uint8),
    )


def _expressions(
    head: dict[str, NDArray[Any]], groups: dict[str, NDArray[Any]], count: int
) -> tuple[Indices, Indices, Floats]:
    """The moves of every expression, without those too small to see and without the eyeballs."""
    start = [0]
    rows, moves = [], []
    eyes = (int(groups["eyeball_L"][0]), int(groups["eyeball_R"][1]))
    for e in range(EXPRESSIONS):
        part = slice(int(head["expr_ptr"][e]), int(head["expr_ptr"][e + 1]))
        row = np.asarray(head["expr_rows"][part]).astype(np.int32)
        move = np.asarray(head["expr_vals"][part]).astype(np.float32)
        # Eyeballs are rigid: they turn with the gaze and nothing else.
        keep = (np.abs(move).max(1) > 2e-3) & (row < count) & ((row < eyes[0]) | (row >= eyes[1]))
        rows.append(row[keep])
        moves.append(move[keep] * _TURN)
        start.append(start[-1] + int(keep.sum()))
    return np.array(start, np.int32), np.concatenate(rows), np.concatenate(moves)
