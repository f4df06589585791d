"""Many files: two workers against one, what Ray costs, and whether a killed study resumes."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from facekit.bench.kills import VICTIMS, disturb, extract
from facekit.bench.material import make_clip
from facekit.bench.study_inputs import make_study
from facekit.errors import FacekitError
from facekit.options import PipelineOptions
from facekit.study.cluster import LOCAL, Cluster
from facekit.study.job import Report
from facekit.study.plan import Job

_FILES = 8
_SECONDS = 8.0
_ROUNDS = 2
_TASKS = 200


def run(clip: Path | None = None) -> dict[str, float]:
    """Extract eight clips of 1280x720 with one worker and with two, in turn; then the rest.

    Args:
        clip: looped for the clips; None makes one with a face.

    Returns:
        ``speedup_2_workers``: seconds with one worker over seconds with two;
        ``cpu_ratio_2_workers``: CPU seconds with two over those with one;
        ``ray_seconds_per_file``: what a task of a local Ray cluster adds to a file;
        ``resume_equal``: share of the runs that were killed (a worker, the parent, Ctrl-C, each
        at a random moment) and started again whose result equals an undisturbed run's.

    Raises:
        MissingExtraError: ray or psutil is not installed.
        FacekitError: an extraction failed, or this system has no CPU time by process.
    """
    if not hasattr(os, "wait4"):
        raise FacekitError(
            "this system does not report a process's CPU time",
            where="bench study",
            advice="Run it on Linux or macOS",
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once = folder / "clip.mp4"
        make_clip(once, _SECONDS, clip)
        return {
            **_two_workers(once, folder),
            "ray_seconds_per_file": _ray_seconds_per_file(folder),
            "resume_equal": _resume_equal(once, folder),
        }


def _two_workers(clip: Path, folder: Path) -> dict[str, float]:
    study = folder / "equal"
    study.mkdir()
    for number in range(_FILES):
        shutil.copy(clip, study / f"{number}.mp4")
    wall: dict[int, list[float]] = {1: [], 2: []}
    cpu: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(_ROUNDS):
        for workers in (1, 2):
            seconds, cpu_seconds = _extract(study, folder / "tables", workers)
            wall[workers].append(seconds)
            cpu[workers].append(cpu_seconds)
    return {
        "speedup_2_workers": median(wall[1]) / median(wall[2]),
        "cpu_ratio_2_workers": median(cpu[2]) / median(cpu[1]),
        "seconds_per_file_1_worker": median(wall[1]) / _FILES,
        "seconds_per_file_2_workers": median(wall[2]) / _FILES,
        "cpu_seconds_per_file": median(cpu[1]) / _FILES,
    }


def _extract(study: Path, tables: Path, workers: int) -> tuple[float, float]:
    """Seconds and CPU seconds of one extraction, its workers included."""
    command = [sys.executable, "-m", "facekit", "extract", str(study), "-o", str(tables)]
    started = time.monotonic()
    process = subprocess.Popen([*command, "--workers", str(workers), "--overwrite", "-q"])
    # The usage of a process holds that of the children it has waited for.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise FacekitError(f"extraction ended with exit code {process.returncode}", where=study)
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime


def _ray_seconds_per_file(folder: Path) -> float:
    """Time per task that has nothing to do, once the cluster's processes are there."""
    jobs = [Job(f"{n}", folder, str(folder / f"{n}.csv"), error="no work") for n in range(_TASKS)]
    with Cluster(PipelineOptions(), LOCAL, ship=False, overwrite=False) as cluster:
        for _ in cluster.run(jobs[:10], _Silent()):
            pass
        started = time.monotonic()
        for _ in cluster.run(jobs, _Silent()):
            pass
        return (time.monotonic() - started) / _TASKS


def _resume_equal(clip: Path, folder: Path) -> float:
    study, undisturbed = folder / "study", folder / "undisturbed"
    make_study(study, clip, count=12)
    arguments = ("--workers", "2", "-q")
    extract(study, undisturbed, *arguments)
    moments = random.Random(0)
    runs = [
        disturb(study, folder / what, undisturbed, moments.random(), what, arguments)
        for what in VICTIMS
    ]
    return sum(run.equal for run in runs) / len(runs)


class _Silent:
    """A listener that hears nothing."""

    def placed(self, where: str) -> None:
        """Nothing."""

    def started(self, name: str) -> None:
        """Nothing."""

    def frames(self, name: str, done: int, expected: int | None) -> None:
        """Nothing."""

    def ended(self, report: Report) -> None:
        """Nothing."""
