"""Who trains and who validates the embedder, and the numbers that choose it."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facekit.estimate.identity import VECTOR, chip
from facekit.train.identity_batches import Gathered, gather
from facekit.train.identity_faces import FaceSet, Places, face_set, folder_set, read
from facekit.types import Floats

FALSE_MATCHES = 1e-3
"""Share of unlike pairs at which the like ones that are found are counted."""

_VALIDATION_FOLD, _TEST_FOLDS = 6, (7, 8)
_LFW_COPIES_OF_TEST = (7234, 7034, 2389)
_SURE = 0.6
_ONE_PERSON = 0.5
_HELD_OUT = 6  # every so manieth person of a set without folds validates
_MOST_PICTURES = 12
_BATCH = 32

Part = tuple[FaceSet, Places, NDArray[np.intp]]


@dataclass(frozen=True, slots=True)
class Split:
    """Faces by their use; nobody is in both.

    Attributes:
        train: to train on.
        validation: one list per set; the first has profiles where any set has.
    """

    train: Gathered
    validation: tuple[Gathered, ...]


def of_data(data: Path, cache: Path) -> Split:
    """CFP, CelebA and LFW; whom the teacher takes for a person of test or validation is left out.

    Args:
        data: the project's data folder.
        cache: of ``python -m facekit.train identity-faces``.
    """
    validation = _validation(data, cache)
    (cfp, celeba) = (part[:2] for part in validation)
    lfw = _known(face_set(data, "lfw"), cache)
    fold, split = cfp[0].columns["fold"], lfw[0].columns["split"]
    test = [
        (*cfp, np.flatnonzero(np.isin(fold, _TEST_FOLDS))),
        (*lfw, np.flatnonzero(split == "test")),
    ]
    strangers = np.concatenate([means(part)[1] for part in (*validation, *test)])
    copies = np.isin(np.arange(len(split)), _LFW_COPIES_OF_TEST)
    train = [
        (*cfp, np.flatnonzero(fold < _VALIDATION_FOLD)),
        (*celeba, np.flatnonzero(~held_out(celeba[0].person))),
        (*lfw, np.flatnonzero((split == "train") & ~copies)),
    ]
    return Split(
        gather([without(sure(part), strangers) for part in train]),
        tuple(gather([few(part)]) for part in validation),
    )


def validation_of_data(data: Path, cache: Path) -> tuple[Gathered, ...]:
    """The same people of CFP and CelebA as in `of_data`."""
    return tuple(gather([few(part)]) for part in _validation(data, cache))


def _validation(data: Path, cache: Path) -> tuple[Part, Part]:
    cfp, celeba = (_known(face_set(data, name), cache) for name in ("cfp", "celeba_subset"))
    return (
        (*cfp, np.flatnonzero(cfp[0].columns["fold"] == _VALIDATION_FOLD)),
        (*celeba, np.flatnonzero(held_out(celeba[0].person))),
    )


def _known(faces: FaceSet, cache: Path) -> tuple[FaceSet, Places]:
    return faces, read(cache, faces)


def of_people(folder: Path, cache: Path) -> Split:
    """A folder of people; every sixth validates.

    Args:
        folder: PERSON/PICTURE.jpg.
        cache: of ``python -m facekit.train identity-faces --people``.
    """
    own = _known(folder_set(folder), cache)
    kept_aside = held_out(own[0].person)
    train = sure((*own, np.flatnonzero(~kept_aside)))
    return Split(gather([train]), (gather([few((*own, np.flatnonzero(kept_aside)))]),))


def held_out(person: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) which pictures show one of the people that validate."""
    _, number = np.unique(person, return_inverse=True)
    return np.asarray(number.reshape(-1) % _HELD_OUT == 0)


def means(part: Part) -> tuple[NDArray[np.int64], Floats]:
    """People of some rows, and their mean teacher vectors, of unit length."""
    faces, places, rows = part
    names, number = np.unique(faces.person[rows], return_inverse=True)
    total = np.zeros((len(names), places.teacher.shape[1]), np.float32)
    np.add.at(total, number.reshape(-1), places.teacher[rows])
    return names, total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)


def without(part: Part, strangers: Floats) -> Part:
    """The rows whose people are none of the strangers, by their mean teacher vectors."""
    faces, places, rows = part
    names, vectors = means(part)
    known = names[(vectors @ strangers.T).max(1, initial=-1) > _ONE_PERSON]
    return faces, places, rows[~np.isin(faces.person[rows], known)]


def sure(part: Part) -> Part:
    """The rows on which O-Net is sure to see a face."""
    faces, places, rows = part
    return faces, places, rows[places.score[rows] >= _SURE]


def few(part: Part) -> Part:
    """At most 12 frontal and 12 profile pictures of each person."""
    faces, places, rows = part
    side = faces.columns.get("profile", np.zeros(len(faces), bool))
    kept: list[int] = []
    for person in np.unique(faces.person[rows]):
        for seen in (False, True):
            own = rows[(faces.person[rows] == person) & (side[rows] == seen)]
            kept += own[:_MOST_PICTURES].tolist()
    return faces, places, np.asarray(kept, np.intp)


class Judge:
    """Numbers on validation people.

    Args:
        validation: of a `Split`.
    """

    def __init__(self, validation: tuple[Gathered, ...]) -> None:
        """Cut the crops."""
        self._parts = validation
        self._crops = [crops(part, np.arange(len(part))) for part in validation]

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """Area under the curve of frontal against profile, and like pairs found at 1e-3.

        ``score`` is what training makes small: the sum of the logarithms of both errors, so that
        neither's size matters.
        """
        found = [predict(network, one) for one in self._crops]
        numbers: dict[str, float] = {}
        for number, (part, vectors) in enumerate(zip(self._parts, found, strict=True)):
            like, unlike = pairs(vectors, part.person)
            limit = float(np.quantile(unlike, 1 - FALSE_MATCHES))
            numbers[f"tar_{number}"] = float((like > limit).mean())
            if part.profile.any():
                like, unlike = across(vectors, part.person, part.profile)
                numbers["frontal_profile_auc"] = area(like, unlike)
        judged = [numbers[f"tar_{len(self._parts) - 1}"]]
        judged += [numbers["frontal_profile_auc"]] if "frontal_profile_auc" in numbers else []
        numbers["score"] = sum(math.log(1 - value + 1e-4) for value in judged)
        return numbers

    def threshold(self, network: nn.Module) -> float:
        """Cosine above which one in a thousand unlike pairs of a set lies, both sets together."""
        unlike = [
            pairs(predict(network, one), part.person)[1]
            for part, one in zip(self._parts, self._crops, strict=True)
        ]
        return float(np.quantile(np.concatenate(unlike), 1 - FALSE_MATCHES))


def crops(faces: Gathered, numbers: NDArray[np.intp]) -> Tensor:
    """(n, 3, SIZE, SIZE) uint8 crops as at run time."""
    cut = [chip(faces.image(int(i)), faces.points[i]) for i in numbers]
    return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2)


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Floats:
    """(n, VECTOR) unit vectors of crops."""
    network.eval()
    parts = [
        network(images[first : first + _BATCH].float()) for first in range(0, len(images), _BATCH)
    ]
    return np.asarray(torch.cat(parts).reshape(-1, VECTOR).numpy(), np.float32)


def pairs(vectors: Floats, person: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Cosines of all like and of all unlike pairs."""
    upper = np.triu_indices(len(vectors), 1)
    cosine = (vectors @ vectors.T)[upper]
    same = (person[:, None] == person)[upper]
    return cosine[same], cosine[~same]


def across(
    vectors: Floats, person: NDArray[np.intp], profile: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Cosines of like and unlike pairs of a frontal and a profile picture."""
    cosine = vectors[~profile] @ vectors[profile].T
    same = person[~profile][:, None] == person[profile]
    return cosine[same], cosine[~same]


def area(like: Floats, unlike: Floats) -> float:
    """Chance that a like pair is more similar than an unlike one."""
    ordered = np.sort(unlike)
    return float(np.searchsorted(ordered, like).mean() / len(ordered))
