"""Light at random: surroundings as spherical harmonics, and up to two lamps."""

import numpy as np

from facekit.synthetic.shading import Lights


def random_lights(random: np.random.Generator) -> Lights:
    """Light of some room or street; exposure keeps the sum of it within a photographic range."""
    ambient = random.uniform(0.25, 0.9)
    harmonics = np.zeros((9, 3))
    harmonics[0] = ambient
    harmonics[1:4] = random.normal(0, 0.22, (3, 1)) * ambient + random.normal(0, 0.03, (3, 3))
    harmonics[4:] = random.normal(0, 0.06, (5, 1)) * ambient
    if random.random() < 0.6:
        harmonics[1] = -np.abs(harmonics[1])  # from above, as most light is (y points down)
    directions = random.normal(size=(2, 3)) * [1.0, 0.7, 0.35] + [0, -0.35, -0.75]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    strengths = random.uniform(0, 1, 2) * [1, 0.5] * (random.random() < 0.85)
    colours = strengths[:, None] * np.exp(random.normal(0, 0.06, (2, 3)))
    total = ambient + colours.mean(1).sum() * 0.6
    tint = np.exp(random.normal(0, 0.05, 3))
    return Lights(
        harmonics=(harmonics * tint).astype(np.float32),
        directions=directions.astype(np.float32),
        colours=(colours * tint).astype(np.float32),
        exposure=float(random.uniform(0.65, 1.25) / total),
    )


def studio_lights(exposure: float = 1.0) -> Lights:
    """Even, pleasant light for demonstrations and clean measurements."""
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0], harmonics[1], harmonics[2] = 0.75, -0.10, -0.12
    directions = np.array([[0.4, -0.5, -0.77], [-0.6, -0.2, -0.77]], np.float32)
    colours = np.array([[0.3] * 3, [0.12] * 3], np.float32)
    return Lights(harmonics, directions, colours, exposure)
