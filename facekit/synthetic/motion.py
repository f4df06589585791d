"""Faces in time: expressions that rise and fall, blinks, saccades, speech, nods and shakes.

A motion is curves only and costs nothing; `facekit.synthetic.sequence` turns one into pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekit.synthetic.camera import Matrix
from facekit.synthetic.expressions import Weights, random_expression, without_conflicts
from facekit.types import Floats


@dataclass(frozen=True, slots=True)
class Event:
    """One expression in time; seconds.

    Attributes:
        weights: by name, at the apex.
        start_s: onset begins.
        rise_s: length of the onset.
        hold_s: length of the apex.
        fall_s: length of the offset.
    """

    weights: Weights
    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float

    @property
    def end_s(self) -> float:
        """When the face is back where it was."""
        return self.start_s + self.rise_s + self.hold_s + self.fall_s

    def strength(self, time_s: Matrix) -> Matrix:
        """(n,) 0 before and after, 1 at the apex, smooth between."""
        since = time_s - self.start_s
        rise = np.clip(since / self.rise_s, 0, 1)
        fall = np.clip((since - self.rise_s - self.hold_s) / self.fall_s, 0, 1)
        return np.asarray((1 - np.cos(np.pi * rise)) / 2 * (1 + np.cos(np.pi * fall)) / 2)

    def phase(self, time_s: Matrix) -> NDArray[np.int8]:
        """(n,) 0 none, 1 onset, 2 apex, 3 offset."""
        edges = self.start_s + np.cumsum([0, self.rise_s, self.hold_s, self.fall_s])
        return (np.searchsorted(edges, time_s, side="right") % 4).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A face in time.

    Attributes:
        time_s: (n,) seconds, rising, not necessarily evenly.
        expression: n weights by name; 0 = neutral.
        gaze: (n, 2, 2) yaw and pitch of left and right eye in the head, degrees.
        pose: (n, 3) yaw, pitch, roll, degrees.
        sway_mm: (n, 3) movement of the head, camera axes.
        events: the expressions, without blinks and speech.
        blink: (n,) a blink is under way.
        nod: (n,) the head nods.
        shake: (n,) the head shakes.
        speaking: (n,) the mouth speaks.
    """

    time_s: Matrix
    expression: tuple[Weights, ...]
    gaze: Matrix
    pose: Matrix
    sway_mm: Matrix
    events: tuple[Event, ...]
    blink: NDArray[np.bool_]
    nod: NDArray[np.bool_]
    shake: NDArray[np.bool_]
    speaking: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.time_s)


def random_motion(random: np.random.Generator, seconds: float, rate: float) -> Motion:
    """A face that lives for a while.

    Args:
        random: source of chance.
        seconds: length.
        rate: frames per second; time stamps are even.
    """
    time_s = np.arange(round(seconds * rate)) / rate
    events = _random_events(random, seconds)
    blinks = _random_blinks(random, seconds)
    speaking, speech = _speech(random, time_s)
    pose = _drift(random, time_s, [9, 5, 4])
    pose += random.normal(0, [12, 6, 4])
    nod, nodding = _oscillation(random, time_s, 0.35)
    shake, shaking = _oscillation(random, time_s, 0.35)
    pose[:, 1] += nodding * random.uniform(4, 12)
    pose[:, 0] += shaking * random.uniform(5, 15)
    return Motion(
        time_s=time_s,
        expression=mixed(events + blinks, time_s, speech),
        gaze=_saccades(random, time_s),
        pose=pose,
        sway_mm=_drift(random, time_s, [12, 8, 25]),
        events=events,
        blink=_under_way(blinks, time_s),
        nod=nod,
        shake=shake,
        speaking=speaking,
    )


def mixed(
    events: Sequence[Event], time_s: Matrix, more: Sequence[Weights] | None = None
) -> tuple[Weights, ...]:
    """Weights per frame of events that add up, within the limits of the mesh.

    Args:
        events: any number.
        time_s: (n,) seconds.
        more: n weights to be added, such as speech.
    """
    frames: list[Weights] = [dict(weights) for weights in more] if more else [{} for _ in time_s]
    for event in events:
        for frame in np.flatnonzero(event.strength(time_s)):
            strength = float(event.strength(time_s[frame : frame + 1])[0])
            for name, weight in event.weights.items():
                total = frames[frame].get(name, 0.0) + weight * strength
                frames[frame][name] = min(total, 1.5)
    return tuple(without_conflicts(weights) for weights in frames)


def _under_way(events: Sequence[Event], time_s: Matrix) -> NDArray[np.bool_]:
    out = np.zeros(len(time_s), bool)
    for event in events:
        out |= event.phase(time_s) > 0
    return out


def _random_events(random: np.random.Generator, seconds: float) -> tuple[Event, ...]:
    events, start = [], float(random.exponential(1.0))
    while start < seconds:
        rise, fall = random.uniform(0.15, 0.9), random.uniform(0.25, 1.4)
        hold = float(random.exponential(0.8)) + 0.08
        weights = {
            name: weight
            for name, weight in random_expression(random).items()
            if not name.startswith("eyeBlink")
        }
        if weights:
            events.append(Event(weights, start, float(rise), hold, float(fall)))
        start += float(rise + hold + fall * random.uniform(0.5, 1) + random.exponential(1.2))
    return tuple(events)


def _random_blinks(random: np.random.Generator, seconds: float) -> tuple[Event, ...]:
    """Adults blink about 15 times a minute, and close faster than they open."""
    events, start = [], float(random.exponential(2.0))
    while start < seconds:
        depth = float(random.uniform(0.75, 1.0))
        events.append(
            Event(
                {"eyeBlink_L": depth, "eyeBlink_R": depth},
                start,
                float(random.uniform(0.07, 0.12)),
                float(random.uniform(0.02, 0.06)),
                float(random.uniform(0.12, 0.22)),
            )
        )
        start += 0.4 + float(random.exponential(3.2))
    return tuple(events)


def _speech(random: np.random.Generator, time_s: Matrix) -> tuple[NDArray[np.bool_], list[Weights]]:
    """Syllables of 3-6 a second between random limits, in a third of the motions."""
    speaking = np.zeros(len(time_s), bool)
    frames: list[Weights] = [{} for _ in time_s]
    if random.random() > 0.35 or len(time_s) == 0:
        return speaking, frames
    start, end = np.sort(random.uniform(-1, time_s[-1] + 1, 2))
    shapes = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDown_L", "mouthPress_L")
    rates, shifts = random.uniform(3, 6, len(shapes)), random.uniform(0, 6.3, len(shapes))
    sizes = random.uniform(0.3, 1, len(shapes)) * [0.28, 0.35, 0.35, 0.5, 0.4]
    for frame in np.flatnonzero((time_s > start) & (time_s < end)):
        speaking[frame] = True
        beat = np.sin(2 * np.pi * rates * time_s[frame] + shifts) * np.sin(time_s[frame] + shifts)
        for name, weight in zip(shapes, np.clip(beat, 0, 1) * sizes, strict=True):
            frames[frame][name] = float(weight)
            if name.endswith("_L"):
                frames[frame][name[:-1] + "R"] = float(weight)
    return speaking, frames


def _drift(random: np.random.Generator, time_s: Matrix, size: Sequence[float]) -> Matrix:
    """(n, 3) slow wandering, each axis a sum of sines below 0.6 Hz."""
    out = np.zeros((len(time_s), 3))
    for axis in range(3):
        for _ in range(4):
            rate, shift = random.uniform(0.04, 0.6), random.uniform(0, 2 * np.pi)
            out[:, axis] += np.sin(2 * np.pi * rate * time_s + shift) * random.normal(0, 0.5)
    return np.asarray(out * np.asarray(size))


def _oscillation(
    random: np.random.Generator, time_s: Matrix, share: float
) -> tuple[NDArray[np.bool_], Matrix]:
    """When the head nods or shakes, and the angle / its amplitude."""
    if random.random() > share or len(time_s) == 0:
        return np.zeros(len(time_s), bool), np.zeros(len(time_s))
    rate, cycles = random.uniform(0.9, 2.2), int(random.integers(1, 4))
    start = random.uniform(0, max(time_s[-1] - cycles / rate, 0.1))
    since = (time_s - start) * rate
    moving = (since >= 0) & (since < cycles)
    return moving, np.where(moving, np.sin(2 * np.pi * since), 0.0)


def _saccades(random: np.random.Generator, time_s: Matrix) -> Matrix:
    """(n, 2, 2) fixations with jumps of 30-60 ms between them."""
    gaze = np.zeros((len(time_s), 2, 2))
    current, start = random.normal(0, [8, 5]), 0.0
    edges, targets = [-1.0], [current]
    while len(time_s) and start < time_s[-1]:
        start += 0.2 + float(random.exponential(0.9))
        edges.append(start)
        targets.append(np.clip(random.normal(0, [13, 8]), [-35, -28], [35, 24]))
    vergence = random.uniform(0, 2.5)
    for frame, now in enumerate(time_s):
        last = int(np.searchsorted(edges, now, side="right")) - 1
        part = np.clip((now - edges[last]) / 0.045, 0, 1)
        yaw, pitch = targets[max(last - 1, 0)] * (1 - part) + targets[last] * part
        gaze[frame] = [[yaw - vergence, pitch], [yaw + vergence, pitch]]
    return gaze


def named_weights(motion: Motion, names: Sequence[str]) -> Floats:
    """(n, k) expression weights of a motion in the order of `names`."""
    table = [[weights.get(name, 0.0) for name in names] for weights in motion.expression]
    return np.array(table, np.float32).reshape(len(motion), len(names))
