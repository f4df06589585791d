"""From scores to intensities, probabilities and standard deviations, on validation people.

The landmarks' score gets the weight with which it helps most. Intensity is an isotonic map of the
score for each unit, fitted on renders, where the truth is known. Probability is a logistic of the
intensity, so that both always agree; its middle is where presence is as likely as not on renders,
or higher where neutral photos would pass for present.
"""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit
from torch import Tensor

from facekit.facs import ACTION_UNITS
from facekit.network.action_units import (
    KNOTS,
    MOST_TRUST,
    UNITS,
    ActionUnitNetwork,
    Scores,
    whole_face,
)
from facekit.train.evaluation.unit_scores import pearson
from facekit.train.unit_batches import FixedUnits
from facekit.train.unit_geometry import RESTING

_LOG = logging.getLogger(__name__)
PRESENT = 1.0
"""True intensity from which a unit counts as present: level A."""

_ONE_SD = 0.6827
_NEUTRAL_SHARE = 0.03  # of neutral photos that may pass for present
_LOWEST_MIDDLE, _HIGHEST_MIDDLE = 0.4, 2.5
_STEEPEST = 8.0
_NARROWEST = 0.5  # range of a unit's scores
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a network says of validation faces.

    Attributes:
        scores: of all faces.
        sides: (n, 2, 22) intensities.
        whole: (n, 22) intensities.
        sd: (n, 22).
        probability: (n, 22).
    """

    scores: Scores
    sides: Tensor
    whole: Tensor
    sd: Tensor
    probability: Tensor


@torch.no_grad()
def answers(network: ActionUnitNetwork, faces: FixedUnits) -> Answers:
    """Run a network on validation faces."""
    network.eval()
    parts = [
        network.scores(faces.image[i : i + _CHUNK].contiguous(), faces.points[i : i + _CHUNK])
        for i in range(0, len(faces), _CHUNK)
    ]
    scores = Scores(*(torch.cat(column) for column in zip(*parts, strict=True)))
    sides = network.intensity(scores.joint)
    whole = whole_face(sides)
    probability = torch.sigmoid(network.slope * (whole - network.present))
    return Answers(scores, sides, whole, network.sd(scores), probability)


def true_whole(units: Tensor) -> Tensor:
    """(n, 22) truth of the whole face out of (n, 2, 22): the stronger side, as FACS scores it."""
    return units.amax(dim=1)


def calibrate(network: ActionUnitNetwork, renders: FixedUnits, neutrals: FixedUnits | None) -> None:
    """Fit the network's maps, one after the other.

    Args:
        network: trained; its buffers are set.
        renders: of validation people.
        neutrals: photos of validation people in several qualities; None without photos.
    """
    _fit_trust(network, answers(network, renders).scores, renders.units)
    _fit_intensity(network, answers(network, renders).scores.joint, renders.units)
    found = answers(network, renders)
    resting = None if neutrals is None else answers(network, neutrals).whole
    _fit_probability(network, found.whole, true_whole(renders.units), resting)
    error = (found.whole - true_whole(renders.units)).abs()
    ratio = torch.quantile(error / found.sd, _ONE_SD, dim=0).clamp(min=1e-3)
    network.log_temperature.add_(ratio.log())


def _fit_trust(network: ActionUnitNetwork, scores: Scores, units: Tensor) -> None:
    """The weight of the landmarks' score with which each unit's joint score says most."""
    share = telling_shares(scores.picture, scores.geometry, units, MOST_TRUST)
    network.join.data.copy_(torch.logit(share / MOST_TRUST))


def telling_shares(picture: Tensor, points: Tensor, units: Tensor, most: float) -> Tensor:
    """(22,) share of the landmarks' score with which both scores together say most.

    Args:
        picture: (n, 2, 22) scores.
        points: the same by landmarks.
        units: (n, 2, 22) true intensity.
        most: largest share that may be.
    """
    tried = most * torch.linspace(0.02, 0.98, 25)
    shares = torch.empty(UNITS)
    for row in range(UNITS):
        said = [(1 - t) * picture[..., row] + t * points[..., row] for t in tried]
        columns = torch.stack(said, dim=-1).flatten(0, 1).double().numpy()
        truth = units[..., row].flatten()[:, None].double().numpy()
        r = np.nan_to_num(pearson(expit(columns), np.repeat(truth, len(tried), axis=1)))
        shares[row] = tried[int(r.argmax())]
    return shares


def _fit_intensity(network: ActionUnitNetwork, scores: Tensor, units: Tensor) -> None:
    for row in range(UNITS):
        x, y = scores[..., row].flatten().double().numpy(), units[..., row].flatten().numpy()
        knots, levels = rising_line(x, y.astype(np.float64))
        network.knots[row] = torch.from_numpy(knots).float()
        network.levels[row] = torch.from_numpy(levels).float()


def rising_line(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Isotonic regression of y on x as a line with `KNOTS` corners.

    Corners lie evenly between the extremes of x; each takes the mean of the steps around it, so
    that the line rises where the steps jump.
    """
    order = np.argsort(x, kind="stable")
    steps = np.asarray(isotonic_regression(y[order]).x)
    low, high = np.quantile(x, [0.02, 0.999])
    knots = np.linspace(low, max(high, low + _NARROWEST), KNOTS)
    half = (knots[1] - knots[0]) / 2
    edges = np.searchsorted(x[order], [knots - half, knots + half])
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    count = edges[1] - edges[0]
    known = count > 0
    means = (sums[edges[1]] - sums[edges[0]])[known] / count[known]
    levels = np.interp(knots, knots[known], means)
    return knots, np.maximum.accumulate(levels)


def _fit_probability(
    network: ActionUnitNetwork, whole: Tensor, truth: Tensor, resting: Tensor | None
) -> None:
    for row, unit in enumerate(ACTION_UNITS):
        x = whole[:, row].double().numpy()
        y = (truth[:, row] >= PRESENT).double().numpy()
        middle, slope = _logistic(x, y)
        if resting is not None and row not in RESTING:
            allowed = float(torch.quantile(resting[:, row], 1 - _NEUTRAL_SHARE))
            if allowed > middle:
                _LOG.info("%s: present from %.2f, not %.2f", unit.code, allowed, middle)
                middle = allowed
        network.present[row] = float(np.clip(middle, _LOWEST_MIDDLE, _HIGHEST_MIDDLE))
        network.slope[row] = slope


def _logistic(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Middle and slope of the logistic curve of y (0 or 1) over x."""

    def loss(given: NDArray[np.float64]) -> float:
        logit = np.exp(given[1]) * (x - given[0])
        return float(np.mean(np.logaddexp(0, logit) - y * logit))

    found = minimize(loss, np.array([PRESENT, 0.7]), method="Nelder-Mead").x
    return float(found[0]), float(np.clip(np.exp(found[1]), 0.5, _STEEPEST))
