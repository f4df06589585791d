"""A tiny set of renders made of random numbers, with truth that fits together."""

import json
from pathlib import Path

import numpy as np
import pytest

from facekit.synthetic.camera import angles, ray_rotation, rotation
from facekit.synthetic.shards import TRUTH, VERSION

FOCAL = 1200.0


def _head(random: np.random.Generator) -> np.ndarray:
    """(478, 3) points on an ellipsoid's front, mm."""
    across, up = random.uniform(-1, 1, (2, 478)) * 0.7
    return np.column_stack([75 * across, 110 * up, -60 * np.sqrt(1 - across**2 - up**2) + 40])


def write_renders(folder: Path, count: int, size: int = 96) -> None:
    """A shard set of `count` pictures of noise."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    truth = {name: np.zeros((count, *shape), kind) for name, (shape, kind) in TRUTH.items()}
    head = _head(random)
    for row in range(count):
        turn = rotation(random.uniform(-40, 40), random.uniform(-20, 20), random.uniform(-20, 20))
        place = np.array([random.normal(0, 60), random.normal(0, 60), 1500.0])
        points = head @ turn.T + place
        flat = points[:, :2] / points[:, 2:] * FOCAL * size / 400
        centre = size / 2 - flat.mean(0)
        truth["points"][row] = flat + centre
        truth["points_mm"][row] = points
        truth["rotation"][row] = turn
        truth["pose"][row] = angles(ray_rotation(place).T @ turn)
        truth["translation_mm"][row] = place
        truth["camera"][row] = (FOCAL * size / 400, *centre)
        truth["visible"][row] = random.random(478) < 0.9
    np.save(folder / "00000.images.npy", random.integers(0, 256, (count, size, size, 3), np.uint8))
    np.savez(folder / "00000.truth.npz", **truth)  # type: ignore[arg-type]
    (folder / "meta.json").write_text(json.dumps({"version": VERSION}))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """A folder with a train and a val set."""
    write_renders(tmp_path / "shards" / "train", 12)
    write_renders(tmp_path / "shards" / "val", 6)
    return tmp_path / "shards"
