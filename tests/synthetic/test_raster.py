import numpy as np
import pytest

from facekit.synthetic.raster import interpolate, new_buffers, project, rasterise, vertex_normals

FRONT = np.array([[0, 1, 2]], np.int32)


def screen(corners: list[tuple[float, float, float]]) -> np.ndarray:
    x, y, z = np.array(corners, np.float32).T
    return np.column_stack([x, y, 1 / z, z]).astype(np.float32)


def test_a_triangle_by_hand() -> None:
    buffers = new_buffers(5, 5)
    # Counter-clockwise as seen: left top, left bottom, right bottom, at one depth.
    rasterise(FRONT, screen([(0, 0, 2), (0, 4, 2), (4, 4, 2)]), buffers)
    expected = np.tril(np.ones((5, 5), int)) - 1
    np.testing.assert_array_equal(buffers.triangle, expected)
    assert buffers.inverse_depth[3, 1] == pytest.approx(0.5)
    assert buffers.weights[2, 1].tolist() == pytest.approx([0.5, 0.25])  # third corner: 0.25


def test_the_back_of_a_triangle_is_not_drawn() -> None:
    buffers = new_buffers(5, 5)
    rasterise(FRONT, screen([(0, 0, 2), (4, 4, 2), (0, 4, 2)]), buffers)
    assert (buffers.triangle == -1).all()


def test_the_nearer_triangle_wins_whatever_the_order() -> None:
    corners = screen([(0, 0, 9), (0, 4, 9), (4, 4, 9), (0, 0, 3), (0, 4, 3), (4, 4, 3)])
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        buffers = new_buffers(5, 5)
        rasterise(np.array(order, np.int32), corners, buffers)
        near = order.index([3, 4, 5])
        assert set(buffers.triangle[np.tril_indices(5)]) == {near}


def test_neighbours_leave_no_gap() -> None:
    corners = screen([(0.3, 0.2, 2), (0.1, 8.7, 3), (8.9, 8.8, 4), (8.6, 0.4, 5)])
    buffers = new_buffers(9, 9)
    rasterise(np.array([[0, 1, 2], [0, 2, 3]], np.int32), corners, buffers)
    assert (buffers.triangle[1:8, 1:8] >= 0).all()


def test_weights_are_right_in_perspective() -> None:
    vertices = np.array([[-1, -1, 2], [-1, 1, 2], [3, 3, 6]], np.float32)
    lens = np.array([20, 12, 12], np.float32)
    points = project(vertices, np.eye(3, dtype=np.float32), np.zeros(3, np.float32), lens)
    buffers = new_buffers(25, 25)
    rasterise(FRONT, points, buffers)
    seen = interpolate(vertices, FRONT, buffers)
    rows, columns = np.nonzero(buffers.triangle >= 0)
    assert len(rows) > 20
    place = seen[rows, columns]
    np.testing.assert_allclose(12 + 20 * place[:, 0] / place[:, 2], columns, atol=1e-3)
    np.testing.assert_allclose(12 + 20 * place[:, 1] / place[:, 2], rows, atol=1e-3)


def test_normals_point_out_of_a_tetrahedron() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    normals = vertex_normals(vertices, triangles)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert ((normals * (vertices - vertices.mean(0))).sum(1) > 0).all()


def test_nothing_to_draw() -> None:
    buffers = new_buffers(3, 4)
    rasterise(np.zeros((0, 3), np.int32), np.zeros((0, 4), np.float32), buffers)
    assert (buffers.triangle == -1).all()
    assert not interpolate(np.ones((3, 2), np.float32), FRONT, buffers).any()
