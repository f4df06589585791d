"""Promises of ratio images, on a drawn pair of photos in a layout of a few triangles."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facekit.synthetic.action_units import ROW, UNITS
from facekit.synthetic.mesh import FaceModel, load_model
from facekit.synthetic.ratio_images import SIDE, Layout, load_layout, ratio_image
from facekit.synthetic.wrinkles import (
    CLOSED,
    REGIONS,
    WrinkleLibrary,
    build_library,
    load_library,
    make_library,
    region_mask,
)
from facekit.types import Floats

CENTRE = (SIDE - 1) / 2


@pytest.fixture(scope="module")
def model(data: Path) -> FaceModel:
    return load_model(data)


@pytest.fixture(scope="module")
def layout(data: Path) -> Layout:
    return load_layout(data)


@pytest.fixture(scope="module")
def mirror(model: FaceModel) -> NDArray[np.intp]:
    return model.point_mirror.astype(np.intp)


def skin_with(layout: Layout, place: Floats | None = None, darker: float = 0.6) -> Floats:
    """An unfolded photo: skin, and a wrinkle across a place."""
    image = np.full((SIDE, SIDE, 3), 150, np.float32)
    if place is not None:
        x, y = (int(value) for value in place)
        cv2.line(image, (x - 6, y), (x + 6, y), (150 * darker,) * 3, 2, cv2.LINE_AA)
    return image


def test_a_photo_is_laid_out_by_its_landmarks(layout: Layout) -> None:
    columns, rows = np.meshgrid(np.arange(400), np.arange(300))
    photo = np.stack([columns / 2, rows / 2, rows * 0], -1).astype(np.uint8)
    points = layout.texels * 0.9 + [60, 20]  # a photo of the layout itself
    flat = layout.unfold(photo, points.astype(np.float32))
    down, across = np.nonzero(layout.skin)
    np.testing.assert_allclose(flat[down, across, 0], (across * 0.9 + 60) / 2, atol=1)
    np.testing.assert_allclose(flat[down, across, 1], (down * 0.9 + 20) / 2, atol=1)


def test_a_ratio_image_holds_the_wrinkle_and_not_the_light(layout: Layout) -> None:
    place = layout.texels[205]
    light = np.linspace(0.7, 1.3, SIDE, dtype=np.float32)[None, :, None]
    ratio = ratio_image(skin_with(layout), skin_with(layout, place) * light, layout, smooth=16)
    assert ratio[int(place[1]), int(place[0])] < -0.25
    far = layout.skin.astype(bool)
    far[int(place[1]) - 40 : int(place[1]) + 40] = False
    assert np.abs(ratio[far]).mean() < 0.03
    assert not ratio[layout.skin == 0].any()


def test_the_same_photo_twice_has_no_wrinkles(layout: Layout) -> None:
    photo = skin_with(layout, layout.texels[205])
    assert np.abs(ratio_image(photo, photo, layout, smooth=16)).max() < 0.02


@pytest.mark.parametrize("number", sorted(REGIONS))
def test_regions_lie_alike_on_both_sides(
    number: int, layout: Layout, mirror: NDArray[np.intp]
) -> None:
    mask = region_mask(number, layout, mirror)
    assert 0 < mask.max() <= 1 and 100 < mask.sum() < 0.2 * SIDE**2
    assert np.abs(mask - mask[:, ::-1]).mean() < 0.01 * mask.mean() + 0.002


@pytest.fixture(scope="module")
def library(layout: Layout, mirror: NDArray[np.intp]) -> WrinkleLibrary:
    random = np.random.default_rng(0)
    ratios: dict[str, list[Floats]] = {}
    for emotion in ("happy", "angry", "surprised", "disgusted", "sad", CLOSED + "angry"):
        for _ in range(4):
            noise = random.normal(0, 1, (SIDE, SIDE)).astype(np.float32)
            smooth = cv2.GaussianBlur(noise, (0, 0), 2)
            ratios.setdefault(emotion, []).append(np.clip(smooth * 2, -0.6, 0.6) * layout.skin)
    return make_library(ratios, layout, mirror)


def depth(library: WrinkleLibrary, number: int, left: float, right: float) -> Floats:
    wanted = np.zeros((2, UNITS), np.float32)
    wanted[:, ROW[number]] = left, right
    return library.depth(wanted, np.random.default_rng(3))


def test_wrinkles_lie_on_the_side_that_moves(library: WrinkleLibrary) -> None:
    right_half = np.arange(SIDE) < CENTRE - 20  # the subject's right is at the left
    left_half = np.arange(SIDE) > CENTRE + 20
    one = np.abs(depth(library, 6, 5, 0))
    other = np.abs(depth(library, 6, 0, 5))
    assert one[:, left_half].sum() > 50 * one[:, right_half].sum()
    assert other[:, right_half].sum() > 50 * other[:, left_half].sum()


def test_wrinkles_deepen_with_the_intensity_and_are_none_at_rest(library: WrinkleLibrary) -> None:
    sums = [np.abs(depth(library, 4, level, level)).sum() for level in (0, 1, 3, 5)]
    assert sums[0] == 0 and 0 < sums[1] < sums[2] < sums[3]


def test_skin_brightens_far_less_than_it_darkens(library: WrinkleLibrary) -> None:
    found = depth(library, 12, 5, 5)
    assert found.max() > 0.3 and -found.min() < 0.5 * found.max()


def test_the_chance_that_is_used_does_not_depend_on_the_expression(
    library: WrinkleLibrary,
) -> None:
    after = []
    for level in (0.0, 5.0):
        random = np.random.default_rng(0)
        library.depth(np.full((2, UNITS), level, np.float32), random)
        after.append(random.random())
    assert after[0] == after[1]


def test_a_saved_library_is_the_same(library: WrinkleLibrary, tmp_path: Path) -> None:
    library.save(tmp_path / "wrinkles.npz")
    found = load_library(tmp_path / "wrinkles.npz")
    assert found.corners == library.corners
    for number, images in library.images.items():
        np.testing.assert_array_equal(found.images[number], images)
    assert [path.name for path in tmp_path.iterdir()] == ["wrinkles.npz"]


def test_only_people_of_the_train_split_are_looked_at(data: Path) -> None:
    seen = []

    def label(photo: NDArray[np.uint8]) -> None:
        seen.append(photo.shape)
        return None

    library = build_library(data, label)
    with np.load(data / "london/london.npz") as london:
        train = (london["split"] == "train") & (london["set"] == "neutral_front")
    with np.load(data / "photos/posed_emotions.npz") as posed:
        neutral = (posed["split"] == "train") & (posed["emotion"] == "neutral")
    # Nobody was found on a neutral photo: no expression is worth looking at.
    assert len(seen) == train.sum() + neutral.sum() and not library.images
