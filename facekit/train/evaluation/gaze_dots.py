"""Where people clicked on a screen: the one measured truth of gaze.

Ridge regression within each session, leaving one out, from gaze and head to the place. A method's
gaze enters as two columns and nothing else.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.train.evaluation.gaze_answers import Array, GazeReader, answers_of
from facekit.train.evaluation.pictures import load, packed

LAMBDA = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Answers on screen_dots.

    Attributes:
        answers: arrays of `gaze_answers.GazeAnswer`.
        head: (n, 6) face centre x, y and width in the frame (shares), yaw, pitch, roll.
        target: (n, 2) shares of the screen.
        session: (n,).
        person: (n,).
    """

    answers: dict[str, Array]
    head: Array
    target: Array
    session: NDArray[np.str_]
    person: NDArray[np.str_]


def read_dots(data: Path, reader: GazeReader) -> Dots:
    """Every picture, put back to its place in the frame it was cut from."""
    columns = load(data / "photos/screen_dots.npz")
    count = len(columns["session"])
    image = packed(columns, np.arange(count))
    found, places = [], np.empty((count, 3))
    for row in range(count):
        x, y, scale = columns["crop_xy0_scale"][row].astype(float)
        width, height = (columns["frame_wh"][row] * scale).astype(float)
        picture = image(row)
        canvas = np.zeros((round(height), round(width), 3), np.uint8)
        move = np.array([[1, 0, x * scale], [0, 1, y * scale]])
        cv2.warpAffine(
            picture, move, canvas.shape[1::-1], canvas, borderMode=cv2.BORDER_TRANSPARENT
        )
        answer = reader.read(canvas, focal_px=max(width, height))
        found.append(answer)
        box_x, box_y, box_w, box_h = answer.box
        places[row] = [(box_x + box_w / 2) / width, (box_y + box_h / 2) / height, box_w / width]
    answers = answers_of(found)
    head = np.column_stack([places, answers["head"]])
    target = columns["target_frac"].astype(np.float64)
    return Dots(answers, head, target, columns["session"], columns["person"])


def predictions(columns: Array, target: Array, session: NDArray[np.str_]) -> Array:
    """(n, 2) places by ridge regression on the other pictures of each one's session.

    Args:
        columns: (n, k) inputs; NaN becomes the mean of the training rows.
        target: (n, 2).
        session: (n,).
    """
    out = np.full_like(target, np.nan)
    for name in np.unique(session):
        rows = np.flatnonzero(session == name)
        for row in rows:
            others = rows[rows != row]
            out[row] = _ridge(columns[others], target[others], columns[row])
    return out


def _ridge(inputs: Array, target: Array, asked: Array) -> Array:
    known = np.isfinite(inputs)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, inputs, 0).sum(axis=0) / count
    inputs, asked = np.where(known, inputs, middle), np.where(np.isfinite(asked), asked, middle)
    spread = inputs.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    plain, wanted = (inputs - middle) / spread, target - target.mean(axis=0)
    weights = np.linalg.solve(plain.T @ plain + LAMBDA * np.eye(plain.shape[1]), plain.T @ wanted)
    return np.asarray((asked - middle) / spread @ weights + target.mean(axis=0))


def errors(dots: Dots, gaze: str | None) -> Array:
    """(n,) distance from the clicked place, shares of the screen, by a method's gaze and head.

    Args:
        dots: answers.
        gaze: name of the answer; None for the head alone.
    """
    columns = dots.head if gaze is None else np.column_stack([dots.answers[gaze], dots.head])
    found = predictions(columns, dots.target, dots.session)
    return np.asarray(np.linalg.norm(found - dots.target, axis=1))
