from pathlib import Path

import numpy as np

from facekit.estimate.crops import SIZE
from facekit.geometry import apply
from facekit.train.augment import Jitter, away, cut, degrade
from facekit.train.crops import CropBatches, Mix
from facekit.train.data import renders


def test_batches_depend_on_seed_and_step_alone(shards: Path) -> None:
    faces = renders(shards / "train")
    batches = [
        CropBatches([faces], Mix(6, (1.0,), 0.3), np.arange(478), seed) for seed in (0, 0, 1)
    ]
    first = batches[0](5)
    again, other = batches[1](5), batches[2](5)
    for name, value in first.items():
        np.testing.assert_array_equal(value.numpy(), again[name].numpy())
    assert not np.array_equal(first["image"].numpy(), other["image"].numpy())
    absent = first["present"] == 0
    assert float(first["weights"][absent].sum()) == 0


def test_points_follow_the_pixels(shards: Path) -> None:
    faces = renders(shards / "train")
    square = Jitter().move(faces.square(0), np.random.default_rng(0))
    crop = cut(faces, 0, square)
    pixels = crop.points[:, :2] * SIZE + (SIZE - 1) / 2
    np.testing.assert_allclose(pixels, apply(square.matrix(), faces.points[0, :, :2]), atol=1e-3)


def test_mirrored_crops_mirror_points_and_rotation(shards: Path) -> None:
    faces = renders(shards / "train")
    plain = cut(faces, 0, faces.square(0))
    mirrored = cut(faces, 0, faces.square(0), np.arange(478))
    np.testing.assert_array_equal(mirrored.image, plain.image[:, ::-1])
    np.testing.assert_allclose(mirrored.points, plain.points * [-1, 1, 1], atol=1e-6)
    nose = plain.rotation @ [0, 0, -1]
    np.testing.assert_allclose(mirrored.rotation @ [0, 0, -1], nose * [-1, 1, 1], atol=1e-6)
    assert np.linalg.det(mirrored.rotation) > 0.999


def test_squares_away_do_not_hold_the_face(shards: Path) -> None:
    faces = renders(shards / "train")
    random = np.random.default_rng(0)
    for _ in range(20):
        found, square = away(faces.square(0), random), faces.square(0)
        beside = np.linalg.norm(found.centre - square.centre) > 0.5 * square.side
        assert beside or not 0.4 < found.side / square.side < 2.5


def test_degraded_pictures_keep_their_form() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    for _ in range(40):
        worse = degrade(image, random)
        assert worse.shape == image.shape and worse.dtype == np.uint8
