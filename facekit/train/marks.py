"""How far the landmarks of other annotators are from the points that stand for them.

The outer end of a brow or the bridge of the nose means something else to everybody who marks it,
and something else again in MediaPipe's topology. No network can know better than that; an
uncertainty that leaves it out is right for renders only. Measured on validation people of two
sets, which count alike: London, sharp studio portraits with points checked by hand (DeBruine and
Jones, Face Research Lab London Set, 2017), and ytf68, small faces out of videos with the 68 points
of a program.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facekit.estimate.crops import SIZE, square_of_landmarks
from facekit.estimate.ibug import IBUG_68
from facekit.estimate.patches import cut
from facekit.geometry import apply
from facekit.network.landmarks import LandmarkNetwork
from facekit.train.data import POINTS
from facekit.train.loop import outputs
from facekit.train.photos import MediaPipeTeacher, pictures

_ONE_SD = 0.6827
_PARTS = (slice(0, 17), slice(17, 27), slice(27, 36), slice(36, 48), slice(48, 68))
# fmt: off
# Points of London's template of 189 that mean the same as an iBUG point (iBUG: template).
_IN_LONDON = {
    19: 73, 20: 74, 23: 79, 24: 80,                                          # brows
    31: 65, 33: 55, 35: 70,                                                  # nose
    36: 18, 37: 19, 38: 9, 39: 22, 40: 7, 41: 5,                             # eyes
    42: 23, 43: 11, 44: 17, 45: 27, 46: 15, 47: 31,
    48: 87, 50: 89, 51: 90, 52: 91, 54: 93, 57: 106, 62: 96, 66: 101,        # lips
}
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class _Lack:
    """What squared distances from annotations exceed the squared sd by.

    Attributes:
        points: (k,) iBUG numbers.
        excess: (n, k, 2) per picture, point and axis; shares of the crop's side, squared.
    """

    points: NDArray[np.intp]
    excess: NDArray[np.float64]


def spread(network: LandmarkNetwork, data: Path) -> Tensor:
    """(478,) what the network's sd lacks to cover 68 % of its distances from the annotations.

    To be added in squares; in shares of the crop's side; the same for the points of a part of the
    face, 0 for the points that stand for none of the 68.

    Args:
        network: with its temperature.
        data: the project's data folder.
    """
    model = data / "teachers/face_landmarker.task"
    teacher = MediaPipeTeacher(model, network.mirror.numpy())
    every = {point: point for point in range(len(IBUG_68))}
    lacks = [
        _lack(network, teacher, data / "london/london.npz", "template189", _IN_LONDON),
        _lack(network, teacher, data / "photos/ytf68.npz", "points68", every),
    ]
    teacher.close()
    values = np.zeros(POINTS)
    for part in _PARTS:
        values[IBUG_68[part]] = np.sqrt(max(0.0, _pooled([_within(one, part) for one in lacks])))
    return torch.from_numpy(values).float()


def _lack(
    network: LandmarkNetwork,
    teacher: MediaPipeTeacher,
    path: Path,
    column: str,
    same: dict[int, int],
) -> _Lack:
    """Of the validation people of one set; `same` maps iBUG points to the set's own."""
    with np.load(path) as file:
        known = np.isfinite(file[column]).all(axis=(1, 2)) & (file["split"] == "val")
        if "set" in file and column == "template189":
            known &= file["set"] != "smiling_front"  # the one part that nobody checked
        rows = np.flatnonzero(known)
        annotated = file[column][rows][:, list(same.values())]
    crops, marks = [], []
    for image, given in zip(pictures(path, rows), annotated, strict=True):
        found = teacher.label(image)
        if found is not None:
            square = square_of_landmarks(found)
            crops.append(cut(image, [square]).planes[0])
            marks.append((apply(square.matrix(), given) - (SIZE - 1) / 2) / SIZE)
    points, log_sd, _ = outputs(network, torch.from_numpy(np.stack(crops)))
    which = np.asarray(list(same), np.intp)
    picked = IBUG_68[which]
    apart = points[:, picked, :2].numpy() - np.stack(marks)
    return _Lack(which, apart**2 - np.exp(2 * log_sd[:, picked, None].numpy()))


def _within(lack: _Lack, part: slice) -> NDArray[np.float64]:
    inside = (lack.points >= part.start) & (lack.points < part.stop)
    return lack.excess[:, inside].ravel()


def _pooled(sets: list[NDArray[np.float64]]) -> float:
    """The one-sd quantile over all sets, each of the same weight however large."""
    filled = [one for one in sets if one.size]
    values: NDArray[Any] = np.concatenate(filled)
    weights = np.concatenate([np.full(one.size, 1 / one.size) for one in filled])
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / len(filled)
    return float(values[order][np.searchsorted(share, _ONE_SD)])
