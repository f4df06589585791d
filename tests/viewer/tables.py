"""Tables for these tests, as a whole extraction would write them, with known numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facekit.columns import Column, columns
from facekit.facs import ACTION_UNITS
from facekit.output.sidecar import SourceRecord, describe, schema_path, to_json
from tests.media import index_picture, write_video
from tests.output.builders import record

SIZE = (320, 192)
BOX_STEP = 0.25
"""How far the box of the tests' first face moves with each frame, pixels."""


def unit_columns() -> tuple[Column, ...]:
    """Intensity, sd and both sides of every action unit."""
    found = []
    for unit in ACTION_UNITS:
        endings = ("", "_prob", "_sd", *(("_left", "_right") if unit.sided else ()))
        for ending in endings:
            high = 1.0 if ending == "_prob" else 5.0
            name = f"{unit.code}{ending}"
            found.append(Column(name, "au", "number", "", 0, high, 3, f"{unit.name}.", "au", name))
    return tuple(found)


def person_column() -> Column:
    return Column("person", "person", "integer", "", 0, None, None, "Who.", "identity", "person")


def table_frame(
    times: "list[float] | np.ndarray[Any, Any]", people: int = 1, units: bool = True
) -> pd.DataFrame:
    """One row for each frame and person; every tenth second is of low quality, every 13th empty.

    The box's left edge is `BOX_STEP` times the frame number.
    """
    count = len(times)
    random = np.random.default_rng(3)
    parts = []
    for person in range(people):
        time = np.asarray(times, np.float64)
        values: dict[str, Any] = {
            "frame": np.arange(count),
            "time_s": time,
            "track": person,
            "status": np.where(time.astype(int) % 10 == 9, "low_quality", "ok"),
            "score": 0.9,
            "box_x": BOX_STEP * np.arange(count) % 200 + 40 * person,
            "box_y": 30.0 + 40 * person,
            "box_w": 80.0,
            "box_h": 100.0,
            "yaw": np.round(30 * np.sin(time / 5 + person), 2),
            "pitch": np.round(10 * np.sin(time / 7), 2),
            "roll": np.round(5 * np.sin(time / 3), 2),
            "yaw_sd": 3.0,
            "pitch_sd": 2.0,
            "roll_sd": 1.0,
        }
        if units:
            values |= _units(time, person, random)
        parts.append(pd.DataFrame(values))
    table = pd.concat(parts).sort_values(["frame", "track"], kind="stable", ignore_index=True)
    return _with_empty_frames(table)


def _units(time: Any, person: int, random: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for place, unit in enumerate(ACTION_UNITS):
        wave = np.clip(2.5 * np.sin(time / (2 + place) + place + person), 0, 5)
        level = np.round(np.clip(wave + random.normal(0, 0.08, len(time)), 0, 5), 3)
        values[unit.code] = level
        values[f"{unit.code}_prob"] = np.round(1 / (1 + np.exp(-2 * (level - 1))), 3)
        values[f"{unit.code}_sd"] = 0.3
        if unit.sided:
            values[f"{unit.code}_left"] = np.round(level * 0.9, 3)
            values[f"{unit.code}_right"] = np.round(np.clip(level * 1.1, 0, 5), 3)
    return values


def _with_empty_frames(table: pd.DataFrame) -> pd.DataFrame:
    empty = table["time_s"].astype(int) % 13 == 12
    kept = table[~empty]
    frames = table.loc[empty, ["frame", "time_s"]].drop_duplicates().assign(status="no_face")
    whole = pd.concat([kept, frames]).sort_values(["frame", "track"], kind="stable")
    whole["track"] = whole["track"].astype("Int64")
    return whole[list(table.columns)].reset_index(drop=True)


def write_table(path: Path, frame: pd.DataFrame, video: Path | None = None) -> Path:
    """Write a table and its sidecar; `video` is what it says it was made from."""
    known = {
        column.name: column
        for column in (*columns(("pose", "landmarks68")), *unit_columns(), person_column())
    }
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, lineterminator="\n")
    source = SourceRecord(
        "clip.mp4" if video is None else video.name,
        None if video is None else video.stat().st_size,
        None,
        "video",
        *SIZE,
        start_time_s=0.0,
    )
    described = record(
        table=path.name,
        format=path.suffix[1:],
        state="complete",
        rows=len(frame),
        columns=describe([known[name] for name in frame.columns], {}),
        source=source,
    )
    schema_path(path).write_text(to_json(described), encoding="utf-8")
    return path


def write_events(path: Path, count: int, every_s: float = 2.0) -> Path:
    """`count` events of two kinds, of track 0, one every `every_s`."""
    onset = every_s * np.arange(count) + 0.5
    events = pd.DataFrame(
        {
            "track": 0,
            "person": pd.array([None] * count, "Int64"),
            "kind": np.where(np.arange(count) % 2, "AU12", "blink"),
            "side": ["left" if number % 4 == 1 else None for number in range(count)],
            "onset_s": onset,
            "apex_s": onset + 0.2,
            "offset_s": onset + 0.6,
            "peak": 2.5,
            "mean": 1.5,
            "asymmetry": 0.1,
            "confidence": 0.8,
        }
    )
    events.to_csv(path, index=False)
    return path


def index_clip(path: Path, times: list[float], **settings: Any) -> Path:
    """A video of `tests.media.index_picture`, each frame of which tells its number."""
    pictures = [index_picture(index, SIZE) for index in range(len(times))]
    return write_video(path, times, size=SIZE, pictures=pictures, **settings)
