"""Expressions at random: single, combined, one-sided and extreme; and what they do to the skin."""

import numpy as np

from facekit.synthetic.camera import Matrix
from facekit.synthetic.material import LINES
from facekit.types import Floats

Weights = dict[str, float]

SIDED = (
    "browDown",
    "browInnerUp",
    "browOuterUp",
    "cheekPuff",
    "cheekSquint",
    "eyeBlink",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
)
WHOLE = (
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthFunnel",
    "mouthLeft",
    "mouthRight",
    "mouthPucker",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
)
MOUTH = tuple(name for name in SIDED + WHOLE if name.startswith(("mouth", "jaw")))
STRONG = {"browDown": 1.5, "mouthLowerDown": 1.5, "mouthFrown": 1.5, "mouthDimple": 1.5}
"""Shapes that at weight 1 are weaker than what real faces do."""

_CLOSED = 1.12
"""Weight of eyeBlink that shuts the eyes of every identity."""

PROTOTYPES: tuple[Weights, ...] = (
    {"cheekSquint": 0.8, "mouthSmile": 0.9},
    {"cheekSquint": 0.9, "mouthSmile": 1.0, "jawOpen": 0.3, "mouthUpperUp": 0.3},
    {"mouthSmile": 0.7, "jawOpen": 0.15, "mouthUpperUp": 0.35, "mouthLowerDown": 0.3},
    {"browInnerUp": 0.8, "browDown": 0.4, "mouthFrown": 0.9, "mouthShrugLower": 0.4},
    {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.9, "jawOpen": 0.5},
    {"browDown": 1.2, "eyeWide": 0.3, "eyeSquint": 0.6, "mouthPress": 0.7},
    {"browDown": 1.1, "eyeSquint": 0.4, "mouthUpperUp": 0.5, "mouthLowerDown": 0.9, "jawOpen": 0.3},
    {"noseSneer": 0.9, "mouthUpperUp": 0.6, "cheekSquint": 0.3},
    {
        "browInnerUp": 0.8,
        "browOuterUp": 0.4,
        "browDown": 0.5,
        "eyeWide": 0.8,
        "mouthStretch": 0.8,
        "jawOpen": 0.3,
    },
    {"mouthDimple": 1.0, "mouthSmile": 0.2},
    {"browInnerUp": 0.7, "jawOpen": 0.4, "mouthFunnel": 0.5},
    {"jawOpen": 0.15, "mouthPucker": 0.7, "mouthFunnel": 0.3},
    {"eyeSquint": 0.8, "cheekSquint": 0.6, "browDown": 0.5, "noseSneer": 0.2},
)


def random_expression(random: np.random.Generator) -> Weights:
    """Weights by sided name, without gaze and without the neutral face's own offsets."""
    weights: Weights = {}
    kind = random.random()
    names = SIDED + WHOLE
    if kind < 0.13:
        pass  # neutral
    elif kind < 0.33:
        name = names[random.integers(len(names))]
        _put(random, weights, name, random.beta(1.3, 1.1) * STRONG.get(name, 1.0))
    elif kind < 0.6:
        strength = random.uniform(0.2, 1.15)
        for name, weight in PROTOTYPES[random.integers(len(PROTOTYPES))].items():
            _put(random, weights, name, weight * strength * random.uniform(0.5, 1.2))
    elif kind < 0.75:
        for name in random.choice(MOUTH, random.integers(2, 5), replace=False):
            _put(random, weights, str(name), random.beta(1.1, 1.4) * STRONG.get(str(name), 1.0))
    else:
        for name in random.choice(names, random.integers(2, 7), replace=False):
            _put(random, weights, str(name), random.beta(1.1, 1.8) * STRONG.get(str(name), 1.0))
    if random.random() < 0.12:
        _put(random, weights, "eyeBlink", random.beta(1.5, 0.8))
    _couple(random, weights)
    return without_conflicts(weights)


def _put(random: np.random.Generator, weights: Weights, name: str, weight: float) -> None:
    """Add a shape; sided ones both sides alike, uneven, or on one side only."""
    limit = STRONG.get(name, 1.15)
    if name not in SIDED:
        if name == "jawOpen":
            weight = min(weight, 1.0) ** 1.5  # weight 1 is a gape of 35 mm; most mouths open less
        weights[name] = min(limit, weights.get(name, 0.0) + weight)
        return
    draw = random.random()
    left, right = weight, weight
    if draw > 0.925:
        left = 0.0
    elif draw > 0.85:
        right = 0.0
    elif draw > 0.55:
        less = random.uniform(0.2, 0.9)
        left, right = (weight * less, weight) if draw > 0.70 else (weight, weight * less)
    for side, amount in (("_L", left), ("_R", right)):
        if amount:
            weights[name + side] = min(limit, weights.get(name + side, 0.0) + amount)


def _couple(random: np.random.Generator, weights: Weights) -> None:
    """What faces do together: real frowns narrow the eyes and wrinkle the nose a little."""
    if random.random() > 0.6:
        return
    for side in ("_L", "_R"):
        frown = weights.get("browDown" + side, 0.0)
        for name, share in (("eyeSquint", 0.3), ("noseSneer", 0.15)):
            if frown > 0.2:
                weights[name + side] = max(weights.get(name + side, 0.0), frown * share)


def without_conflicts(weights: Weights) -> Weights:
    """Weights without the sums that make the mesh cut itself."""
    out = dict(weights)
    for side in ("_L", "_R"):
        if out.get("eyeBlink" + side, 0.0) > 0.3:
            out["eyeWide" + side] = 0.0
            out["eyeSquint" + side] = min(out.get("eyeSquint" + side, 0.0), 0.4)
    if out.get("jawOpen", 0.0) > 0.3:
        for name in (
            "mouthRollLower",
            "mouthRollUpper",
            "mouthPress_L",
            "mouthPress_R",
            "mouthShrugLower",
        ):
            out[name] = out.get(name, 0.0) * 0.3
    lips = [name for name in out if name.startswith("mouth")]
    total = sum(out[name] * (0.5 if name[-2:] in ("_L", "_R") else 1.0) for name in lips)
    if total > 2:
        for name in lips:
            out[name] *= 2 / total
    return {name: float(weight) for name, weight in out.items() if weight > 0}


def look_weights(gaze: Matrix) -> Weights:
    """How the lids follow the eyes.

    Args:
        gaze: (2, 2) yaw and pitch of the left and right eye in the head, degrees.
    """
    weights: Weights = {}
    for side, (yaw, pitch) in zip(("_L", "_R"), gaze, strict=True):
        if pitch > 0:
            weights["eyeLookUp" + side] = min(pitch / 28, 1.2)
        else:
            weights["eyeLookDown" + side] = min(-pitch / 30, 1.2)
        outward = yaw if side == "_L" else -yaw
        name = "eyeLookOut" if outward > 0 else "eyeLookIn"
        weights[name + side] = min(abs(outward) / 35, 1.0)
    return {name: float(weight) for name, weight in weights.items()}


def applied(weights: Weights, jaw: float, lids: float) -> Weights:
    """The weights that bend the mesh, so that weight 0 is what a real neutral face looks like.

    ICT's neutral lips are slightly apart and its eyes wide open; `jaw` (<= 0) closes the one,
    `lids` (>= 0) lowers the other. A blink of 1 closes the eye fully whatever the baseline.
    """
    out = dict(weights)
    if weights.get("jawOpen", 0.0) < 0.02:
        out["jawOpen"] = weights.get("jawOpen", 0.0) + jaw
    for side in ("_L", "_R"):
        wide = min(weights.get("eyeWide" + side, 0.0), 1.0)
        rest = lids * (1 - wide)
        blink = min(weights.get("eyeBlink" + side, 0.0), 1.0)
        out["eyeBlink" + side] = rest + blink * (_CLOSED - rest)
    return out


def line_depths(weights: Weights, strength: float, age: float) -> Floats:
    """(12,) depth of every expression line (see `material.LINES`)."""

    def both(name: str) -> tuple[float, float]:
        return weights.get(name + "_L", 0.0), weights.get(name + "_R", 0.0)

    inner, outer, down = both("browInnerUp"), both("browOuterUp"), both("browDown")
    sneer, cheek, squint = both("noseSneer"), both("cheekSquint"), both("eyeSquint")
    smile, upper, dimple = both("mouthSmile"), both("mouthUpperUp"), both("mouthDimple")
    depth = np.zeros(LINES, np.float32)
    depth[2] = 0.7 * sum(down) + 0.25 * inner[0] * down[0] + age
    depth[3] = 0.5 * sum(sneer) + 0.1 * sum(down)
    for k in (0, 1):
        depth[k] = 0.6 * inner[k] + 0.7 * outer[k] + age
        depth[4 + k] = 0.8 * cheek[k] + 0.35 * squint[k] + 0.3 * smile[k] + age
        depth[6 + k] = 0.55 * smile[k] + 0.6 * upper[k] + 0.6 * sneer[k] + 1.2 * age
        depth[9 + k] = 0.9 * dimple[k] + 0.3 * smile[k]
    depth[8] = 0.9 * weights.get("mouthShrugLower", 0.0)
    depth[11] = 0.24 * (sum(cheek) + sum(squint)) + age
    return np.clip(depth, 0, 1.3).astype(np.float32) * np.float32(strength)
