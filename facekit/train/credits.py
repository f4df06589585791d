"""What the face networks were trained on, with licences as in data/README.md."""

RENDERS: dict[str, str] = {
    "name": "facekit.synthetic renders",
    "licence": "facekit's own; made from ICT-FaceKit (MIT, USC ICT) and textures of Face Research "
    "Lab London Set and Canada train people (CC-BY 4.0)",
    "role": "exact points, depth and rotation",
}
_TEACHER = "labels by MediaPipe Face Landmarker (Apache-2.0), mean of the photo and its mirror"
PHOTOS: tuple[dict[str, str], ...] = (
    {
        "name": "london (Face Research Lab London Set, Canada, 3dsk), train people",
        "licence": "CC-BY 4.0; 3dsk CC-BY-like",
        "role": _TEACHER,
    },
    {
        "name": "posed_emotions, train performers",
        "licence": "none stated, research",
        "role": _TEACHER,
    },
    {
        "name": "ytf68 (YouTube Faces), train people",
        "licence": "MIT (repository); research",
        "role": _TEACHER,
    },
    {"name": "celeba_subset (CelebA)", "licence": "non-commercial research", "role": _TEACHER},
    {
        "name": "cfp (CFP, UMD), frontal pictures of folds 0-6",
        "licence": "none stated, research",
        "role": _TEACHER,
    },
    {
        "name": "ferplus, train",
        "licence": "FER+ votes MIT; FER2013 pictures from the web",
        "role": _TEACHER,
    },
    {"name": "lfw, train", "licence": "Apache-2 (repository); LFW, research", "role": _TEACHER},
)
INPUT: dict[str, object] = {
    "size": "112 x 112",
    "colour": "RGB planes, float32, 0-255",
    "normalisation": "none; the first norm is part of the network",
}
CROP = (
    "upright square of facekit.estimate.crops: 1.38 x the longer side of the box around the "
    "landmarks, or 1.37 x the square root of the area of MTCNN's box, .046 of the side lower; "
    "roll by a similarity fit of 10 landmarks or of MTCNN's 5 points; black outside the frame"
)
LICENCE = "MIT, as facekit; some training photos are for research only (see training_data)"


def training_data(photos: bool) -> list[dict[str, str]]:
    """The manifest's list.

    Args:
        photos: whether the network saw the labelled photos.
    """
    return [RENDERS, *PHOTOS] if photos else [RENDERS]
