"""What the manifest says of the gaze network: input, crop, outputs, training data."""

from facekit.train.credits import LICENCE as LICENCE
from facekit.train.credits import PHOTOS

INPUT: dict[str, object] = {
    "eyes": "2 x 52 x 72, left then right eye of the subject, as seen (not mirrored)",
    "colour": "gray (BT.601), float32, 0-255",
    "normalisation": "part of the network: per eye (x - mean) / (standard deviation + 4)",
    "head": "yaw, pitch, roll of the head in the crops' camera axes, degrees",
    "output": "gaze (2): yaw, pitch in degrees in the crops' camera axes; log_sd (2): natural "
    "logarithm of their sd in degrees; eye_gaze (2 x 2): yaw, pitch of the left and right eye; "
    "open (2), hidden (2): logits; points (2 x 13 x 2): outer and inner corner, upper and lower "
    "lid, iris centre and ring, from the crop's centre in halves of its width",
}
CROP = (
    "facekit.estimate.eye_crops: middle between the corners of each eye (landmarks 263, 362 and "
    "33, 133), level with the line between the middles, 92 px per distance of the middles divided "
    "by the cosine of the head's yaw as seen (at least .3); black outside the frame"
)
_RENDERS = {
    "name": "facekit.synthetic eye renders",
    "licence": "facekit's own; made from ICT-FaceKit (MIT, USC ICT) and textures of Face Research "
    "Lab London Set and Canada train people (CC-BY 4.0)",
    "role": "exact gaze, points, openness, pose: the only source of gaze",
}
_LONE = {
    "name": "eye_open_closed, train split",
    "licence": "none stated, research",
    "role": "open or closed, by hand",
}
_ROLE = (
    "eye points by MediaPipe Face Landmarker (Apache-2.0); agreement of two crops of the same eyes"
)


def training_data(photos: bool) -> list[dict[str, str]]:
    """The manifest's list.

    Args:
        photos: whether the network saw eyes out of photos.
    """
    named = ("london", "posed_emotions", "ytf68", "celeba_subset")
    seen = [{**one, "role": _ROLE} for one in PHOTOS if one["name"].startswith(named)]
    return [_RENDERS, _LONE, *(seen if photos else [])]
