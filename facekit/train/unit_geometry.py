"""The landmarks' part of the action unit network, and the teacher on photos.

Both are the same small network, fitted on renders on which a landmark network was run, so that it
knows that network's errors; fitted on exact landmarks it is far worse on real faces. The part that
ships reads facekit's landmarks. The teacher reads MediaPipe's, which follow lids and lips better,
and says what photos show that nobody coded: it sees what moved, never who or which mood.
"""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from facekit.facs import ACTION_UNITS
from facekit.network.action_units import HIGHEST, UNITS, ActionUnitNetwork
from facekit.train.evaluation.unit_scores import pearson
from facekit.train.unit_faces import UnitFaces
from facekit.types import Floats

_LOG = logging.getLogger(__name__)
_BATCH, _NEUTRALS = 256, 64
_RATE, _DECAY = 2e-3, 0.02
_POINT_NOISE = 0.0027  # share of the side: .5 mm
NEUTRAL_TARGET = 0.01
"""Share of the largest intensity that a neutral face is taken to show."""

_NEUTRAL_WEIGHT = 0.3
_CHUNK = 2000

NUMBERS = [unit.number for unit in ACTION_UNITS]
RESTING = [NUMBERS.index(number) for number in (25, 43)]
"""Rows of units that a neutral face may show: lips apart, eyes shut."""

BLIND = [NUMBERS.index(number) for number in (4, 6, 9, 15, 24)]
"""Rows of units that landmarks hardly show on real faces: the teacher is muted there."""

_BIMODAL = [NUMBERS.index(number) for number in (25, 26)]
_MUTED = 0.15
_LEAST_R = 0.45  # on renders
_NOTHING, _EVERYTHING = 70.0, 99.0  # percentiles on neutrals and on all photos
_NARROWEST = 0.3  # of the score's range: what hardly occurs on photos is not blown up


def fit(
    network: ActionUnitNetwork,
    points: Floats,
    units: Floats,
    neutrals: Floats,
    seed: int,
    steps: int,
) -> None:
    """Fit the landmarks' part on renders, with neutral photos that show nothing.

    Args:
        network: whose ``geometry`` is fitted.
        points: (n, 478, 2) landmarks of renders.
        units: (n, 2, 22) true intensities.
        neutrals: (m, 478, 2) landmarks of neutral photos; none is fine.
        seed: of the batches and the noise.
        steps: of training.
    """
    generator = torch.Generator().manual_seed(seed)
    given, truth, quiet = torch.from_numpy(points), targets(units), torch.from_numpy(neutrals)
    optimizer = torch.optim.AdamW(network.geometry.parameters(), _RATE, weight_decay=_DECAY)
    resting = neutral_weights()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        network.geometry.train()
        rows = torch.randint(0, len(given), (_BATCH,), generator=generator)
        seen, wanted = [given[rows]], [truth[rows]]
        weights = [torch.ones(_BATCH, 2, UNITS)]
        if len(quiet):
            some = torch.randint(0, len(quiet), (_NEUTRALS,), generator=generator)
            seen.append(quiet[some])
            wanted.append(torch.full((_NEUTRALS, 2, UNITS), NEUTRAL_TARGET))
            weights.append(resting.expand(_NEUTRALS, 2, UNITS) * _NEUTRAL_WEIGHT)
        batch = torch.cat(seen)
        noise = _POINT_NOISE * torch.randn(batch.shape, generator=generator)
        scores = network.geometry_scores(batch + noise)
        loss = score_loss(scores, torch.cat(wanted), torch.cat(weights))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.geometry.eval()


def targets(units: Floats) -> Tensor:
    """Intensities 0-5 as what a score's sigmoid should be."""
    return torch.from_numpy(np.asarray(units, np.float32)) / HIGHEST


def neutral_weights() -> Tensor:
    """(22,) 1 where a neutral face shows nothing, 0 where it may show something."""
    weights = torch.ones(UNITS)
    weights[RESTING] = 0
    return weights


def score_loss(scores: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy of scores with shares of the largest intensity, weighted mean."""
    each = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    return (each * weights).sum() / weights.sum().clamp(min=1)


@torch.no_grad()
def read(network: ActionUnitNetwork, points: Floats) -> Tensor:
    """(n, 2, 22) shares of the largest intensity by the landmarks alone."""
    network.eval()
    given = torch.from_numpy(points)
    chunks = [network.geometry_scores(given[i : i + _CHUNK]) for i in range(0, len(given), _CHUNK)]
    return torch.sigmoid(torch.cat(chunks))


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """What the landmarks say of photos.

    Attributes:
        network: its ``geometry`` reads MediaPipe's landmarks.
        low: (22,) share of the largest intensity that is nothing on photos.
        high: (22,) share that is everything.
        trust: (22,) weight of what it says of each unit, 0-1.
    """

    network: ActionUnitNetwork
    low: Tensor
    high: Tensor
    trust: Tensor

    def lessons(self, points: Floats) -> Tensor:
        """(n, 2, 22) shares of the largest intensity out of (n, 478, 2) MediaPipe landmarks."""
        given = read(self.network, points)
        return ((given - self.low) / (self.high - self.low)).clamp(0, 1)


def appoint(network: ActionUnitNetwork, seen: UnitFaces, made: UnitFaces) -> Teacher:
    """A teacher out of a fitted network.

    Its range on photos is stretched to the whole scale for each unit, since it shrinks on faces
    that are not rendered: nothing is the 70th percentile of neutral faces, everything the 99th of
    all. Lips and jaw are either apart or not, have no such tail and are taken as they are. It is
    muted where landmarks hardly show a unit on real faces, or do not on renders.

    Args:
        network: fitted on MediaPipe's landmarks.
        seen: photos.
        made: renders of validation people.
    """
    given = read(network, seen.teacher)
    low = _quantile(given[torch.from_numpy(seen.neutral)], _NOTHING)
    high = _quantile(given, _EVERYTHING)
    low[_BIMODAL], high[_BIMODAL] = 0.0, 1.0
    high = torch.maximum(high, low + _NARROWEST)
    known = np.isfinite(made.teacher[:, 0, 0])
    on_renders = read(network, made.teacher[known]).numpy()
    trust = torch.ones(UNITS)
    for row, number in enumerate(NUMBERS):
        r = pearson(_column(on_renders, row), _column(made.units[known], row))[0]
        if row in BLIND or not r >= _LEAST_R:
            trust[row] = _MUTED
        _LOG.info(
            "AU%02d: teacher r %.2f on renders, range %.2f to %.2f on photos, weight %.2f",
            number,
            float(r),
            float(low[row]),
            float(high[row]),
            float(trust[row]),
        )
    return Teacher(network, low, high, trust)


def _column(values: Floats, row: int) -> NDArray[np.float64]:
    return values[..., row].reshape(-1, 1).astype(np.float64)


def _quantile(given: Tensor, percent: float) -> Tensor:
    """(22,) of (n, 2, 22), without NaN, of few enough values for torch."""
    flat = given.flatten(0, 1)
    flat = flat[flat[:, 0].isfinite()]
    if not len(flat):
        return torch.zeros(UNITS)
    return torch.quantile(flat[:: max(1, len(flat) // 20000)], percent / 100, dim=0)
