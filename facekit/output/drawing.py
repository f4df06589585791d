"""Faces drawn into a picture: box, label, points or contours. Pure: a picture in, one out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.estimate.ibug import IBUG_PARTS, subset68
from facekit.geometry import rotation
from facekit.types import Face, Floats, Image

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue; 0-255."""

GREY: Colour = (150, 150, 150)
_DARK: Colour = (20, 20, 20)
_LIGHT: Colour = (255, 255, 255)
COLOURS: tuple[Colour, ...] = (
    (0, 200, 255),
    (255, 170, 0),
    (120, 230, 60),
    (255, 90, 160),
    (150, 130, 255),
    (255, 235, 60),
    (0, 225, 170),
    (255, 110, 70),
    (90, 160, 255),
    (215, 120, 255),
    (190, 220, 120),
    (255, 180, 190),
)
"""Bright, so that they show on skin and on the dark stroke below them; neighbours differ in hue."""

_AXES: tuple[tuple[Colour, tuple[float, float, float]], ...] = (
    ((235, 60, 60), (1, 0, 0)),
    ((60, 200, 60), (0, 1, 0)),
    ((70, 110, 255), (0, 0, -1)),
)
"""Red to the subject's left, green to the chin, blue where the nose points; head axes."""

_AXIS_SHARE = 0.25
"""Length of an axis, as a share of the box's longer side."""

_GAZE: Colour = (255, 255, 90)
_RIGHT_IRIS, _LEFT_IRIS = 468, 473
_RIGHT_EYE, _LEFT_EYE = slice(36, 42), slice(42, 48)
"""Outlines of the eyes among the 68 iBUG points."""

_SUBPIXEL_BITS = 4
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_HEIGHT_PX = 22
"""Height of a capital of the font at scale 1."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Sizes that follow the picture's: `line` and `text` height, pixels."""

    line: int
    text: int


def draw(image: Image, faces: Sequence[Face]) -> Image:
    """A copy of `image` with `faces` drawn into it.

    Each face has its box, its track number and score, and its five points or, if it has dense
    landmarks, the iBUG contours; with a head pose, three axes beside the chin, at the box's lower
    right corner: red to the subject's left, green to the chin, blue where the nose points; with
    gaze, a line from each open eye to where it looks. Tracks keep their colour; low quality is
    grey and dashed.

    Args:
        image: (height, width, 3) RGB.
        faces: what was found in it.
    """
    canvas = np.ascontiguousarray(image).copy()
    pen = _pen(canvas)
    for face in faces:
        colour = face_colour(face)
        _draw_features(canvas, face, colour, pen)
        _draw_gaze(canvas, face, pen)
        _draw_box(canvas, face.region.box, colour, pen, dashed=face.status == "low_quality")
        _draw_axes(canvas, face, pen)
    # Labels last: one face's lines shall not cross another's number.
    for face in faces:
        _draw_label(canvas, face, pen)
    return canvas


def write_caption(canvas: Image, text: str) -> None:
    """Write one line of text into the lower left corner of `canvas`, in place."""
    _write(canvas, text, (0, canvas.shape[0]), ink=_LIGHT, ground=_DARK, pen=_pen(canvas))


def _pen(canvas: Image) -> Pen:
    side = min(canvas.shape[:2])
    return Pen(line=max(1, round(side / 400)), text=max(8, round(side / 55)))


def face_colour(face: Face) -> Colour:
    """The colour of a face: its track's; grey for low quality."""
    if face.status == "low_quality":
        return GREY
    return COLOURS[(face.region.track or 0) % len(COLOURS)]


def _draw_features(canvas: Image, face: Face, colour: Colour, pen: Pen) -> None:
    if face.landmarks is None:
        for point in face.region.points:
            if np.isfinite(point).all():
                _dot(canvas, point, pen.line + 2, _DARK)
                _dot(canvas, point, pen.line + 1, colour)
        return
    points = subset68(face.landmarks.points[:, :2])
    for part, closed in IBUG_PARTS:
        if np.isfinite(points[part]).all():
            _stroke(canvas, points[part], closed, colour, max(1, pen.line - 1))


def _draw_axes(canvas: Image, face: Face, pen: Pen) -> None:
    pose, region = face.head_pose, face.region
    if pose is None or not np.isfinite(region.box).all():
        return
    turned = rotation(pose.yaw, pose.pitch, pose.roll)
    length = _AXIS_SHARE * float(max(region.box[2:]))
    # At a corner no axis hides what it is about; within the frame, for faces at its edge.
    corner = region.box[:2] + region.box[2:]
    start = np.clip(corner, length, np.maximum(np.array(canvas.shape[1::-1]) - length, length))
    # The nearest axis last, so that it lies over the others.
    ends = [(colour, turned @ np.array(axis)) for colour, axis in _AXES]
    for colour, end in sorted(ends, key=lambda entry: -float(entry[1][2])):
        line = np.array([start, start + length * end[:2]])
        _stroke(canvas, line, False, _DARK, pen.line + 2)
        _stroke(canvas, line, False, colour, pen.line)


def _draw_gaze(canvas: Image, face: Face, pen: Pen) -> None:
    """An arrow from each eye that is seen open, as long as it points away from the camera."""
    if face.gaze is None or face.landmarks is None:
        return
    points = face.landmarks.points[:, :2]
    right = _eye_centre(points, _RIGHT_IRIS, _RIGHT_EYE)
    left = _eye_centre(points, _LEFT_IRIS, _LEFT_EYE)
    length = 0.6 * float(np.linalg.norm(left - right))
    for start, way in ((left, face.gaze.left), (right, face.gaze.right)):
        if not (np.isfinite(way).all() and np.isfinite(start).all() and np.isfinite(length)):
            continue
        line = np.array([start, start + length * way[:2]])
        _stroke(canvas, line, False, _DARK, pen.line + 2)
        _stroke(canvas, line, False, _GAZE, pen.line)
        _dot(canvas, line[1], pen.line + 1, _GAZE)


def _eye_centre(points: Floats, iris: int, outline: slice) -> Floats:
    """The iris or, where only the 68 points are known, the middle of the eye."""
    known = bool(np.isfinite(points[iris]).all())
    return points[iris] if known else np.asarray(subset68(points)[outline].mean(axis=0), np.float32)


def _draw_box(canvas: Image, box: Floats, colour: Colour, pen: Pen, *, dashed: bool) -> None:
    if not np.isfinite(box).all():
        return
    x, y, width, height = (float(value) for value in box)
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    if not dashed:
        _stroke(canvas, corners, True, _DARK, pen.line + 2)
        _stroke(canvas, corners, True, colour, pen.line)
        return
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _draw_dashes(canvas, start, end, colour, pen)


def _draw_dashes(
    canvas: Image,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    colour: Colour,
    pen: Pen,
) -> None:
    # An odd number of equal parts: both ends of the side are drawn.
    count = 2 * max(1, round(float(np.hypot(*(end - start))) / (20 * pen.line))) + 1
    stops = start + np.linspace(0, 1, count + 1)[:, None] * (end - start)
    for first in range(0, count, 2):
        _stroke(canvas, stops[first : first + 2], False, _DARK, pen.line + 2)
        _stroke(canvas, stops[first : first + 2], False, colour, pen.line)


def _draw_label(canvas: Image, face: Face, pen: Pen) -> None:
    box, text = face.region.box, label(face)
    if text and np.isfinite(box).all():
        corner = (float(box[0]), float(box[1]))
        _write(canvas, text, corner, ink=_DARK, ground=face_colour(face), pen=pen)


def _write(
    canvas: Image,
    text: str,
    corner: tuple[float, float],
    *,
    ink: Colour,
    ground: Colour,
    pen: Pen,
) -> None:
    """A line of text above `corner`, on a plate; below it where there is no room above."""
    scale, weight = pen.text / _FONT_HEIGHT_PX, max(1, round(pen.text / 10))
    (width, height), below = cv2.getTextSize(text, _FONT, scale, weight)
    margin = max(2, pen.text // 3)
    tall, wide = height + below + margin, width + 2 * margin
    left = int(np.clip(corner[0], 0, max(0, canvas.shape[1] - wide)))
    top = round(corner[1]) - tall
    if top < 0:
        top = int(np.clip(corner[1], 0, max(0, canvas.shape[0] - tall)))
    cv2.rectangle(canvas, (left, top), (left + wide - 1, top + tall - 1), ground, cv2.FILLED)
    baseline = (left + margin, top + tall - below - margin // 2)
    cv2.putText(canvas, text, baseline, _FONT, scale, ink, weight, cv2.LINE_AA)


def label(face: Face) -> str:
    """What stands at a face's box: track, person and score, as far as known."""
    score = face.region.score
    parts = [
        "" if face.region.track is None else f"#{face.region.track}",
        "" if face.person is None else f"person {face.person}",
        face.person_name or "",
        f"{score:.2f}" if np.isfinite(score) else "",
    ]
    return " ".join(part for part in parts if part)


def _stroke(
    canvas: Image, points: NDArray[np.floating], closed: bool, colour: Colour, width: int
) -> None:
    cv2.polylines(
        canvas, [_fixed(points)], closed, colour, width, cv2.LINE_AA, shift=_SUBPIXEL_BITS
    )


def _dot(canvas: Image, point: NDArray[np.floating], radius: int, colour: Colour) -> None:
    x, y = _fixed(point).tolist()
    cv2.circle(
        canvas,
        (x, y),
        radius << _SUBPIXEL_BITS,
        colour,
        cv2.FILLED,
        cv2.LINE_AA,
        shift=_SUBPIXEL_BITS,
    )


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Points as OpenCV takes fractions of pixels; far away ones stay within its integers."""
    limit = 2**20
    fine = np.rint(np.clip(points, -limit, limit) * 2**_SUBPIXEL_BITS)
    return np.asarray(fine, np.int32)
