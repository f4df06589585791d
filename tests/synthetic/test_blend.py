"""Skins out of two textures."""

import numpy as np

from facekit.synthetic.blend import blend
from facekit.types import Image


def _texture(seed: int, level: int) -> Image:
    random = np.random.default_rng(seed)
    return (level + random.integers(0, 30, (2, 64, 64, 3))).astype(np.uint8)


def test_the_same_chance_gives_the_same_skin() -> None:
    first, second = _texture(1, 40), _texture(2, 160)
    made = [blend(first, second, 0.5, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert made[0].shape == first.shape


def test_broad_colours_are_mixed_by_the_share_and_detail_stays_sharp() -> None:
    first, second = _texture(1, 40), _texture(2, 160)
    for share, level in ((1.0, 55), (0.5, 115), (0.0, 175)):
        made = blend(first, second, share, np.random.default_rng(3))
        assert abs(float(made.mean()) - level) < 3
        # The mean of two noises would have lost a third of its contrast.
        assert made[1].std(axis=(0, 1)).mean() > 0.95 * first[1].std(axis=(0, 1)).mean()


def test_brows_move_more_than_the_mouth() -> None:
    rows = np.zeros((2, 256, 256, 3), np.uint8)
    rows[:, ::8] = 200

    def moved(row: int) -> float:
        shifts = []
        for seed in range(40):
            made = blend(rows, rows, 1.0, np.random.default_rng(seed))[0, row - 4 : row + 4, 128, 0]
            weight = made.astype(float) - made.min() + 1e-9
            shifts.append(float((weight * np.arange(8)).sum() / weight.sum()))
        return float(np.std(shifts))

    assert moved(48) > 1.3 * moved(160)
