import numpy as np
import pytest

from facekit.detect.boxes import (
    decode,
    logit,
    move,
    probability,
    square,
    suppress,
    suppress_nested,
)


def test_decode_places_windows_two_pixels_apart_at_the_level_scale() -> None:
    maps = np.full((5, 2, 3), -9, np.float32)
    maps[:, 1, 2] = [3, 0.1, 0.2, 0.3, 0.4]
    # Column 2, row 1 at half size: (2 * 2 + 1) / 0.5 = 10 to (2 * 2 + 12) / 0.5 = 32.
    rows = decode(maps, 0.5, 0.6)
    np.testing.assert_allclose(rows, [[10, 6, 32, 28, 0.9525741, 0.1, 0.2, 0.3, 0.4]])
    moved = decode(maps, 0.5, 0.6, origin=(4, 6))
    np.testing.assert_allclose(moved[:, :4], [[34, 22, 56, 44]])


def test_decode_keeps_only_probable_windows() -> None:
    maps = np.zeros((5, 1, 2), np.float32)
    maps[0] = [[logit(0.59), logit(0.61)]]
    assert decode(maps, 1.0, 0.6)[:, 0].tolist() == [3]
    assert decode(maps[:, :0], 1.0, 0.6).shape == (0, 9)


def test_logit_and_probability_are_inverse() -> None:
    values = np.array([0.01, 0.5, 0.999], np.float32)
    logits = np.array([logit(float(v)) for v in values], np.float32)
    np.testing.assert_allclose(probability(logits), values, rtol=1e-5)


@pytest.mark.parametrize(("overlap", "kept"), [(0.5, [1, 2]), (0.95, [1, 0, 2])])
def test_suppress_keeps_the_better_of_two_that_overlap(overlap: float, kept: list[int]) -> None:
    # The first two share 90 of 110 pixels: an overlap of 0.82.
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([0.5, 0.9, 0.2], np.float32)
    assert suppress(boxes, scores, overlap).tolist() == kept


def test_suppress_nested_drops_a_box_inside_a_better_one() -> None:
    boxes = np.array([[0, 0, 99, 99], [10, 10, 29, 29], [60, 60, 159, 159]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    # The second lies wholly inside the first; the third shares 40 x 40 of 100 x 100.
    assert suppress_nested(boxes, scores, 0.7).tolist() == [0, 2]


def test_nothing_in_nothing_out() -> None:
    none, scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    assert suppress(none, scores, 0.5).tolist() == []
    assert suppress_nested(none, scores, 0.5).tolist() == []
    assert square(none).shape == (0, 4)
    assert move(none, none, 1).shape == (0, 4)


def test_move_scales_offsets_by_the_box() -> None:
    box = np.array([[10, 20, 29, 59]], np.float32)
    offsets = np.array([[0.1, -0.1, 0.5, 0]], np.float32)
    np.testing.assert_allclose(move(box, offsets, 1), [[12, 16, 39, 59]], rtol=1e-6)
    np.testing.assert_allclose(move(box, offsets, 0), [[11.9, 16.1, 38.5, 59]], rtol=1e-6)


def test_square_keeps_the_centre() -> None:
    boxes = square(np.array([[0, 0, 10, 30]], np.float32))
    np.testing.assert_allclose(boxes, [[-10, 0, 20, 30]])
