"""Faces in time by action units, with the truth of every moment: what teaches the temporal network.

Curves only, no pictures. Where the numbers come from:

- Expressions: spontaneous smiles rise in about half a second and fall more slowly, posed ones
  rise faster and are larger (Cohn and Schmidt, "The timing of facial motion in posed and
  spontaneous smiles", 2004; Schmidt, Ambadar, Cohn and Reed, "Movement differences between
  deliberate and spontaneous facial expressions", J. Nonverbal Behavior 2006); felt expressions
  last 0.5 to 4 s (Frank, Ekman and Friesen, "Behavioral markers and recognizability of the smile
  of enjoyment", JPSP 1993), micro-expressions under half a second with onsets under 0.26 s (Yan
  et al., "How fast are the leaked facial expressions", J. Nonverbal Behavior 2013).
- Blinks: 100 to 400 ms (Stern, Walrath and Goldstein, "The endogenous eyeblink", Psychophysiology
  1984), a quarter of them shut a little longer, opening takes twice as long as closing (Evinger,
  Manning and Sibony, "Eyelid movements", Invest. Ophthalmol. 1991), 4 to 26 a minute (Bentivoglio
  et al., Movement Disorders 1997).
- Speech: mouths open and close 2 to 7 times a second (Chandrasekaran et al., "The natural
  statistics of audiovisual speech", PLoS Computational Biology 2009).
- Nods and shakes: 1 to 3.5 Hz, some degrees (Hadar, Steiner, Grant and Clifford Rose, "Kinematics
  of head movements accompanying speech during conversation", Human Movement Science 1983).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS, SIDED
from facekit.synthetic.action_units import (
    PARTED,
    RECIPES,
    ROW,
    STRONGEST,
    random_intensities,
    without_conflicts,
)
from facekit.types import Floats

UNITS = len(ACTION_UNITS)
RATE = 60
"""Moments a second at which curves are drawn."""

UNJUDGED = -1
"""Phase of what is too weak to be called an event, and too strong to be called none."""

_SHOWN = 0.5  # peak from which an event is one
_LOW, _HIGH = 0.1, 0.9  # shares of the height: where an event begins, and where its apex does
_WINKS = 0.15  # share of the blinks that are of one eye
_ABSENT = 0.3  # intensity up to which a unit shows nothing
_LIPS_OF_SPEECH = (18, 22, 26, 16)
_NOT_WHILE_SPEAKING = tuple(ROW[number] for number in (16, 17, 18, 20, 22, 23, 24, 26, 28))
_LID_STEPS = np.array([0.0, *RECIPES[43].levels])  # lid weights of intensities 0-5
_LIDS = np.array([ROW[43], ROW[5], ROW[7]])

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class UnitEvent:
    """One unit's event; seconds.

    Attributes:
        row: of the unit.
        onset_s: where it has a tenth of its height.
        apex_s: where it has nine tenths.
        fall_s: where it falls below nine tenths.
        offset_s: where it falls below a tenth.
        peak: of the stronger side, 0-5.
    """

    row: int
    onset_s: float
    apex_s: float
    fall_s: float
    offset_s: float
    peak: float


@dataclass(frozen=True, slots=True, eq=False)
class Dynamics:
    """A face in time, `RATE` moments a second.

    Attributes:
        units: (n, 2, 22) intensity of the left and right side, 0-5; AU25 is 0 (it follows from
            the others, see `parted`).
        phase: (n, 22) 0 neutral, 1 onset, 2 apex, 3 offset, `UNJUDGED`.
        pose: (n, 3) yaw, pitch, roll, degrees.
        gaze: (n, 2) yaw and pitch of both eyes in the head, degrees.
        blink: (n,) a blink, or a wink, is under way.
        nod: (n,) the head nods.
        shake: (n,) the head shakes.
        speaking: (n,) the mouth speaks.
        events: of all units but AU25.
    """

    units: Floats
    phase: NDArray[np.int8]
    pose: Floats
    gaze: Floats
    blink: Mask
    nod: Mask
    shake: Mask
    speaking: Mask
    events: tuple[UnitEvent, ...]

    @property
    def time_s(self) -> NDArray[np.float64]:
        """(n,) seconds."""
        return np.arange(len(self.units)) / RATE

    def visible(self) -> Floats:
        """(n, 2, 22) what of the units can be seen: shut lids hide 5 and most of 7."""
        out = self.units.copy()
        shut = out[:, :, ROW[43]] > 1
        out[:, :, ROW[5]][shut] = 0
        out[:, :, ROW[7]] = np.where(shut, np.minimum(out[:, :, ROW[7]], 2), out[:, :, ROW[7]])
        return out


def simulate(random: np.random.Generator, seconds: float) -> Dynamics:
    """A face that lives for a while."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    speaking, speech = _speech(random, time_s)
    units, phase, events = _expressions(random, time_s, speaking)
    units = np.maximum(units, speech)
    blink, lids = _blinks(random, time_s)
    units[:, :, ROW[43]] = np.maximum(units[:, :, ROW[43]], lids)
    pose, nod, shake = _head(random, time_s)
    return Dynamics(
        units.astype(np.float32),
        phase,
        pose.astype(np.float32),
        _gaze(random, time_s).astype(np.float32),
        blink,
        nod,
        shake,
        speaking,
        tuple(events),
    )


def phases_of(curve: NDArray[np.floating], least: float = _SHOWN) -> NDArray[np.int8]:
    """(n,) phases of a curve that rises from 0 and falls back to it, any number of times.

    Args:
        curve: (n,) intensity.
        least: a rise to less than this is not judged.
    """
    out = np.zeros(len(curve), np.int8)
    above = np.flatnonzero(np.diff(np.concatenate([[0], curve > _ABSENT / 2, [0]])))
    for first, end in above.reshape(-1, 2):
        part = curve[first:end]
        peak = part.max()
        if peak < least:
            out[first:end] = UNJUDGED if peak > _ABSENT else 0
            continue
        inside = np.flatnonzero(part >= _LOW * peak)
        high = np.flatnonzero(part >= _HIGH * peak)
        out[first + inside[0] : first + high[0]] = 1
        out[first + high[0] : first + high[-1] + 1] = 2
        out[first + high[-1] + 1 : first + inside[-1] + 1] = 3
    return out


def _expressions(
    random: np.random.Generator, time_s: NDArray[np.float64], speaking: Mask
) -> tuple[NDArray[np.float64], NDArray[np.int8], list[UnitEvent]]:
    units = np.zeros((len(time_s), 2, UNITS))
    phase = np.zeros((len(time_s), UNITS), np.int8)
    events: list[UnitEvent] = []
    busy_s = np.full(UNITS, -1.0)  # until when each unit is under way
    start, last, last_end = float(random.exponential(1.0)), np.zeros((2, UNITS), np.float32), 0.0
    pause = random.choice([0.5, 1.2, 3.0])
    end_s = len(time_s) / RATE
    while start < end_s:
        apex = random_intensities(random)
        rise, hold, fall = _durations(random)
        if start < last_end:
            together = np.maximum(apex, last)
            if (without_conflicts(together) != together).any():
                start = last_end + 0.05
        stop = start + rise + hold + fall
        if speaking[(time_s > start) & (time_s < stop)].any():
            apex[:, _NOT_WHILE_SPEAKING] = 0
        for row in np.flatnonzero(apex.max(axis=0) > 0):
            # The units of an expression do not move as one.
            lag, slower = float(random.normal(0, 0.06)), float(np.exp(random.normal(0, 0.12)))
            if row == ROW[43]:
                hold = max(hold, 0.5)  # a shorter closure is a blink
            begin = max(start + lag, 0.0)
            if begin < busy_s[row] + 0.1:
                continue
            shape = _strength(random, time_s - begin, rise * slower, hold, fall * slower)
            units[:, :, row] += shape[:, None] * apex[:, row]
            event = _label(phase, time_s, shape, int(row), float(apex[:, row].max()))
            events += [event] if event else []
            busy_s[row] = begin + rise * slower + hold + fall * slower
        last, last_end = apex, max(last_end, stop + 0.3)
        start += float(rise + hold * random.random() + random.exponential(pause))
    return np.minimum(units, STRONGEST), phase, events


def _durations(random: np.random.Generator) -> tuple[float, float, float]:
    """Seconds of rise, hold and fall."""
    kind = random.random()
    if kind < 0.05:  # micro
        rise = random.uniform(0.1, 0.26)
        return rise, random.uniform(0.03, 0.12), random.uniform(0.12, 0.25)
    if kind < 0.55:  # spontaneous
        middle, spread = (0.5, 0.7, 0.8), (0.4, 0.8, 0.5)
        limits = ((0.17, 1.5), (0.1, 3.0), (0.25, 3.0))
    else:  # posed
        middle, spread = (0.3, 1.2, 0.45), (0.4, 0.5, 0.4)
        limits = ((0.1, 1.0), (0.2, 3.0), (0.15, 1.5))
    drawn = np.exp(random.normal(np.log(middle), spread))
    rise, hold, fall = (
        float(np.clip(value, *limit)) for value, limit in zip(drawn, limits, strict=True)
    )
    return rise, hold, fall


def _strength(
    random: np.random.Generator,
    since: NDArray[np.float64],
    rise: float,
    hold: float,
    fall: float,
) -> NDArray[np.float64]:
    """(n,) 0 before and after, 1 at the apex; rise and fall bend differently every time."""
    up, down = np.exp(random.normal(0, 0.3, 2))
    rising = (1 - np.cos(np.pi * np.clip(since / rise, 0, 1))) / 2
    falling = (1 + np.cos(np.pi * np.clip((since - rise - hold) / fall, 0, 1))) / 2
    sag = 1 - random.uniform(0, 0.09) * np.clip((since - rise) / max(hold, 0.1), 0, 1)
    return np.asarray(rising**up * falling**down * sag)


def _label(
    phase: NDArray[np.int8],
    time_s: NDArray[np.float64],
    shape: NDArray[np.float64],
    row: int,
    peak: float,
) -> UnitEvent | None:
    """Write one event's phases; None where it is too weak, or begins after the end."""
    inside, high = np.flatnonzero(shape >= _LOW), np.flatnonzero(shape >= _HIGH)
    if not len(inside):
        return None
    first, last = inside[0], inside[-1]
    if peak < _SHOWN:
        if peak > _ABSENT:
            phase[first : last + 1, row] = UNJUDGED
        return None
    apex, fall = (high[0], high[-1]) if len(high) else (last + 1, last + 1)
    phase[first:apex, row] = 1
    phase[apex : fall + 1, row] = 2
    phase[fall + 1 : last + 1, row] = 3
    step = 1 / RATE
    at = [float(time_s[i]) for i in (first, min(apex, last), min(fall, last), last)]
    shown = peak * float(shape[first : last + 1].max())
    return UnitEvent(row, at[0], at[1], at[2] + step, at[3] + step, shown)


def _speech(
    random: np.random.Generator, time_s: NDArray[np.float64]
) -> tuple[Mask, NDArray[np.float64]]:
    """Phrases of syllables in a third of the faces: (n,) and (n, 2, 22)."""
    speaking, units = np.zeros(len(time_s), bool), np.zeros((len(time_s), 2, UNITS))
    if random.random() > 0.35:
        return speaking, units
    edge = float(random.exponential(1.5)) if random.random() < 0.7 else 0.0
    while edge < len(time_s) / RATE:
        end = edge + random.uniform(0.8, 4.5)
        speaking |= (time_s >= edge) & (time_s < end)
        edge = end + 0.35 + float(random.exponential(1.2))
    rate = random.uniform(2.2, 6.0)
    wander = np.cumsum(random.normal(0, 0.12, len(time_s)))
    size = random.uniform(0.4, 1.3) * np.array([1.4, 1.4, 2.0, 0.9])
    for number, strength in zip(_LIPS_OF_SPEECH, size, strict=True):
        turn = 2 * np.pi * rate * random.uniform(0.6, 1.1) * time_s + wander
        slow = np.sin(turn * random.uniform(0.2, 0.4) + random.uniform(0, 6.3))
        beat = np.clip(np.sin(turn + random.uniform(0, 6.3)) * (0.6 + 0.4 * slow), 0, 1)
        units[:, :, ROW[number]] = (beat * strength * speaking)[:, None]
    return speaking, units


def _blinks(
    random: np.random.Generator, time_s: NDArray[np.float64]
) -> tuple[Mask, NDArray[np.float64]]:
    """(n,) whether one is under way, and (n, 2) intensity of AU43 on both sides."""
    blink, lids = np.zeros(len(time_s), bool), np.zeros((len(time_s), 2))
    pause = 60 / random.uniform(6, 32)
    start = float(random.exponential(pause / 2))
    while start < len(time_s) / RATE:
        one_eye = random.random() < _WINKS
        # Some stay shut for a moment, and winks are slower than blinks.
        longest = 0.32 if one_eye or random.random() < 0.25 else 0.07
        closing, closed = random.uniform(0.05, 0.11), random.uniform(0.0, longest)
        opening = float(np.clip(closing * random.uniform(1.4, 2.6), 0.05, 0.55 - closing - closed))
        since = time_s - start
        up = (1 - np.cos(np.pi * np.clip(since / closing, 0, 1))) / 2
        down = (1 + np.cos(np.pi * np.clip((since - closing - closed) / opening, 0, 1))) / 2
        depth = random.uniform(0.75, 1.0)
        sides = np.eye(2)[random.integers(2)] if one_eye else np.ones(2)
        shut = np.interp(up * down * depth, _LID_STEPS, np.arange(len(_LID_STEPS)))
        lids = np.maximum(lids, shut[:, None] * sides)
        blink |= up * down >= _LOW
        start += 0.45 + float(random.exponential(pause))
    return blink, lids


def _head(
    random: np.random.Generator, time_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Mask, Mask]:
    """(n, 3) pose, and when the head nods and shakes; turns and sway are neither."""
    pose = np.tile(random.normal(0, [9, 6, 4]), (len(time_s), 1))
    for axis, size in enumerate((5, 3, 2.5)):
        for _ in range(4):
            rate, shift = random.uniform(0.04, 0.5), random.uniform(0, 2 * np.pi)
            wave = np.sin(2 * np.pi * rate * time_s + shift)
            pose[:, axis] += size * random.normal(0, 0.5) * wave
    for _ in range(random.poisson(len(time_s) / RATE / 8)):  # turns to somewhere else
        at, takes = random.uniform(0, len(time_s) / RATE), random.uniform(0.25, 0.9)
        share = np.clip((time_s - at) / takes, 0, 1)
        pose += (1 - np.cos(np.pi * share))[:, None] / 2 * random.normal(0, [10, 5, 4])
    masks = []
    for axis, low, high in ((1, 3.0, 12.0), (0, 4.0, 16.0)):
        moving, wave = _oscillation(random, time_s)
        swing = random.uniform(low, high) * wave
        pose[:, axis] += swing
        pose[:, 1 - axis] += random.uniform(-0.15, 0.15) * swing
        masks.append(moving)
    both = masks[0] & masks[1]
    limits = np.array([45, 28, 25])
    return np.clip(pose, -limits, limits), masks[0] & ~both, masks[1] & ~both


def _oscillation(
    random: np.random.Generator, time_s: NDArray[np.float64]
) -> tuple[Mask, NDArray[np.float64]]:
    """When the head swings, and its angle / its amplitude; in a third of the faces."""
    moving, wave = np.zeros(len(time_s), bool), np.zeros(len(time_s))
    if random.random() > 0.35:
        return moving, wave
    for _ in range(random.integers(1, 3)):
        rate, cycles = random.uniform(0.9, 3.2), random.integers(2, 9) / 2
        start = random.uniform(-0.5, len(time_s) / RATE)
        since = (time_s - start) * rate
        here = (since >= 0) & (since < cycles)
        if (here & moving).any():
            continue
        fade = 1 - random.uniform(0, 0.6) * since / cycles
        wave += np.where(here, fade * np.sin(2 * np.pi * since) * random.choice([-1, 1]), 0)
        moving |= here
    return moving, wave


def _gaze(random: np.random.Generator, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) fixations with saccades of about 45 ms between them."""
    seconds = len(time_s) / RATE
    count = int(seconds / 0.5) + 4
    starts = np.cumsum(0.2 + random.exponential(0.9, count))
    targets = np.clip(random.normal(0, [9, 6], (count + 1, 2)), [-32, -25], [32, 22])
    edges = np.sort(np.concatenate([starts, starts + 0.045]))
    levels = np.repeat(targets, 2, axis=0)[1:-1]
    return np.column_stack([np.interp(time_s, edges, levels[:, axis]) for axis in range(2)])


def parted(shares: NDArray[np.float64], gaps: NDArray[np.float64], rest: float) -> Floats:
    """(n,) intensity of AU25 that follows from how far the other units part the lips.

    Args:
        shares: (n, 22) of each unit's recipe, mean of both sides (`shares_of`).
        gaps: (22,) by how much a whole recipe opens the lips, in distances of the eyeballs.
        rest: gap of the face at rest.
    """
    gap = rest + shares @ gaps
    return np.interp(gap, PARTED, np.arange(len(PARTED))).astype(np.float32)


def shares_of(units: Floats) -> NDArray[np.float64]:
    """(n, 22) share of each unit's recipe at intensities (n, 2, 22), mean of both sides."""
    out = np.zeros((len(units), UNITS))
    for number, recipe in RECIPES.items():
        levels = np.array([0.0, *recipe.levels]) / recipe.levels[-1]
        row = ROW[number]
        shares = np.interp(units[:, :, row], np.arange(len(levels)), levels)
        out[:, row] = shares.mean(axis=1) if row in SIDED else shares.max(axis=1)
    return out
