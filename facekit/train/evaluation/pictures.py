"""The picture sets of an evaluation: test rows only, with their truth in one form.

Their files and licences are described in the data folder's README.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic import shards
from facekit.synthetic.camera import angles, ray_rotation
from facekit.types import Image

RENDERS = 1200
_RENDER_SEED = 7
_EYES_APART_MM = 63.0


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """Pictures with one face each.

    Attributes:
        name: of the set.
        truth: kind of truth, in words.
        person: (n,) whom each picture shows.
        image: picture by row: (height, width, 3) uint8 RGB.
        labels: arrays with a row per picture. ``points68`` (n, 68, 2) and ``points478``
            (n, 478, 2) are pixels; ``place`` (n, k, 2) are points that lie on the face, by which
            it is told from others in the picture.
    """

    name: str
    truth: str
    person: NDArray[Any]
    image: Callable[[int], Image]
    labels: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.person)


def human68(data: Path) -> PictureSet:
    """28 wild faces, 68 points by hand; every face is taken for a person of its own."""
    columns = load(data / "photos/human68.npz")
    points = columns["points68"].astype(np.float64)
    labels = {"points68": points, "place": points}
    everyone = np.arange(len(points))
    return PictureSet("human68", "by hand", everyone, packed(columns, everyone), labels)


def ytf68(data: Path) -> PictureSet:
    """Test people of small wild faces, 68 points by a program."""
    columns = load(data / "photos/ytf68.npz")
    rows = np.flatnonzero(columns["split"] == "test")
    points = columns["points68"][rows].astype(np.float64)
    labels = {"points68": points, "place": points}
    person = columns["person"][rows]
    return PictureSet("ytf68 test", "by a program", person, packed(columns, rows), labels)


def london(data: Path) -> PictureSet:
    """Test people of the London, Canada and 3D.sk fronts."""
    columns = load(data / "london/london.npz")
    rows = np.flatnonzero(columns["split"] == "test")
    return PictureSet(
        "London test", "opinion of MediaPipe", columns["person"][rows], packed(columns, rows)
    )


def posed_emotions(data: Path) -> PictureSet:
    """Test performers of posed emotions."""
    columns = load(data / "photos/posed_emotions.npz")
    rows = np.flatnonzero(columns["split"] == "test")
    return PictureSet(
        "posed emotions test",
        "opinion of MediaPipe",
        columns["performer"][rows],
        packed(columns, rows),
    )


def drivface(data: Path) -> PictureSet:
    """Four drivers, the camera off the axis; yaw by hand in steps of 15 degrees."""
    columns = load(data / "photos/drivface.npz")
    rows = np.arange(len(columns["subject"]))
    labels = {
        "yaw": columns["head_yaw_deg"].astype(np.float64),
        "place": columns["points5"].astype(np.float64),
    }
    return PictureSet(
        "drivface", "by hand, 15 degree steps", columns["subject"], packed(columns, rows), labels
    )


def renders(data: Path, cache: Path, count: int = RENDERS, workers: int = 1) -> PictureSet:
    """Rendered test people, with exact truth; made once and kept in `cache`.

    Labels beside the points: ``usable`` (n, 478) seen and uncovered; ``unit`` (n,) distance of
    the eyeball centres in pixels, not foreshortened; ``pose`` (n, 3) yaw, pitch, roll in camera
    axes; ``seen`` (n, 3) the same as a crop shows it; ``camera`` (n, 3) focal, cx, cy; ``mm``
    (n, 3) the head's place; ``band`` (n,) albedo, 0 dark to 2 light.
    """
    plan = shards.ShardPlan(data=data, split="test", count=count, seed=_RENDER_SEED, shard=300)
    for _ in shards.write(plan, cache, workers):
        pass
    found = shards.read(cache)
    truth: dict[str, NDArray[Any]] = dict(found.truth)
    points = truth["points"].astype(np.float64)
    place, turned = truth["translation_mm"].astype(np.float64), truth["rotation"]
    seen = [angles(ray_rotation(t).T @ r) for t, r in zip(place, turned, strict=True)]
    labels = {
        "points478": points,
        "place": points,
        "usable": truth["visible"] & ~truth["covered"],
        "unit": _EYES_APART_MM * truth["camera"][:, 0] / place[:, 2],
        "pose": truth["pose"].astype(np.float64),
        "seen": np.asarray(seen),
        "camera": truth["camera"].astype(np.float64),
        "mm": place,
        "band": truth["band"],
    }
    return PictureSet("renders test", "exact", truth["person"], found.image, labels)


def mirrored(image: Image) -> Image:
    """The picture as a mirror shows it."""
    return np.ascontiguousarray(image[:, ::-1])


def load(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an npz file by name."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def packed(columns: Mapping[str, NDArray[Any]], rows: NDArray[Any]) -> Callable[[int], Image]:
    """Reads picture number i out of the JPEG files of `rows`."""
    files, offsets = columns["jpg"], columns["off"]

    def image(number: int) -> Image:
        row = rows[number]
        decoded = cv2.imdecode(files[offsets[row] : offsets[row + 1]], cv2.IMREAD_COLOR)
        assert decoded is not None
        return np.ascontiguousarray(decoded[..., ::-1], np.uint8)

    return image
