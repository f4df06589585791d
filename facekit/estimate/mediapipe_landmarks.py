"""Dense landmarks by MediaPipe's Face Landmarker, on the tracked region (an optional backend).

MediaPipe alone misses small faces in large frames; given an upright, enlarged crop around a face
that MTCNN found, it does not.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facekit.errors import MissingExtraError
from facekit.geometry import apply, box_centre, crop, crop_matrix, invert
from facekit.types import Floats, Image, Landmarks, Region

logger = logging.getLogger(__name__)

_SIZE = 320
_MARGIN = 1.9  # side of the crop in face boxes: MediaPipe's own detector wants room around


class MediaPipeLandmarks:
    """478 landmarks of each region through MediaPipe's Tasks API, picture by picture.

    Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs",
    CVPR workshop 2019.
    """

    def __init__(self, model: Path) -> None:
        """Load the task file `model` (``face_landmarker.task``).

        Raises:
            MissingExtraError: mediapipe cannot be imported.
        """
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise MissingExtraError(
                f"mediapipe cannot be imported ({error})",
                where="--landmarks mediapipe",
                advice="Install it with: pip install mediapipe",
            ) from error
        self._mediapipe = mediapipe
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(model)),
                num_faces=1,
                min_face_detection_confidence=0.3,
                min_face_presence_confidence=0.3,
            )
        )

    def estimate(self, image: Image, regions: Sequence[Region]) -> list[Landmarks | None]:
        """Landmarks of each region of `image`, (height, width, 3) uint8 RGB; None where none."""
        return [self._one(image, region) for region in regions]

    def close(self) -> None:
        """Free MediaPipe's threads."""
        self._landmarker.close()

    def _one(self, image: Image, region: Region) -> Landmarks | None:
        eyes = region.points[1] - region.points[0]
        roll_deg = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
        side = _MARGIN * float(max(region.box[2:]))
        matrix = crop_matrix(box_centre(region.box), side, roll_deg, _SIZE)
        patch = np.ascontiguousarray(crop(image, matrix, _SIZE))
        found = self._landmarker.detect(
            self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=patch)
        ).face_landmarks
        if not found:
            return None
        # MediaPipe's units: shares of the crop, with pixel edges (not centres) at whole numbers.
        crop_points = np.array([[p.x, p.y, p.z] for p in found[0]], np.float32) * _SIZE
        return Landmarks(_to_frame(crop_points, matrix, side / _SIZE))


def _to_frame(
    points: Floats, matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]], scale: float
) -> Floats:
    """(478, 3) crop points in frame pixels; depth keeps the scale of x."""
    flat = apply(invert(matrix), points[:, :2] - 0.5)
    return np.column_stack([flat, points[:, 2] * scale]).astype(np.float32)
