"""The first pass: every face of a video, small and doubtful ones too, followed while it is lost.

What is kept of each frame is its time and the boxes of its faces.
"""

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekit.detect.cascade import Detector
from facekit.estimate.crops import Square, box_of_square, square_of_landmarks, square_of_region
from facekit.estimate.landmarks import LandmarkEstimator, is_present
from facekit.estimate.patches import cut
from facekit.geometry import iou
from facekit.runtime.device import Device
from facekit.track.appearance import appearances
from facekit.track.scene import CutDetector
from facekit.track.tracker import Tracker
from facekit.types import Floats, Frame, Region

SMALLEST_PX = 16.0
"""Smallest face searched for; below it a face is a dozen pixels."""

FOUND_SCORE = 0.7
"""From here on the detector counts a face as found. A less likely one is hidden if the landmarks
hold it for a face as well."""

_THRESHOLDS = (0.5, 0.5, 0.5)
_START_SCORE = 0.5
_FOLLOW_S = 3.0
_SAME_FACE_IOU = 0.3


@dataclass(slots=True)
class Trail:
    """Where one track was seen, in rising order of frames, within one shot.

    Attributes:
        shot: number of the shot, from 0.
        sure: whether it was a face to the detector or, once at least, to the landmarks.
        frames: indices.
        boxes: x, y, width, height of each, pixels.
    """

    shot: int
    sure: bool = False
    frames: "array[int]" = field(default_factory=lambda: array("q"))
    boxes: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, frame: int, box: Floats) -> None:
        """Remember where it was in a frame after those before."""
        self.frames.append(frame)
        self.boxes.extend(box.tolist())

    def box_array(self) -> NDArray[np.float64]:
        """(n, 4) the boxes."""
        return np.array(self.boxes, np.float64).reshape(-1, 4)


@dataclass(slots=True)
class _Lost:
    """A face that the detector lost: where its landmarks were last, and since when."""

    square: Square
    since_s: float


class Finder:
    """Finds and follows the faces of a video, frame by frame.

    Attributes:
        times: seconds of every frame.
        shots: number of every frame's shot.
        trails: by track.
        found: detections that the detector would call faces by its usual thresholds.
    """

    def __init__(self, device: Device, smallest_px: float = SMALLEST_PX) -> None:
        """Load the networks.

        Raises:
            WeightsError: a file is missing or damaged.
        """
        self.times: array[float] = array("d")
        self.shots: array[int] = array("l")
        self.trails: dict[int, Trail] = {}
        self.found = 0
        self._smallest_px = smallest_px
        self._detector = Detector(device, thresholds=_THRESHOLDS)
        self._landmarks = LandmarkEstimator(device)
        self._tracker = Tracker(start_score=_START_SCORE)
        self._cuts = CutDetector()
        self._shot = 0
        self._last: dict[int, tuple[Region, float]] = {}
        self._lost: dict[int, _Lost] = {}

    def take(self, frame: Frame) -> None:
        """Look at the next frame."""
        if self._cuts.is_cut(frame.image):
            self._tracker.cut()
            self._last, self._lost = {}, {}
            self._shot += 1
        self.times.append(frame.time_s)
        self.shots.append(self._shot)
        detections = self._detector.detect(frame.image, self._smallest_px)
        self.found += sum(1 for detection in detections if detection.score >= FOUND_SCORE)
        described = appearances(frame.image, [detection.box for detection in detections])
        regions = self._tracker.associate(frame.time_s, detections, described)
        place = len(self.times) - 1
        for region in regions:
            self._add(region.track, place, region.box)
        self._judge(frame, regions)
        self._follow(frame, place, regions)

    def _add(self, track: int | None, place: int, box: Floats) -> None:
        assert track is not None  # the tracker numbers every region of a video
        self.trails.setdefault(track, Trail(self._shot)).add(place, box)

    def _judge(self, frame: Frame, regions: list[Region]) -> None:
        """Ask the landmarks about tracks that the detector has never been sure of."""
        doubtful = []
        for region in regions:
            trail = self.trails[region.track or 0]
            trail.sure = trail.sure or region.score >= FOUND_SCORE
            if not trail.sure:
                doubtful.append(region)
        patches = cut(frame.image, [square_of_region(region) for region in doubtful])
        for region, look in zip(doubtful, self._landmarks.estimate(patches), strict=True):
            self.trails[region.track or 0].sure = is_present(look)

    def _follow(self, frame: Frame, place: int, regions: list[Region]) -> None:
        """Go on by the landmarks where the detector has just lost a face, as when it turns."""
        seen = {region.track for region in regions}
        for track, (region, time_s) in self._last.items():
            if track not in seen:
                self._lost[track] = _Lost(square_of_region(region), time_s)
        self._last = {r.track: (r, frame.time_s) for r in regions if r.track is not None}
        self._lost = {
            track: lost
            for track, lost in self._lost.items()
            if track not in seen and frame.time_s - lost.since_s <= _FOLLOW_S
        }
        taken = np.array([region.box for region in regions], np.float32).reshape(-1, 4)
        patches = cut(frame.image, [lost.square for lost in self._lost.values()])
        looks = self._landmarks.estimate(patches)
        for (track, lost), look in zip(list(self._lost.items()), looks, strict=True):
            square = square_of_landmarks(look.points)
            box = box_of_square(square)
            claimed = iou(box[None], taken).max(initial=0.0) > _SAME_FACE_IOU
            if claimed or not is_present(look) or not np.isfinite(box).all():
                del self._lost[track]
            else:
                self._lost[track] = _Lost(square, lost.since_s)
                self._add(track, place, box)

    def close(self) -> None:
        """End the detector's threads."""
        self._detector.close()
