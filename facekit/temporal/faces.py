"""Faces with what they are doing over time: at once, or as soon as enough has been seen.

The look-ahead network answers up to a second later. Until then frames wait here, without their
pictures, and leave in order: memory does not grow with the clip.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from facekit.options import TemporalChoice
from facekit.runtime import weights
from facekit.temporal.tcn import NETWORKS, RESET_S, Ready, TemporalStage, Variant
from facekit.types import Face, Frame

Done: TypeAlias = tuple[Frame, list[Face]]

_NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


def load_stages(choice: TemporalChoice) -> dict[Variant, TemporalStage]:
    """The variants of the temporal network that `choice` may need.

    ``auto`` needs none where they are missing: a folder of weights may be older than they are.

    Raises:
        WeightsError: a file is damaged, or one that was asked for is missing.
    """
    if choice == "none":
        return {}
    if choice != "auto":
        return {choice: TemporalStage(choice)}
    known = weights.load_manifest().networks
    if any(name not in known for name in NETWORKS.values()):
        return {}
    return {variant: TemporalStage(variant) for variant in NETWORKS}


@dataclass(slots=True)
class _Waiting:
    """A frame, its faces, and how many of them still wait for their answer."""

    frame: Frame
    faces: list[Face]
    due: int = 0


class FacesOverTime:
    """Completes the faces of one stream's frames with `Face.temporal`.

    Args:
        stage: the network; nobody else uses it meanwhile.
    """

    def __init__(self, stage: TemporalStage) -> None:
        """Nothing seen yet."""
        self._stage = stage
        self.reset()

    def reset(self) -> None:
        """Forget everything, as before another stream."""
        self._stage.reset()
        self._frames: deque[_Waiting] = deque()
        self._due: dict[int, deque[tuple[_Waiting, int]]] = {}
        self._seen_s: dict[int, float] = {}

    def push(self, frame: Frame, faces: Sequence[Face]) -> list[Done]:
        """The next frame.

        Args:
            frame: where its time_s falls, as in a damaged video, tracks begin anew.
            faces: those in it; faces without a track are left as they are.

        Returns:
            Frames, oldest first, all of whose faces are complete; of the causal variant always
            this one alone. They hold no picture any more.
        """
        for lost, seen_s in list(self._seen_s.items()):
            # The network itself forgets a track after such a gap.
            if frame.time_s < seen_s or frame.time_s - seen_s > RESET_S:
                self._end(lost, self._stage.flush(lost))
        waiting = _Waiting(replace(frame, image=_NO_PICTURE), list(faces))
        self._frames.append(waiting)
        for place, face in enumerate(faces):
            track = face.region.track
            if track is None or math.isnan(frame.time_s):
                continue
            waiting.due += 1
            self._due.setdefault(track, deque()).append((waiting, place))
            self._seen_s[track] = frame.time_s
            self._give(track, self._stage.push(track, frame.time_s, face))
        return self._ready()

    def finish(self) -> list[Done]:
        """The stream has ended: the frames that still wait, completed."""
        for track, answers in self._stage.flush_all().items():
            self._end(track, answers)
        return self._ready()

    def _end(self, track: int, answers: Sequence[Ready]) -> None:
        self._give(track, answers)
        del self._due[track], self._seen_s[track]

    def _give(self, track: int, answers: Sequence[Ready]) -> None:
        due = self._due[track]
        for _, answer in answers:
            waiting, place = due.popleft()
            waiting.faces[place] = replace(waiting.faces[place], temporal=answer)
            waiting.due -= 1

    def _ready(self) -> list[Done]:
        done: list[Done] = []
        while self._frames and self._frames[0].due == 0:
            first = self._frames.popleft()
            done.append((first.frame, first.faces))
        return done
