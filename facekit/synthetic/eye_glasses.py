"""Glasses before the eyes as webcams see them: rims, shadow, haze, and screens in the lenses."""

from dataclasses import dataclass

import cv2
import numpy as np

from facekit.synthetic.camera import Camera, Matrix
from facekit.synthetic.people import Person
from facekit.synthetic.view import blurred, fixed
from facekit.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Glasses:
    """A pair of glasses; lengths in distances of the eyes.

    Attributes:
        half: (2,) half width and half height of a lens.
        power: of the super-ellipse: 2 round, 5 nearly a rectangle.
        forward: how far before the root of the nose.
        drop: how far below the eyes the lenses' middles sit.
        rim: thickness of the rims; 0 = rimless.
        tone: (3,) display RGB of the rims.
        dark: share of light that the lenses take: sun glasses near 1.
        shadow: darkness under the rims.
    """

    half: tuple[float, float]
    power: float
    forward: float
    drop: float
    rim: float
    tone: Floats
    dark: float
    shadow: float


def random_glasses(random: np.random.Generator) -> Glasses:
    """Some glasses; one pair in twenty for the sun."""
    width = random.uniform(0.34, 0.47)
    sun = random.random() < 0.05
    tone = random.uniform(0, 70, 3) if random.random() < 0.7 else random.uniform(20, 230, 3)
    return Glasses(
        half=(float(width), float(width * random.uniform(0.5, 0.95))),
        power=float(random.uniform(2, 5)),
        forward=float(random.uniform(0.02, 0.14)),
        drop=float(random.normal(0.05, 0.04)),
        rim=0.0 if random.random() < 0.12 else float(random.uniform(0.008, 0.06)),
        tone=tone.astype(np.float32),
        dark=float(random.uniform(0.7, 0.98)) if sun else float(random.uniform(0, 0.15)),
        shadow=float(random.uniform(0, 0.35)),
    )


@dataclass(slots=True, eq=False)
class _Canvas:
    image: Floats
    camera: Camera
    turn: Matrix
    move: Matrix

    def pixels(self, points: Matrix) -> Floats:
        return self.camera.project(points @ self.turn.T + self.move)

    def area(self, corners: Floats) -> Floats:
        mask = np.zeros(self.image.shape[:2], np.uint8)
        cv2.fillPoly(mask, [fixed(corners)], 255, cv2.LINE_AA, 4)
        return np.asarray(mask / np.float32(255), np.float32)

    def lines(self, corners: list[Floats], width: float, closed: bool) -> Floats:
        mask = np.zeros(self.image.shape[:2], np.float32)
        for line in corners:
            cv2.polylines(mask, [fixed(line)], closed, 1.0, max(1, round(width)), cv2.LINE_AA, 4)
        return mask

    def blend(self, mask: Floats, colour: Floats) -> None:
        self.image += (colour - self.image) * mask[..., None]


def paint_glasses(
    image: Floats,
    camera: Camera,
    turn: Matrix,
    move: Matrix,
    person: Person,
    glasses: Glasses,
    scene: np.random.Generator,
    yaw_deg: float,
) -> Floats:
    """Lay glasses over a picture, in place.

    Args:
        image: (height, width, 3) display RGB.
        camera: of the picture.
        turn: (3, 3) head to camera.
        move: (3,) head to camera.
        person: who wears them.
        glasses: which.
        scene: source of chance of what the lenses reflect.
        yaw_deg: of the head: the arm on the side that is seen is drawn.

    Returns:
        (height, width) how much they hide, 0-1.
    """
    canvas = _Canvas(image, camera, turn, move)
    unit = float(np.linalg.norm(person.eyeballs[0] - person.eyeballs[1]))
    pixels = camera.focal * unit / float(move[2] + (turn @ person.eyeballs.mean(0))[2])
    near = float(person.neutral[:, 2].min() + 1.9) - glasses.forward * unit
    lenses = [_lens(person, glasses, side, near, unit) for side in (1, -1)]
    outlines = [canvas.pixels(lens) for lens in lenses]
    areas = [canvas.area(outline) for outline in outlines]
    hidden = np.zeros(image.shape[:2], np.float32)
    for area in areas:
        canvas.blend(area * glasses.dark, glasses.tone * 0.4)
        if glasses.dark > 0.5:
            np.maximum(hidden, area, out=hidden)
    mirrored = _reflect(canvas, outlines, areas, pixels, scene)
    np.maximum(hidden, mirrored, out=hidden)
    width = glasses.rim * pixels
    arms = _arms(canvas, lenses, near, unit, yaw_deg)
    frame = canvas.lines(outlines, width, True)
    bridge = [_bridge(canvas, lenses, near)]
    frame = np.maximum(frame, canvas.lines([*bridge, *arms], 0.7 * width, False))
    if glasses.shadow > 0:
        below = np.roll(blurred(frame, 0.03 * pixels), round(0.04 * pixels), axis=0)
        image *= 1 - glasses.shadow * np.clip(below, 0, 1)[..., None]
    strength = 1.0 if glasses.rim > 0 else 0.35
    canvas.blend(frame * strength, glasses.tone)
    return np.asarray(np.maximum(hidden, frame * strength), np.float32)


def _lens(person: Person, glasses: Glasses, side: int, near: float, unit: float) -> Matrix:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    cosine, sine = np.cos(turn), np.sin(turn)
    x = np.sign(cosine) * np.abs(cosine) ** (2 / glasses.power) * glasses.half[0] * unit
    y = np.sign(sine) * np.abs(sine) ** (2 / glasses.power) * glasses.half[1] * unit
    middle = person.eyeballs.mean(0)
    # Frames bend backwards to the sides.
    deep = near + 0.25 * np.abs(x + side * 0.5 * unit) ** 2 / unit * 0.4
    return np.column_stack(
        [middle[0] + side * 0.51 * unit + x, middle[1] + glasses.drop * unit + y, deep]
    )


def _bridge(canvas: _Canvas, lenses: list[Matrix], near: float) -> Floats:
    left, right = lenses[0][:, 0].min(), lenses[1][:, 0].max()
    height = float(lenses[0][:, 1].mean()) - 0.3 * float(np.ptp(lenses[0][:, 1])) / 2
    arc = np.array(
        [
            [left, height, near],
            [(left + right) / 2, height - 0.2, near - 0.1],
            [right, height, near],
        ]
    )
    return canvas.pixels(arc)


def _arms(
    canvas: _Canvas, lenses: list[Matrix], near: float, unit: float, yaw_deg: float
) -> list[Floats]:
    """The arm on the side of the head that is seen."""
    if abs(yaw_deg) < 8:
        return []
    side = 1 if yaw_deg > 0 else 0
    lens = lenses[side]
    outer = lens[:, 0].max() if side == 0 else lens[:, 0].min()
    height = float(lens[:, 1].mean()) - 0.1 * unit
    back = outer + (0.12 if side == 0 else -0.12) * unit
    return [
        canvas.pixels(np.array([[outer, height, near + 0.5], [back, height, near + 1.4 * unit]]))
    ]


def _reflect(
    canvas: _Canvas,
    outlines: list[Floats],
    areas: list[Floats],
    pixels: float,
    scene: np.random.Generator,
) -> Floats:
    """Screens in the lenses, a little different in each eye; (height, width) what they hide."""
    hidden = np.zeros(canvas.image.shape[:2], np.float32)
    if scene.random() < 0.35:  # a coating that mirrors nothing
        return hidden
    for _ in range(int(scene.integers(1, 4))):
        place = scene.normal(0, [0.16, 0.13])
        size = scene.uniform(0.05, 0.30, 2) * [1, 0.8]
        shear = scene.normal(0, 0.12, (4, 2))
        light = scene.uniform(90, 255) * np.clip(
            np.array([0.8, 0.95, 1.1]) + scene.normal(0, 0.06, 3), 0, 1.3
        )
        strength = float(
            scene.choice([scene.uniform(0.05, 0.4), scene.uniform(0.3, 0.95)], p=[0.7, 0.3])
        )
        additive = scene.random() < 0.5
        fade = scene.normal(0, 0.5, 2)
        for outline, area in zip(outlines, areas, strict=True):
            middle = outline.mean(0) + (place + scene.normal(0, 0.03, 2)) * pixels
            square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) + shear
            corners = middle + square * size * pixels
            mask = blurred(canvas.area(corners), max(0.4, 0.012 * pixels)) * area
            rows, columns = np.indices(mask.shape) / pixels
            ramp = np.clip(
                1 + fade[0] * (columns - columns.mean()) + fade[1] * (rows - rows.mean()), 0.1, 1.3
            )
            mask = np.clip(mask * ramp * strength, 0, 0.95).astype(np.float32)
            if additive:
                canvas.image += mask[..., None] * light.astype(np.float32) * np.float32(0.6)
            else:
                canvas.blend(mask, light.astype(np.float32))
                np.maximum(hidden, mask, out=hidden)
    np.clip(canvas.image, 0, 255, out=canvas.image)
    return hidden


def paint_something(
    image: Floats, cover: Floats, eye: Floats, unit: float, random: np.random.Generator
) -> None:
    """Hair, a finger or a bar before an eye, in place.

    Args:
        image: (height, width, 3) display RGB.
        cover: (height, width) how much hides the face, 0-1; what is painted is added.
        eye: (2,) pixel.
        unit: distance of the eyes, pixels.
        random: source of chance.
    """
    start = eye + random.normal(0, 0.25, 2) * unit
    way = random.normal(0, 1, 2)
    way /= max(float(np.linalg.norm(way)), 1e-6)
    ends = np.stack([start - way * 2 * unit, start + way * random.uniform(0, 2) * unit])
    mask = np.zeros(cover.shape, np.float32)
    thickness = max(
        1, round(unit * random.choice([random.uniform(0.02, 0.06), random.uniform(0.2, 0.6)]))
    )
    cv2.polylines(mask, [fixed(ends)], False, 1.0, thickness, cv2.LINE_AA, 4)
    tone = random.uniform(10, 220) * (1 + random.normal(0, 0.15, 3))
    image += (np.clip(tone, 0, 255).astype(np.float32) - image) * mask[..., None]
    np.maximum(cover, mask, out=cover)
