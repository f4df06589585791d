"""The faces of a frame between finding and measuring them."""

from dataclasses import dataclass

from facekit.estimate.crops import square_of_landmarks, square_of_region
from facekit.estimate.landmarks import is_present
from facekit.estimate.patches import Patches, cut
from facekit.types import Frame, Landmarks, Region, Status

LOW_QUALITY_SIDE_PX = 24
LOW_QUALITY_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """Aligned lists, and crops where some were cut already.

    Attributes:
        regions: of the faces.
        landmarks: None where none are run.
        patches: the crops in which the landmarks were found; None: none were cut.
    """

    regions: list[Region]
    landmarks: list[Landmarks | None]
    patches: Patches | None = None

    def largest(self) -> "Seen":
        """The largest face alone; there is at least one."""
        sizes = [float(region.box[2:].prod()) for region in self.regions]
        best = sizes.index(max(sizes))
        patches = self.patches and self.patches.only(best)
        return Seen([self.regions[best]], [self.landmarks[best]], patches)

    def crops(self, frame: Frame) -> Patches:
        """The crops, cut now where the landmarks' backend cut none of its own."""
        if self.patches is not None:
            return self.patches
        squares = [
            square_of_region(region) if marks is None else square_of_landmarks(marks.points)
            for region, marks in zip(self.regions, self.landmarks, strict=True)
        ]
        return cut(frame.image, squares)


def status_of(region: Region, landmarks: Landmarks | None) -> Status:
    """What a table says of a face's quality."""
    small = float(min(region.box[2:])) < LOW_QUALITY_SIDE_PX
    unsure = region.score < LOW_QUALITY_SCORE or (
        landmarks is not None and not is_present(landmarks)
    )
    return "low_quality" if small or unsure else "ok"
