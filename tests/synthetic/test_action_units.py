"""Promises of the map between action units and the head's shapes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekit.facs import ACTION_UNITS, SIDED
from facekit.synthetic.action_units import (
    LIPS,
    PROBABILITY,
    PROTOTYPES,
    RECIPES,
    ROW,
    UNITS,
    intensities_of,
    parted_lips,
    random_intensities,
    weights_of,
    without_conflicts,
)
from facekit.synthetic.expressions import SIDED as SIDED_SHAPES
from facekit.synthetic.expressions import WHOLE
from facekit.synthetic.scene import Studio
from facekit.types import Floats
from tests.synthetic.test_scene import draw

WHOLE_UNITS = [row for row in range(UNITS) if row not in SIDED]


def intensities(**units: tuple[float, float] | float) -> Floats:
    """``intensities(AU12=(3, 0))``: left 3, right 0."""
    out = np.zeros((2, UNITS), np.float32)
    for code, value in units.items():
        out[:, ROW[int(code[2:])]] = value
    return out


def without_25(values: Floats) -> Floats:
    return np.asarray(np.delete(values, ROW[25], axis=1))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_weights_give_back_the_intensities(seed: int) -> None:
    wanted = random_intensities(np.random.default_rng(seed))
    np.testing.assert_allclose(
        without_25(intensities_of(weights_of(wanted))), without_25(wanted), atol=1e-3
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_units_that_share_shapes_are_told_apart_in_any_sum(seed: int) -> None:
    random = np.random.default_rng(seed)
    wanted = random.uniform(0, 5, (2, UNITS)).astype(np.float32)
    wanted[1, WHOLE_UNITS] = wanted[0, WHOLE_UNITS]
    found = intensities_of(weights_of(wanted))
    np.testing.assert_allclose(without_25(found), without_25(wanted), atol=1e-3)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_mirrored_face_has_mirrored_weights(seed: int) -> None:
    wanted = random_intensities(np.random.default_rng(seed))
    swap = {"_L": "_R", "_R": "_L"}
    mirrored = {
        name[:-2] + swap.get(name[-2:], name[-2:]): weight
        for name, weight in weights_of(wanted).items()
    }
    assert mirrored == pytest.approx(weights_of(wanted[::-1]))


@pytest.mark.parametrize("number", sorted(RECIPES))
def test_levels_rise_and_end_at_the_full_recipe(number: int) -> None:
    first = next(iter(RECIPES[number].shapes))
    found = []
    for intensity in range(6):
        weights = weights_of(intensities(**{f"AU{number}": float(intensity)}))
        found.append(weights.get(first, weights.get(first + "_L", 0.0)))
    assert found[0] == 0 and (np.diff(found) > 0).all()
    assert found[1:] == pytest.approx(RECIPES[number].levels)


def test_every_unit_but_parted_lips_has_a_recipe_of_known_shapes() -> None:
    assert {unit.number for unit in ACTION_UNITS} == set(RECIPES) | {25}
    assert {name for recipe in RECIPES.values() for name in recipe.shapes} <= {
        *SIDED_SHAPES,
        *WHOLE,
    }
    assert set(PROBABILITY) == set(RECIPES) | {27}
    assert {number for prototype in PROTOTYPES for number in prototype} <= set(RECIPES)


def test_a_sneer_that_lifts_the_lip_is_both_units() -> None:
    found = intensities_of({"noseSneer_L": 0.9})
    assert found[0, ROW[9]] == pytest.approx(5) and found[0, ROW[10]] > 1.5
    assert found[1, ROW[9]] == found[1, ROW[10]] == 0


def test_shapes_that_no_units_explain_are_not_called_units() -> None:
    found = intensities_of({"mouthRollLower": 1.0, "mouthSmile_L": 0.5})
    assert np.isnan(found[:, [ROW[23], ROW[28]]]).all()
    assert found[0, ROW[12]] == pytest.approx(3) and np.isfinite(found[:, SIDED]).all()


def test_random_faces_keep_the_rules() -> None:
    random = np.random.default_rng(0)
    drawn = np.stack([random_intensities(random) for _ in range(3000)])
    assert drawn.min() == 0 and drawn.max() <= 5
    np.testing.assert_array_equal(drawn[:, 0, WHOLE_UNITS], drawn[:, 1, WHOLE_UNITS])
    there = drawn.max(1) > 0
    assert there[:, [ROW[number] for number in LIPS]].sum(1).max() <= 4  # prototypes name four
    dropped = drawn[:, 0, ROW[26]] > 0.5
    assert not there[dropped][:, [ROW[number] for number in (17, 23, 24, 28)]].any()
    assert 0.08 < (~there.any(1)).mean() < 0.25
    for number, probability in PROBABILITY.items():
        if number in (1, 2, 4, 6, 12):
            assert there[:, ROW[number]].mean() == pytest.approx(0.75 * probability, abs=0.06)


def test_sides_are_alike_unequal_or_alone() -> None:
    random = np.random.default_rng(1)
    pairs = np.concatenate([random_intensities(random)[:, list(SIDED)].T for _ in range(2000)])
    left, right = pairs[(pairs > 0).any(1)].T
    alone = (left == 0) | (right == 0)
    assert (left == right).mean() == pytest.approx(0.70, abs=0.04)
    assert alone.mean() == pytest.approx(0.14, abs=0.03)
    assert (left > right).sum() == pytest.approx((right > left).sum(), rel=0.2)


@pytest.mark.parametrize(
    ("wanted", "gone", "kept"),
    [
        ({"AU43": (4, 0), "AU5": (3, 3)}, (0, 5), (1, 5)),
        ({"AU26": 3, "AU17": 4}, (0, 17), (0, 26)),
        ({"AU23": 2, "AU24": 4}, (0, 23), (0, 24)),
        ({"AU28": 4, "AU10": (3, 3)}, (0, 10), (0, 28)),
    ],
)
def test_conflicts_take_the_unit_and_its_truth(
    wanted: dict[str, float], gone: tuple[int, int], kept: tuple[int, int]
) -> None:
    found = without_conflicts(intensities(**wanted))
    assert found[gone[0], ROW[gone[1]]] == 0 and found[kept[0], ROW[kept[1]]] > 0


def test_too_many_lip_shapes_are_weakened_with_their_truth() -> None:
    wanted = intensities(AU12=5, AU10=5, AU22=5, AU16=5)
    found = without_conflicts(wanted)
    for number in (10, 12, 16, 22):
        assert 2 < found[0, ROW[number]] < 4.5
    np.testing.assert_allclose(
        without_25(intensities_of(weights_of(found))), without_25(found), atol=1e-3
    )


def test_parted_lips_are_measured_not_assumed(studio: Studio) -> None:
    truth = {
        name: draw(studio, expression=weights, jaw=-0.03).action_units[0]
        for name, weights in {
            "neutral": {},
            "jaw": {"jawOpen": 0.24},
            "lip": weights_of(intensities(AU10=4)),
        }.items()
    }
    assert truth["neutral"][ROW[25]] < 0.5 and truth["neutral"].max() < 0.5
    assert truth["jaw"][ROW[26]] == pytest.approx(3) and truth["jaw"][ROW[25]] > 2
    assert truth["lip"][ROW[25]] > 1 and truth["lip"][ROW[26]] == 0


def test_a_wider_gap_is_a_higher_intensity() -> None:
    points = np.zeros((478, 3), np.float32)
    points[473, 0] = 6.0
    found = []
    for gap in (0.0, 0.3, 0.6, 3.0):
        points[14, 1] = gap
        found.append(parted_lips(points))
    assert found[0] == 0 and 0 < found[1] < found[2] < found[3] == 5


def test_the_picture_shows_the_units_it_is_said_to(data: Path, studio: Studio) -> None:
    wanted = intensities(AU12=(4, 0), AU4=(2, 2), AU26=2)
    sample = draw(studio, expression=weights_of(wanted))
    np.testing.assert_allclose(without_25(sample.action_units), without_25(wanted), atol=1e-3)
    moved = sample.points - draw(studio).points
    assert np.linalg.norm(moved[291]) > 2 * np.linalg.norm(moved[61])  # left corner of the mouth
