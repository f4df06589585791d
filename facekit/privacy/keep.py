"""Whose faces stay: rows of a table with the columns ``person`` and, by a gallery, their names."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.errors import OptionsError
from facekit.geometry import iou
from facekit.output.reading import read_head, read_table
from facekit.privacy.covers import Covers

_COLUMNS = ("frame", "time_s", "person", "box_x", "box_y", "box_w", "box_h")
_NAME, _UNKNOWN = "person_name", "unknown"
_SAME_FACE_IOU = 0.4


def keep(covers: Covers, table: Path, person: str, frames: int) -> int:
    """Take a person's faces out of what is covered.

    A face stays in a frame whose row of this person lies on it, and in the frames between two
    such of one track; everything doubtful is covered.

    Args:
        covers: of the video; changed.
        table: made from the same video by ``facekit extract --identity``.
        person: number in the column ``person``, or name in ``person_name``.
        frames: of the video.

    Returns:
        The number of faces, over all frames, that stay.

    Raises:
        OptionsError: the table has no such column or person, or is another video's.
        OutputError: the table is missing or damaged.
    """
    names = [str(name) for name in read_head(table).columns]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise OptionsError(
            f"has no column {', '.join(missing)}, so nobody in it can be kept",
            where=table,
            advice="Make it with: facekit extract VIDEO -o TABLE --identity",
        )
    rows = read_table(table, [*_COLUMNS, *(name for name in (_NAME,) if name in names)])
    rows = pd.DataFrame(rows[rows["person"].notna()])
    called = [rows["person"].astype(str)]
    if _NAME in rows:
        # All who are unknown are many people.
        called.append(rows[_NAME].where(rows[_NAME] != _UNKNOWN))
    wanted = np.any([column.eq(person).fillna(False).to_numpy(np.bool_) for column in called], 0)
    if not wanted.any():
        known = sorted({str(name) for column in called for name in column.dropna().unique()})
        raise OptionsError(
            f"has no person {person!r}",
            where=table,
            advice=f"It has: {', '.join(known) or 'nobody'}",
        )
    if int(rows["frame"].max()) >= frames:
        raise OptionsError(
            f"has a frame {int(rows['frame'].max())}; the video has only {frames}",
            where=table,
            advice="Name the table that was made from this video",
        )
    boxes = rows[["box_x", "box_y", "box_w", "box_h"]].to_numpy(np.float64, na_value=np.nan)
    said = _said(covers, rows["frame"].to_numpy(np.int64), boxes, wanted)
    for track in np.unique(covers.tracks):
        on_track = np.flatnonzero(covers.tracks == track)
        covers.kept[on_track] = _between_sure(said[on_track])
    return int(covers.kept.sum())


def _said(
    covers: Covers,
    frames: NDArray[np.int64],
    boxes: NDArray[np.float64],
    wanted: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """What the table says of each cover: 1 the person, -1 somebody else, 0 nothing."""
    said = np.zeros(len(covers.frames), np.int8)
    order = np.argsort(frames, kind="stable")
    for row in range(len(said)):
        low, high = np.searchsorted(frames[order], [covers.frames[row], covers.frames[row] + 1])
        here = order[low:high]
        if len(here) == 0:
            continue
        overlaps = iou(covers.boxes[row][None], boxes[here])[0]
        best = int(overlaps.argmax())
        if overlaps[best] >= _SAME_FACE_IOU:
            said[row] = 1 if wanted[here[best]] else -1
    return said


def _between_sure(said: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Where a track is the person's: said so, or between two such without a contradiction."""
    known = np.flatnonzero(said)
    kept = said == 1
    for first, second in zip(known[:-1], known[1:], strict=True):
        if said[first] == 1 and said[second] == 1:
            kept[first:second] = True
    return np.asarray(kept, np.bool_)
