"""The temporal stage: each track's per-frame answers through the temporal network, as they come.

The network lives on an even grid (`facekit.temporal.resample`); its answers are mapped back to
each frame's own time. The causal variant answers at once; the other one looks ahead by less than
a second, which makes it better at telling what an expression will become.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from facekit.runtime import weights
from facekit.runtime.device import choose
from facekit.runtime.runner import Runner, load
from facekit.temporal.blink_rate import BlinkRate
from facekit.temporal.features import APPEARANCE, SIZE, features_of, known_groups
from facekit.temporal.resample import RATE, Grid
from facekit.types import Face, Floats, Temporal

Variant: TypeAlias = Literal["causal", "lookahead"]
Ready: TypeAlias = tuple[float, Temporal]

NETWORKS: dict[Variant, str] = {"causal": "temporal_causal", "lookahead": "temporal_lookahead"}
"""The networks' names in the manifest."""

RESET_S = 5.0
"""After a longer gap a track begins anew; the network sees no further back."""

ACTIVE = 0.5
"""An action unit is under way where the probability of neutral is below this."""

_HIGHEST = 5.0
_BETWEEN = 0.06  # steps: a frame nearer to its step than this is on it


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A temporal network ready to run.

    Attributes:
        runner: takes values, known and state; gives smooth, velocity, phases, acts, expression
            and the next state.
        delay: steps by which answers are late.
        state: (1, channels, memory) before the first step.
        appearance: whether it may read the appearance feature: only of the very action-unit
            network that it was trained with does it know what the numbers mean.
    """

    runner: Runner
    delay: int
    state: Floats
    appearance: bool = True


def load_network(variant: Variant) -> Network:
    """The shipped network of a variant, on one CPU thread: it is too small for more.

    Raises:
        WeightsError: its file is missing or damaged.
    """
    manifest = weights.load_manifest()
    entry = manifest.network(NETWORKS[variant])
    trained_with = entry.details["input"]["trained_with"]
    known = manifest.networks.get("action_units")
    return Network(
        runner=load(NETWORKS[variant], choose("cpu", threads=1), threads=1),
        delay=int(entry.arguments["delay"]),
        state=np.zeros(entry.details["input"]["state"], np.float32),
        appearance=known is not None and known.onnx.sha256 == trained_with["action_units"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """Answers for one step of the grid."""

    smooth: Floats
    velocity: Floats
    phases: Floats
    acts: Floats
    expression: Floats


class TemporalStage:
    """What faces are doing over time, track by track.

    Each pushed frame gets exactly one answer, in order, with its own time.

    Args:
        variant: ``causal`` answers at once, ``lookahead`` up to a second later, and better.
        network: another one than the shipped.

    Example:
        >>> stage = TemporalStage("causal")                            # doctest: +SKIP
        >>> for frame, faces in pipeline.run(source):                  # doctest: +SKIP
        ...     for face in faces:
        ...         for time_s, now in stage.push(face.region.track, frame.time_s, face):
        ...             print(time_s, now.blink)
    """

    def __init__(self, variant: Variant = "lookahead", network: Network | None = None) -> None:
        """Load the network.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        self.variant = variant
        self._network = network or load_network(variant)
        self._tracks: dict[int, _Track] = {}

    @property
    def delay_s(self) -> float:
        """How far it looks ahead; answers come with the first frame after that."""
        return (self._network.delay + 1) / RATE if self._network.delay else 0.0

    def reset(self) -> None:
        """Forget all tracks, as before another clip."""
        self._tracks.clear()

    def push(self, track: int, time_s: float, face: Face) -> list[Ready]:
        """The next frame of a track.

        Args:
            track: number of the track.
            time_s: of the frame; not before the track's last one.
            face: what was measured.

        Returns:
            The answers that are ready, oldest first; the causal variant's is this frame's.

        Raises:
            ValueError: time falls.
        """
        before: list[Ready] = []
        known = self._tracks.get(track)
        if known is not None and time_s - known.last_s > RESET_S:
            before, known = known.finish(), None
        if known is None:
            known = self._tracks[track] = _Track(self._network)
        return before + known.push(time_s, features_of(face))

    def flush(self, track: int) -> list[Ready]:
        """The answers that are still due of a track that has ended; it is forgotten."""
        known = self._tracks.pop(track, None)
        return [] if known is None else known.finish()

    def flush_all(self) -> dict[int, list[Ready]]:
        """As `flush`, for every track: the clip has ended."""
        return {track: self.flush(track) for track in list(self._tracks)}


class _Track:
    """One track: grid, the network's state, and the frames that wait for their answer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._grid = Grid()
        self._state = network.state
        self._waiting: deque[float] = deque()
        self._steps: deque[_Step] = deque()  # the first of them is for step `_first`
        self._first = -network.delay
        self._seen: deque[bool] = deque([False] * network.delay)
        self._rate = BlinkRate()
        self._rated: deque[float] = deque()

    @property
    def last_s(self) -> float:
        """Time of the last frame."""
        return self._grid.last_s

    def push(self, time_s: float, row: Floats) -> list[Ready]:
        """See `TemporalStage.push`."""
        self._advance(self._grid.push(time_s, row))
        self._waiting.append(time_s)
        return self._ready()

    def finish(self) -> list[Ready]:
        """The answers for all frames that wait: after the last one nothing is seen any more."""
        self._advance(np.full((self._network.delay + 1, SIZE), np.nan, np.float32))
        return self._ready()

    def _advance(self, rows: Floats) -> None:
        """Run the network over new steps of the grid."""
        if not len(rows):
            return
        known = known_groups(rows)
        self._seen.extend(bool(step.any()) for step in known)
        known[:, APPEARANCE] &= self._network.appearance
        *answers, self._state = self._network.runner.run(
            {
                "values": np.nan_to_num(rows)[None],
                "known": known[None].astype(np.float32),
                "state": self._state,
            }
        )
        for step in range(len(rows)):
            made = _Step(*(answer[0, step] for answer in answers))
            self._steps.append(made)
            self._rate.push(float(made.acts[0]), self._seen.popleft())
            self._rated.append(self._rate.per_minute)

    def _ready(self) -> list[Ready]:
        out: list[Ready] = []
        while self._waiting:
            time_s = self._waiting[0]
            step = self._grid.latest(time_s)
            share = min(max(self._grid.position(time_s) - step, 0.0), 1.0)
            if not self._network.delay or share < _BETWEEN:
                share = 0.0  # the causal one knows no later step
            last = self._first + len(self._steps) - 1
            if step + (share > 0) > last:
                break
            self._forget_before(step)
            later = self._steps[1] if share > 0 else self._steps[0]
            out.append((time_s, _record(self._steps[0], later, share, self._rated[0])))
            self._waiting.popleft()
        return out

    def _forget_before(self, step: int) -> None:
        while self._first < step:
            self._steps.popleft()
            self._rated.popleft()
            self._first += 1


def _record(step: _Step, later: _Step, share: float, rate: float) -> Temporal:
    """The answer for a frame that lies `share` of the way from one step to the next."""

    def at(name: str) -> Floats:
        one, other = getattr(step, name), getattr(later, name)
        return np.asarray(one + np.float32(share) * (other - one), np.float32)

    smooth, phases = at("smooth"), at("phases")
    # An event counts with all its phases: neutral has to be likelier than the three together.
    active = phases[:, 0] < ACTIVE
    phase = np.where(active, 1 + phases[:, 1:].argmax(axis=1), 0).astype(np.int8)
    blink, nod, shake, speaking = at("acts").tolist()
    return Temporal(
        smooth=smooth,
        velocity=at("velocity"),
        phase=phase,
        phase_prob=phases[np.arange(len(phase)), phase],
        blink=blink,
        nod=nod,
        shake=shake,
        speaking=speaking,
        blink_rate=rate,
        expression=at("expression"),
        expressivity=float(np.sqrt(np.mean(np.square(smooth)))) / _HIGHEST,
    )


def run_whole(network: Network, times_s: Sequence[float], rows: Floats) -> list[Temporal]:
    """The answers for a whole track at once.

    Args:
        network: to run.
        times_s: of its frames, not falling.
        rows: (n, SIZE) of `features.features_of`.
    """
    track = _Track(network)
    ready: list[Ready] = []
    for time_s, row in zip(times_s, rows, strict=True):
        ready += track.push(time_s, row)
    return [answer for _, answer in ready + track.finish()]
