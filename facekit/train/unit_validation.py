"""How good a network of action units is on validation people, without anybody's opinion."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from facekit.facs import ACTION_UNITS
from facekit.network.action_units import HIGHEST, ActionUnitNetwork
from facekit.train.evaluation.scores import Array
from facekit.train.evaluation.unit_scores import icc31, pearson, side_right, sided
from facekit.train.unit_batches import FixedUnits
from facekit.train.unit_calibration import Answers, answers, true_whole
from facekit.train.unit_geometry import RESTING

_APART = 1.0  # sides that differ by a level must be told apart
_ALARM = 1.0  # intensity
_SILENT = [row for row in range(len(ACTION_UNITS)) if row not in RESTING]


def scores(
    network: ActionUnitNetwork,
    held_out: Mapping[str, FixedUnits],
    opinions: Tensor | None = None,
    trust: Tensor | None = None,
) -> dict[str, float]:
    """Numbers by name.

    Args:
        network: as it is, calibrated or not.
        held_out: ``renders``; where there are photos, ``photos`` and ``neutrals``.
        opinions: (n, 2, 22) the teacher's on ``photos``.
        trust: (22,) weight of these.

    Returns:
        ``renders_r``, ``renders_icc``: means over the sides of the sided units; ``renders_r_...``:
        the same for the ``picture``'s and the ``geometry``'s part alone; ``renders_whole_r`` over
        all units; ``renders_sides``: share of unequal sides of which the right one is the
        stronger; ``renders_coverage`` of one sd; ``photos_agreement``: mean correlation of the
        picture's part with the teacher where it is trusted; ``neutrals_alarms``: mean share of
        neutral photos with an intensity above A; ``neutrals_present``: the same by the
        probability, largest over the units; ``neutrals_median``: largest median intensity.
    """
    made = held_out["renders"]
    found = answers(network, made)
    truth = _array(made.units)
    numbers = {
        "renders_r": _mean(pearson(sided(_array(found.sides)), sided(truth))),
        "renders_icc": _mean(icc31(sided(_array(found.sides)), sided(truth))),
        "renders_whole_r": _mean(pearson(_array(found.whole), truth.max(axis=1))),
        "renders_coverage": _coverage(found, made.units),
    }
    for part in ("picture", "geometry"):
        alone = _array(HIGHEST * torch.sigmoid(getattr(found.scores, part)))
        numbers[f"renders_r_{part}"] = _mean(pearson(sided(alone), sided(truth)))
    right, counts = side_right(_array(found.sides), truth, _APART)
    numbers["renders_sides"] = float(right[counts].mean()) if counts.any() else float("nan")
    if opinions is not None and trust is not None:
        seen = answers(network, held_out["photos"]).scores.picture
        loud = torch.nonzero(trust == trust.max()).flatten()
        agreed = pearson(*(_array(x[..., loud].flatten(0, 1)) for x in (seen.sigmoid(), opinions)))
        numbers["photos_agreement"] = _mean(agreed)
    if "neutrals" in held_out:
        quiet = answers(network, held_out["neutrals"])
        whole = quiet.whole[:, _SILENT]
        numbers["neutrals_alarms"] = float((whole > _ALARM).float().mean())
        present = (quiet.probability[:, _SILENT] > 0.5).float().mean(0)
        numbers["neutrals_present"] = float(present.max())
        numbers["neutrals_median"] = float(whole.median(0).values.max())
    return numbers


def by_unit(network: ActionUnitNetwork, made: FixedUnits) -> dict[str, dict[str, float]]:
    """Correlation and ICC(3,1) of each unit on renders: sides pooled where it is sided."""
    found, truth = answers(network, made), _array(made.units)
    table = {}
    for row, unit in enumerate(ACTION_UNITS):
        x, y = (_array(found.sides)[..., row].reshape(-1, 1), truth[..., row].reshape(-1, 1))
        r, icc = float(pearson(x, y)[0]), float(icc31(x, y)[0])
        if np.isfinite(r):
            table[unit.code] = {"r": round(r, 3), "icc": round(icc, 3)}
    return table


def _coverage(found: Answers, units: Tensor) -> float:
    error = (found.whole - true_whole(units)).abs()
    return float((error < found.sd).float().mean())


def _array(values: Tensor) -> Array:
    return np.asarray(values.double().numpy())


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
