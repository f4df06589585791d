"""The landmarks' part of the action unit network, fitted on renders.

A landmark network was run on them, so that it knows that network's errors: fitted on exact
landmarks it is far worse on real faces. The part that ships reads facekit's landmarks; the same
part fitted on MediaPipe's, which follow lids and lips better, teaches on photos
(`facekit.train.unit_teacher`). No photo is fitted on: it would be told from a render, and be said
to show nothing.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facekit.facs import ACTION_UNITS
from facekit.network.action_units import HIGHEST, UNITS, ActionUnitNetwork
from facekit.types import Floats

_BATCH = 256
_RATE, _DECAY = 2e-3, 0.02
_POINT_NOISE = 0.0027  # share of the side: .5 mm
NEUTRAL_TARGET = 0.01
"""Share of the largest intensity that a neutral face is taken to show."""

_CHUNK = 2000

NUMBERS = [unit.number for unit in ACTION_UNITS]
RESTING = [NUMBERS.index(number) for number in (25, 43)]
"""Rows of units that a neutral face may show: lips apart, eyes shut."""


def fit(network: ActionUnitNetwork, points: Floats, units: Floats, seed: int, steps: int) -> None:
    """Fit the landmarks' part on renders.

    Args:
        network: whose ``geometry`` is fitted.
        points: (n, 478, 2) landmarks of renders.
        units: (n, 2, 22) true intensities.
        seed: of the batches and the noise.
        steps: of training.
    """
    generator = torch.Generator().manual_seed(seed)
    given, truth = torch.from_numpy(points), targets(units)
    optimizer = torch.optim.AdamW(network.geometry.parameters(), _RATE, weight_decay=_DECAY)
    everything = torch.ones(_BATCH, 2, UNITS)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        network.geometry.train()
        rows = torch.randint(0, len(given), (_BATCH,), generator=generator)
        batch = given[rows]
        noise = _POINT_NOISE * torch.randn(batch.shape, generator=generator)
        loss = score_loss(network.geometry_scores(batch + noise), truth[rows], everything)
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
def read(network: ActionUnitNetwork, points: Tensor) -> Tensor:
    """(n, 2, 22) scores by the landmarks alone."""
    network.eval()
    chunks = [
        network.geometry_scores(points[i : i + _CHUNK]) for i in range(0, len(points), _CHUNK)
    ]
    return torch.cat(chunks)
