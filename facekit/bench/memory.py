"""Peak memory of an extraction, and whether it grows with the length of the video."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from facekit.bench.material import make_clip
from facekit.errors import FacekitError

_LENGTHS_S = {"10s": 10.0, "10min": 600.0}
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


def run(clip: Path | None = None) -> dict[str, float]:
    """Extract ten seconds and ten minutes of 1280x720 video, each in a process of its own.

    Args:
        clip: looped to both lengths; None makes one with a face.

    Returns:
        ``peak_mb_10s`` and ``peak_mb_10min``: largest resident set, MB; and their ratio.

    Raises:
        FacekitError: an extraction failed, or this system does not account memory by process.
    """
    if not hasattr(os, "wait4"):
        raise FacekitError(
            "this system does not report a process's peak memory",
            where="bench memory",
            advice="Run it on Linux or macOS",
        )
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds in _LENGTHS_S.items():
            path = Path(folder) / f"{name}.mp4"
            make_clip(path, seconds, clip)
            peaks[f"peak_mb_{name}"] = peak_mb(path, Path(folder) / f"{name}.csv")
    return {**peaks, "ratio_10min_over_10s": peaks["peak_mb_10min"] / peaks["peak_mb_10s"]}


def peak_mb(clip: Path, table: Path, *arguments: str) -> float:
    """Largest resident set of an extraction with further `arguments`, MB.

    Raises:
        FacekitError: the extraction failed.
    """
    command = [sys.executable, "-m", "facekit", "extract", str(clip), "-o", str(table), "-q"]
    process = subprocess.Popen([*command, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise FacekitError(f"extraction ended with exit code {process.returncode}", where=clip)
    return usage.ru_maxrss * _UNIT / 1e6
