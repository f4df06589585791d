"""Batches for the temporal network: simulated faces and photographed ones, on the grid.

Half of what it learns is dynamics, which simulation has in plenty; the other is what real faces
look like to the per-frame networks, which photos tell. A photo is placed as the apex of an
expression over somebody's neutral photo, or stands still.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facekit.synthetic.action_units import ROW
from facekit.temporal.features import SIZE, known_groups, places
from facekit.temporal.resample import BRIDGE_S
from facekit.temporal.resample import RATE as GRID_RATE
from facekit.train.loop import Batch
from facekit.train.temporal_data import Photos
from facekit.train.temporal_dynamics import RATE, UNJUDGED, Dynamics, parted, phases_of, shares_of
from facekit.train.temporal_noise import NoiseModel, regressors, within_limits
from facekit.types import EXPRESSIONS, Floats

SECONDS = 10
STEPS = round(SECONDS * GRID_RATE)
_FINE = SECONDS * RATE
_EVERY = RATE // round(GRID_RATE)
_RATES = (60, 30, 30, 30, 25, 25, 24, 20, 15, 15, 12, 10)
_UNITS = len(ROW)
_DIFFERS, _SAME = 1.0, 0.3  # of two photos' intensities: an event, none
_NEUTRAL_VOTES = 0.6

COMMON = np.array([0.36, 0.27, 0.12, 0.12, 0.03, 0.01, 0.09])
"""Shares of the seven expressions in FER2013 by FER+'s votes (Barsoum et al., "Training deep
networks for facial expression recognition with crowd-sourced label distribution", ICMI 2016)."""

Scene = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Mix:
    """How a batch is made up.

    Attributes:
        size: sequences in it.
        photos: how many of them are photographed faces.
        lost: share of the sequences in which each group of inputs is missing; the appearance
            feature and the units are told apart.
        no_feature: share without the appearance feature.
    """

    size: int = 32
    photos: int = 10
    lost: float = 0.07
    no_feature: float = 0.3


class Truth:
    """Simulated faces with everything that is true of them, drawn again and again.

    Args:
        pool: faces of at least `SECONDS`.
        noise: what the networks make of them.
    """

    def __init__(self, pool: list[Dynamics], noise: NoiseModel) -> None:
        """Complete the truth by AU25, which follows from the others."""
        self._noise = noise
        self._faces = [self._complete(face) for face in pool]

    def _complete(self, face: Dynamics) -> Scene:
        visible, units, phase = face.visible(), face.units.copy(), face.phase.copy()
        lips = parted(shares_of(visible), self._noise.gaps, self._noise.rest_gap)
        visible[:, :, ROW[25]] = units[:, :, ROW[25]] = lips[:, None]
        phase[:, ROW[25]] = np.where(face.speaking, UNJUDGED, phases_of(lips))
        return {
            "inputs": regressors(visible, face.pose, face.gaze).astype(np.float16),
            "smooth": units.max(axis=1).astype(np.float16),
            "phase": phase,
            "acts": np.stack([face.blink, face.nod, face.shake, face.speaking], axis=1),
        }

    def draw(self, random: np.random.Generator, count: int) -> Scene:
        """Scenes of `SECONDS`, `RATE` moments a second: truth, and what the networks say."""
        picked = []
        for number in random.integers(len(self._faces), size=count):
            face = self._faces[number]
            first = int(random.integers(len(face["smooth"]) - _FINE + 1))
            picked.append({k: v[first : first + _FINE] for k, v in face.items()})
        scene = {name: np.stack([one[name] for one in picked]) for name in picked[0]}
        inputs = scene.pop("inputs").astype(np.float32)
        rows = np.empty((count, _FINE, SIZE), np.float32)
        for number in range(count):
            rows[number] = inputs[number] @ self._response(random) + self._noise.person(random)
        left = self._noise.left_over(random, count, _FINE, RATE)
        left *= np.exp(random.normal(0, 0.4, (count, 1, 1))).astype(np.float32)
        scene["rows"] = within_limits(rows + left)
        scene["smooth"] = scene["smooth"].astype(np.float32)
        scene["expression"] = np.full((count, _FINE, len(EXPRESSIONS)), np.nan, np.float32)
        return scene

    def _response(self, random: np.random.Generator) -> Floats:
        """Tomorrow's networks answer a little otherwise than today's."""
        response = self._noise.response.copy()
        response[:-1] *= np.exp(random.normal(0, 0.3, SIZE)).astype(np.float32)
        response[:-1] *= 1 + random.normal(0, 0.25, response[:-1].shape).astype(np.float32)
        return response


class PhotoScenes:
    """Photographed expressions over somebody's neutral face, or standing still.

    Args:
        photos: those that may be drawn.
        noise: from frame to frame.
    """

    def __init__(self, photos: Photos, noise: NoiseModel) -> None:
        """Weigh the photos: half way from what was collected to what is common."""
        self._photos, self._noise = photos, noise
        factor = np.sqrt(COMMON / np.maximum(photos.votes.mean(axis=0), 1e-3))
        weight = photos.votes @ factor
        self._weight = weight / weight.sum()
        self._neutral = np.flatnonzero(photos.votes[:, 0] > _NEUTRAL_VOTES)

    def draw(self, random: np.random.Generator, count: int) -> Scene:
        """As `Truth.draw`; what votes do not tell is NaN, or `UNJUDGED`."""
        apex = random.choice(len(self._weight), count, p=self._weight)
        rest = random.choice(self._neutral, count)
        still = random.random(count) < 0.5
        share = np.stack([np.ones(_FINE) if s else _envelope(random) for s in still])
        share = share[..., None].astype(np.float32)
        rows, votes = self._photos.rows, self._photos.votes
        clean = rows[rest, None] * (1 - share) + rows[apex, None] * share
        left = self._noise.left_over(random, count, _FINE, RATE)
        left *= np.exp(random.normal(-0.3, 0.4, (count, 1, 1))).astype(np.float32)
        return {
            "rows": within_limits(np.asarray(clean + left, np.float32)),
            "smooth": np.clip(clean[:, :, :_UNITS], 0, 5),
            "phase": np.stack(
                [_phases(rows[a] - rows[r], s) for a, r, s in zip(apex, rest, share, strict=True)]
            ),
            "expression": votes[rest, None] * (1 - share) + votes[apex, None] * share,
            "acts": np.full((count, _FINE, 4), np.nan, np.float32),
        }


def _envelope(random: np.random.Generator) -> NDArray[np.float64]:
    """(_FINE,) one or two expressions' shares."""
    time_s, out = np.arange(_FINE) / RATE, np.zeros(_FINE)
    at = random.uniform(-1, 3)
    while at < SECONDS:
        rise, hold, fall = np.exp(random.normal(np.log([0.4, 1.2, 0.6]), 0.5))
        up = (1 - np.cos(np.pi * np.clip((time_s - at) / rise, 0, 1))) / 2
        down = (1 + np.cos(np.pi * np.clip((time_s - at - rise - hold) / fall, 0, 1))) / 2
        out = np.maximum(out, up * down)
        at += rise + hold + fall + 0.5 + random.exponential(2.0)
    return out


def _phases(change: Floats, share: Floats) -> NDArray[np.int8]:
    """(_FINE, 22) of one photo over another, from the change of each unit."""
    out = np.full((_FINE, _UNITS), UNJUDGED, np.int8)
    change = change[:_UNITS]
    out[:, np.abs(change) < _SAME] = 0
    out[:, change > _DIFFERS] = phases_of(5 * share[:, 0])[:, None]
    return out


class TemporalBatches:
    """Batches by step; the same step always gives the same batch.

    Args:
        truth: simulated faces.
        photos: photographed faces.
        mix: of both.
        seed: of all chance.
    """

    def __init__(self, truth: Truth, photos: PhotoScenes, mix: Mix, seed: int) -> None:
        """Remember what to draw from."""
        self._truth, self._photos, self._mix, self._seed = truth, photos, mix, seed

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng((self._seed, step))
        scenes = [
            self._truth.draw(random, self._mix.size - self._mix.photos),
            self._photos.draw(random, self._mix.photos),
        ]
        scene = {
            name: np.concatenate(
                [np.asarray(one[name], _KIND.get(name, np.float32)) for one in scenes]
            )
            for name in scenes[0]
        }
        taken = np.stack([frames(random) for _ in range(self._mix.size)])
        return to_batch(scene, taken, self._lost(random))

    def _lost(self, random: np.random.Generator) -> NDArray[np.bool_]:
        """(size, groups) which inputs a sequence goes without."""
        names = list(places())
        lost = random.random((self._mix.size, len(names))) < self._mix.lost
        lost[:, names.index("units")] &= random.random(self._mix.size) < 0.2
        lost[:, names.index("interval")] = False
        without = random.random(self._mix.size) < self._mix.no_feature
        lost[:, names.index("feature")] |= without
        # The gaze network tells of gaze and of both eyes, or of none.
        lost[:, names.index("left_open")] |= lost[:, names.index("gaze")]
        lost[:, names.index("right_open")] |= lost[:, names.index("gaze")]
        return lost


_KIND: dict[str, type] = {"phase": np.int8}


def frames(random: np.random.Generator) -> NDArray[np.bool_]:
    """(_FINE,) at which moments there is a frame: 10 to 60 a second, some dropped, some lost."""
    rate = float(random.choice(_RATES))
    at = np.arange(0, _FINE, RATE / rate)
    if random.random() < 0.25:
        at = at + random.uniform(-0.3, 0.3, len(at)) * RATE / rate
    taken = np.zeros(_FINE, bool)
    taken[np.clip(np.round(at), 0, _FINE - 1).astype(int)] = True
    if random.random() < 0.5:
        taken &= random.random(_FINE) > random.uniform(0, 0.15)
    if random.random() < 0.2:
        first = int(random.integers(_FINE))
        taken[first : first + int(random.uniform(0.3, 2.5) * RATE)] = False
    taken[0] = True
    return taken


def on_grid(rows: Floats, taken: NDArray[np.bool_]) -> Floats:
    """(n, STEPS, SIZE) what `facekit.temporal.resample.Grid` would make of frames.

    Args:
        rows: (n, _FINE, SIZE) at every moment.
        taken: (n, _FINE) at which of them there is a frame.
    """
    number = np.arange(taken.shape[1])
    before = np.maximum.accumulate(np.where(taken, number, -1), axis=1)
    after = np.minimum.accumulate(np.where(taken, number, 10**6)[:, ::-1], axis=1)[:, ::-1]
    last = np.concatenate([np.full((len(taken), 1), -2), before[:, :-1]], axis=1)
    steps = number[::_EVERY]
    one, other = before[:, steps], after[:, steps]
    ended = other >= taken.shape[1]
    other = np.where(ended, 0, other)
    every = np.arange(len(taken))[:, None]
    gap = (other - last[every, other]) / RATE
    share = (steps - one) / np.maximum(other - one, 1)
    out = rows[every, one] * (1 - share[..., None]).astype(np.float32)
    out += rows[every, other] * share[..., None].astype(np.float32)
    out[..., places()["interval"]] = np.minimum(gap, BRIDGE_S)[..., None]
    missing = ended | ((one != other) & (gap > BRIDGE_S + 1e-6))
    out[missing] = np.nan
    return np.asarray(out, np.float32)


def to_batch(scene: Scene, taken: NDArray[np.bool_], lost: NDArray[np.bool_]) -> Batch:
    """Tensors that the network and its losses take.

    Args:
        scene: truth and answers at every moment.
        taken: (n, _FINE) frames.
        lost: (n, groups) inputs to go without.
    """
    values = on_grid(scene["rows"], taken)
    known = known_groups(values)
    seen = known.any(axis=2)
    known &= ~lost[:, None]
    smooth = scene["smooth"]
    velocity = np.gradient(smooth, 1 / RATE, axis=1)
    return {
        "values": torch.from_numpy(np.nan_to_num(values)),
        "known": torch.from_numpy(known.astype(np.float32)),
        "seen": torch.from_numpy(seen.astype(np.float32)),
        "smooth": torch.from_numpy(smooth[:, ::_EVERY].copy()),
        "velocity": torch.from_numpy(velocity[:, ::_EVERY].astype(np.float32)),
        "phase": torch.from_numpy(scene["phase"][:, ::_EVERY].astype(np.int64)),
        "acts": torch.from_numpy(scene["acts"][:, ::_EVERY].copy()),
        "expression": torch.from_numpy(scene["expression"][:, ::_EVERY].astype(np.float32)),
    }
