"""From where faces were seen to what is to be covered in every frame: gaps, ends and margins."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from facekit.privacy.finding import Finder, Trail
from facekit.types import Floats

Numbers: TypeAlias = NDArray[np.float64]

_HOLD_S = 0.5
_GROWTH_PER_S = 0.6
_COAST_S = 0.3
_BRIDGE_S = 5.0
_BRIDGE_REACH = 1.0
_BRIDGE_RATIO = 1.6
_UNION_S = 0.1


@dataclass(frozen=True, slots=True)
class Cover:
    """A face to be covered in one frame.

    Attributes:
        track: its number.
        box: (4,) float32 where the face is: x, y, width, height; pixels.
        reach: (4,) float32 box around where it is within a tenth of a second.
        seen: whether it was seen in this very frame, not filled in.
    """

    track: int
    box: Floats
    reach: Floats
    seen: bool


class Covers:
    """What is to be covered, frame by frame."""

    def __init__(self, finder: Finder) -> None:
        """Fill the gaps of what was found.

        Within a track, and from a track's end to another one's begin at the same place up to five
        seconds later, a face is where a straight line leads; before its first and after its last
        sight it stays for half a second, and grows.
        """
        times, shots = np.array(finder.times, np.float64), np.array(finder.shots)
        trails = [(track, trail) for track, trail in finder.trails.items() if trail.sure]
        filled = [_filled(track, trail, times, shots) for track, trail in trails]
        filled += _bridges(trails, times)
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
        reaches = [_reaches(one.boxes, step) for one in filled]
        frames = _joined([one.frames for one in filled], np.int64)
        order = np.argsort(frames, kind="stable")
        self.frames = frames[order]
        self.tracks = _joined([np.full(len(f.frames), f.track) for f in filled], np.int64)[order]
        self.seen = _joined([one.seen for one in filled], np.bool_)[order]
        empty = np.zeros((0, 4))
        self.boxes = np.concatenate([empty, *(f.boxes for f in filled)])[order].astype(np.float32)
        self.reaches = np.concatenate([empty, *reaches])[order].astype(np.float32)
        self.kept = np.zeros(len(self.frames), np.bool_)

    def at(self, frame: int) -> list[Cover]:
        """The covers of a frame, by its index; those of kept people left out."""
        return [self._cover(row) for row in self._rows(frame) if not self.kept[row]]

    def kept_at(self, frame: int) -> list[Cover]:
        """The faces of kept people in a frame."""
        return [self._cover(row) for row in self._rows(frame) if self.kept[row]]

    def _rows(self, frame: int) -> range:
        low, high = np.searchsorted(self.frames, [frame, frame + 1])
        return range(int(low), int(high))

    def _cover(self, row: int) -> Cover:
        seen = bool(self.seen[row])
        return Cover(int(self.tracks[row]), self.boxes[row], self.reaches[row], seen)


@dataclass(frozen=True, slots=True)
class _Filled:
    """A track without gaps: one box for each of the frames that follow each other."""

    track: int
    frames: NDArray[np.int64]
    boxes: Numbers
    seen: NDArray[np.bool_]


def _filled(track: int, trail: Trail, times: Numbers, shots: NDArray[np.int64]) -> _Filled:
    known, boxes = np.array(trail.frames, np.int64), trail.box_array()
    first, last = int(known[0]), int(known[-1])
    in_shot = np.flatnonzero(shots == trail.shot)
    early, late = times[first] - _HOLD_S, times[last] + _HOLD_S
    frames = in_shot[(times[in_shot] >= early) & (times[in_shot] <= late)]
    between = _between(times[frames], times[known], boxes)
    for outside, end in (
        (frames < first, _Motion.of(times[known], boxes)),
        (frames > last, _Motion.of(times[known][::-1], boxes[::-1])),
    ):
        between[outside] = end.at(times[frames[outside]])
    return _Filled(track, frames, between, np.isin(frames, known))


def _between(at: Numbers, times: Numbers, boxes: Numbers) -> Numbers:
    """(n, 4) boxes on straight lines between known ones."""
    return np.column_stack([np.interp(at, times, boxes[:, axis]) for axis in range(4)])


@dataclass(frozen=True, slots=True)
class _Motion:
    """How a face moves at one end of its trail, into the unknown."""

    box: Numbers
    time_s: float
    velocity: Numbers

    @classmethod
    def of(cls, times: Numbers, boxes: Numbers) -> "_Motion":
        """From times and boxes, the end first."""
        centres = boxes[:, :2] + boxes[:, 2:] / 2
        near = np.abs(times - times[0]) <= _COAST_S
        span = times[near][-1] - times[0]
        moved = centres[near][-1] - centres[0]
        return cls(boxes[0], float(times[0]), moved / span if span else np.zeros(2))

    def at(self, times: Numbers) -> Numbers:
        """(n, 4) boxes at other times: moved a little further, and grown."""
        away = times - self.time_s
        coasted = np.clip(away, -_COAST_S, _COAST_S)[:, None] * self.velocity
        size = self.box[2:] * (1 + _GROWTH_PER_S * np.abs(away)[:, None])
        centre = self.box[:2] + self.box[2:] / 2 + coasted
        return np.concatenate([centre - size / 2, size], axis=1)


def _bridges(trails: list[tuple[int, Trail]], times: Numbers) -> list[_Filled]:
    """Covers from the end of a track to the begin of another one at the same place."""
    found = []
    for track, later in trails:
        start = later.frames[0]
        before = [
            earlier
            for _, earlier in trails
            if earlier.shot == later.shot
            and earlier.frames[-1] < start - 1
            and times[start] - times[earlier.frames[-1]] <= _BRIDGE_S
            and _are_near(earlier.box_array()[-1], later.box_array()[0])
        ]
        for earlier in before:
            end = earlier.frames[-1]
            frames = np.arange(end + 1, start)
            ends = np.stack([earlier.box_array()[-1], later.box_array()[0]])
            boxes = _between(times[frames], times[[end, start]], ends)
            found.append(_Filled(track, frames, boxes, np.zeros(len(frames), np.bool_)))
    return found


def _are_near(a: Numbers, b: Numbers) -> bool:
    sizes = np.sqrt([a[2] * a[3], b[2] * b[3]])
    distance = np.linalg.norm(a[:2] + a[2:] / 2 - b[:2] - b[2:] / 2)
    return bool(
        distance <= _BRIDGE_REACH * sizes.mean() and sizes.max() <= _BRIDGE_RATIO * sizes.min()
    )


def _reaches(boxes: Numbers, step_s: float) -> Numbers:
    """Each box together with its neighbours in time: boxes jitter, and fast faces are smeared."""
    window = 2 * max(1, round(_UNION_S / max(step_s, 1e-3))) + 1
    low = minimum_filter1d(boxes[:, :2], window, axis=0, mode="nearest")
    high = maximum_filter1d(boxes[:, :2] + boxes[:, 2:], window, axis=0, mode="nearest")
    return np.concatenate([low, high - low], axis=1)


def _joined(parts: list[NDArray[np.generic]], dtype: type) -> NDArray[np.generic]:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
