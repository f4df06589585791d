"""Following faces by their landmarks: the next crop of a track comes from its last landmarks.

Cheaper and steadier than a detector: the network that measures a face also says where it is and
whether it is still there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.crops import Square, box_of_square, square_of_landmarks, square_of_region
from facekit.estimate.landmarks import LandmarkEstimator, is_present
from facekit.estimate.patches import Patches, cut
from facekit.geometry import box_centre, iou
from facekit.types import Detection, Floats, Image, Landmarks, Region

_SAME_FACE_IOU = 0.4
_COAST_S = 0.4  # heads stop and turn: no straight line is followed for longer

# fmt: off
# MTCNN's five points as means of landmarks: eyes between their corners, nose tip, mouth corners.
_FIVE = np.array([[33, 133], [362, 263], [4, 4], [61, 61], [291, 291]])
# fmt: on


@dataclass(frozen=True, slots=True)
class Look:
    """Landmarks of some faces of a frame, and the patches that they were read from."""

    landmarks: list[Landmarks]
    patches: Patches


@dataclass(frozen=True, slots=True)
class _Kept:
    """A face of the last frame.

    Attributes:
        square: around its landmarks.
        time_s: of that frame.
        velocity: (2,) motion of the square's centre, pixels per second.
        box: (4,) the detector's box at the last search.
        framed: the square that the landmarks had then.
    """

    square: Square
    time_s: float
    velocity: NDArray[np.float64]
    box: Floats
    framed: Square

    def box_at(self, square: Square) -> Floats:
        """The detector's box, moved and scaled as the landmarks were since the search.

        The detector frames every face a little differently; so the box does not jump with each
        search.
        """
        scale = square.side / self.framed.side
        centre = square.centre + scale * (box_centre(self.box) - self.framed.centre)
        size = scale * self.box[2:]
        return np.concatenate([centre - size / 2, size]).astype(np.float32)


class LandmarkFollower:
    """Looks at the faces of a video, frame after frame.

    Per frame: `expect` where the live tracks lead; then either `follow` them, or `look` at the
    regions that a search gave; `keep` what was seen.
    """

    def __init__(self, estimator: LandmarkEstimator) -> None:
        """Follow with `estimator`."""
        self._estimator = estimator
        self.reset()

    def reset(self) -> None:
        """Forget all faces, as before a new video or after a cut."""
        self._kept: dict[int | None, _Kept] = {}
        self._expected: dict[int | None, Square] = {}

    def expect(self, time_s: float) -> None:
        """Move the squares of the last `keep` on, each with its own landmarks' motion.

        The tracker's prediction would not do: it carries the jump from a detector's box to the
        landmarks' into the crops after every search.

        Args:
            time_s: of the frame that comes.
        """
        self._expected = {}
        for track, kept in self._kept.items():
            elapsed = min(max(time_s - kept.time_s, 0.0), _COAST_S)
            moved = kept.square.centre + elapsed * kept.velocity
            self._expected[track] = Square(moved, kept.square.side, kept.square.roll_deg)

    def follow(self, image: Image) -> tuple[list[Detection | None], Look]:
        """Look at each track where it is expected.

        Returns:
            For each the face there, or None where there is none any more; and the look.
        """
        look = self._at(image, list(self._expected.values()))
        faces = zip(self._kept.values(), look.landmarks, strict=True)
        return [_detection(kept, found) for kept, found in faces], look

    def look(self, image: Image, regions: Sequence[Region]) -> Look:
        """Look at faces that a search found: a second time at those that are new.

        Args:
            image: (h, w, 3) uint8 RGB.
            regions: found in it.
        """
        squares = [self._continued(region) for region in regions]
        new = [row for row, square in enumerate(squares) if square is None]
        rough = [square_of_region(regions[row]) for row in new]
        first = self._at(image, rough)
        for row, square, found in zip(new, rough, first.landmarks, strict=True):
            # A detector's box is a rougher guide than landmarks.
            squares[row] = square_of_landmarks(found.points) if is_present(found) else square
        return self._at(image, [square for square in squares if square is not None])

    def keep(
        self, time_s: float, regions: Sequence[Region], landmarks: Sequence[Landmarks]
    ) -> None:
        """Remember the live tracks' faces for the next frame.

        Args:
            time_s: of this frame.
            regions: all live tracks, in the tracker's order.
            landmarks: one for each.
        """
        before, self._kept = self._kept, {}
        for region, found in zip(regions, landmarks, strict=True):
            present = is_present(found)
            square = square_of_landmarks(found.points) if present else square_of_region(region)
            last, velocity = before.get(region.track), np.zeros(2)
            if present and last is not None and time_s > last.time_s:
                velocity = (square.centre - last.square.centre) / (time_s - last.time_s)
            box, framed = region.box, square
            if last is not None and not (region.detected and present):
                box, framed = last.box, last.framed
            self._kept[region.track] = _Kept(square, time_s, velocity, box, framed)

    def _continued(self, region: Region) -> Square | None:
        square = self._expected.get(region.track)
        if square is None:
            return None
        overlap = float(iou(box_of_square(square)[None], region.box[None])[0, 0])
        return square if overlap > _SAME_FACE_IOU else None

    def _at(self, image: Image, squares: Sequence[Square]) -> Look:
        patches = cut(image, squares)
        return Look(self._estimator.estimate(patches), patches)


def _detection(kept: _Kept, landmarks: Landmarks) -> Detection | None:
    """What the detector would say of a followed face; None where there is none any more."""
    if not is_present(landmarks) or landmarks.presence is None:
        return None
    five = landmarks.points[_FIVE, :2].mean(axis=1).astype(np.float32)
    box = kept.box_at(square_of_landmarks(landmarks.points))
    return Detection(box, landmarks.presence, five)
