"""What the temporal network learns from.

``python -m facekit.train temporal_data --data DIR --out DIR``

Two things go through the shipped per-frame networks: rendered faces in time, with exact truth,
from which their noise is learned; and photos of faces whose expression people voted on. Pictures
are rendered once and kept; with other per-frame networks only what these say is found anew. Every
clip and every thousand photos are files of their own, so that a run that was stopped continues.
"""

import argparse
import dataclasses
import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.runtime import weights
from facekit.synthetic.action_units import weights_of
from facekit.synthetic.arrays import write_arrays
from facekit.synthetic.motion import Motion
from facekit.synthetic.people import Split
from facekit.synthetic.sampling import FACS
from facekit.synthetic.scene import Setting, Studio
from facekit.synthetic.sequence import render_motion
from facekit.synthetic.wrinkles import WrinkleLibrary, build_library, load_library
from facekit.temporal.features import SIZE, features_of
from facekit.train.evaluation.pictures import PictureSet, load, packed
from facekit.train.evaluation.places import fill_in_crops, find_faces, still
from facekit.train.evaluation.unit_sets import EMOTIONS, with_room
from facekit.train.temporal_dynamics import RATE, Dynamics, simulate
from facekit.types import EXPRESSIONS, Floats, Frame, Image, Region

_LOG = logging.getLogger(__name__)
SIDE = 192
READ_BY = ("landmarks", "head_pose", "gaze", "action_units")
"""The networks whose answers the temporal network reads."""

_CLIP = dataclasses.replace(FACS, degraded=0, hand=0, thing=0, hair=0.15)
_QUALITY = (70, 96)
_CHUNK = 1000
_TYPICAL = 60  # photos in which the place of all faces is looked for
_FIELDS = ("units", "phase", "pose", "gaze", "blink", "nod", "shake", "speaking")


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """Rendered clips.

    Attributes:
        split: whose faces.
        count: of clips.
        seconds: of each.
        rate: frames a second, a divisor of 60.
        seed: of all of them.
    """

    split: Split
    count: int
    seconds: float
    rate: int
    seed: int


FITTING = ClipPlan("val", 48, 2.0, 30, 21)
"""The noise of the per-frame networks is learned from people they were not trained on."""

TESTING = ClipPlan("test", 10, 4.0, 60, 22)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A rendered clip as the per-frame networks saw it.

    Attributes:
        rows: (n, SIZE) of `features_of`; NaN where no face was found.
        time_s: (n,) seconds.
        shown: (n, 2, 22) exact intensities of what could be seen.
        truth: what moved, `RATE` moments a second.
        moment: (n,) row of the truth for each frame.
    """

    rows: Floats
    time_s: NDArray[np.float64]
    shown: Floats
    truth: Dynamics
    moment: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Photos of expressions as the per-frame networks saw them.

    Attributes:
        rows: (n, SIZE).
        votes: (n, 7) shares of `EXPRESSIONS`.
        held: (n,) kept out of training, to choose with.
    """

    rows: Floats
    votes: Floats
    held: NDArray[np.bool_]


def reader() -> Pipeline:
    """The per-frame networks."""
    return Pipeline(PipelineOptions(device="cpu", threads=1, largest=True, temporal="none"))


def networks() -> dict[str, str]:
    """SHA-256 of each network that is read."""
    return {name: weights.identity(name) for name in READ_BY}


def clips(
    data: Path, out: Path, plan: ClipPlan, pipeline: Pipeline | None = None
) -> Iterator[Clip]:
    """The clips of a plan, made where they are missing.

    Args:
        data: the project's data folder.
        out: cache.
        plan: which clips.
        pipeline: reads them; None only gives those that were read before.
    """
    folder, studio = out / "clips" / f"{plan.split}-{plan.rate}-{plan.seed}", None
    seen = folder / _fingerprint()
    seen.mkdir(parents=True, exist_ok=True)
    for number in range(plan.count):
        pictures, read = folder / f"{number:03d}.npz", seen / f"{number:03d}.npz"
        if pipeline is not None and not read.is_file():
            if not pictures.is_file():
                studio = studio or _studio(data, out, plan.split)
                write_arrays(pictures, _rendered(studio, plan, number))
                _LOG.info("%s %d of %d rendered", plan.split, number + 1, plan.count)
            write_arrays(read, {"rows": _read(pipeline, load(pictures))})
        if read.is_file():
            yield _clip(load(pictures), load(read)["rows"])


def photos(data: Path, out: Path, pipeline: Pipeline | None = None) -> Photos:
    """FER+ train and the train performers of posed emotions, read where they are missing.

    Args:
        data: the project's data folder.
        out: cache.
        pipeline: reads them; None only gives those that were read before.
    """
    sets = [ferplus(data, "train"), _posed(data)]
    parts = [answers(pictures, photo_cache(out), pipeline) for pictures in sets]
    held = [np.arange(len(part)) % 10 == 0 for part in parts]
    rows = np.concatenate(parts)
    known = np.isfinite(rows).any(axis=1)
    votes = np.concatenate([pictures.labels["votes"] for pictures in sets])
    return Photos(rows[known], votes[known], np.concatenate(held)[known])


def photo_cache(out: Path) -> Path:
    """Where photos are kept as today's per-frame networks saw them."""
    return out / "photos" / _fingerprint()


def answers(pictures: PictureSet, cache: Path, pipeline: Pipeline | None) -> Floats:
    """(n, SIZE) what the per-frame networks say of bare crops; NaN where they were not asked."""
    cache.mkdir(parents=True, exist_ok=True)
    rows = np.full((len(pictures), SIZE), np.nan, np.float32)
    typical: Region | None = None
    for first in range(0, len(pictures), _CHUNK):
        part = slice(first, min(first + _CHUNK, len(pictures)))
        path = cache / f"{pictures.name.replace(' ', '-')}.{first:05d}.npz"
        if pipeline is not None and not path.is_file():
            typical = typical or _typical(pictures)
            images = [pictures.image(row) for row in range(part.start, part.stop)]
            found = [pipeline.process(still(image), regions=[typical])[0] for image in images]
            write_arrays(path, {"rows": np.stack([features_of(face) for face in found])})
            _LOG.info("%s: %d of %d read", pictures.name, part.stop, len(pictures))
        if path.is_file():
            rows[part] = load(path)["rows"]
    return rows


def ferplus(data: Path, split: str) -> PictureSet:
    """Pictures of FER+ that people call faces with one of seven expressions.

    Labels: ``votes`` (n, 7) shares; ``winner`` (n,) the number of the expression most voted for,
    -1 where that is another one or several.
    """
    columns = load(data / "photos/ferplus.npz")
    names = columns["vote_names"].tolist()
    given = columns["votes"].astype(np.float64)
    votes = given[:, [names.index(name) for name in EXPRESSIONS]]
    best = given.max(axis=1, keepdims=True)
    alone = (given == best).sum(axis=1) == 1
    mine = (votes == best).any(axis=1)
    winner = np.where(alone & mine, votes.argmax(axis=1), -1)
    usable = (votes.sum(axis=1) >= 4) & (given[:, names.index("NF")] < 3)
    if split != "train":
        usable = winner >= 0
    rows = np.flatnonzero((columns["split"] == split) & usable)
    picture = packed(columns, rows)
    total = votes.sum(axis=1, keepdims=True)
    labels = {
        "votes": (votes[rows] / total[rows]).astype(np.float32),
        "winner": winner[rows],
    }
    return PictureSet(
        f"FER+ {split}", "votes of 10 raters", rows, lambda row: with_room(picture(row)), labels
    )


def _posed(data: Path) -> PictureSet:
    columns = load(data / "photos/posed_emotions.npz")
    rows = np.flatnonzero(columns["split"] == "train")
    names = [EXPRESSIONS.index(EMOTIONS[name]) for name in columns["emotion"][rows]]
    votes = {"votes": np.eye(len(EXPRESSIONS), dtype=np.float32)[names]}
    person = columns["performer"][rows]
    return PictureSet("posed train", "posed emotion", person, packed(columns, rows), votes)


def _typical(pictures: PictureSet) -> Region:
    """Where the faces of bare crops are: the middle of where they are found."""
    finder = Pipeline(PipelineOptions(landmarks="none", device="cpu", threads=1))
    some = replace(pictures, person=pictures.person[:_TYPICAL], labels={})
    region = fill_in_crops([*find_faces(some, finder), None])[-1]
    finder.close()
    return region


def _studio(data: Path, out: Path, split: Split) -> Studio:
    return Studio(data, split, SIDE, _CLIP, supersample=1.5, wrinkles=_wrinkles(data, out))


def _wrinkles(data: Path, out: Path) -> WrinkleLibrary:
    path = out / "wrinkles.npz"
    if not path.is_file():
        build_library(data).save(path)
    return load_library(path)


def _rendered(studio: Studio, plan: ClipPlan, number: int) -> dict[str, NDArray[Any]]:
    """One clip: JPEG pictures end to end, and everything that is true of it."""
    random = np.random.default_rng((plan.seed, number))
    whole = simulate(random, plan.seconds + 4)
    first = int(random.integers(0, 4 * RATE))
    moment = first + np.arange(round(plan.seconds * plan.rate)) * (RATE // plan.rate)
    setting = studio.setting(random)
    motion = _motion(whole, moment, random)
    noise, quality = random.uniform(0, 3), int(random.integers(*_QUALITY))
    person = studio.people.draw(random)
    files, shown = [], []
    still_setting: Setting = replace(setting, gaze=np.zeros((2, 2)), pose=np.zeros(3))
    for sample in render_motion(studio, person, motion, still_setting, number, noise):
        bgr = cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR)
        files.append(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].ravel())
        shown.append(sample.action_units)
    return {
        "jpg": np.concatenate(files),
        "off": np.cumsum([0, *(len(file) for file in files)]),
        "shown": np.stack(shown),
        "moment": moment,
        **{name: getattr(whole, name) for name in _FIELDS},
    }


def _motion(whole: Dynamics, moment: NDArray[np.intp], random: np.random.Generator) -> Motion:
    time_s = moment / RATE
    visible, inward = whole.visible()[moment], random.uniform(0, 2.5)
    gaze = np.repeat(whole.gaze[moment, None].astype(np.float64), 2, axis=1)
    gaze[:, :, 0] += [-inward, inward]
    turns = random.uniform(0, 6.3, 3) + 2 * np.pi * time_s[:, None] * random.uniform(0.05, 0.4, 3)
    return Motion(
        time_s=time_s - time_s[0],
        expression=tuple(weights_of(units) for units in visible),
        gaze=gaze,
        pose=whole.pose[moment].astype(np.float64),
        sway_mm=np.sin(turns) * random.uniform(0, [12, 8, 20]),
        events=(),
        blink=whole.blink[moment],
        nod=whole.nod[moment],
        shake=whole.shake[moment],
        speaking=whole.speaking[moment],
    )


def _read(pipeline: Pipeline, clip: dict[str, NDArray[Any]]) -> Floats:
    """(n, SIZE) what the networks say of a clip, frame after frame as a video."""
    picture = packed(clip, np.arange(len(clip["moment"])))
    pipeline.reset()
    rows = np.full((len(clip["moment"]), SIZE), np.nan, np.float32)
    for row, moment in enumerate(clip["moment"] - clip["moment"][0]):
        image: Image = picture(row)
        faces = pipeline.process(Frame(row, float(moment) / RATE, image))
        if faces:
            rows[row] = features_of(faces[0])
    return rows


def _clip(content: dict[str, NDArray[Any]], rows: Floats) -> Clip:
    moment = content["moment"]
    truth = Dynamics(**{name: content[name] for name in _FIELDS}, events=())
    return Clip(rows, (moment - moment[0]) / RATE, content["shown"], truth, moment)


def _fingerprint() -> str:
    """Of the networks that read: what they said before does not hold for others."""
    return hashlib.sha256(" ".join(networks().values()).encode()).hexdigest()[:12]


def main(arguments: Sequence[str]) -> int:
    """Render and read whatever is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m facekit.train temporal_data", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--out", type=Path, required=True, help="cache of what was read")
    parser.add_argument("--test", action="store_true", help="also the clips that are tested on")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    pipeline = reader()
    for plan in (FITTING, TESTING) if options.test else (FITTING,):
        made = clips(options.data, options.out, plan, pipeline)
        found = np.concatenate([np.isfinite(clip.rows).any(axis=1) for clip in made])
        _LOG.info("%s: %d frames, %.3f with a face", plan.split, len(found), found.mean())
    _LOG.info("%d photos", len(photos(options.data, options.out, pipeline).rows))
    return 0
