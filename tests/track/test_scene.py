import numpy as np

from facekit.track.appearance import appearances, likeness
from facekit.track.scene import CutDetector
from facekit.types import Image


def _picture(seed: int) -> Image:
    """A smooth random picture: blocks of colour."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (6, 8, 3)) // 3 + rng.integers(0, 170, 3)
    return np.asarray(blocks.repeat(30, 0).repeat(40, 1), np.uint8)


def _cuts(pictures: list[Image]) -> list[int]:
    detector = CutDetector()
    return [i for i, picture in enumerate(pictures) if detector.is_cut(picture)]


def test_a_cut_is_found_once() -> None:
    assert _cuts([_picture(1)] * 5 + [_picture(2)] * 5) == [5]


def test_a_cut_between_rooms_of_like_colours_is_found() -> None:
    rng = np.random.default_rng(5)
    wall = np.full((180, 320, 3), (190, 175, 140), np.uint8)
    pictures = []
    for x, shirt in ((40, (60, 40, 30)), (190, (110, 105, 120))):
        room = wall.copy()
        room[60:, x : x + 90] = shirt
        pictures += [np.clip(room + rng.normal(0, 3, room.shape), 0, 255).astype(np.uint8)] * 4
    assert _cuts(pictures) == [4]


def test_a_flash_is_no_cut() -> None:
    base = (_picture(1) * 0.5).astype(np.uint8)
    lit = np.clip(base * 1.5 + 40.0, 0, 255).astype(np.uint8)
    assert _cuts([base] * 4 + [lit] * 2 + [base] * 4) == []


def test_noise_pan_and_fade_are_no_cuts() -> None:
    rng = np.random.default_rng(0)
    base = _picture(1)
    noisy = [
        np.clip(base + rng.normal(0, 12, base.shape), 0, 255).astype(np.uint8) for _ in range(6)
    ]
    panned = [np.roll(base, 25 * i, axis=1) for i in range(8)]
    faded = [(base * (1 - 0.1 * i)).astype(np.uint8) for i in range(9)]
    assert _cuts(noisy) == []
    assert _cuts(panned) == []
    assert _cuts(faded) == []


def test_reset_forgets_the_previous_video() -> None:
    detector = CutDetector()
    detector.is_cut(_picture(1))
    detector.reset()
    assert not detector.is_cut(_picture(2))


def test_appearance_tells_clothes_apart_and_survives_the_edge() -> None:
    image = np.full((200, 400, 3), 90, np.uint8)
    image[90:, :200] = (180, 40, 40)
    image[90:, 200:] = (40, 40, 180)
    red, same, blue, outside = appearances(
        image,
        [
            np.array(b, np.float32)
            for b in [(60, 40, 50, 50), (80, 42, 50, 50), (300, 40, 50, 50), (380, 190, 90, 90)]
        ],
    )
    assert likeness(red, same) > 0.9
    assert likeness(red, blue) < 0.85
    assert np.isfinite(outside).all()
