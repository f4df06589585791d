"""A table as the page needs it: one timeline, everyone's traces on it, in pieces."""

import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facekit.columns import Column
from facekit.output import read_table
from facekit.study.contents import Subject, bare, subjects, table_columns
from facekit.viewer import pyramid

ROW_PIECE = 128
"""Frames in a piece of rows."""

STATUS_CODES = {"ok": 0, "low_quality": 1}
AXES = tuple(f"axis_{head}_{image}" for head in ("left", "down", "nose") for image in "xyz")
"""Where the head's axes point in camera axes: to the subject's left, the chin, out of the nose."""

_KEPT_PYRAMIDS = 96
_FIRST_UNITS = ("AU01", "AU04", "AU06", "AU12", "AU25", "yaw")
_FIRST_OTHERS = ("yaw", "pitch", "roll", "gaze_yaw", "gaze_pitch", "score")
_HEAVY_GROUPS = frozenset({"landmarks478", "landmarks3d"})
_IDENTITY = frozenset({"frame", "time_s", "track", "person"})


class TableContent:
    """One table, read once, and what is computed from it, kept.

    Attributes:
        path: the table.
        table: as read.
        subjects: everyone in it.
        columns: what each column is, by name.
        frames: (n,) frame numbers, each once.
        times: (n,) their times, seconds; for still images the frame numbers.
        timed: whether the times are seconds.
    """

    def __init__(self, path: Path) -> None:
        """Read the table.

        Raises:
            OutputError: missing or damaged.
        """
        self.path = path
        self.table = read_table(path)
        self.subjects = subjects(self.table)
        self._bare = bare(self.table)
        self.columns = {column.name: column for column in table_columns(self.table)}
        frame = self.table["frame"].to_numpy(np.int64)
        self.frames, first, self._position = np.unique(
            frame, return_index=True, return_inverse=True
        )
        times = self.table["time_s"].to_numpy(np.float64)[first]
        self.timed = bool(len(times)) and bool(np.isfinite(times).all())
        self.times = times if self.timed else self.frames.astype(np.float64)
        self.bin_times = pyramid.bin_times(self.times)
        self._pyramids: OrderedDict[tuple[int, str], tuple[pyramid.Level, ...]] = OrderedDict()
        self._qualities: dict[int, tuple[tuple[pyramid.Bins, ...], tuple[pyramid.Bins, ...]]] = {}
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Compute what the page shows first, so that it need not wait."""
        if len(self.subjects):
            self.quality(self.first_subject)
            self.rows(self.first_subject, 0)
            for column in self.first_columns:
                self.series(self.first_subject, column)

    @property
    def first_columns(self) -> tuple[str, ...]:
        """The columns that the page opens with."""
        units = tuple(name for name in _FIRST_UNITS if name in self.columns)
        if any(name.startswith("AU") for name in units):
            return units
        return tuple(name for name in _FIRST_OTHERS if name in self.columns)

    @property
    def first_subject(self) -> int:
        """Whom the page opens with: whoever has most rows."""
        rows = [len(subject.rows) for subject in self.subjects]
        return rows.index(max(rows)) if rows else 0

    @property
    def described(self) -> dict[str, Any]:
        """The sidecar; empty without one."""
        found: dict[str, Any] = self.table.attrs.get("facekit", {})
        return found

    @cached_property
    def traces(self) -> tuple[Column, ...]:
        """The columns that can be plotted; standard deviations are the bands of theirs."""
        return tuple(
            column
            for column in self.columns.values()
            if column.kind != "text"
            and column.name not in _IDENTITY
            and not (
                column.name.endswith("_sd") and column.name.removesuffix("_sd") in self.columns
            )
        )

    @cached_property
    def row_columns(self) -> tuple[str, ...]:
        """The columns of `rows`, in order, after the frame's position."""
        measured = [
            column.name
            for column in self.columns.values()
            if column.kind != "text"
            and column.name not in _IDENTITY
            and column.group not in _HEAVY_GROUPS
        ]
        return ("status", *(AXES if self._has_pose else ()), *measured)

    @property
    def _has_pose(self) -> bool:
        return {"yaw", "pitch", "roll"} <= self.columns.keys()

    def series(self, subject: int, column: str) -> tuple[pyramid.Level, ...]:
        """The pyramid of a subject's column.

        Raises:
            LookupError: there is no such subject or column.
        """
        key = (subject, column)
        with self._lock:
            if key in self._pyramids:
                self._pyramids.move_to_end(key)
                return self._pyramids[key]
        if column not in {trace.name for trace in self.traces}:
            raise LookupError(column)
        spread = f"{column}_sd"
        who = self.subjects[subject]
        found = pyramid.extremes(
            self._over_time(who, column),
            self._over_time(who, spread) if spread in self.columns else None,
        )
        with self._lock:
            self._pyramids[key] = found
            while len(self._pyramids) > _KEPT_PYRAMIDS:
                self._pyramids.popitem(last=False)
        return found

    def quality(self, subject: int) -> tuple[tuple[pyramid.Bins, ...], tuple[pyramid.Bins, ...]]:
        """By level the shares of frames where a subject has low quality, and where it is absent.

        Raises:
            LookupError: there is no such subject.
        """
        with self._lock:
            if subject in self._qualities:
                return self._qualities[subject]
        who = self.subjects[subject]
        places = self._position[who.rows]
        low = np.zeros(len(self.times), np.bool_)
        low[places] = self._status[who.rows] == STATUS_CODES["low_quality"]
        absent = np.ones(len(self.times), np.bool_)
        absent[places] = False
        found = pyramid.shares(low), pyramid.shares(absent)
        with self._lock:
            self._qualities[subject] = found
        return found

    def rows(self, subject: int, piece: int) -> NDArray[np.float32]:
        """A subject's rows in a piece of the timeline.

        Args:
            subject: place in `subjects`.
            piece: number of the piece, of `ROW_PIECE` frames.

        Returns:
            (rows, 1 + columns): position of the frame in the timeline, counted from the piece's
            first, then `row_columns`; NaN where missing.

        Raises:
            LookupError: there is no such subject.
        """
        who = self.subjects[subject]
        places = self._position[who.rows]
        low, high = np.searchsorted(places, (piece * ROW_PIECE, (piece + 1) * ROW_PIECE))
        rows = who.rows[low:high]
        found = np.full((len(rows), 1 + len(self.row_columns)), np.nan, np.float32)
        found[:, 0] = places[low:high] - piece * ROW_PIECE
        found[:, 1] = self._status[rows]
        start = 2
        if self._has_pose:
            found[:, 2 : 2 + len(AXES)] = self._axes(rows)
            start += len(AXES)
        for place, name in enumerate(self.row_columns[start - 1 :], start):
            found[:, place] = self._numbers(name)[rows]
        return found

    def selected(self, start: float, end: float, chosen: list[int]) -> pd.DataFrame:
        """The rows of the `chosen` subjects from time `start` to `end`, both included.

        Raises:
            LookupError: there is no such subject.
        """
        times = self.times[self._position]
        wanted = np.zeros(len(self.table), np.bool_)
        for subject in chosen:
            wanted[self.subjects[subject].rows] = True
        return self.table[wanted & (times >= start) & (times <= end)]

    @cached_property
    def _status(self) -> NDArray[np.float32]:
        codes = self._bare["status"].map(STATUS_CODES)
        return np.asarray(codes.to_numpy(np.float64, na_value=np.nan), np.float32)

    def _over_time(self, who: Subject, column: str) -> pyramid.Bins:
        values = np.full(len(self.times), np.nan, np.float32)
        values[self._position[who.rows]] = self._numbers(column)[who.rows]
        return values

    def _numbers(self, column: str) -> NDArray[np.float64]:
        """A column's values; the table's own memory where they are numbers already."""
        values = self._bare[column]
        if values.dtype == np.float64:
            return values.to_numpy()
        return values.to_numpy(np.float64, na_value=np.nan)

    def _axes(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        pose = np.column_stack([self._numbers(name)[rows] for name in ("roll", "yaw", "pitch")])
        axes = np.full((len(rows), len(AXES)), np.nan)
        known = np.isfinite(pose).all(axis=1)
        if known.any():
            # The turn of `facekit.geometry.rotation`, for many rows at once.
            turns = Rotation.from_euler("ZYX", pose[known] * (1, -1, -1), degrees=True)
            matrices = turns.as_matrix() * (1, 1, -1)
            axes[known] = matrices.transpose(0, 2, 1).reshape(-1, len(AXES))
        return axes
