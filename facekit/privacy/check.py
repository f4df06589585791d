"""What a detector and an embedder still find of the faces that were hidden."""

from dataclasses import dataclass

import numpy as np

from facekit.detect.cascade import Detector
from facekit.estimate import identity
from facekit.estimate.face_quality import face_quality
from facekit.estimate.identity import IdentityEstimator
from facekit.privacy.covers import Cover, Covers
from facekit.privacy.styles import covers_point
from facekit.runtime import weights
from facekit.runtime.device import Device
from facekit.track.persons import GOOD
from facekit.track.tracker import START_SCORE
from facekit.types import Detection, Face, Floats, Frame, Image, Region

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike hidden faces are to their originals: cosines of their embeddings.

    Attributes:
        pairs: faces compared: of each track one per second, seen at the original's points, and
            each one that the detector found again, at its own points. Only faces that are seen
            well enough in the original to tell who somebody is.
        highest: largest cosine; NaN without pairs.
        mean: mean cosine; NaN without pairs.
        threshold: from here on two faces count as one person's.
        alike: pairs at or above it.
    """

    pairs: int
    highest: float
    mean: float
    threshold: float
    alike: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What is left of the faces of a video; faces of kept people are not counted.

    Attributes:
        faces_after: detections in all frames of the result.
        uncovered: those at places where nothing was covered.
        plain: those of them that are sure enough to begin a track.
        likeness: None where the embedder's weights are not installed.
    """

    faces_after: int
    uncovered: int
    plain: int
    likeness: Likeness | None

    @property
    def recognisable(self) -> int:
        """Faces that are still somebody's: alike to their original, or never covered."""
        return self.plain + (self.likeness.alike if self.likeness else 0)


class Checker:
    """Looks at a video and its anonymised copy, frame by frame."""

    def __init__(self, device: Device, covers: Covers) -> None:
        """Load the networks; the embedder only where it is installed.

        Raises:
            WeightsError: a file is missing or damaged.
        """
        self._covers = covers
        self._detector = Detector(device)
        known = identity.NETWORK in weights.load_manifest().networks
        self._embedder = IdentityEstimator(device) if known else None
        self._due: dict[int, float] = {}
        self._cosines: list[float] = []
        self._after = self._uncovered = self._plain = 0

    def take(self, before: Frame, after: Frame) -> None:
        """Compare a frame with its copy."""
        covers = self._covers.at(before.index)
        kept = self._covers.kept_at(before.index)
        found = [
            detection
            for detection in self._detector.detect(after.image)
            if not any(lies_on(detection, cover) for cover in kept)
        ]
        on_cover = [any(lies_on(d, cover) for cover in covers) for d in found]
        bare = [d for d, covered in zip(found, on_cover, strict=True) if not covered]
        again = [d for d, covered in zip(found, on_cover, strict=True) if covered]
        self._after += len(found)
        self._uncovered += len(bare)
        self._plain += sum(1 for detection in bare if detection.score >= START_SCORE)
        if self._embedder is not None:
            self._compare(before, after, covers, again)

    def findings(self) -> Findings:
        """Everything so far."""
        likeness = None
        if self._embedder is not None:
            cosines, limit = np.array(self._cosines), identity.threshold()
            likeness = Likeness(
                pairs=len(cosines),
                highest=float(cosines.max()) if len(cosines) else float("nan"),
                mean=float(cosines.mean()) if len(cosines) else float("nan"),
                threshold=limit,
                alike=int((cosines >= limit).sum()),
            )
        return Findings(self._after, self._uncovered, self._plain, likeness)

    def close(self) -> None:
        """End the detector's threads."""
        self._detector.close()

    def _compare(
        self, before: Frame, after: Frame, covers: list[Cover], found: list[Detection]
    ) -> None:
        due = [c for c in covers if c.seen and before.time_s >= self._due.get(c.track, -1.0)]
        originals = self._seen_in(before, np.array([cover.box for cover in due]))
        for cover, original in zip(due, originals, strict=True):
            if original is not None:
                self._due[cover.track] = before.time_s + _EVERY_S
                self._add(before, original.points, after, original.points)
        # A face that is found again is compared where it now seems to be, too.
        places = self._seen_in(before, np.array([detection.box for detection in found]))
        for again, original in zip(found, places, strict=True):
            if original is not None:
                self._add(before, original.points, after, again.points)

    def _seen_in(self, frame: Frame, boxes: Floats) -> list[Detection | None]:
        refined = self._detector.refine(frame.image, boxes.reshape(-1, 4))
        return [d if d is not None and _tells_who(d, frame.image) else None for d in refined]

    def _add(self, before: Frame, first: Floats, after: Frame, second: Floats) -> None:
        assert self._embedder is not None  # the caller has asked
        one = self._embedder.estimate(before.image, [first])
        other = self._embedder.estimate(after.image, [second])
        self._cosines.append(float((one[0] * other[0]).sum()))


def _tells_who(detection: Detection, image: Image) -> bool:
    """Whether an embedding of the face says anything, as where people are enrolled.

    Those of profiles and of small or blurred faces are like those of no face at all.
    """
    if detection.score < START_SCORE:
        return False
    region = Region(None, detection.box, detection.score, detection.points, True)
    upright = identity.chip(image, detection.points)
    return face_quality(Face(region, "ok"), upright) >= GOOD


def lies_on(detection: Detection, cover: Cover) -> bool:
    """Whether the middle of a detection lies on what is covered."""
    x, y = detection.box[:2] + detection.box[2:] / 2
    return covers_point(cover, float(x), float(y))
