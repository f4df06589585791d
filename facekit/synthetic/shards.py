"""Shard sets: pictures with their truth on disk, seeded, resumable, written by many processes.

A set is a folder with ``meta.json`` and, per shard, ``00000.images.npy`` (n, size, size, 3) uint8
RGB, which can be memory-mapped, and ``00000.truth.npz`` with one array per field of
`scene.Sample` (`TRUTH`). Sample i depends on the set's seed and i alone: neither the number of
processes nor an interruption changes a picture.
"""

import json
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import OptionsError, SourceError
from facekit.facs import ACTION_UNITS
from facekit.synthetic.arrays import write_array, write_arrays
from facekit.synthetic.mesh import EXPRESSIONS
from facekit.synthetic.people import Person, Split
from facekit.synthetic.sampling import Distribution
from facekit.synthetic.scene import Sample, Studio
from facekit.synthetic.wrinkles import WrinkleLibrary, build_library, load_library
from facekit.types import Image

LOGGER = logging.getLogger(__name__)
VERSION = 3
"""Of the renderer: raised whenever the same plan no longer gives the same pictures."""

TRUTH: dict[str, tuple[tuple[int, ...], str]] = {
    "index": ((), "int64"),
    "points": ((478, 2), "float32"),
    "points_mm": ((478, 3), "float32"),
    "visible": ((478,), "bool"),
    "covered": ((478,), "bool"),
    "rotation": ((3, 3), "float32"),
    "pose": ((3,), "float32"),
    "translation_mm": ((3,), "float32"),
    "camera": ((3,), "float32"),
    "gaze": ((2, 3), "float32"),
    "gaze_head": ((2, 2), "float32"),
    "expression": ((EXPRESSIONS,), "float32"),
    "action_units": ((2, len(ACTION_UNITS)), "float32"),
    "applied": ((EXPRESSIONS,), "float32"),
    "identity": ((100,), "float32"),
    "person": ((), "int32"),
    "albedo": ((), "float32"),
    "band": ((), "uint8"),
    "things": ((), "uint8"),
}
"""Shape per sample and dtype of every array of truth; meanings as in `scene.Sample`."""

_SINCE = {"action_units": 3}  # first version that wrote an array; the others are in all


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """What a shard set holds.

    Attributes:
        data: the project's data folder.
        split: whose textures and shapes: train, val, test or average.
        count: pictures in all.
        size: side of a picture, pixels.
        seed: of everything random.
        shard: pictures per shard.
        people_every: pictures of the same person in a row; a new person takes 4 ms.
        supersample: drawn pixels per pixel and side.
        distribution: what is drawn how often.
        wrinkles: file with the library of real wrinkles, made from the data folder where it is
            missing; ``wrinkles.npz`` in the set's folder if None.
        blended: share of people with a skin out of two of the split's.
    """

    data: Path
    split: Split
    count: int
    size: int = 192
    seed: int = 0
    shard: int = 2000
    people_every: int = 4
    supersample: float = 2
    distribution: Distribution = field(default_factory=Distribution)
    wrinkles: Path | None = None
    blended: float = 0.0

    def __post_init__(self) -> None:
        """Refuse impossible plans.

        Raises:
            OptionsError: a number is not positive.
        """
        for name in ("count", "size", "shard", "people_every", "supersample"):
            if getattr(self, name) < 1:
                raise OptionsError(f"must be at least 1, not {getattr(self, name)}", where=name)

    def meta(self) -> dict[str, object]:
        """What decides the pictures, for ``meta.json``."""
        places = ["data", "count", "wrinkles"]
        if self.blended == 0:  # sets that were made before there was any blending
            places.append("blended")
        plain = {key: value for key, value in asdict(self).items() if key not in places}
        return {"version": VERSION, **json.loads(json.dumps(plain))}

    def shards(self) -> list[range]:
        """The samples of each shard."""
        return [
            range(first, min(first + self.shard, self.count))
            for first in range(0, self.count, self.shard)
        ]


class SampleStream:
    """Makes samples by number; the same number always gives the same picture."""

    def __init__(self, plan: ShardPlan) -> None:
        """Load the studio."""
        self._plan = plan
        self._studio = Studio(
            plan.data,
            plan.split,
            plan.size,
            plan.distribution,
            plan.supersample,
            wrinkles=_wrinkles(plan),
        )
        self._group = -1
        self._person: Person | None = None

    @property
    def expression_names(self) -> tuple[str, ...]:
        """Order of the expression weights."""
        return self._studio.model.expression_names

    def sample(self, index: int) -> Sample:
        """Sample number `index`."""
        random = np.random.default_rng((self._plan.seed, 1, index))
        return self._studio.sample(self._person_of(index), random)

    def _person_of(self, index: int) -> Person:
        group = index // self._plan.people_every
        if self._person is None or group != self._group:
            random = np.random.default_rng((self._plan.seed, 0, group))
            self._person = self._studio.people.draw(random, blended=self._plan.blended)
            self._group = group
        return self._person


def _wrinkles(plan: ShardPlan) -> WrinkleLibrary | None:
    """The library that a plan asks for; made, and kept where the plan names a file, if missing."""
    if plan.distribution.ratio_images == 0:
        return None
    if plan.wrinkles is not None and plan.wrinkles.is_file():
        return load_library(plan.wrinkles)
    LOGGER.info("making the library of wrinkles from the train people's photos")
    library = build_library(plan.data)
    if plan.wrinkles is not None:
        library.save(plan.wrinkles)
    return library


def write(plan: ShardPlan, out: Path, workers: int = 1) -> Iterator[Path]:
    """Write what is missing of a shard set; yields each shard's truth file when it is complete.

    Args:
        plan: what to write.
        out: folder, made if needed; complete shards in it are kept.
        workers: processes; one per core is best.

    Raises:
        OptionsError: the folder holds a set of another plan.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan = replace(plan, wrinkles=plan.wrinkles or out / "wrinkles.npz")
    _check_meta(plan, out)
    for leftover in out.glob("*.partial"):
        leftover.unlink()
    missing = [n for n in range(len(plan.shards())) if not _complete(plan, out, n)]
    LOGGER.info("%d of %d shards to write", len(missing), len(plan.shards()))
    if workers == 1 or len(missing) < 2:
        stream = SampleStream(plan) if missing else None
        for number in missing:
            yield _write_shard(plan, out, number, stream)
        return
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(plan,)
        ) as pool,
    ):
        yield from pool.map(_work, [(plan, out, number) for number in missing])


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside get one thread: more only disturb one process per core."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)


_STREAM: SampleStream | None = None  # one per worker process, made when it starts


def _start_worker(plan: ShardPlan) -> None:
    global _STREAM
    _STREAM = SampleStream(plan)


def _work(task: tuple[ShardPlan, Path, int]) -> Path:
    return _write_shard(*task, _STREAM)


def _paths(out: Path, number: int) -> tuple[Path, Path]:
    return out / f"{number:05d}.images.npy", out / f"{number:05d}.truth.npz"


def _complete(plan: ShardPlan, out: Path, number: int) -> bool:
    images, truth = _paths(out, number)
    if not images.is_file() or not truth.is_file():
        return False
    with np.load(truth) as file:
        return len(file["index"]) == len(plan.shards()[number])


def _write_shard(plan: ShardPlan, out: Path, number: int, stream: SampleStream | None) -> Path:
    cv2.setNumThreads(1)
    stream = stream or SampleStream(plan)
    wanted = plan.shards()[number]
    images = np.empty((len(wanted), plan.size, plan.size, 3), np.uint8)
    truth = {name: np.empty((len(wanted), *shape), kind) for name, (shape, kind) in TRUTH.items()}
    for row, index in enumerate(wanted):
        sample = stream.sample(index)
        images[row] = sample.image
        _fill_row(truth, row, index, sample)
    image_path, truth_path = _paths(out, number)
    write_array(image_path, images)
    write_arrays(truth_path, truth)
    return truth_path


def _fill_row(truth: dict[str, NDArray[np.generic]], row: int, index: int, sample: Sample) -> None:
    truth["index"][row] = index
    camera = sample.camera
    truth["camera"][row] = (camera.focal, camera.centre_x, camera.centre_y)
    for name in TRUTH:
        if name not in ("index", "camera"):
            truth[name][row] = getattr(sample, name)


def _check_meta(plan: ShardPlan, out: Path) -> None:
    path = out / "meta.json"
    meta = plan.meta()
    if path.is_file():
        found = json.loads(path.read_text())
        found.pop("expression_names", None)
        if found != meta:
            raise OptionsError(
                "holds a shard set of another plan", where=out, advice="Choose an empty folder"
            )
        return
    names = SampleStream(plan).expression_names
    path.write_text(json.dumps({**meta, "expression_names": names}, indent=1) + "\n")


@dataclass(frozen=True, slots=True, eq=False)
class ShardSet:
    """A shard set in memory; pictures stay on disk until they are looked at.

    Attributes:
        images: per shard, (n, size, size, 3) uint8 RGB, memory-mapped.
        truth: arrays of `TRUTH` over all samples; see `read` on older sets.
        meta: ``meta.json``.
    """

    images: list[NDArray[np.uint8]]
    truth: dict[str, NDArray[np.generic]]
    meta: dict[str, object]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.truth["index"])

    def image(self, row: int) -> Image:
        """(size, size, 3) picture of a row of `truth`."""
        for part in self.images:
            if row < len(part):
                return np.asarray(part[row])
            row -= len(part)
        raise IndexError(row)


def read(folder: Path) -> ShardSet:
    """Open the complete shards of a folder; it may still be growing.

    Sets of earlier versions lack the arrays that were not written then: `action_units` before 3.

    Raises:
        SourceError: the folder holds no complete shard.
    """
    paths = [
        path
        for path in sorted(folder.glob("*.truth.npz"))
        if path.with_name(path.name.replace("truth.npz", "images.npy")).is_file()
    ]
    if not paths:
        raise SourceError("no complete shard", where=folder)
    meta = json.loads((folder / "meta.json").read_text())
    names = [name for name in TRUTH if _SINCE.get(name, 0) <= meta["version"]]
    parts = []
    for path in paths:
        with np.load(path) as file:
            parts.append({name: file[name] for name in names})
    images = [
        np.load(path.with_name(path.name.replace("truth.npz", "images.npy")), mmap_mode="r")
        for path in paths
    ]
    truth = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return ShardSet(images, truth, meta)
