"""A head of the user's own: action units as the user's own FACS codes mean them.

A linear read-out of what facekit's network already sees (its 64 numbers on appearance and its 22
intensities), fitted by ``facekit train au-head`` and kept in a small JSON file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.types import ActionUnits, Floats

Kind: TypeAlias = Literal["intensity", "presence"]
"""Codes of 0-5, or of 0 and 1."""

FEATURES = 64 + len(ACTION_UNITS)
HIGHEST = 5.0
_FORMAT = "facekit au-head 1"
_CODES = frozenset(unit.code for unit in ACTION_UNITS)


@dataclass(frozen=True, slots=True, eq=False)
class OwnUnit:
    """The read-out of one action unit.

    Attributes:
        code: ``AU12``.
        kind: what the codes were, and so what it says: an intensity 0-5 or a probability.
        weights: (86,) of the features, in the order of `features_of`.
        bias: what is said of a face whose features are all 0.
        held_out: what the fit measured on people who were left out; for the reader.
    """

    code: str
    kind: Kind
    weights: NDArray[np.float64]
    bias: float
    held_out: Mapping[str, float]

    @property
    def column(self) -> str:
        """Its column in the table."""
        return f"{self.code}_own" if self.kind == "intensity" else f"{self.code}_own_prob"

    def read(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) intensities 0-5 or probabilities of (n, 86) features; NaN where they are."""
        scores = features @ self.weights + self.bias
        return expit(scores) if self.kind == "presence" else np.clip(scores, 0, HIGHEST)


@dataclass(frozen=True, slots=True, eq=False)
class OwnHead:
    """All action units of one file, in the order of the table.

    Attributes:
        units: at least one.
        network: sha256 of the network whose features it reads.
        rows: codes it was fitted to.
        people: whom they were of.
    """

    units: Sequence[OwnUnit]
    network: str
    rows: int
    people: int

    @property
    def columns(self) -> frozenset[str]:
        """Its columns in the table."""
        return frozenset(unit.column for unit in self.units)

    def read(self, units: ActionUnits | None) -> Floats:
        """(k,) what it says of a face, in the order of its units; NaN without a face."""
        if units is None:
            return np.full(len(self.units), np.nan, np.float32)
        features = features_of(units)[None]
        return np.array([unit.read(features)[0] for unit in self.units], np.float32)

    def to_json(self) -> str:
        """The text of a head's file, which `load` reads."""
        content = {
            "format": _FORMAT,
            "network": self.network,
            "rows": self.rows,
            "people": self.people,
            "units": [
                {
                    "code": unit.code,
                    "kind": unit.kind,
                    "held_out": dict(unit.held_out),
                    "bias": unit.bias,
                    "weights": unit.weights.tolist(),
                }
                for unit in self.units
            ],
        }
        return json.dumps(content, allow_nan=False) + "\n"

    @classmethod
    def load(cls, path: Path, network: str) -> "OwnHead":
        """The head in a file that holds the text of `to_json`.

        Args:
            path: the file.
            network: sha256 of the network that runs.

        Raises:
            OptionsError: missing, no such file, or fitted to another network.
        """
        try:
            content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']!r}")
            units = sorted((_unit(entry) for entry in content["units"]), key=_in_table_order)
            head = cls(units, str(content["network"]), int(content["rows"]), int(content["people"]))
        except OSError as error:
            raise OptionsError(
                f"cannot be read ({error.strerror})",
                where=path,
                advice="--au-head takes a file of: facekit train au-head",
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise OptionsError(
                f"is not a head ({type(error).__name__}: {error})",
                where=path,
                advice="Make one with: facekit train au-head",
            ) from error
        if head.network != network:
            raise OptionsError(
                f"was fitted to another network ({head.network[:12]}, here {network[:12]})",
                where=path,
                advice="Fit it again: facekit train au-head",
            )
        return head


def _in_table_order(unit: OwnUnit) -> str:
    return unit.code


def features_of(units: ActionUnits) -> NDArray[np.float64]:
    """(86,) appearance feature, then the intensities."""
    return np.concatenate([units.feature, units.intensity]).astype(np.float64)


def _unit(entry: Mapping[str, Any]) -> OwnUnit:
    code, kind = entry["code"], entry["kind"]
    if code not in _CODES or kind not in get_args(Kind):
        raise ValueError(f"unit {code!r} of kind {kind!r}")
    weights = np.array(entry["weights"], np.float64)
    if weights.shape != (FEATURES,) or not np.isfinite(weights).all():
        raise ValueError(f"{code} has no {FEATURES} weights")
    return OwnUnit(code, kind, weights, float(entry["bias"]), dict(entry["held_out"]))
