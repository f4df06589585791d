"""How much of a video's time goes where: the default mode, every frame searched, decoding alone."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from facekit.bench.material import make_clip
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.source import open_source

_ROUNDS = 3


def run(clip: Path | None = None) -> dict[str, float]:
    """Time the three side by side, in turn, and compare.

    Args:
        clip: a video; None makes ten seconds of 1280x720 with one face.

    Returns:
        ``default_over_every_frame`` and ``default_over_decode`` (ratios of time), and the frames
        per second of each.
    """
    with tempfile.TemporaryDirectory() as folder:
        if clip is None:
            clip = Path(folder) / "clip.mp4"
            make_clip(clip, 10)
        default = Pipeline(PipelineOptions())
        every = Pipeline(PipelineOptions(detect_every=1))
        modes: dict[str, Callable[[], int]] = {
            "decode": lambda: _decode(clip),
            "default": lambda: _analyse(clip, default),
            "every_frame": lambda: _analyse(clip, every),
        }
        seconds: dict[str, list[float]] = {name: [] for name in modes}
        frames = _decode(clip)
        for _ in range(_ROUNDS):
            for name, mode in modes.items():
                started = time.perf_counter()
                mode()
                seconds[name].append(time.perf_counter() - started)
    took = {name: median(times) for name, times in seconds.items()}
    speeds = {f"frames_per_s_{name}": frames / value for name, value in took.items()}
    return {
        "default_over_every_frame": took["default"] / took["every_frame"],
        "default_over_decode": took["default"] / took["decode"],
        **speeds,
    }


def _decode(clip: Path) -> int:
    with open_source(clip) as source:
        return sum(1 for _ in source)


def _analyse(clip: Path, pipeline: Pipeline) -> int:
    with open_source(clip) as source:
        return sum(1 for _ in pipeline.run(source))
