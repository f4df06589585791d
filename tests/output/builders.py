"""Records for these tests, with only what a test is about spelled out."""

from typing import Any

import numpy as np

from facekit.output.sidecar import DeviceRecord, NetworkRecord, Sidecar, SourceRecord
from facekit.types import Face, Floats, Frame, Landmarks, Region, Status

NAN = float("nan")


def frame(
    index: int = 0, time_s: float = 0.0, name: str = "", size: tuple[int, int] = (8, 6)
) -> Frame:
    width, height = size
    return Frame(index, time_s, np.zeros((height, width, 3), np.uint8), name)


def face(
    track: int | None = 0,
    box: tuple[float, float, float, float] = (1, 2, 3, 4),
    score: float = 0.5,
    status: Status = "ok",
    points: Floats | None = None,
) -> Face:
    five = np.array([(2, 3), (4, 3), (3, 4), (2, 5), (4, 5)], np.float32)
    region = Region(track, np.array(box, np.float32), score, five, True)
    return Face(region, status, None if points is None else Landmarks(points))


def mesh(seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-50, 900, (478, 3)).astype(np.float32)


def record(**changes: Any) -> Sidecar:
    values: dict[str, Any] = {
        "facekit": "0.1.0",
        "created": "2026-01-02T03:04:05+00:00",
        "table": "clip.csv",
        "format": "csv",
        "state": "running",
        "rows": 0,
        "columns": (),
        "options": {"detect_every": 10, "roi": None, "device": "cpu", "threads": 2},
        "networks": {"detect": (NetworkRecord("pnet", "aa"), NetworkRecord("rnet", "bb"))},
        "source": SourceRecord("clip.mp4", 1000, "cc", "video", 640, 480, 12, 10, 9, 3.4, 0.5),
        "device": DeviceRecord("cpu", "no GPU found"),
    }
    return Sidecar(**(values | changes))
