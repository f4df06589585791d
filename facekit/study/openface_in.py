"""``facekit import-openface``: OpenFace's tables in facekit's columns.

The rules are in `facekit.study.openface`. Reads what FeatureExtraction and FaceLandmarkVidMulti
of OpenFace 2.0 to 2.2 write (with or without blanks after the commas), and their older tables
without ``face_id``; whole or with some groups of columns only.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit._version import __version__
from facekit.columns import GROUPS, Column, columns
from facekit.errors import OutputError, SourceError
from facekit.output import sidecar
from facekit.output.rows import Cell, Row
from facekit.output.table import format_of, open_table
from facekit.source.digest import digest
from facekit.study.openface import (
    COLUMNS,
    FACES,
    NAME,
    SAME,
    UNITS_C,
    Array,
    facekit_unit,
    gaze_from_openface,
    named,
    pose_from_openface,
)

_NEEDED = ("frame", "timestamp", "confidence", "success")
_GAZE = tuple(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in FACES)
_ANGLES = ("gaze_angle_x", "gaze_angle_y")
_POSE = tuple(f"pose_{kind}{axis}" for kind in "TR" for axis in FACES)
_AHEAD = (0.0, 0.0, -1.0)
_ROWS = 1000
_ADVICE = "Give the CSV file that FeatureExtraction or FaceLandmarkVidMulti wrote"
_MEANINGS = {
    "time_s": "OpenFace's timestamp, which for videos is made up from a constant frame rate.",
    "track": "OpenFace's face_id (0 where it states none).",
    "status": "ok: OpenFace's success is 1; low_quality: it is 0, but numbers stand there; "
    "no_face: it is 0 and there is nothing else.",
    "score": "OpenFace's confidence in its landmarks.",
}
_NO_BOX = "Empty: OpenFace states no box."
_DECISION = "OpenFace's decision whether the action unit is present: 1 or 0, no probability."

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OpenFaceTable:
    """An OpenFace table as it was read.

    Attributes:
        path: of the file.
        version: which OpenFace wrote it, as far as the header tells, in words.
        numbers: OpenFace's columns by name, each (n,) float64; NaN where empty.
    """

    path: Path
    version: str
    numbers: Mapping[str, Array]

    def block(self, names: Sequence[str]) -> Array:
        """(n, k) columns side by side; NaN where there is no such column."""
        nothing = np.full(len(self.numbers["frame"]), np.nan)
        return np.column_stack([self.numbers.get(name, nothing) for name in names])


def read_openface(path: Path) -> OpenFaceTable:
    """Read a table of OpenFace.

    Raises:
        SourceError: missing, no such table, or damaged; what and where.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            header = lines.readline().rstrip("\n")
        table = pd.read_csv(
            path, skipinitialspace=True, low_memory=False, na_values=["-nan", "-nan(ind)"]
        )
    except OSError as error:
        raise SourceError(
            f"cannot be read ({error.strerror})", where=path, advice="Check the path"
        ) from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SourceError(
            f"is not an OpenFace table ({str(error).strip()})", where=path, advice=_ADVICE
        ) from error
    names = [str(name).strip() for name in table.columns]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        single = " (it is one of FaceLandmarkImg)" if names[:2] == ["face", "confidence"] else ""
        raise SourceError(
            f"is not a table of OpenFace's videos{single}: there is no column {missing[0]}",
            where=path,
            advice=_ADVICE,
        )
    numbers = {name: _numbers(table.iloc[:, place], name, path) for place, name in enumerate(names)}
    if np.isnan(numbers["frame"]).any():
        line = int(np.flatnonzero(np.isnan(numbers["frame"]))[0]) + 2
        raise SourceError(f"is damaged: line {line} has no frame", where=path, advice=_ADVICE)
    return OpenFaceTable(path, _version(header, path), numbers)


def _numbers(values: "pd.Series[float]", name: str, path: Path) -> Array:
    found = pd.to_numeric(values, errors="coerce")
    bad = np.flatnonzero(found.isna().to_numpy() & values.notna().to_numpy())
    if len(bad):
        raise SourceError(
            f"is damaged: {name} is {values.iloc[int(bad[0])]!r} in line {int(bad[0]) + 2}",
            where=path,
            advice="Remove that line, or run OpenFace again",
        )
    return found.to_numpy(np.float64)


def _version(header: str, path: Path) -> str:
    described = sidecar.find(path)
    if described is not None:
        entry = sidecar.read_mapping(described)
        if entry.get("format") == NAME:
            return f"facekit {entry.get('facekit')} in OpenFace's columns"
    if "face_id" not in header:
        return "OpenFace 2.0 or earlier, by its header"
    if ", " in header:
        return "OpenFace 2.0 to 2.2, by its header"
    return "OpenFace 2.2, by its header (or an earlier one, saved again by another program)"


def translate(table: OpenFaceTable) -> tuple[tuple[Column, ...], list[Row]]:
    """An OpenFace table in facekit's columns and rows.

    Frames count from 0; rows are ordered by frame, then face. What OpenFace writes in place of
    a number where it failed (zeros, a gaze of 0, 0, -1) is missing, and so are action units
    without a face (it smooths them over time). A row of a face that is not there is left out
    where the same frame shows another.
    """
    success = table.numbers["success"] == 1
    found = _measured(table, success)
    seen = success | _shows_face(found, table.numbers["confidence"])
    for column in found.values():
        column[~seen] = np.nan
    frame = table.numbers["frame"] - min(1.0, table.numbers["frame"].min(initial=1.0))
    track = table.numbers.get("face_id", np.zeros(len(frame)))
    still = np.isnan(table.numbers["timestamp"])
    values: dict[str, Sequence[Cell]] = {
        "frame": frame.astype(int).tolist(),
        "time_s": table.numbers["timestamp"].tolist(),
        "track": [int(t) if f else None for t, f in zip(track, seen & ~still, strict=True)],
        "status": np.where(success, "ok", np.where(seen, "low_quality", "no_face")).tolist(),
        "score": np.where(seen, table.numbers["confidence"], np.nan).tolist(),
    }
    values |= {name: column.tolist() for name, column in found.items()}
    listed = tuple(
        _described(column)
        for column in columns(GROUPS)
        if column.group == "frame" or column.name in found
    )
    nothing = [None] * len(frame)
    cells = [values.get(column.name, nothing) for column in listed]
    rows: list[Row] = list(zip(*cells, strict=True))
    order = np.lexsort((np.where(seen, track, np.inf), frame))
    kept: list[Row] = []
    for place in order.tolist():
        if seen[place] or not kept or kept[-1][0] != rows[place][0]:
            kept.append(rows[place])
    return listed, kept


def _measured(table: OpenFaceTable, success: Mask) -> dict[str, Array]:
    """The measured columns, by facekit's name."""
    has = table.numbers.keys()
    found: dict[str, Array] = {}
    if _POSE[0] in has:
        pose = _without_zeros(table.block(_POSE), success)
        turn, head = np.full((len(pose), 3), np.nan), np.full((len(pose), 3), np.nan)
        known = np.isfinite(pose[:, 3:]).all(axis=1)
        turn[known], head[known] = pose_from_openface(pose[known, :3], pose[known, 3:])
        found |= dict(zip(("yaw", "pitch", "roll"), turn.T, strict=True))
        found |= dict(zip((f"head_{axis}_mm" for axis in FACES), head.T, strict=True))
    if _GAZE[0] in has:
        found |= _gaze(table, success)
    for group in _groups(has):
        block = _without_zeros(table.block(list(group)), success)
        found |= dict(zip(group.values(), block.T, strict=True))
    return found


def _gaze(table: OpenFaceTable, success: Mask) -> dict[str, Array]:
    eyes = table.block(_GAZE)
    for eye in (eyes[:, :3], eyes[:, 3:]):
        failed = (eye == 0).all(axis=1) | ((eye == _AHEAD).all(axis=1) & ~success)
        eye[failed] = np.nan
    found = {SAME[name]: values for name, values in zip(_GAZE, eyes.T, strict=True)}
    angles = table.block(_ANGLES)
    if _ANGLES[0] not in table.numbers:
        # What OpenFace itself does where it states angles.
        x, y, z = ((eyes[:, :3] + eyes[:, 3:]) / 2).T
        angles = np.column_stack([np.arctan2(x, -z), np.arctan2(y, -z)])
    # One eye may be shut in a table that facekit wrote.
    angles[np.isnan(eyes).all(axis=1)] = np.nan
    return found | dict(zip(("gaze_yaw", "gaze_pitch"), gaze_from_openface(angles).T, strict=True))


def _shows_face(found: Mapping[str, Array], confidence: Array) -> Mask:
    """Failed rows that nevertheless place a face; without any place, those with confidence."""
    units = [values for name, values in found.items() if name.startswith("AU")]
    places = [values for name, values in found.items() if not name.startswith("AU")]
    if places:
        return np.asarray(np.isfinite(places).any(axis=0))
    return (confidence > 0) & (np.isfinite(units).any(axis=0) if units else True)


def _groups(has: Collection[str]) -> list[dict[str, str]]:
    """OpenFace's columns to facekit's where the numbers are the same, by what fails together."""
    here = [name for name in SAME if name in has]
    units = {name: SAME[name] for name in here if name.startswith("AU")}
    units |= {
        f"AU{unit:02d}_c": f"{facekit_unit(unit)}_prob"
        for unit in UNITS_C
        if f"AU{unit:02d}_c" in has
    }
    pixels = {name: SAME[name] for name in here if name[:2] in ("x_", "y_")}
    places = {name: SAME[name] for name in here if name[:2] in ("X_", "Y_", "Z_")}
    return [group for group in (units, pixels, places) if group]


def _without_zeros(block: Array, success: Mask) -> Array:
    """The block with NaN in failed rows that hold nothing but zeros."""
    block[(block == 0).all(axis=1) & ~success] = np.nan
    return block


def _described(column: Column) -> Column:
    """The column as it is in a table of OpenFace's numbers."""
    meaning = _MEANINGS.get(column.name, column.meaning)
    if column.name.startswith("box_"):
        meaning = _NO_BOX
    if column.name.endswith("_prob"):
        meaning = _DECISION
    return replace(column, meaning=meaning, stage=NAME)


def import_table(source: Path, target: Path) -> int:
    """Write an OpenFace table in facekit's columns, with a sidecar that says where it is from.

    Args:
        source: OpenFace's table.
        target: the new table, in the format of its suffix; one that was imported before is
            replaced.

    Returns:
        Rows written.

    Raises:
        SourceError: `source` cannot be read.
        OutputError: `target` cannot be written, or is a table of something else.
    """
    table = read_openface(source)
    listed, rows = translate(table)
    _refuse_another(target)
    with open_table(target, listed) as sink:
        for start in range(0, len(rows), _ROWS):
            sink.append(rows[start : start + _ROWS])
        sidecar.finish(sink, _record(table, target, listed, rows))
    return len(rows)


def _refuse_another(target: Path) -> None:
    if not target.exists():
        return
    described = sidecar.find(target)
    source = sidecar.read_mapping(described).get("source", {}) if described else {}
    if source.get("kind") != NAME:
        raise OutputError(
            "exists and was not imported from OpenFace",
            where=target,
            advice="Name another file or folder, or remove it",
        )


def _record(
    table: OpenFaceTable, target: Path, listed: Sequence[Column], rows: Sequence[Row]
) -> sidecar.Sidecar:
    identity = digest(table.path)
    names = [column.name for column in listed]
    status, score = names.index("status"), names.index("score")
    scores = np.array([row[score] for row in rows], np.float64)
    times = table.numbers["timestamp"]
    known = {column.name: column for column in COLUMNS}
    used = {*SAME, *_POSE, *_ANGLES, *_NEEDED, "face_id", *(f"AU{unit:02d}_c" for unit in UNITS_C)}
    left = [known[name] for name in table.numbers if name in known and name not in used]
    strange = [name for name in table.numbers if name not in known]
    notes = [f"Imported from a table written by {table.version}; nothing was run."]
    if left:
        notes.append(f"Left out, as facekit has no column for them: {named(left, COLUMNS)}.")
    if strange:
        notes.append(f"Left out, as OpenFace has no such columns: {', '.join(strange)}.")
    return sidecar.Sidecar(
        facekit=__version__,
        created=sidecar.now(),
        table=target.name,
        format=format_of(target),
        state="running",
        rows=len(rows),
        columns=sidecar.describe(listed, {}),
        options={},
        networks={},
        source=sidecar.SourceRecord(
            name=table.path.name,
            bytes=identity.size,
            sha256=identity.sha256,
            kind=NAME,
            frames=len({row[0] for row in rows}),
            frames_with_face=len({row[0] for row in rows if row[status] != "no_face"}),
            duration_s=float(np.nanmax(times)) if np.isfinite(times).any() else None,
        ),
        device=sidecar.DeviceRecord("none", "an imported table: no network was run"),
        notes=tuple(notes),
        mean_score=float(np.nanmean(scores)) if np.isfinite(scores).any() else None,
    )
