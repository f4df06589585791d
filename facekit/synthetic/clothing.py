"""What people wear and grow: hair, clothes, glasses, medical masks.

Painted in two dimensions from places on the head, so that they turn with it.
"""

import cv2
import numpy as np

from facekit.synthetic.people import Person
from facekit.synthetic.view import View, blurred, convex_hull
from facekit.types import Floats


def paint_behind(view: View, person: Person, random: np.random.Generator, hair: bool) -> None:
    """Shoulders and, if wanted, long hair behind the head."""
    width, top = random.uniform(17, 24), random.uniform(10.5, 12.5)
    outline = np.array(
        [
            [-4.5, top - 1.5, -1],
            [4.5, top - 1.5, -1],
            [width * 0.7, top + 1.5, -1],
            [width, top + 6, 0],
            [width, 40, 0],
            [-width, 40, 0],
            [-width, top + 6, 0],
            [-width * 0.7, top + 1.5, -1],
        ]
    ) + [0, 0, 4]
    # Shoulders turn less than the head: drawn for the head's place, upright.
    corners = view.camera.project(outline + view.translation)
    if hair:
        _long_hair(view, person, random)
    shade = np.linspace(1.05, 0.8, view.size, dtype=np.float32)[:, None, None]
    view.blend(view.polygon(corners, 0.8), person.cloth * shade)


def _long_hair(view: View, person: Person, random: np.random.Generator) -> None:
    turn = np.linspace(0, 2 * np.pi, 60)
    radius = random.uniform(9.2, 12.5)
    ring = np.column_stack(
        [radius * np.cos(turn), -4 - radius * 1.1 * np.sin(turn), np.full(60, 1.5)]
    )
    if random.random() < 0.6:
        low, width = random.uniform(6, 20), random.uniform(7, 12)
        ends = np.array(
            [[width, low, 2], [-width, low, 2], [width * 1.05, 0, 2], [-width * 1.05, 0, 2]]
        )
        ring = np.concatenate([ring, ends])
    hull = convex_hull(view.place(ring)[0])
    mask = view.polygon(hull, view.size * 0.01)
    view.blend(mask, _strands(view, person, random))


def _strands(view: View, person: Person, random: np.random.Generator) -> Floats:
    noise = random.standard_normal((view.size, view.size), np.float32)
    streaks = np.asarray(
        cv2.GaussianBlur(noise, (0, 0), sigmaX=0.9, sigmaY=view.size / 30), np.float32
    )
    streaks /= np.float32(streaks.std() + 1e-6)
    tone = person.hair * random.uniform(0.55, 1.0)
    return np.asarray(np.clip(tone * (1 + 0.13 * streaks[..., None]), 0, 255), np.float32)


def paint_locks(view: View, person: Person, random: np.random.Generator) -> None:
    """Locks that hang over temples and forehead, in front of the face."""
    mask = np.zeros((view.size, view.size), np.float32)
    sides = [1, -1] if random.random() < 0.7 else [int(random.choice([1, -1]))]
    if random.random() < 0.35:
        _fringe(view, random, mask)
    length = random.uniform(3, 16)
    for side in sides:
        for _ in range(random.integers(8, 18)):
            start = np.array([side * random.uniform(2.5, 6.5), -random.uniform(8.6, 10.5), -6.2])
            middle = np.array([side * random.uniform(6.6, 8.4), -5.0, -random.uniform(2, 5.5)])
            end = np.array([side * random.uniform(6.8, 9.4), -4.0 + length, -random.uniform(1, 5)])
            t = np.linspace(0, 1, 9)[:, None]
            curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * (middle * 1.15) + t**2 * end
            _draw_strand(view, mask, curve, random)
    view.blend(blurred(mask, 0.6), _strands(view, person, random))
    view.hide(blurred(mask, view.size / 130))


def _fringe(view: View, random: np.random.Generator, mask: Floats) -> None:
    low = random.uniform(4.2, 6.5)
    for across in np.linspace(-5.5, 5.5, 22):
        tip = np.array([across * 1.05 + random.normal(0, 0.5), -low + random.normal(0, 0.4), -8.3])
        root = np.array([across * 0.9, -10.2, -7.0])
        middle = (root + tip) / 2 + [0, -0.3, -1.0]
        t = np.linspace(0, 1, 7)[:, None]
        curve = (1 - t) ** 2 * root + 2 * t * (1 - t) * middle + t**2 * tip
        _draw_strand(view, mask, curve, random)


def _draw_strand(view: View, mask: Floats, curve: Floats, random: np.random.Generator) -> None:
    thickness = view.face * random.uniform(0.012, 0.035)
    pixels, depth = view.place(curve)
    at = np.clip(np.round(pixels).astype(int), 0, view.size - 1)
    # Hair on the far side of the head is hidden by it.
    if (depth > view.depth[at[:, 1], at[:, 0]] + 1.5).mean() > 0.3:
        return
    view.line(mask, pixels, thickness)


def paint_glasses(view: View, person: Person, random: np.random.Generator) -> None:
    """Rims, bridge, temple arms behind the head's outline, clear or dark lenses."""
    middle = person.eyeballs.mean(0)
    distance = float(person.eyeballs[0, 0] - person.eyeballs[1, 0])
    half_width = distance * random.uniform(0.36, 0.46)
    half_height = half_width * random.uniform(0.55, 0.95)
    near = float(person.neutral[:, 2].min() + 1.9 - random.uniform(0, 0.5))
    tone = random.uniform(0, 90, 3) if random.random() < 0.75 else random.uniform(0, 255, 3)
    dark = bool(random.random() < 0.3)
    rims = np.zeros((view.size, view.size), np.float32)
    thickness = view.face * random.uniform(0.008, 0.03)
    power = random.uniform(2, 5)
    tint = random.uniform(0, 40, 3) if dark else random.uniform(100, 255, 3)
    strength = random.uniform(0.75, 0.98) if dark else random.uniform(0, 0.25)
    for side in (1, -1):
        centre = np.array(
            [middle[0] + side * distance * 0.51, middle[1] + 0.15 * half_height, near]
        )
        rim = view.place(_rim(centre, half_width, half_height, power, side))[0]
        lens = view.polygon(rim)
        if dark:
            view.hide(lens)
        view.blend(lens * _reflection(view, random, dark) * strength, tint)
        view.line(rims, rim, thickness, closed=True)
        hinge = np.array([centre[0] + side * half_width, centre[1] - 0.3 * half_height, near + 0.5])
        ear = np.array([side * 7.6, middle[1] - 0.2, -2.0])
        _arm(view, rims, hinge, ear, thickness)
    bridge = np.array(
        [
            [middle[0] - distance * 0.51 + half_width, middle[1] - 0.1 * half_height, near],
            [middle[0], middle[1] - 0.3 * half_height, near - 0.3],
            [middle[0] + distance * 0.51 - half_width, middle[1] - 0.1 * half_height, near],
        ]
    )
    view.line(rims, view.place(bridge)[0], thickness)
    view.blend(np.minimum(rims, 1), tone)


def _rim(centre: Floats, width: float, height: float, power: float, side: int) -> Floats:
    turn = np.linspace(0, 2 * np.pi, 41)[:-1]
    x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power) * width
    y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power) * height
    back = np.abs(x + side * width) * 0.12  # lenses follow the curve of the face
    return np.column_stack([centre[0] + x, centre[1] + y, centre[2] + back])


def _reflection(view: View, random: np.random.Generator, dark: bool) -> Floats:
    if dark or random.random() < 0.5:
        return np.ones((view.size, view.size), np.float32)
    ramp = np.linspace(-1, 1, view.size, dtype=np.float32)
    a, b, c = random.normal(0, [1, 1, 0.4])
    return np.asarray(np.clip(a * ramp[:, None] + b * ramp[None] + c, 0, 1) * 2.4, np.float32)


def _arm(view: View, mask: Floats, hinge: Floats, ear: Floats, thickness: float) -> None:
    pixels, depth = view.place(np.linspace(hinge, ear, 12))
    at = np.clip(np.round(pixels).astype(int), 0, view.size - 1)
    seen = depth < view.depth[at[:, 1], at[:, 0]] + 0.6
    for k in np.flatnonzero(seen[:-1]):
        view.line(mask, pixels[k : k + 2], thickness)


_MASK_TOP = (197, 100, 118, 329, 347, 123, 352)
_MASK_LOW = (58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 147, 376)


def paint_mask(view: View, points: Floats, random: np.random.Generator) -> None:
    """A medical mask: the hull of nose, cheeks and chin, lit like the face under it.

    Args:
        view: the picture.
        points: (478, 3) in head axes.
        random: source of chance.
    """
    corners = points[list(_MASK_TOP + _MASK_LOW)].copy()
    nose = points[4] + [0, 0.4, -0.8]
    chin = points[152] + [0, 0.8, -0.4]
    hull = convex_hull(view.place(np.vstack([corners, nose, chin]))[0])
    mask = view.polygon(hull, 0.4)
    light = blurred(view.image.mean(2), view.face * 0.06)
    inside = mask > 0.5
    scale = float(light[inside].mean()) if inside.any() else 128.0
    cloth = random.choice(
        np.array([[225, 228, 232], [150, 190, 215], [40, 40, 45], [120, 160, 150], [200, 120, 130]])
    ) * random.uniform(0.7, 1.05)
    rows = np.arange(view.size, dtype=np.float32)[:, None]
    folds = 1 + 0.05 * np.sin(rows / view.face * random.uniform(25, 45))
    view.blend(mask, np.clip(cloth * (light / max(scale, 1) * folds)[..., None], 0, 255))
    straps = np.zeros((view.size, view.size), np.float32)
    for start, end in ((123, 127), (352, 356), (58, 234), (288, 454)):
        line, depth = view.place(points[[start, end]])
        at = np.clip(np.round(line).astype(int), 0, view.size - 1)
        if (depth < view.depth[at[:, 1], at[:, 0]] + 0.8).all():
            view.line(straps, line, view.face * 0.012)
    view.blend(np.minimum(straps, 1), cloth)
    view.hide(mask)
