"""Whole faces of rendered test people who look somewhere, and people with offsets of their own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.geometry import angles, gaze_angles
from facekit.pipeline import Pipeline
from facekit.synthetic import eye_sampling
from facekit.synthetic.arrays import write_arrays
from facekit.synthetic.eye_sampling import KAPPA
from facekit.synthetic.eyes import EyeSample, EyeStudio, Wearer
from facekit.synthetic.webcam import degrade
from facekit.train.evaluation.pictures import PictureSet, load, packed
from facekit.train.evaluation.places import fill_in, find_faces
from facekit.types import Floats, Image, Region

SMALL = (44.0, 44.0)
"""Distance of the eyes in pixels of 20-px eyes."""

LARGE = (67.0, 110.0)
"""Of eyes of 30 px and more."""

_VERSION = 2
_FACE = 4.4  # side of a picture in eye distances
_SIGHTS = np.array([[x, y] for y in (-16, -6, 4) for x in (-16, 0, 16)], np.float64)
"""(9, 2) where one looks to be calibrated: yaw and pitch in camera axes, degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class Portraits:
    """Pictures with the optical axis in the middle.

    Attributes:
        image: picture by row: (height, width, 3) uint8 RGB.
        focal: (n,) pixels.
        gaze: (n, 2) yaw and pitch of both eyes' line of sight together, camera axes, degrees.
        head: (n, 3) yaw, pitch, roll.
        open: (n, 2) 0-1.
        hidden: (n, 2) 0-1.
        glasses: (n,) whether some are worn.
        person: (n,) row of people.npz.
        wearer: (n,) number of the person in the set, with light and kappa of their own.
        points: (n, 478, 2) pixels.
    """

    image: Callable[[int], Image]
    focal: NDArray[np.float64]
    gaze: NDArray[np.float64]
    head: NDArray[np.float64]
    open: NDArray[np.float64]
    hidden: NDArray[np.float64]
    glasses: NDArray[np.bool_]
    person: NDArray[np.int64]
    wearer: NDArray[np.int64]
    points: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.focal)

    def regions(self, finder: Pipeline) -> list[Region]:
        """Where the faces are: as found, or where the detector would have put them."""
        labels = {"points478": self.points, "place": self.points}
        pictures = PictureSet("renders", "exact", self.person, self.image, labels)
        return fill_in(pictures, find_faces(pictures, finder))

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) whether at least one eye is open and not hidden."""
        return np.asarray(((self.open > 0.35) & (self.hidden < 0.5)).any(axis=1), bool)


def portraits(data: Path, cache: Path, count: int, eyes: tuple[float, float]) -> Portraits:
    """Rendered test people at one size; made once and kept in `cache`.

    Args:
        data: the project's data folder.
        cache: folder.
        count: pictures.
        eyes: smallest and largest distance of the eyes, pixels.
    """

    def make() -> dict[str, NDArray[Any]]:
        studio = EyeStudio(data, "test", steady=0)
        found = []
        for number in range(count):
            if number % 3 == 0:
                wearer = studio.wearer(np.random.default_rng((7, number)))
            random = np.random.default_rng((8, number))
            moment = eye_sampling.random_moment(random, wearer.session)
            distance = float(random.uniform(*eyes))
            found.append((number // 3, _portrait(studio, wearer, moment, random, distance)))
        return _arrays(found)

    return _cached(cache / f"gaze-{count}-{eyes[0]:.0f}-{eyes[1]:.0f}.npz", make)


def offset_people(data: Path, cache: Path, people: int, tests: int = 12) -> Portraits:
    """Unseen people who sit before a screen, each with an offset of gaze of their own.

    The first nine pictures of each look at the places of a calibration, the others anywhere.
    """

    def make() -> dict[str, NDArray[Any]]:
        studio = EyeStudio(data, "test", steady=1)
        found = []
        for number in range(people):
            random = np.random.default_rng((9, number))
            wearer = _with_offset(studio.wearer(random), random)
            targets = np.concatenate([_SIGHTS, random.uniform([-20, -18], [20, 6], (tests, 2))])
            for target in targets:
                moment = _looking_at(wearer, target, random)
                found.append((number, _portrait(studio, wearer, moment, random, 80.0)))
        return _arrays(found)

    return _cached(cache / f"gaze-offsets-{people}-{tests}.npz", make)


CALIBRATION_PLACES = len(_SIGHTS)
"""How many pictures of each of `offset_people` are for calibration."""


def _with_offset(wearer: Wearer, random: np.random.Generator) -> Wearer:
    """The same person with optical axes 4 to 7 degrees off what people have on average."""
    angle, size = random.uniform(0, 2 * np.pi), random.uniform(4, 7)
    offset = size * np.array([np.cos(angle), np.sin(angle)])
    session = replace(
        wearer.session,
        pose=np.clip(wearer.session.pose, [-15, -12, -8], [15, 12, 8]),
        kappa=KAPPA * np.array([[1, 1], [-1, 1]]) + offset,
    )
    return replace(wearer, session=session)


def _looking_at(
    wearer: Wearer, target: NDArray[np.float64], random: np.random.Generator
) -> eye_sampling.Moment:
    session = wearer.session
    pose = session.pose + random.normal(0, [3, 2, 1.5])
    # Small angles: the gaze in the head is what is left of the gaze in camera axes.
    return eye_sampling.look(session, pose, np.clip(target - pose[:2], -35, 30), {})


def _portrait(
    studio: EyeStudio,
    wearer: Wearer,
    moment: eye_sampling.Moment,
    random: np.random.Generator,
    distance: float,
) -> EyeSample:
    side = round(_FACE * distance)
    sample = studio.portrait(wearer, moment, random, side, distance)
    image = degrade(np.asarray(sample.image, np.float32), random)
    # facekit takes the middle of the frame for the optical axis.
    right, below = _padding(sample.camera.centre_x, side), _padding(sample.camera.centre_y, side)
    padded = np.pad(image, (below, right, (0, 0)))
    return replace(sample, image=padded, points=_moved(sample.points, right[0], below[0]))


def _moved(points: Floats, x: int, y: int) -> Floats:
    return np.asarray(points + np.array([x, y]), np.float32)


def _padding(centre: float, size: int) -> tuple[int, int]:
    more = round(2 * centre - (size - 1))
    return max(0, -more), max(0, more)


def _arrays(found: list[tuple[int, EyeSample]]) -> dict[str, NDArray[Any]]:
    files = [cv2.imencode(".png", one.image[..., ::-1])[1].ravel() for _, one in found]
    middles = np.array([one.sight.mean(axis=0) for _, one in found])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    return {
        "jpg": np.concatenate(files),
        "off": np.cumsum([0, *(len(file) for file in files)]),
        "focal": np.array([one.camera.focal for _, one in found]),
        "gaze": gaze_angles(middles),
        "head": np.array([angles(one.rotation) for _, one in found]),
        "open": np.array([one.open for _, one in found]),
        "hidden": np.array([one.hidden for _, one in found]),
        "glasses": np.array([one.glasses for _, one in found]),
        "person": np.array([one.person for _, one in found]),
        "wearer": np.array([number for number, _ in found]),
        "points": np.array([one.points for _, one in found], np.float64),
    }


def _cached(path: Path, make: Callable[[], dict[str, NDArray[Any]]]) -> Portraits:
    stamp = path.with_suffix(".json")
    if not path.is_file() or json.loads(stamp.read_text()) != _VERSION:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(path, make())
        stamp.write_text(json.dumps(_VERSION))
    arrays = load(path)
    image = packed(arrays, np.arange(len(arrays["focal"])))
    return Portraits(image, **{k: v for k, v in arrays.items() if k not in ("jpg", "off")})
