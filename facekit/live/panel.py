"""The picture of the live window: the annotated frame, the action units of both sides, the numbers.

Pure: a frame and what is known of it in, a picture out. Sizes are chosen for a window that fills
a screen of 50 cm width, read from two metres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facekit.estimate.gaze import SHUT
from facekit.facs import ACTION_UNITS, ActionUnit
from facekit.output.drawing import COLOURS, Colour, draw
from facekit.types import ActionUnits, Face, Floats, Frame, Image

SIZE = (1280, 720)
"""(width, height) of the picture, pixels."""

KEYS = "b baseline  c gaze  m marker  space pause  q end"

_PICTURE = (864, 486)
_BARS_LEFT = _PICTURE[0]
_ROW, _BAR = 32, 19
_HIGHEST = 5.0
_FONT, _WEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 2
_GROUND: Colour = (18, 20, 24)
_INK: Colour = (235, 238, 242)
_FAINT: Colour = (120, 128, 138)
_LEFT: Colour = (90, 190, 255)
_RIGHT: Colour = (255, 180, 60)
_WARN: Colour = (255, 110, 90)
_REST: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Readings:
    """What stands beside the picture.

    Attributes:
        fps: frames analysed a second.
        latency_ms: from capture until the rows were ready; NaN before the first.
        dropped: frames so far that were never analysed.
        markers: markers set so far.
        message: what the run has to say; empty for nothing.
        paused: whether frames are only shown.
        rest: (22,) intensities at rest of the face whose bars are shown; None without.
    """

    fps: float
    latency_ms: float
    dropped: int
    markers: int
    message: str = ""
    paused: bool = False
    rest: Floats | None = None


def compose(frame: Frame, faces: Sequence[Face], readings: Readings) -> Image:
    """(height, width, 3) uint8 RGB of `SIZE`.

    Bars belong to the largest face: the subject's right side grows to image left, as in the
    unmirrored picture. White ticks are the intensities at rest.
    """
    canvas = np.full((SIZE[1], SIZE[0], 3), _GROUND, np.uint8)
    _place_picture(canvas, draw(frame.image, faces))
    face = largest(faces)
    _draw_bars(canvas, face.action_units if face else None, readings.rest)
    _draw_eyes(canvas, face)
    _draw_numbers(canvas, frame, readings)
    return canvas


def largest(faces: Sequence[Face]) -> Face | None:
    """The largest of `faces`."""
    return max(faces, key=lambda face: float(face.region.box[2:].prod()), default=None)


def is_shut(openness: float) -> bool:
    """Whether an eye is closed; one that is hidden is not."""
    return math.isfinite(openness) and openness < SHUT


def _place_picture(canvas: Image, picture: Image) -> None:
    height, width = picture.shape[:2]
    scale = min(_PICTURE[0] / width, _PICTURE[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (_PICTURE[0] - size[0]) // 2, (_PICTURE[1] - size[1]) // 2
    fitted = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = fitted


def _draw_bars(canvas: Image, units: ActionUnits | None, rest: Floats | None) -> None:
    middle = (_BARS_LEFT + SIZE[0]) // 2
    for row, unit in enumerate(ACTION_UNITS):
        top = 8 + row * _ROW
        _write(canvas, _short(unit), (middle, top + _BAR), 0.62, _INK, centred=True)
        if units is None:
            continue
        whole = float(units.intensity[row])
        sides = (units.right, units.left) if unit.sided else (units.intensity, units.intensity)
        for values, way, colour in ((sides[0], -1, _RIGHT), (sides[1], 1, _LEFT)):
            present = float(units.probability[row]) >= 0.5
            value = float(values[row])
            shown = value if math.isfinite(value) else whole
            _bar(canvas, (middle + way * 36, top), way, shown, colour if present else _FAINT)
            if rest is not None:
                _tick(canvas, (middle + way * 36, top), way, float(rest[row]))


def _length(value: float) -> int:
    """Of a bar, pixels."""
    longest = (SIZE[0] - _BARS_LEFT) // 2 - 36 - 8
    return round(longest * min(max(value, 0.0), _HIGHEST) / _HIGHEST)


def _bar(canvas: Image, corner: tuple[int, int], way: int, value: float, colour: Colour) -> None:
    x, y = corner
    end = (x + way * _length(_HIGHEST), y + _BAR)
    cv2.rectangle(canvas, corner, end, (38, 42, 48), cv2.FILLED)
    if math.isfinite(value) and _length(value) > 0:
        end = (x + way * _length(value), y + _BAR)
        cv2.rectangle(canvas, corner, end, colour, cv2.FILLED)


def _tick(canvas: Image, corner: tuple[int, int], way: int, value: float) -> None:
    x = corner[0] + way * _length(value)
    cv2.line(canvas, (x, corner[1] - 2), (x, corner[1] + _BAR + 2), _REST, 2)


def _short(unit: ActionUnit) -> str:
    return f"AU{unit.number}"


def _draw_eyes(canvas: Image, face: Face | None) -> None:
    """Both eyes, the subject's right on image left, one that is shut a line; and speaking."""
    middle = _PICTURE[1] + 44
    gaze = None if face is None else face.gaze
    sides = (("R", 26, 90, _RIGHT), ("L", 254, 190, _LEFT))
    opened = (math.nan, math.nan) if gaze is None else (gaze.right_open, gaze.left_open)
    for (name, label, x, colour), value in zip(sides, opened, strict=True):
        _write(canvas, name, (label, middle + 12), 1.0, colour, centred=True)
        if not math.isfinite(value):
            _write(canvas, "?", (x, middle + 12), 1.0, _FAINT, centred=True)
            continue
        lid = 0 if is_shut(value) else max(2, round(26 * value))
        cv2.ellipse(canvas, (x, middle), (38, lid), 0, 0, 360, colour, 4, cv2.LINE_AA)
    if all(is_shut(value) for value in opened):
        _write(canvas, "BLINK", (300, middle + 15), 1.3, _WARN)
    elif any(is_shut(value) for value in opened):
        side = "RIGHT" if is_shut(opened[0]) else "LEFT"
        _write(canvas, f"{side} EYE SHUT", (300, middle + 15), 1.3, _WARN)
    if face is not None and face.temporal is not None and face.temporal.speaking >= 0.5:
        _write(canvas, "SPEAKING", (656, middle + 15), 1.2, COLOURS[2])


def _draw_numbers(canvas: Image, frame: Frame, readings: Readings) -> None:
    line = _PICTURE[1] + 124
    lost = _WARN if readings.dropped else _INK
    latency = "-" if math.isnan(readings.latency_ms) else f"{readings.latency_ms:.0f} ms"
    for x, text, colour in (
        (16, f"{frame.time_s:.1f} s", _INK),
        (180, f"{readings.fps:.0f} fps", _INK),
        (330, latency, _INK),
        (480, f"dropped {readings.dropped}", lost),
    ):
        _write(canvas, text, (x, line), 1.05, colour)
    if readings.markers:
        _write(canvas, f"M{readings.markers}", (780, line), 1.05, COLOURS[2])
    said = "PAUSED" if readings.paused else readings.message
    _write(canvas, said, (16, line + 52), 1.05, _WARN if readings.paused else COLOURS[5])
    _write(canvas, KEYS, (16, SIZE[1] - 16), 0.85, _FAINT)


def _write(
    canvas: Image,
    text: str,
    place: tuple[int, int],
    scale: float,
    colour: Colour,
    *,
    centred: bool = False,
) -> None:
    x, y = place
    if centred:
        x -= cv2.getTextSize(text, _FONT, scale, _WEIGHT)[0][0] // 2
    cv2.putText(canvas, text, (x, y), _FONT, scale, colour, _WEIGHT, cv2.LINE_AA)
