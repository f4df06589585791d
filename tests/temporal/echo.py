"""A temporal stage that repeats what it is shown, late by its delay: its answers are known."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS
from facekit.runtime.runner import Array, Inputs
from facekit.temporal.features import places
from facekit.temporal.tcn import Network, TemporalStage, Variant
from facekit.types import ActionUnits, Face, Floats, Gaze, Region

UNITS = len(ACTION_UNITS)
CODES = [unit.code for unit in ACTION_UNITS]
DELAYS: dict[Variant, int] = {"causal": 0, "lookahead": 27}
_WIDTH = UNITS + 2


class EchoRunner:
    """Smooth intensities are the raw ones; a unit above .5 is at its apex; closed eyes blink."""

    def __init__(self, delay: int) -> None:
        self._delay = delay

    def run(self, inputs: Inputs) -> tuple[Array, ...]:
        assert isinstance(inputs, Mapping)
        values, state = inputs["values"][0], inputs["state"][0]
        where = places()
        shown = np.concatenate(
            [
                values[:, where["units"]][:, :UNITS],
                values[:, where["left_open"]],
                values[:, where["right_open"]],
            ],
            axis=1,
        )
        history = np.concatenate([state.T, shown]).astype(np.float32)
        late = history[: len(shown)]
        smooth = late[:, :UNITS]
        phases = np.zeros((len(late), UNITS, 4), np.float32)
        phases[..., 0], phases[..., 2] = 0.1, 0.1
        phases[..., 2][smooth > 0.5] = 0.9
        phases[..., 0][smooth <= 0.5] = 0.9
        acts = np.zeros((len(late), 4), np.float32)
        acts[:, 0] = 1 - late[:, UNITS:].min(axis=1)
        expression = np.full((len(late), 7), 1 / 7, np.float32)
        rest = history[len(shown) :].T
        return tuple(
            answer[None] for answer in (smooth, smooth * 0, phases, acts, expression, rest)
        )

    def place(self, array: Array) -> Array:
        return array


def echo(variant: Variant) -> TemporalStage:
    delay = DELAYS[variant]
    state = np.zeros((1, _WIDTH, delay), np.float32)
    state[:, UNITS:] = 1  # eyes are open before anything is seen
    return TemporalStage(variant, Network(EchoRunner(delay), delay, state))


def _at(values: Mapping[str, float], rest: float = 0.0) -> Floats:
    return np.array([values.get(code, rest) for code in CODES], np.float32)


def shown(
    track: int | None,
    units: Mapping[str, float] | None = None,
    *,
    left: Mapping[str, float] | None = None,
    right: Mapping[str, float] | None = None,
    eyes: tuple[float, float] = (0.9, 0.9),
) -> Face:
    """A face that shows `units` (by side: as `left` and `right` say, else both alike)."""
    whole = _at(units or {})
    sided: NDArray[np.bool_] = np.array([unit.sided for unit in ACTION_UNITS])

    def side(values: Mapping[str, float] | None) -> Floats:
        given = whole if values is None else _at(values)
        return np.where(sided, given, np.nan).astype(np.float32)

    feature = np.zeros(64, np.float32)
    back = np.array([0, 0, -1], np.float32)
    region = Region(
        track,
        np.array([track or 0, 0, 90, 110], np.float32),
        0.9,
        np.zeros((5, 2), np.float32),
        True,
    )
    return Face(
        region,
        "ok",
        action_units=ActionUnits(
            whole,
            np.asarray(whole / 5, np.float32),
            np.zeros_like(whole),
            side(left),
            side(right),
            feature,
        ),
        gaze=Gaze(0, 0, 1, 1, 0, 0, back, back, *eyes),
    )
