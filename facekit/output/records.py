"""A table back into records: the faces that were found at each moment of a video."""

import logging
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.errors import OptionsError
from facekit.estimate.ibug import IBUG_68
from facekit.output.reading import read_head, read_table
from facekit.source import VideoSource
from facekit.types import Face, Floats, Frame, Gaze, HeadPose, Landmarks, Region, Status

NEEDED = ("time_s", "status", "box_x", "box_y", "box_w", "box_h")
_POSE = ("yaw", "pitch", "roll", "yaw_sd", "pitch_sd", "roll_sd")
_PLACE = ("head_x_mm", "head_y_mm", "head_z_mm")
_GAZE = (
    *("gaze_yaw", "gaze_pitch", "gaze_yaw_sd", "gaze_pitch_sd"),
    *("gaze_head_yaw", "gaze_head_pitch"),
)
_EYES = tuple(f"gaze_{side}_{axis}" for side in ("left", "right") for axis in "xyz")
_OPEN = ("eye_open_left", "eye_open_right")
_POINTS = tuple(f"{axis}_{point}" for point in range(len(IBUG_68)) for axis in "xy")
_KNOWN = (*NEEDED, "track", "score", *_POSE, *_PLACE, *_GAZE, *_EYES, *_OPEN, *_POINTS)

# MTCNN's five points as means of iBUG landmarks, in image order.
_FIVE = ((36, 39), (42, 45), (30,), (48,), (54,))
_APART_S = 0.001

_Numbers: TypeAlias = NDArray[np.float64]

_log = logging.getLogger(__name__)


class Recorded:
    """The faces of a table, found again by the time of a video's frames.

    Records hold what the table does: of dense landmarks the 68 iBUG points, the others NaN.

    Example:
        >>> with VideoSource(Path("clip.mp4")) as source:         # doctest: +SKIP
        ...     recorded = Recorded(Path("clip.csv"), source)
        ...     for frame in source:
        ...         faces = recorded.at(frame)
    """

    def __init__(self, path: Path, source: VideoSource) -> None:
        """Read the table, as far as records need it.

        Args:
            path: the table.
            source: the video that it was made from, or a copy of it.

        Raises:
            OutputError: the table is missing or damaged.
            OptionsError: it holds no faces of this video.
        """
        self.matched = 0
        names = [str(name) for name in read_head(path).columns]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise OptionsError(
                f"has no column {', '.join(missing)}",
                where=path,
                advice="Name a table that facekit extract made from a video",
            )
        table = read_table(path, [name for name in _KNOWN if name in names])
        described = table.attrs.get("facekit", {}).get("source", {})
        _check_same(path, described, source)
        table = pd.DataFrame(table[table["time_s"].notna() & (table["status"] != "no_face")])
        self._statuses: list[Status] = [
            "ok" if status == "ok" else "low_quality" for status in table["status"]
        ]
        self._columns = {
            str(name): table[name].to_numpy(np.float64, na_value=np.nan)
            for name in table.columns
            if name != "status"
        }
        self._times, first = np.unique(self._columns["time_s"], return_index=True)
        if np.any(np.diff(self._columns["time_s"]) < 0):
            raise OptionsError("its times do not rise", where=path, advice="Sort it by time_s")
        self._first = [*first.tolist(), len(table)]
        step = float(np.diff(self._times).min()) if len(self._times) > 1 else np.inf
        # A copy in another container may round its times, but never to the next frame's.
        self._tolerance = min(_APART_S, step / 2)
        self._shift = _shift(described, source)

    def __len__(self) -> int:
        """Number of moments with a face."""
        return len(self._times)

    @property
    def has_landmarks(self) -> bool:
        """Whether the table holds the 68 landmarks."""
        return all(name in self._columns for name in _POINTS)

    def at(self, frame: Frame) -> list[Face]:
        """The faces of a frame, none where the table has none at its time."""
        time_s = frame.time_s + self._shift
        place = int(np.searchsorted(self._times, time_s - self._tolerance))
        if place == len(self._times) or self._times[place] > time_s + self._tolerance:
            return []
        self.matched += 1
        return [self._face(row) for row in range(self._first[place], self._first[place + 1])]

    def _face(self, row: int) -> Face:
        points = self._values(_POINTS, row).reshape(-1, 2)
        track = self._value("track", row)
        region = Region(
            track=int(track) if np.isfinite(track) else None,
            box=self._values(NEEDED[2:], row),
            score=self._value("score", row),
            points=np.array([points[list(part)].mean(axis=0) for part in _FIVE], np.float32),
            detected=False,
        )
        return Face(
            region,
            self._statuses[row],
            landmarks=_landmarks(points),
            head_pose=self._head_pose(row),
            gaze=self._gaze(row),
        )

    def _head_pose(self, row: int) -> HeadPose | None:
        angles = self._values(_POSE, row).tolist()
        if not np.isfinite(angles[:3]).all():
            return None
        yaw, pitch, roll, *spreads = angles
        place = self._values(_PLACE, row)
        return HeadPose(yaw, pitch, roll, spreads[0], spreads[1], spreads[2], place)

    def _gaze(self, row: int) -> Gaze | None:
        eyes = self._values(_EYES, row)
        if not np.isfinite(eyes).any():
            return None
        yaw, pitch, yaw_sd, pitch_sd, head_yaw, head_pitch = self._values(_GAZE, row).tolist()
        left_open, right_open = self._values(_OPEN, row).tolist()
        return Gaze(
            *(yaw, pitch, yaw_sd, pitch_sd, head_yaw, head_pitch),
            left=eyes[:3],
            right=eyes[3:],
            left_open=left_open,
            right_open=right_open,
        )

    def _value(self, name: str, row: int) -> float:
        return float(self._columns[name][row]) if name in self._columns else float("nan")

    def _values(self, names: tuple[str, ...], row: int) -> Floats:
        return np.array([self._value(name, row) for name in names], np.float32)


def _landmarks(points: Floats) -> Landmarks | None:
    if not np.isfinite(points).any():
        return None
    dense = np.full((478, 3), np.nan, np.float32)
    dense[IBUG_68, :2] = points
    return Landmarks(dense)


def _check_same(path: Path, described: dict[str, object], source: VideoSource) -> None:
    """Whether a table can be this video's, by what its sidecar says."""
    size = (described.get("width"), described.get("height"))
    if None not in size and size != source.size:
        raise OptionsError(
            f"was made from a video of {size[0]}x{size[1]} pixels; {source.name} has "
            f"{source.size[0]}x{source.size[1]}",
            where=path,
            advice="Name the video that it was made from",
        )
    stated = described.get("bytes")
    if stated is not None and source.path and source.path.stat().st_size != stated:
        _log.warning(
            "%s was made from %s with %s bytes, not from this file: times may not fit",
            path,
            described.get("name"),
            stated,
        )


def _shift(described: dict[str, object], source: VideoSource) -> float:
    """Seconds from a frame's `time_s` to the table's, by where both start in the container."""
    stated = described.get("start_time_s")
    if not isinstance(stated, int | float) or source.start_time_s is None:
        return 0.0
    return source.start_time_s - stated
