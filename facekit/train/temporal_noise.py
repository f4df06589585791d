"""What the per-frame networks make of a face, as a model that costs nothing to draw from.

Fitted on rendered clips that went through the real networks: for each number they give, how it
follows the action units of both sides, the head's pose and gaze (gain, bias, what leaks from other
units); what is left of a person over a whole clip; and what is left from frame to frame, with its
correlations between numbers and in time, and its outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from facekit.estimate.gaze import SHUT
from facekit.facs import ACTION_UNITS, SIDED
from facekit.synthetic.action_units import PARTED, ROW, STRONGEST
from facekit.temporal.features import places
from facekit.train.temporal_data import Clip
from facekit.train.temporal_dynamics import RATE, Dynamics, parted, shares_of
from facekit.types import Floats

UNITS = len(ACTION_UNITS)
_UNSIDED = [row for row in range(UNITS) if row not in SIDED]
_PENALTY = 60.0
_SLOW_FRAMES = 21
_FAR = 3.0  # times the usual size: an outlier
_LEAST_SD = 0.05


def regressors(units: Floats, pose: Floats, gaze: Floats) -> Floats:
    """(n, k) what the networks' answers follow.

    Args:
        units: (n, 2, 22) intensities that can be seen, AU25 among them.
        pose: (n, 3) degrees.
        gaze: (n, 2) degrees.
    """
    sided = list(SIDED)
    linear = np.concatenate(
        [units[:, 0, sided], units[:, 1, sided], units[:, :, _UNSIDED].max(axis=1)], axis=1
    )
    linear = linear / np.float32(STRONGEST)
    turn = pose / np.float32(20)
    bent = np.column_stack([np.abs(turn[:, 0]), turn[:, 1] ** 2])
    one = np.ones((len(units), 1), np.float32)
    parts = [linear, linear**2, turn, bent, gaze / np.float32(15), one]
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class NoiseModel:
    """See the module's text.

    Attributes:
        mean: (SIZE,) of all answers.
        spread: (SIZE,) standard deviation of all answers.
        response: (k, SIZE) by `regressors`.
        people: (p, SIZE) what was left of each clip's person.
        factors: (f, SIZE) what is left from frame to frame is a sum of these.
        memory: (f,) correlation of each factor with itself a second later is memory ** 30.
        outliers: share of frames that are outliers.
        outlier_size: how much larger what is left is there.
        gaps: (22,) by how much each unit's recipe opens the lips, in distances of the eyeballs.
        rest_gap: of a face at rest.
    """

    mean: Floats
    spread: Floats
    response: Floats
    people: Floats
    factors: Floats
    memory: Floats
    outliers: float
    outlier_size: float
    gaps: NDArray[np.float64]
    rest_gap: float

    def person(self, random: np.random.Generator) -> Floats:
        """(SIZE,) somebody's constant offset: a mixture of those that were seen."""
        one, other = self.people[random.integers(len(self.people), size=2)]
        turn = random.uniform(0, np.pi / 2)
        return np.asarray(np.cos(turn) * one + np.sin(turn) * other, np.float32)

    def left_over(self, random: np.random.Generator, count: int, steps: int, rate: float) -> Floats:
        """(count, steps, SIZE) what is left from frame to frame.

        Args:
            random: source of chance.
            count: sequences.
            steps: moments of each.
            rate: moments a second.
        """
        memory = self.memory ** np.float32(30 / rate)
        fresh = np.sqrt(1 - memory**2)
        drawn = random.standard_normal((steps, count, len(memory)), np.float32)
        for step in range(1, steps):
            drawn[step] = memory * drawn[step - 1] + fresh * drawn[step]
        far = random.random((steps, count, 1), np.float32) < self.outliers
        drawn *= np.where(far, np.float32(self.outlier_size), np.float32(1))
        return np.asarray((drawn @ self.factors).transpose(1, 0, 2))


def fit(clips: Sequence[Clip]) -> NoiseModel:
    """The model of what the networks made of some clips."""
    where = places()
    rows, inputs, owner = [], [], []
    for number, clip in enumerate(clips):
        given = clip.rows.copy()
        # Shut eyes tell no gaze; what the network would have said is anyone's guess.
        given[:, where["gaze"]] = np.where(
            np.isfinite(given[:, where["gaze"]]),
            given[:, where["gaze"]],
            clip.truth.gaze[clip.moment],
        )
        given[:, where["interval"]] = 0
        known = np.isfinite(given).all(axis=1)
        at = clip.moment[known]
        units = np.nan_to_num(clip.shown[known])
        rows.append(given[known])
        inputs.append(regressors(units, clip.truth.pose[at], clip.truth.gaze[at]))
        owner.append(np.full(int(known.sum()), number))
    x, y, who = np.concatenate(inputs), np.concatenate(rows), np.concatenate(owner)
    mean, spread = y.mean(axis=0), y.std(axis=0) + 1e-6
    guess = expected()
    response = guess + _ridge(x, (y - x @ guess) / spread) * spread
    left = y - x @ response
    # In few moments of a clip is anything shown: the median is what the person does at rest.
    numbers = np.unique(who)
    people = np.stack([np.median(left[who == number], axis=0) for number in numbers])
    within = np.concatenate([_quick(left[who == number]) for number in numbers])
    factors, memory = _factors(within, who)
    size = np.linalg.norm(within / spread, axis=1)
    far = size > _FAR * np.median(size)
    gaps, rest_gap = _lips(clips)
    return NoiseModel(
        mean=mean,
        spread=spread,
        response=response.astype(np.float32),
        people=people.astype(np.float32),
        factors=factors,
        memory=memory,
        outliers=float(far.mean()),
        outlier_size=float(size[far].mean() / np.median(size)) if far.any() else 1.0,
        gaps=gaps,
        rest_gap=rest_gap,
    )


def expected() -> Floats:
    """(k, SIZE) the response of networks that are right, which few clips can only correct.

    A unit that is shown for a few moments of all clips would else be taken for one that the
    networks do not see.
    """
    where, sided = places(), list(SIDED)
    count = 2 * len(sided) + len(_UNSIDED)
    guess = np.zeros((2 * count + 8, where["interval"].stop), np.float32)
    lids = sided.index(ROW[43])
    for number, row in enumerate(sided):
        left, right = number, len(sided) + number
        guess[[left, right], row] = STRONGEST / 2
        guess[left, UNITS + number], guess[right, UNITS + number] = STRONGEST, -STRONGEST
    for number, row in enumerate(_UNSIDED):
        guess[2 * len(sided) + number, row] = STRONGEST
    guess[lids, where["left_open"]] = guess[len(sided) + lids, where["right_open"]] = -1
    return guess


def _quick(left: Floats) -> Floats:
    """What is left of a clip without what changes slowly.

    That goes with what is shown, as wrong gains do, and would be taken for noise of faces at rest.
    """
    width = min(_SLOW_FRAMES, len(left) // 2 * 2 + 1)
    slow = uniform_filter1d(left, width, axis=0, mode="nearest")
    return np.asarray(left - slow, np.float32)


def _ridge(x: Floats, y: Floats) -> NDArray[np.float64]:
    wide = x.astype(np.float64)
    penalty = np.full(x.shape[1], _PENALTY)
    penalty[-1] = 1e-3  # the constant
    return np.asarray(np.linalg.solve(wide.T @ wide + np.diag(penalty), wide.T @ y))


def _factors(within: Floats, who: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Principal components of what is left, with their size, and how long each lasts."""
    size = within.std(axis=0) + 1e-6
    _, _, axes = np.linalg.svd(within / size, full_matrices=False)
    scores = within / size @ axes.T
    follows = who[1:] == who[:-1]
    scale = scores.std(axis=0)
    now, before = scores[1:][follows], scores[:-1][follows]
    memory = (now * before).mean(axis=0) / np.maximum(scale**2, 1e-9)
    factors = scale[:, None] * axes * size
    return factors.astype(np.float32), np.clip(memory, 0, 0.98).astype(np.float32)


def _lips(clips: Sequence[Clip]) -> tuple[NDArray[np.float64], float]:
    """How the units part the lips, read off the rendered truth of AU25."""
    shown = np.concatenate([clip.shown for clip in clips])
    level = shown[:, 0, ROW[25]]
    inside = (level > 0) & (level < STRONGEST) & np.isfinite(shown).all(axis=(1, 2))
    gap = np.interp(level[inside], np.arange(len(PARTED)), PARTED)
    shares = shares_of(shown[inside])
    x = np.column_stack([shares, np.ones(len(shares))])
    penalty = np.diag([0.1] * UNITS + [1e-6])
    found = np.linalg.solve(x.T @ x + penalty, x.T @ gap)
    found[ROW[25]] = 0
    return found[:-1], min(float(found[-1]), PARTED[1])


def as_clip(noise: NoiseModel, truth: Dynamics, random: np.random.Generator) -> Clip:
    """A simulated face as the model says that the networks see it, at every moment."""
    shown = truth.visible()
    shown[:, :, ROW[25]] = parted(shares_of(shown), noise.gaps, noise.rest_gap)[:, None]
    said = regressors(shown, truth.pose, truth.gaze) @ noise.response + noise.person(random)
    rows = within_limits(said + noise.left_over(random, 1, len(said), RATE)[0])
    return Clip(rows, truth.time_s, shown, truth, np.arange(len(said)))


def within_limits(rows: Floats) -> Floats:
    """(..., SIZE) answers as the networks can give them; where nobody looks, gaze is NaN."""
    where = places()
    units = rows[..., where["units"]]
    np.clip(units[..., :UNITS], 0, STRONGEST, out=units[..., :UNITS])
    np.maximum(units[..., -UNITS:], _LEAST_SD, out=units[..., -UNITS:])
    opened = rows[..., where["left_open"].start : where["right_open"].stop]
    np.clip(opened, 0, 1, out=opened)
    rows[..., where["gaze"]][(opened < SHUT).all(axis=-1)] = np.nan
    return rows
