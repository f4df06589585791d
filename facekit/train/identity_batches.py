"""Batches of P people x K crops, half of some people's in profile, and faces of anyone else."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facekit.estimate.identity import SIZE, chip_matrix
from facekit.geometry import crop
from facekit.train.augment import Random, blur, jpeg
from facekit.train.identity_faces import FaceSet, Places
from facekit.train.loop import Batch
from facekit.types import Floats, Image

_MIDDLE = (SIZE - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Faces of several sets in one list.

    Attributes:
        sets: the sets.
        source: (n,) number of the set that a face comes from.
        row: (n,) its row there.
        person: (n,) numbers over all sets, from 0.
        profile: (n,) seen from the side.
        points: (n, 5, 2) MTCNN's points, pixels.
        teacher: (n, 256) unit vectors; (n, 0) without a teacher.
    """

    sets: Sequence[FaceSet]
    source: NDArray[np.intp]
    row: NDArray[np.intp]
    person: NDArray[np.intp]
    profile: NDArray[np.bool_]
    points: Floats
    teacher: Floats

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.row)

    def image(self, number: int) -> Image:
        """The picture of a face."""
        faces: FaceSet = self.sets[int(self.source[number])]
        return faces.image(int(self.row[number]))


def gather(parts: Sequence[tuple[FaceSet, Places, NDArray[np.intp]]]) -> Gathered:
    """Rows of several sets; the people of different sets are different people.

    Args:
        parts: a set, its places, and which rows.
    """
    source = [np.full(len(rows), number) for number, (_, _, rows) in enumerate(parts)]
    profile = [
        faces.columns["profile"][rows].astype(bool)
        if "profile" in faces.columns
        else np.zeros(len(rows), bool)
        for faces, _, rows in parts
    ]
    names = [faces.person[rows] for faces, _, rows in parts]
    both = np.column_stack([np.concatenate(source), np.concatenate(names)])
    _, person = np.unique(both, axis=0, return_inverse=True)
    return Gathered(
        sets=[faces for faces, _, _ in parts],
        source=both[:, 0].astype(np.intp),
        row=np.concatenate([rows for _, _, rows in parts]),
        person=person.reshape(-1).astype(np.intp),
        profile=np.concatenate(profile),
        points=np.concatenate([places.points[rows] for _, places, rows in parts]),
        teacher=np.concatenate([places.teacher[rows] for _, places, rows in parts]),
    )


@dataclass(frozen=True, slots=True)
class Mix:
    """What a batch is made of.

    Attributes:
        profiled: people with two frontal and two profile pictures, where there are such.
        others: other people, with four pictures.
        singles: faces of anyone.
    """

    profiled: int = 9
    others: int = 5
    singles: int = 16


class IdentityBatches:
    """The batch of a step: ``image`` (n, 3, SIZE, SIZE) uint8, ``person`` and ``face`` (n,).

    Args:
        faces: to draw from.
        mix: of a batch.
        seed: of the draws.
    """

    def __init__(self, faces: Gathered, mix: Mix, seed: int) -> None:
        """Sort people by what they have pictures of."""
        self._faces, self._mix, self._seed = faces, mix, seed
        order = np.argsort(faces.person, kind="stable")
        _, first = np.unique(faces.person[order], return_index=True)
        self._rows = np.split(order, first[1:])
        self._profiled = [p for p, rows in enumerate(self._rows) if self._sides(rows)]
        profiled = set(self._profiled)
        self._others = [
            p for p, rows in enumerate(self._rows) if len(rows) >= 2 and p not in profiled
        ]

    def __call__(self, step: int) -> Batch:
        """The same step always gives the same batch."""
        random = np.random.default_rng((self._seed, step))
        numbers = self._draw(random)
        images = [augmented(self._faces, int(number), random) for number in numbers]
        planes = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        return {
            "image": planes,
            "face": torch.from_numpy(numbers),
            "person": torch.from_numpy(self._faces.person[numbers].astype(np.int64)),
            "teacher": torch.from_numpy(self._faces.teacher[numbers]),
        }

    def _draw(self, random: Random) -> NDArray[np.int64]:
        mix = self._mix
        profiled = _some(self._profiled, mix.profiled, random)
        others = _some(self._others, mix.others + mix.profiled - len(profiled), random)
        chosen: list[int] = []
        for person in profiled:
            rows = self._rows[person]
            side = self._faces.profile[rows]
            for part in (rows[~side], rows[side]):
                chosen += random.choice(part, 2, replace=False).tolist()
        for person in others:
            rows = self._rows[person]
            chosen += random.choice(rows, min(4, len(rows)), replace=False).tolist()
        chosen += random.integers(0, len(self._faces), mix.singles).tolist()
        return np.asarray(chosen, np.int64)

    def _sides(self, rows: NDArray[np.intp]) -> bool:
        side = int(self._faces.profile[rows].sum())
        return side >= 2 and len(rows) - side >= 2


def augmented(faces: Gathered, number: int, random: Random) -> Image:
    """(SIZE, SIZE, 3) crop of a face, moved a little, perhaps mirrored, perhaps worse."""
    matrix = _jitter(random) @ np.vstack([chip_matrix(faces.points[number]), [0, 0, 1]])
    image = crop(faces.image(number), matrix[:2], SIZE, replicate=True)
    if random.random() < 0.35:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)
    if random.random() < 0.16:
        small = int(np.exp(random.uniform(np.log(28), np.log(80))))
        shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(shrunk, (SIZE, SIZE)), np.uint8)
    if random.random() < 0.5:
        image = _light(image, random)
    if random.random() < 0.12:
        image = blur(image, random)
    if random.random() < 0.2:
        image = jpeg(image, random)
    return image


def _jitter(random: Random) -> NDArray[np.float64]:
    """(3, 3) small similarity about the crop's middle, mirrored half of the time."""
    angle = np.deg2rad(random.normal(0, 3))
    scale = np.exp(random.normal(0, 0.03))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if random.random() < 0.5:
        turn = np.diag([-1.0, 1.0]) @ turn
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = _MIDDLE - turn @ [_MIDDLE, _MIDDLE] + random.normal(0, 0.01 * SIZE, 2)
    return matrix


def _light(image: Image, random: Random) -> Image:
    """Another exposure and contrast."""
    levels = np.linspace(0, 1, 256) ** np.exp(random.normal(0, 0.2))
    curve = 255 * (levels * np.exp(random.normal(0, 0.12)) + random.normal(0, 0.04))
    return np.asarray(cv2.LUT(image, np.clip(curve, 0, 255).astype(np.uint8)), np.uint8)


def _some(people: Sequence[int], count: int, random: Random) -> list[int]:
    picked = random.permutation(len(people))[:count]
    return [people[int(number)] for number in picked]
