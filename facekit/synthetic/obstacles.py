"""Hands and things in front of the face."""

import cv2
import numpy as np

from facekit.synthetic.view import View, blurred, fixed
from facekit.types import Floats, Image


def paint_hand(view: View, random: np.random.Generator) -> None:
    """A hand with its fingers at mouth, chin, cheek, eye or forehead.

    Args:
        view: the picture; the skin tone of the hand is taken from the face in it.
        random: source of chance.
    """
    target = view.points[int(random.choice([13, 152, 50, 280, 33, 263, 10, 205, 425]))]
    tip = target + random.normal(0, 0.08, 2) * view.face
    angle = random.uniform(-np.pi * 0.1, np.pi * 1.1)  # the arm comes from below or beside
    away = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-away[1], away[0]])
    scale = view.face * random.uniform(0.8, 1.1)
    width = scale * random.uniform(0.075, 0.10)
    palm = tip + away * scale * 0.62
    fingers = [
        _finger(view, tip, palm, across, k, width, random)
        for k in range(int(random.integers(2, 6)))
    ]
    base = np.zeros((view.size, view.size), np.uint8)
    cv2.ellipse(
        base,
        (tuple(float(c) for c in palm), (scale * 0.5, scale * 0.42), float(np.degrees(angle))),
        255,
        -1,
        cv2.LINE_AA,
    )
    arm = fixed(np.array([palm, palm + away * scale * 2.5]))
    cv2.polylines(base, [arm], False, 255, max(1, int(scale * 0.3)), cv2.LINE_AA, 4)
    tone = _skin_tone(view) * random.uniform(0.75, 1.15)
    shadow = blurred(np.stack([base, *fingers]).max(0), view.face * 0.03)
    view.image *= 1 - 0.35 * shadow[..., None] / 255
    for part in (base, *fingers):
        _paint_round(view, part, tone, width if part is not base else scale * 0.2)


def _finger(
    view: View,
    tip: Floats,
    palm: Floats,
    across: Floats,
    number: int,
    width: float,
    random: np.random.Generator,
) -> Image:
    """(size, size) uint8 mask of one bent finger."""
    spread = (number - 1.5) * width * random.uniform(1.02, 1.15)
    length = 1 - 0.06 * abs(number - 1.5) ** 1.5
    end = palm + (tip - palm) * length + across * spread * 1.05
    start = palm + across * spread
    bend = (start + end) / 2 + across * random.normal(0, 0.05) * width
    mask = np.zeros((view.size, view.size), np.uint8)
    cv2.polylines(
        mask,
        [fixed(np.array([start, bend, end]))],
        False,
        255,
        max(1, int(round(width))),
        cv2.LINE_AA,
        4,
    )
    return mask


def _paint_round(view: View, mask: Image, tone: Floats, width: float) -> None:
    """Paint a part as if it were round: darker towards its edge."""
    inside = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
    shade = 0.62 + 0.38 * np.sqrt(np.clip(inside / max(width * 0.5, 1), 0, 1))
    cover = mask.astype(np.float32) / np.float32(255)
    view.blend(cover, np.clip(tone * shade[..., None], 0, 255))
    view.hide(cover)


def _skin_tone(view: View) -> Floats:
    """Display RGB of the face: the median over cheeks, forehead and nose in the picture."""
    at = np.clip(np.round(view.points[[50, 280, 151, 5, 205, 425]]).astype(int), 0, view.size - 1)
    return np.asarray(np.median(view.image[at[:, 1], at[:, 0]], axis=0), np.float32)


def paint_object(view: View, random: np.random.Generator) -> None:
    """A telephone, cup, microphone, bar, or something with corners, with a soft shadow."""
    centre = view.points[int(random.integers(468))] + random.normal(0, 0.2, 2) * view.face
    size = view.face * random.uniform(0.12, 0.35)
    turn = random.uniform(0, np.pi)
    kind = random.random()
    if kind < 0.4:  # a box
        shape = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [1, random.uniform(0.4, 2)]
    elif kind < 0.65:  # a bar across the picture
        shape = np.array([[-20, -0.3], [20, -0.3], [20, 0.3], [-20, 0.3]])
    elif kind < 0.85:  # something round
        round_turn = np.linspace(0, 2 * np.pi, 40)
        shape = np.column_stack([np.cos(round_turn), np.sin(round_turn) * random.uniform(0.5, 1)])
    else:
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 9)))
        shape = np.column_stack([np.cos(angles), np.sin(angles)])
        shape = shape * random.uniform(0.6, 1.3, (len(angles), 1))
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    mask = view.polygon(centre + shape * size @ rotate)
    shadow = blurred(mask, view.face * 0.03)
    view.image *= 1 - 0.4 * shadow[..., None]
    grain = cv2.resize(
        random.standard_normal((9, 9), np.float32),
        (view.size, view.size),
        interpolation=cv2.INTER_CUBIC,
    )
    tone = random.uniform(5, 240) * (1 + random.normal(0, 0.25, 3))
    view.blend(mask, np.clip(tone + grain[..., None] * random.uniform(0, 14), 0, 255))
    view.hide(mask)
