"""Tracks: the same face from frame to frame.

Matching is one to one by overlap with a constant-velocity prediction in seconds, helped by the
appearance of head and clothes (as in SORT and DeepSORT: Bewley et al. 2016, Wojke et al. 2017).
A track that is lost may resume within `RESUME_S`; a cut ends every track. A track is not a
person: who is who over cuts and files is decided elsewhere, from identity embeddings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from facekit.geometry import box_centre, iou
from facekit.track.appearance import likeness
from facekit.types import Detection, Floats, Region

RESUME_S = 2.0
"""A face unseen for longer than this comes back as a new track."""

START_SCORE = 0.9
"""A new track starts from a detection at least this sure; a running one may be less so."""

_SAME_FACE_IOU = 0.5
_VELOCITY_GAIN = 0.4
_APPEARANCE_GAIN = 0.1
_COAST_S = 0.4
_HOPELESS = 1e6


@dataclass(slots=True)
class _Track:
    number: int
    box: NDArray[np.float64]
    time_s: float
    appearance: Floats
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def predict(self, time_s: float) -> NDArray[np.float64]:
        # People stop and turn: beyond a short while a straight line is a worse guess than rest.
        elapsed = min(max(time_s - self.time_s, 0.0), _COAST_S)
        return np.concatenate([self.box[:2] + elapsed * self.velocity, self.box[2:]])

    def observe(self, detection: Detection, time_s: float, appearance: Floats | None) -> None:
        box = np.asarray(detection.box, np.float64)
        elapsed = time_s - self.time_s
        if elapsed > 0:
            speed = (box_centre(box) - box_centre(self.box)) / elapsed
            self.velocity += _VELOCITY_GAIN * (speed - self.velocity)
        self.box, self.time_s = box, time_s
        if appearance is not None:
            mixed = self.appearance + _APPEARANCE_GAIN * (appearance - self.appearance)
            self.appearance = np.asarray(mixed / np.linalg.norm(mixed), np.float32)


class Tracker:
    """Gives each face of a video a stable number.

    Call `associate` on frames that were searched whole, `follow` on frames where each live
    track's own region was refined. Time comes in with every call and must not fall.

    Example:
        >>> tracker = Tracker()
        >>> tracker.associate(0.0, [], [])
        []
    """

    def __init__(self, max_faces: int | None = None, start_score: float = START_SCORE) -> None:
        """Start with no face seen.

        Args:
            max_faces: follow at most so many at a time, the largest first; None for all.
            start_score: least probability of a detection that starts a track.
        """
        self._max_faces = max_faces
        self._start_score = start_score
        self.reset()

    def reset(self) -> None:
        """Forget everything, as before a new video; numbers start from 0 again."""
        self._live: list[_Track] = []
        self._lost: list[_Track] = []
        self._next_number = 0
        self._last_time_s: float | None = None

    def cut(self) -> None:
        """End all tracks: none of them resumes after a cut."""
        self._live, self._lost = [], []

    def predict(self, time_s: float) -> Floats:
        """(n, 4) boxes where the live tracks should be at `time_s`."""
        boxes = [track.predict(time_s) for track in self._live]
        return np.asarray(boxes, np.float32).reshape(-1, 4)

    def follow(self, time_s: float, refined: Sequence[Detection | None]) -> list[Region] | None:
        """Continue every live track with the refinement of its own region.

        Args:
            time_s: seconds since the first frame.
            refined: one for each box of `predict`, in its order; None where no face was left.

        Returns:
            One region for each live track; or None, with nothing changed, when a face was lost
            or two tracks ended on one face: then the whole frame must be searched.
        """
        if len(refined) != len(self._live):
            raise ValueError(f"{len(refined)} refinements for {len(self._live)} live tracks")
        found = [detection for detection in refined if detection is not None]
        if len(found) < len(refined) or _has_doubles(found):
            return None
        for track, detection in zip(self._live, found, strict=True):
            track.observe(detection, time_s, None)
        self._last_time_s = time_s
        return self._regions(found, detected=False)

    def associate(
        self, time_s: float, detections: Sequence[Detection], appearances: Sequence[Floats]
    ) -> list[Region]:
        """Match the detections of a whole frame to tracks; start tracks for new faces.

        Args:
            time_s: seconds since the first frame.
            detections: faces found on this frame.
            appearances: one description for each detection.

        Returns:
            One region for each live track, in order of track number.
        """
        # 1. A track unseen for too long is over. Sparse sampling stretches the limit.
        step = 0.0 if self._last_time_s is None else time_s - self._last_time_s
        patience = max(RESUME_S, 1.5 * step)
        self._lost = [t for t in self._lost if time_s - t.time_s <= patience]
        self._last_time_s = time_s

        # 2. Live tracks take the detections that continue them.
        free = list(range(len(detections)))
        taken: dict[int, _Track] = {}
        boxes = np.asarray([d.box for d in detections], np.float32).reshape(-1, 4)
        costs = _continuation_costs(self._live, boxes, appearances, time_s)
        for row, column in _assign(costs):
            taken[column] = self._live[row]
        self._lost += [t for t in self._live if all(t is not u for u in taken.values())]

        # 3. What is left may be a face that was hidden for a while.
        free = [i for i in free if i not in taken]
        costs = _return_costs(self._lost, boxes[free], [appearances[i] for i in free], time_s)
        for row, column in _assign(costs):
            taken[free[column]] = self._lost[row]
        for i, track in taken.items():
            track.observe(detections[i], time_s, appearances[i])
        self._lost = [t for t in self._lost if all(t is not u for u in taken.values())]

        # 4. The rest are new faces, the largest first, as long as there is room.
        fresh = [i for i in free if i not in taken and detections[i].score >= self._start_score]
        for i in sorted(fresh, key=lambda i: -float(boxes[i, 2:].prod())):
            if self._max_faces is None or len(taken) < self._max_faces:
                taken[i] = self._start(boxes[i], time_s, appearances[i])

        order = sorted(taken, key=lambda i: taken[i].number)
        self._live = [taken[i] for i in order]
        return self._regions([detections[i] for i in order], detected=True)

    def _start(self, box: Floats, time_s: float, appearance: Floats) -> _Track:
        track = _Track(self._next_number, np.asarray(box, np.float64), time_s, appearance)
        self._next_number += 1
        return track

    def _regions(self, detections: Sequence[Detection], *, detected: bool) -> list[Region]:
        return [
            Region(track.number, d.box, d.score, d.points, detected)
            for track, d in zip(self._live, detections, strict=True)
        ]


def _has_doubles(detections: Sequence[Detection]) -> bool:
    boxes = np.asarray([d.box for d in detections], np.float32).reshape(-1, 4)
    overlaps = iou(boxes, boxes)
    np.fill_diagonal(overlaps, 0)
    return bool((overlaps > _SAME_FACE_IOU).any())


def _assign(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    if costs.size == 0:
        return []
    rows, columns = linear_sum_assignment(costs)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if costs[row, column] < _HOPELESS]


def _unlikeness(tracks: Sequence[_Track], appearances: Sequence[Floats]) -> NDArray[np.float64]:
    return np.array(
        [[1 - likeness(track.appearance, a) for a in appearances] for track in tracks]
    ).reshape(len(tracks), len(appearances))


def _distances(
    tracks: Sequence[_Track], boxes: Floats, time_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre distances in face sizes, and ratios of sizes (>= 1); both (tracks, boxes)."""
    predicted = np.array([t.predict(time_s) for t in tracks]).reshape(-1, 4)
    sizes = np.sqrt(predicted[:, 2:].prod(-1))[:, None]
    others = np.sqrt(np.asarray(boxes, np.float64)[:, 2:].prod(-1))[None, :]
    centres = predicted[:, None, :2] + predicted[:, None, 2:] / 2
    offsets = centres - (boxes[None, :, :2] + boxes[None, :, 2:] / 2)
    distance = np.linalg.norm(offsets, axis=-1) / np.sqrt(sizes * others)
    return distance, np.maximum(sizes / others, others / sizes)


def _continuation_costs(
    tracks: Sequence[_Track], boxes: Floats, appearances: Sequence[Floats], time_s: float
) -> NDArray[np.float64]:
    """Costs of continuing each live track with each box; hopeless where they are too far apart."""
    if not tracks or len(boxes) == 0:
        return np.zeros((len(tracks), len(boxes)))
    predicted = np.array([t.predict(time_s) for t in tracks])
    overlap = iou(predicted.astype(np.float32), boxes)
    distance, ratio = _distances(tracks, boxes, time_s)
    elapsed = np.array([time_s - t.time_s for t in tracks])[:, None]
    reach = 0.6 + np.minimum(2.0 * elapsed, 2.0)
    allowed = ((overlap > 0.15) | (distance < reach)) & (ratio < 1.8)
    cost = (1 - overlap) + 0.5 * distance + 1.5 * _unlikeness(tracks, appearances)
    return np.where(allowed, cost, _HOPELESS)


def _return_costs(
    tracks: Sequence[_Track], boxes: Floats, appearances: Sequence[Floats], time_s: float
) -> NDArray[np.float64]:
    """Costs of waking each lost track by each box; hopeless where it could not have got there."""
    if not tracks or len(boxes) == 0:
        return np.zeros((len(tracks), len(boxes)))
    distance, ratio = _distances(tracks, boxes, time_s)
    elapsed = np.array([time_s - t.time_s for t in tracks])[:, None]
    unlike = _unlikeness(tracks, appearances)
    reach = 1.0 + np.minimum(3.0 * elapsed, 4.0)
    allowed = (distance < reach) & (ratio < 1.6) & (unlike < 0.35)
    return np.where(allowed, 0.3 * distance + 3.0 * unlike, _HOPELESS)
