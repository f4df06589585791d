"""Milliseconds per face of each network that measures faces, on one CPU thread."""

import statistics
import time
from pathlib import Path

import numpy as np

from facekit.runtime.device import Device
from facekit.runtime.runner import Runner, load
from facekit.runtime.weights import load_manifest
from facekit.types import Floats

NETWORKS = ("landmarks", "head_pose", "action_units")
"""Networks that take a crop of each face, by their names in the manifest."""

_SIZE = 112
_SHIPPED_MB = 1e6
_ROUNDS = 60
_WARM_UP = 5


def run(clip: Path | None = None, rounds: int = _ROUNDS) -> dict[str, float]:
    """Time every network in turn, so that what else the machine does falls on all of them.

    Args:
        clip: not looked at: how long a network takes does not depend on the picture.
        rounds: how often each is measured.

    Returns:
        ``NAME_ms`` for each network: median time of one face; ``together_mb``: size of the
        files that onnxruntime loads.
    """
    device = Device("cpu", "cpu: bench", 1)
    runners = {name: load(name, device, threads=1) for name in NETWORKS}
    random = np.random.default_rng(0)
    face = {
        "image": random.uniform(0, 255, (1, 3, _SIZE, _SIZE)).astype(np.float32),
        "points": random.uniform(-0.5, 0.5, (1, 478, 2)).astype(np.float32),
    }
    manifest = load_manifest()
    given = {n: {key: face[key] for key in manifest.network(n).inputs} for n in NETWORKS}
    times: dict[str, list[float]] = {name: [] for name in runners}
    for turn in range(_WARM_UP + rounds):
        for name, runner in runners.items():
            seconds = _seconds(runner, given[name])
            if turn >= _WARM_UP:
                times[name].append(seconds)
    sizes = (manifest.network(name).onnx.size for name in NETWORKS)
    took = {f"{name}_ms": 1e3 * statistics.median(seconds) for name, seconds in times.items()}
    return {**took, "together_mb": sum(sizes) / _SHIPPED_MB}


def _seconds(runner: Runner, face: dict[str, Floats]) -> float:
    started = time.perf_counter()
    runner.run(face)
    return time.perf_counter() - started
