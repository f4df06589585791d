"""Shard sets of eye strips: ``python -m facekit.synthetic.eye_shards --data DATA --out DIR``.

Per shard ``00000.images.npy`` (n, height, width) uint8 gray, and ``00000.truth.npz`` with one
array per name of `TRUTH`. Sample i depends on the set's seed and i alone.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import FacekitError, OptionsError, SourceError
from facekit.synthetic.arrays import write_array, write_arrays
from facekit.synthetic.eye_truth import EYE_POINTS
from facekit.synthetic.eyes import STRIP, EyeSample, EyeStudio, Wearer
from facekit.synthetic.people import Split

LOGGER = logging.getLogger(__name__)
VERSION = 1
"""Raised whenever the same plan no longer gives the same pictures."""

TRUTH: dict[str, tuple[tuple[int, ...], str]] = {
    "index": ((), "int64"),
    "points": ((2, 13, 2), "float32"),
    "rotation": ((3, 3), "float32"),
    "optical": ((2, 3), "float32"),
    "sight": ((2, 3), "float32"),
    "open": ((2,), "float32"),
    "hidden": ((2,), "float32"),
    "eye_distance": ((), "float32"),
    "glasses": ((), "bool"),
    "person": ((), "int32"),
    "steady": ((), "bool"),
}
"""Shape per sample and dtype; ``points`` are `eyes.EYE_POINTS`, the rest as in `eyes.EyeSample`."""


@dataclass(frozen=True, slots=True)
class EyePlan:
    """What a set of strips holds.

    Attributes:
        data: the project's data folder.
        split: whose textures and shapes.
        count: strips in all.
        seed: of everything random.
        shard: strips per shard.
        people_every: strips of the same person in a row; a new person takes 60 ms.
        blended: share of people with a skin out of two of the split's.
    """

    data: Path
    split: Split
    count: int
    seed: int = 0
    shard: int = 1000
    people_every: int = 8
    blended: float = 0.0

    def __post_init__(self) -> None:
        """Refuse impossible plans.

        Raises:
            OptionsError: a number is not positive.
        """
        for name in ("count", "shard", "people_every"):
            if getattr(self, name) < 1:
                raise OptionsError(f"must be at least 1, not {getattr(self, name)}", where=name)

    def meta(self) -> dict[str, object]:
        """What decides the pictures, for ``meta.json``."""
        places = ["data", "count"]
        if self.blended == 0:  # sets that were made before there was any blending
            places.append("blended")
        plain = {key: value for key, value in asdict(self).items() if key not in places}
        return {"version": VERSION, **plain}

    def rows(self, number: int) -> range:
        """The samples of a shard."""
        return range(number * self.shard, min((number + 1) * self.shard, self.count))


class StripStream:
    """Makes strips by number; the same number always gives the same picture."""

    def __init__(self, plan: EyePlan) -> None:
        """Load the studio."""
        self._plan = plan
        self._studio = EyeStudio(plan.data, plan.split)
        self._group = -1
        self._wearer: Wearer | None = None

    def sample(self, index: int) -> EyeSample:
        """Strip number `index`."""
        group = index // self._plan.people_every
        if self._wearer is None or group != self._group:
            random = np.random.default_rng((self._plan.seed, 0, group))
            self._wearer = self._studio.wearer(random, self._plan.blended)
            self._group = group
        random = np.random.default_rng((self._plan.seed, 1, index))
        return self._studio.strip(self._wearer, random)


def write(plan: EyePlan, out: Path, workers: int = 1) -> Iterator[Path]:
    """Write what is missing of a set; yields each shard's truth file when it is complete.

    Args:
        plan: what to write.
        out: folder, made if needed; complete shards in it are kept.
        workers: processes; one per core is best.

    Raises:
        OptionsError: the folder holds a set of another plan.
    """
    out.mkdir(parents=True, exist_ok=True)
    _check_meta(plan, out)
    shards = range(-(-plan.count // plan.shard))
    missing = [number for number in shards if not _complete(plan, out, number)]
    LOGGER.info("%d of %d shards to write", len(missing), len(shards))
    if workers == 1 or len(missing) < 2:
        stream = StripStream(plan) if missing else None
        for number in missing:
            yield _write_shard(plan, out, number, stream)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # One task per process: a stream is loaded once, and no state is shared.
        parts = [missing[first::workers] for first in range(workers)]
        for done in pool.map(_write_shards, [(plan, out, part) for part in parts]):
            yield from done


def _write_shards(task: tuple[EyePlan, Path, list[int]]) -> list[Path]:
    plan, out, numbers = task
    stream = StripStream(plan)
    return [_write_shard(plan, out, number, stream) for number in numbers]


def _paths(out: Path, number: int) -> tuple[Path, Path]:
    return out / f"{number:05d}.images.npy", out / f"{number:05d}.truth.npz"


def _complete(plan: EyePlan, out: Path, number: int) -> bool:
    images, truth = _paths(out, number)
    if not images.is_file() or not truth.is_file():
        return False
    with np.load(truth) as file:
        return len(file["index"]) == len(plan.rows(number))


def _write_shard(plan: EyePlan, out: Path, number: int, stream: StripStream | None) -> Path:
    cv2.setNumThreads(1)
    stream = stream or StripStream(plan)
    wanted = plan.rows(number)
    width, height = STRIP
    images = np.empty((len(wanted), height, width), np.uint8)
    truth = {name: np.empty((len(wanted), *shape), kind) for name, (shape, kind) in TRUTH.items()}
    for row, index in enumerate(wanted):
        sample = stream.sample(index)
        images[row] = cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)
        truth["index"][row] = index
        truth["points"][row] = sample.points[EYE_POINTS]
        for name in TRUTH:
            if name not in ("index", "points"):
                truth[name][row] = getattr(sample, name)
    image_path, truth_path = _paths(out, number)
    write_array(image_path, images)
    write_arrays(truth_path, truth)
    return truth_path


def _check_meta(plan: EyePlan, out: Path) -> None:
    path = out / "meta.json"
    if path.is_file():
        if json.loads(path.read_text()) != plan.meta():
            raise OptionsError(
                "holds a shard set of another plan", where=out, advice="Choose an empty folder"
            )
        return
    path.write_text(json.dumps(plan.meta(), indent=1) + "\n")


@dataclass(frozen=True, slots=True, eq=False)
class StripSet:
    """A set of strips in memory.

    Attributes:
        images: (n, height, width) uint8 gray.
        truth: arrays of `TRUTH`.
    """

    images: NDArray[np.uint8]
    truth: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        """Number of strips."""
        return len(self.images)


def read(folder: Path, limit: int | None = None) -> StripSet:
    """The complete shards of a folder; it may still be growing.

    Args:
        folder: written by `write`.
        limit: at most so many strips.

    Raises:
        SourceError: the folder holds no complete shard.
    """
    paths = [path for path in sorted(folder.glob("*.truth.npz")) if _images_of(path).is_file()]
    if not paths:
        raise SourceError("no complete shard", where=folder)
    parts = []
    for path in paths:
        with np.load(path) as file:
            parts.append({name: file[name] for name in TRUTH})
    images = np.concatenate([np.load(_images_of(path)) for path in paths])
    truth = {name: np.concatenate([part[name] for part in parts])[:limit] for name in TRUTH}
    return StripSet(images[:limit], truth)


def _images_of(truth: Path) -> Path:
    return truth.with_name(truth.name.replace("truth.npz", "images.npy"))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data folder.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write.")
@click.option("--count", type=int, required=True, help="Strips in all.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="train",
    show_default=True,
    help="Whose textures.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=int, default=1, show_default=True, help="Processes.")
@click.option("--shard", type=int, default=1000, show_default=True, help="Strips per file.")
@click.option(
    "--blended",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of people with a skin blended out of two of the split's.",
)
def main(
    data: Path,
    out: Path,
    count: int,
    split: Split,
    seed: int,
    workers: int,
    shard: int,
    blended: float,
) -> None:
    """Render strips of eyes with exact truth; what is already complete is kept."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    started, done = time.monotonic(), 0
    try:
        plan = EyePlan(data, split, count, seed, shard, blended=blended)
        for path in write(plan, out, workers):
            done += len(plan.rows(int(path.name[:5])))
            rate = done / (time.monotonic() - started)
            click.echo(f"{path.name}  {rate:.1f} strips/s", err=True)
    except FacekitError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
