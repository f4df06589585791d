import numpy as np
import pytest
import torch
from torch import nn

from facekit.detect.resample import AreaSampler, Inputs, Level, pyramid
from facekit.network.mtcnn import SquareNetwork, TileNetwork
from facekit.types import Floats, Image


def _tile(sampler: AreaSampler, level: Level, rows: slice, columns: slice) -> Floats:
    inputs = _tensors(sampler.tile(level, rows, columns))
    return np.asarray(TileNetwork(nn.Identity())(**inputs).numpy())


def _crops(sampler: AreaSampler, boxes: Floats, size: int, *, black: bool = False) -> Floats:
    inputs = _tensors(sampler.crops(boxes, size, black=black))
    return np.asarray(SquareNetwork(size, nn.Identity())(**inputs).numpy())


def _tensors(inputs: Inputs) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in inputs.items()}


def _means(image: Image, height: int, width: int) -> Floats:
    """Adaptive average pooling, written out."""
    rows, columns = image.shape[:2]
    out = np.zeros((3, height, width), np.float32)
    for y in range(height):
        top, bottom = y * rows // height, -(-(y + 1) * rows // height)
        for x in range(width):
            left, right = x * columns // width, -(-(x + 1) * columns // width)
            out[:, y, x] = image[top:bottom, left:right].mean((0, 1))
    return out


@pytest.fixture
def image() -> Image:
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(23, 31), (37, 53), (40, 60), (1, 1), (12, 53)])
def test_tiles_are_area_means(image: Image, height: int, width: int) -> None:
    sampler = AreaSampler(image)
    tile = _tile(sampler, Level(1, height, width), slice(0, height), slice(0, width))
    np.testing.assert_allclose(tile[0], _means(image, height, width), rtol=1e-5)


def test_a_tile_is_a_part_of_its_level(image: Image) -> None:
    sampler, level = AreaSampler(image), Level(0.6, 23, 31)
    whole = _tile(sampler, level, slice(0, 23), slice(0, 31))
    part = _tile(sampler, level, slice(5, 16), slice(9, 20))
    np.testing.assert_array_equal(part, whole[:, :, 5:16, 9:20])


@pytest.mark.parametrize("box", [(3, 5, 30, 29), (10, 9, 18, 17), (1, 1, 53, 37)])
def test_crops_are_area_means(image: Image, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    crop = _crops(AreaSampler(image), np.array([box], np.float32), 12)
    # The cascade counts pixels from 1.
    expected = _means(image[top - 1 : bottom, left - 1 : right], 12, 12)
    np.testing.assert_allclose(crop[0], expected, rtol=1e-5)


def test_crops_over_the_edge_are_cut_or_black(image: Image) -> None:
    sampler = AreaSampler(image)
    over = np.array([[-11, 1, 12, 24]], np.float32)
    cut = _crops(sampler, over, 12)[0]
    np.testing.assert_allclose(cut, _means(image[:24, :12], 12, 12), rtol=1e-5)
    black = _crops(sampler, over, 12, black=True)[0]
    assert black[:, :, :6].max() == 0
    np.testing.assert_allclose(black[:, :, 6:], _means(image[:24, :12], 12, 6), rtol=1e-5)


def test_a_region_gives_the_same_crops(image: Image) -> None:
    box = np.array([[12, 9, 30, 27]], np.float32)
    region = AreaSampler(image, (8, 5, 40, 33))
    np.testing.assert_array_equal(_crops(region, box, 24), _crops(AreaSampler(image), box, 24))


def test_sums_that_wrap_around_do_no_harm(image: Image) -> None:
    sampler = AreaSampler(image)
    box = np.array([[3, 5, 30, 29]], np.float32)
    tile = Level(1, 23, 31), slice(0, 23), slice(0, 31)
    before = _tile(sampler, *tile), _crops(sampler, box, 24)
    sampler._table += np.int32(2**31 - 100_000)
    np.testing.assert_array_equal(_tile(sampler, *tile), before[0])
    np.testing.assert_array_equal(_crops(sampler, box, 24), before[1])


def test_wide_rows_span_several_blocks() -> None:
    wide = np.random.default_rng(1).integers(0, 256, (20, 300, 3), dtype=np.uint8)
    tile = _tile(AreaSampler(wide), Level(0.6, 13, 181), slice(0, 13), slice(90, 181))
    np.testing.assert_allclose(tile[0], _means(wide, 13, 181)[:, :, 90:], rtol=1e-5)


def test_inside_needs_some_area(image: Image) -> None:
    boxes = np.array([[-20, -20, 0, 0], [-20, -20, 1, 1], [54, 0, 70, 9], [9, 9, 8, 20]], "f")
    assert AreaSampler(image).inside(boxes).tolist() == [False, True, False, False]


def test_no_boxes_no_crops(image: Image) -> None:
    none = np.zeros((0, 4), np.float32)
    assert _crops(AreaSampler(image), none, 24).shape == (0, 3, 24, 24)


def test_pyramid_goes_from_the_smallest_face_to_the_whole_frame() -> None:
    levels = pyramid(48, 60, 20, 0.5, 12)
    assert [(level.height, level.width) for level in levels] == [(29, 37), (15, 19)]
    assert pyramid(1, 1, 20, 0.5, 12) == []
