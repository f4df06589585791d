"""Action units drawn independently of each other, and the map between them and the head's shapes.

Every unit is a recipe of ICT shapes, with weights for the intensities A to E (1 to 5) read off the
rendered shapes beside the FACS manual (Ekman, Friesen & Hager, 2002). Recipes add up, so that the
map can be turned round: what is told as truth is what the weights that bent the mesh show. Lips
part (25) is read off the points: several units part the lips, and none always does.

Arrays of intensities are (2, 22): the subject's left side, then the right; rows of
`facekit.facs.ACTION_UNITS`; 0 = not there, 1-5 = A-E, between them linear in between. Units without
sides have the same value twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from facekit.facs import ACTION_UNITS, SIDED
from facekit.synthetic.expressions import SIDED as SIDED_SHAPES
from facekit.synthetic.expressions import Weights
from facekit.types import Floats

UNITS = len(ACTION_UNITS)
STRONGEST = 5.0
ROW = {unit.number: row for row, unit in enumerate(ACTION_UNITS)}
"""Row of a unit by its number."""

_SIDES = ("_L", "_R")


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a unit bends the head.

    Attributes:
        shapes: weight of each shape at E.
        levels: weight of the first shape at A to E; the others keep their ratio to it.
    """

    shapes: dict[str, float]
    levels: tuple[float, float, float, float, float]


RECIPES: dict[int, _Recipe] = {
    1: _Recipe({"browInnerUp": 1.2}, (0.15, 0.35, 0.6, 0.85, 1.2)),
    2: _Recipe({"browOuterUp": 1.0}, (0.1, 0.25, 0.5, 0.75, 1.0)),
    # Real faces frown, depress and dimple more than these shapes do at weight 1.
    4: _Recipe({"browDown": 1.4}, (0.2, 0.45, 0.75, 1.05, 1.4)),
    5: _Recipe({"eyeWide": 1.0}, (0.15, 0.3, 0.55, 0.8, 1.0)),
    6: _Recipe({"cheekSquint": 1.1}, (0.15, 0.35, 0.6, 0.85, 1.1)),
    7: _Recipe({"eyeSquint": 1.2}, (0.2, 0.4, 0.6, 0.85, 1.2)),
    # The sneer of the mesh lifts the upper lip as well, which is unit 10.
    9: _Recipe({"noseSneer": 0.9, "mouthUpperUp": -0.3}, (0.1, 0.25, 0.45, 0.7, 0.9)),
    10: _Recipe({"mouthUpperUp": 1.0}, (0.1, 0.25, 0.5, 0.75, 1.0)),
    12: _Recipe({"mouthSmile": 1.0}, (0.1, 0.25, 0.5, 0.75, 1.0)),
    14: _Recipe({"mouthDimple": 1.5}, (0.25, 0.5, 0.8, 1.1, 1.5)),
    15: _Recipe({"mouthFrown": 1.4}, (0.2, 0.45, 0.75, 1.05, 1.4)),
    16: _Recipe({"mouthLowerDown": 1.3}, (0.2, 0.4, 0.65, 0.95, 1.3)),
    17: _Recipe({"mouthShrugLower": 1.0}, (0.1, 0.2, 0.4, 0.65, 1.0)),
    18: _Recipe({"mouthPucker": 1.0}, (0.15, 0.3, 0.55, 0.8, 1.0)),
    20: _Recipe({"mouthStretch": 1.0}, (0.15, 0.3, 0.55, 0.8, 1.0)),
    22: _Recipe({"mouthFunnel": 1.0}, (0.1, 0.25, 0.5, 0.75, 1.0)),
    23: _Recipe(
        {"mouthPress": 0.45, "mouthRollLower": 0.45, "mouthRollUpper": 0.4, "mouthPucker": 0.12},
        (0.09, 0.18, 0.27, 0.36, 0.45),
    ),
    24: _Recipe(
        {"mouthPress": 1.2, "mouthPucker": 0.15, "mouthShrugLower": 0.1},
        (0.2, 0.4, 0.7, 1.0, 1.2),
    ),
    # From the jaw's drop (A-D) to the mouth's stretch (27); weight 1 is 35 mm.
    26: _Recipe({"jawOpen": 0.7}, (0.04, 0.12, 0.24, 0.42, 0.7)),
    28: _Recipe({"mouthRollLower": 1.0, "mouthRollUpper": 1.0}, (0.2, 0.4, 0.6, 0.8, 1.0)),
    43: _Recipe({"eyeBlink": 1.0}, (0.3, 0.5, 0.7, 0.9, 1.0)),
}
"""By number; 25 has none."""

PARTED = (0.02, 0.035, 0.065, 0.11, 0.17, 0.26)
"""Gap of the inner lips / distance of the eyeballs at intensities 0 to 5 of unit 25.

The points lie inside the lips: below a gap of .02 nothing of the mouth is seen."""

PROBABILITY = {
    1: 0.22,
    2: 0.20,
    4: 0.28,
    5: 0.16,
    6: 0.24,
    7: 0.22,
    9: 0.17,
    10: 0.16,
    12: 0.22,
    14: 0.14,
    15: 0.18,
    16: 0.08,
    17: 0.22,
    18: 0.08,
    20: 0.14,
    22: 0.06,
    23: 0.16,
    24: 0.17,
    26: 0.28,
    27: 0.08,
    28: 0.06,
    43: 0.10,
}
"""How often a unit is drawn; 27 is a jaw that opens to the upper part of the scale of 26."""

LIPS = (10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 28)
"""Units of which at most `_MOST_LIPS` are drawn together."""

PROTOTYPES: tuple[dict[int, float], ...] = (
    {6: 4, 12: 4},
    {6: 4, 12: 5, 26: 2.5, 10: 1},
    {12: 3},
    {1: 4, 2: 4, 5: 4, 26: 4},
    {1: 4, 2: 3, 4: 3, 5: 4, 20: 4, 26: 2},
    {1: 4, 4: 3, 15: 4, 17: 3},
    {1: 4, 4: 3, 15: 3},
    {4: 4, 5: 3, 7: 4, 23: 4},
    {4: 4, 7: 4, 24: 4, 17: 2},
    {4: 4, 7: 3, 10: 3, 16: 3, 26: 2},
    {9: 4, 10: 2, 17: 3},
    {4: 2, 7: 2, 9: 4},
    {10: 4, 16: 2, 26: 1},
    {14: 4},
    {12: 2, 14: 3},
    {4: 4, 6: 4, 7: 4, 9: 3, 43: 3},
    {6: 2, 12: 3, 24: 3},
)
"""Units that faces show together in emotions, with their middle intensity."""

_NEUTRAL, _PROTOTYPE = 0.10, 0.12
_QUIET = 0.55  # factor on the probabilities in half of the pictures
_MOST_LIPS = 3
_MOST_LIP_WEIGHT = 1.8  # of all lip shapes together; beyond, the mesh cuts itself
_MISFIT = 0.1  # weight of a shape that no sum of units explains
_JAW = 0.5  # intensity of 26 from which lips can be neither pressed nor shrugged
_STRETCH = (3.8, 5.0)  # intensities of 26 that are a mouth's stretch
_LIP_PAIRS = ((13, 14), (82, 87), (312, 317), (81, 178), (311, 402))
# Pairs that hide each other or pull the other way: the weaker goes.
_EXCLUSIVE = (
    (24, 23),
    (28, 10),
    (28, 16),
    (28, 18),
    (28, 22),
    (28, 23),
    (28, 24),
    (16, 23),
    (16, 24),
    (22, 23),
    (22, 24),
    (18, 20),
    (10, 24),
)


def random_intensities(random: np.random.Generator) -> Floats:
    """(2, 22) intensities that a face can show together; 25 is left at 0."""
    kind = random.random()
    wanted: dict[int, float] = {}
    if kind < _NEUTRAL:
        pass
    elif kind < _NEUTRAL + _PROTOTYPE:
        strength = random.uniform(0.3, 1.25)
        for number, middle in PROTOTYPES[random.integers(len(PROTOTYPES))].items():
            if random.random() < 0.9:
                wanted[number] = middle * strength * random.uniform(0.6, 1.3)
    else:
        scale = _QUIET if random.random() < 0.5 else 1.0
        for number, probability in PROBABILITY.items():
            if random.random() < probability * scale:
                wanted[number] = STRONGEST * random.beta(1.3, 1.1)
        if 26 in wanted:
            wanted[26] *= _STRETCH[0] / STRONGEST
        if 27 in wanted:
            wanted[26] = random.uniform(*_STRETCH)
            del wanted[27]
    lips = [number for number in LIPS if number in wanted]
    for number in random.permutation(lips)[_MOST_LIPS:]:
        del wanted[int(number)]
    out = np.zeros((2, UNITS), np.float32)
    for number, intensity in wanted.items():
        out[:, ROW[number]] = _two_sides(random, number, min(intensity, STRONGEST))
    return without_conflicts(out)


def _two_sides(random: np.random.Generator, number: int, intensity: float) -> tuple[float, float]:
    """Left and right: alike in 70 % of the draws, unequal in 16 %, on one side only in 14 %."""
    draw = random.random()
    if ROW[number] not in SIDED or draw < 0.70:
        return intensity, intensity
    weaker = intensity * random.uniform(0.2, 0.85) if draw < 0.86 else 0.0
    return (intensity, weaker) if random.random() < 0.5 else (weaker, intensity)


def without_conflicts(intensities: Floats) -> Floats:
    """(2, 22) intensities without what cannot be shown, or not be seen, at the same time."""
    out = np.asarray(intensities, np.float32).copy()
    for side in range(2):
        if out[side, ROW[43]] > 1:
            out[side, ROW[5]] = 0
            out[side, ROW[7]] = min(out[side, ROW[7]], 2.0)
    if out[:, ROW[26]].max() > _JAW:
        out[:, [ROW[number] for number in (17, 23, 24, 28)]] = 0
    for first, second in _EXCLUSIVE:
        a, b = out[:, ROW[first]], out[:, ROW[second]]
        if a.any() and b.any():
            (b if a.max() >= b.max() else a)[:] = 0
    return _within_lip_limit(out)


def _within_lip_limit(intensities: Floats) -> Floats:
    total = sum(
        abs(weight) * (0.5 if name.endswith(_SIDES) else 1.0)
        for name, weight in weights_of(intensities).items()
        if name.startswith("mouth")
    )
    if total <= _MOST_LIP_WEIGHT:
        return intensities
    out = intensities.copy()
    for number in (*LIPS, 9):
        shares = _share(number, intensities[:, ROW[number]]) * (_MOST_LIP_WEIGHT / total)
        out[:, ROW[number]] = _intensity(number, shares)
    return out


def _scale(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intensities 0 to 5, and the share of the recipe that each of them is."""
    levels = np.array([0.0, *RECIPES[number].levels])
    return np.arange(len(levels), dtype=float), levels / levels[-1]


def _share(number: int, intensity: NDArray[np.floating]) -> NDArray[np.float64]:
    steps, shares = _scale(number)
    return np.asarray(np.interp(intensity, steps, shares))


def _intensity(number: int, share: NDArray[np.floating]) -> NDArray[np.float64]:
    steps, shares = _scale(number)
    return np.asarray(np.interp(share, shares, steps))


def weights_of(intensities: Floats) -> Weights:
    """Weights of the head's shapes by sided name.

    Args:
        intensities: (2, 22); 25 is not looked at, both sides of an unsided unit must agree.
    """
    shares = [_share(n, intensities[s, ROW[n]]) for n, s in _COLUMNS]
    weights = _MATRIX @ np.array(shares)
    return {n: float(w) for n, w in zip(_SHAPES, weights, strict=True) if abs(w) > 1e-9}


def intensities_of(weights: Weights) -> Floats:
    """(2, 22) intensities that weights show: the inverse of `weights_of`; 25 is NaN.

    A unit is NaN where its shapes cannot be made from units, such as one lip rolled in.

    Args:
        weights: by sided name; shapes that belong to no unit are not looked at.
    """
    wanted = np.array([weights.get(name, 0.0) for name in _SHAPES])
    shares, _ = nnls(_MATRIX, wanted)
    misfit = np.abs(_MATRIX @ shares - wanted) > _MISFIT
    out = np.full((2, UNITS), np.nan, np.float32)
    for column, (number, side) in enumerate(_COLUMNS):
        unclear = bool((misfit & (_MATRIX[:, column] != 0)).any())
        value = np.nan if unclear else float(_intensity(number, shares[column]))
        sides = slice(side, side + 1) if ROW[number] in SIDED else slice(None)
        out[sides, ROW[number]] = value
    return out


def parted_lips(points: Floats) -> float:
    """Intensity of unit 25 from the gap between the inner lips, in whatever way it came about.

    Args:
        points: (478, 3) in the head's axes (y down), as `mesh.FaceModel.points` gives them.
    """
    upper, lower = np.array(_LIP_PAIRS).T
    gap = float((points[lower, 1] - points[upper, 1]).max())
    eyes = float(np.linalg.norm(points[468] - points[473]))
    return float(np.interp(gap / eyes, PARTED, np.arange(len(PARTED))))


def shown(weights: Weights, points: Floats) -> Floats:
    """(2, 22) truth of a picture; see `intensities_of` and `parted_lips`."""
    out = intensities_of(weights)
    out[:, ROW[25]] = parted_lips(points)
    return out


def _layout() -> tuple[list[tuple[int, int]], list[str], NDArray[np.float64]]:
    """Unit and side of every column, shape of every row, and the weights at E."""
    columns = [
        (number, side)
        for number in RECIPES
        for side in (range(2) if ROW[number] in SIDED else range(1))
    ]
    rows: dict[str, int] = {}
    entries = []
    for column, (number, side) in enumerate(columns):
        for shape, weight in RECIPES[number].shapes.items():
            names = [shape]
            if shape in SIDED_SHAPES:
                ends = (_SIDES[side],) if ROW[number] in SIDED else _SIDES
                names = [shape + end for end in ends]
            entries += [(rows.setdefault(n, len(rows)), column, weight) for n in names]
    matrix = np.zeros((len(rows), len(columns)))
    for row, column, weight in entries:
        matrix[row, column] += weight
    return columns, list(rows), matrix


_COLUMNS, _SHAPES, _MATRIX = _layout()
