"""How old a row is when it is sent: a 720p clip played at its own 30 frames/s, everything on."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from facekit.bench.material import make_clip
from facekit.errors import FacekitError

MINUTES = 1.0


def run(clip: Path | None = None, minutes: float = MINUTES) -> dict[str, float]:
    """Play a clip as a camera would give it through ``facekit webcam --headless``, with a stream.

    Args:
        clip: looped, scaled and padded to 1280x720; None makes one with a face.
        minutes: to play.

    Returns:
        ``latency_ms_median`` and ``latency_ms_p95`` from capture to sending, ``dropped_share`` of
        the frames, and ``latency_ms_growth``: the median of the last fifth of the run less that
        of the first.

    Raises:
        FacekitError: the run failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, rows = Path(folder) / "clip.mp4", Path(folder) / "rows.jsonl"
        make_clip(path, 60 * minutes, clip)
        arguments = ["--source", str(path), "--headless", "-o", str(Path(folder) / "table.csv")]
        command = [sys.executable, "-m", "facekit", "webcam", *arguments]
        done = subprocess.run([*command, "--stream", f"jsonl:{rows}"])
        if done.returncode != 0:
            raise FacekitError(f"webcam ended with exit code {done.returncode}", where=path)
        return summary(rows)


def summary(rows: Path) -> dict[str, float]:
    """The figures of `run` out of the rows of a stream.

    Args:
        rows: JSON lines; the first row of each frame counts, events do not.
    """
    ages_ms, dropped, last = [], 0, -1
    with open(rows, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("frame", last) != last:
                ages_ms.append((row["send_s"] - row["capture_s"]) * 1000)
                dropped, last = row["dropped"], row["frame"]
    fifth = max(1, len(ages_ms) // 5)
    return {
        "latency_ms_median": float(np.median(ages_ms)),
        "latency_ms_p95": float(np.percentile(ages_ms, 95)),
        "dropped_share": dropped / (dropped + len(ages_ms)),
        "latency_ms_growth": float(np.median(ages_ms[-fifth:]) - np.median(ages_ms[:fifth])),
    }
