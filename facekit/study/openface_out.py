"""``--format openface``: rows in OpenFace's columns; the rules are in `facekit.study.openface`."""

import math
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

import numpy as np

from facekit.columns import Column
from facekit.errors import OptionsError
from facekit.options import PipelineOptions
from facekit.output.rows import Cell, Row
from facekit.study.openface import (
    COLUMNS,
    FACES,
    LIDS,
    NAME,
    SAME,
    UNITS_C,
    facekit_unit,
    gaze_to_openface,
    named,
    pose_to_openface,
)

_PRESENT = 0.5
_OWN = ("columns", "baseline", "au_head", "identity", "embeddings", "gallery", "same_people")
"""Options that ask for columns of facekit's own."""

_LEADING = ("frame", "face_id", "timestamp", "confidence", "success")
_TURN = ("yaw", "pitch", "roll")
_HEAD = tuple(f"head_{axis}_mm" for axis in FACES)
_LOOK = ("gaze_yaw", "gaze_pitch")
_POSE = tuple(f"pose_{kind}{axis}" for kind in "TR" for axis in FACES)
_ANGLES = ("gaze_angle_x", "gaze_angle_y")
_PLACES = {column.name: place for place, column in enumerate(COLUMNS)}


def measured_with(options: PipelineOptions) -> PipelineOptions:
    """`options` with the column groups that OpenFace's columns are made of, as far as run.

    Raises:
        OptionsError: columns of facekit's own are asked for, which OpenFace has none for.
    """
    for name in _OWN:
        if getattr(options, name) not in (None, False):
            raise OptionsError(
                "cannot be used with the format openface, whose columns are fixed",
                where=name,
                advice="Leave it out, or write facekit's own columns",
            )
    groups: list[str] = []
    if options.landmarks != "none":
        groups.append("landmarks68")
        if options.action_units != "none":
            groups.append("au")
        if options.head_pose != "none":
            groups += ["pose", "landmarks3d"]
            if options.gaze != "none":
                groups.append("gaze")
    return replace(options, columns=tuple(groups))


class OpenFaceLayout:
    """Turns facekit's rows into OpenFace's.

    Args:
        measured: columns of facekit's rows.

    Attributes:
        name: what the sidecar calls the format.
        columns: OpenFace's, all of them; those that stay empty say so.
        notes: what stays empty and what of facekit's is not written, in sentences.
    """

    name = NAME

    def __init__(self, measured: Sequence[Column]) -> None:
        """Find the place of every number."""
        self._at = {column.name: place for place, column in enumerate(measured)}
        sources = {**SAME, **LIDS}
        nothing = len(measured)
        self._pick = itemgetter(*(self._at.get(sources.get(c.name, ""), nothing) for c in COLUMNS))
        self._present = tuple(
            (_PLACES[f"AU{unit:02d}_c"], self._at[name])
            for unit in UNITS_C
            if (name := f"{facekit_unit(unit)}_prob") in self._at
        )
        used = {name for name in (*sources.values(), "frame", "track", "status")}
        used |= {*_TURN, *_HEAD, *_LOOK, *(f"{facekit_unit(unit)}_prob" for unit in UNITS_C)}
        empty = [c for c in COLUMNS if c.name not in _LEADING and not self._filled(c.name)]
        dropped = [column for column in measured if column.name not in used]
        self.columns = tuple(
            replace(c, meaning="Empty: facekit has no counterpart.", stage="") if c in empty else c
            for c in COLUMNS
        )
        self.notes = (
            f"Empty, as nothing of facekit's stands for them here: {named(empty, COLUMNS)}.",
            f"Not written, as OpenFace has no column for them: {named(dropped, measured)}.",
        )

    def _filled(self, name: str) -> bool:
        sources = {**SAME, **LIDS}
        if name in sources:
            return sources[name] in self._at
        if name in _POSE:
            return _TURN[0] in self._at
        if name in _ANGLES:
            return _LOOK[0] in self._at
        return _PLACES[name] in dict(self._present)

    def rows(self, new: Sequence[Row]) -> list[Row]:
        """All rows of one frame, in OpenFace's columns."""
        return [self._row(row, place) for place, row in enumerate(new)]

    def _row(self, row: Row, place: int) -> Row:
        cells: list[Cell] = list(self._pick((*row, None)))
        frame, track = row[self._at["frame"]], row[self._at["track"]]
        status = row[self._at["status"]]
        self._put(cells, "frame", int(frame or 0) + 1)
        self._put(cells, "success", int(status == "ok"))
        if status == "no_face":
            self._put(cells, "face_id", 0)
            self._put(cells, "confidence", 0.0)
            return tuple(cells)
        # Still images have no tracks: their faces are told apart within the picture.
        self._put(cells, "face_id", place if track is None else track)
        for target, source in self._present:
            probability = row[source]
            if isinstance(probability, int | float):
                cells[target] = float(probability >= _PRESENT)
        self._put_pose(cells, row)
        self._put_gaze(cells, row)
        return tuple(cells)

    def _put_pose(self, cells: list[Cell], row: Row) -> None:
        turn, head = self._numbers(row, _TURN), self._numbers(row, _HEAD)
        if np.isfinite(turn).all():
            found = pose_to_openface(turn, head)
            for name, value in zip(_POSE, np.concatenate(found, axis=1)[0].tolist(), strict=True):
                self._put(cells, name, value if math.isfinite(value) else None)

    def _put_gaze(self, cells: list[Cell], row: Row) -> None:
        look = self._numbers(row, _LOOK)
        if np.isfinite(look).all():
            for name, value in zip(_ANGLES, gaze_to_openface(look)[0].tolist(), strict=True):
                self._put(cells, name, value)

    def _numbers(
        self, row: Row, names: Sequence[str]
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        cells = [row[self._at[name]] if name in self._at else None for name in names]
        return np.array([cells], np.float64)

    @staticmethod
    def _put(cells: list[Cell], name: str, value: Cell) -> None:
        cells[_PLACES[name]] = value
