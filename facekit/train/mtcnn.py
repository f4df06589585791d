"""Conversion of MTCNN's published weights: ``python -m facekit.train mtcnn``.

Reads the weights inside the installed package facenet-pytorch (MIT), which converted those of
Zhang et al. (2016), and publishes them under facekit's own definitions. Nothing is trained, and
nothing else in facekit imports facenet-pytorch.
"""

import argparse
import importlib.metadata
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from facekit.detect.resample import AreaSampler, Inputs, Level
from facekit.network.mtcnn import (
    CropNetwork,
    ProposalNetwork,
    SquareNetwork,
    TileNetwork,
    fast_form,
)
from facekit.runtime.weights import MANIFEST
from facekit.train.publish import Publication, publish, read_raw, write_raw
from facekit.types import Image

_LOG = logging.getLogger(__name__)
_BOXES = np.array([[3, 5, 40, 42], [50, 20, 99, 69], [-9, 60, 60, 129]], np.float32)
_CHECKOUT = Path(__file__).resolve().parents[2]
_BOX = "logit of a face, then offsets of left, top, right and bottom edge as shares of the box"
_POINTS = f"{_BOX}, then 5 x and 5 y of the points as shares of the box"
_OPTIONAL: dict[str, dict[str, Any]] = {
    "mediapipe": {
        "file": "face_landmarker.task",
        "url": "https://storage.googleapis.com/mediapipe-models/face_landmarker/"
        "face_landmarker/float16/1/face_landmarker.task",
        "sha256": "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        "licence": "Apache-2.0",
        "description": "Google's face landmarker (478 points) for --landmarks mediapipe.",
    },
    "facenet": {
        "file": "20180402-114759-vggface2.pt",
        "url": "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
        "20180402-114759-vggface2.pt",
        "sha256": None,
        "licence": "MIT (code and conversion); trained on VGGFace2",
        "description": "facenet-pytorch's InceptionResnetV1 for --embedder facenet; its hash is "
        "pinned at the first pull, and it is read with torch's weights_only.",
    },
}


def main(arguments: list[str]) -> int:
    """Convert all three networks into a weights folder."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train mtcnn", description=__doc__)
    parser.add_argument("--folder", type=Path, default=_CHECKOUT / "weights")
    folder: Path = parser.parse_args(arguments).folder
    convert(folder)
    return 0


def convert(folder: Path) -> None:
    """Publish P-, R- and O-Net, the optional entries and the licence into `folder`."""
    proposal = _proposal(_state("pnet"))
    sampler = AreaSampler(_noise(100, 140))
    tile = _tensors(sampler.tile(Level(0.6, 61, 84), slice(0, 61), slice(0, 84)))
    publish(
        "mtcnn_proposal",
        TileNetwork(proposal),
        list(tile.values()),
        _publication("mtcnn.TileNetwork", {}, tile, "any size from 12 x 12", "pyramid level", _BOX),
        folder,
        dynamic={
            "table": {0: "table_blocks"},
            "blocks": {0: "blocks"},
            **dict.fromkeys(("top", "bottom", "row_shares"), {0: "height"}),
            **dict.fromkeys(("left", "right", "column_shares"), {0: "width"}),
        },
        graph=TileNetwork(fast_form(proposal)),
    )
    crop = "square around the box with its longer side, cut at the frame's edges, area means"
    for name, file, size, output in (
        ("mtcnn_refinement", "rnet", 24, _BOX),
        ("mtcnn_output", "onet", 48, _POINTS),
    ):
        network = _crop_network(_state(file), size)
        crops = _tensors(sampler.crops(_BOXES, size))
        publish(
            name,
            SquareNetwork(size, network),
            list(crops.values()),
            _publication(
                "mtcnn.SquareNetwork", {"size": size}, crops, f"{size} x {size}", crop, output
            ),
            folder,
            dynamic={
                "table": {0: "pixels"},
                **dict.fromkeys(("first", "last", "shares"), {0: "batch"}),
            },
            graph=SquareNetwork(size, fast_form(network)),
        )
    manifest = read_raw(folder / MANIFEST)
    manifest["optional"].update(_OPTIONAL)
    write_raw(folder / MANIFEST, manifest)
    (folder / "LICENSE.mtcnn").write_text(_licence(), encoding="utf-8")
    _LOG.info("MTCNN's three networks are in %s", folder)


def _publication(
    architecture: str,
    arguments: dict[str, int],
    inputs: Mapping[str, Tensor],
    size: str,
    crop: str,
    output: str,
) -> Publication:
    return Publication(
        architecture=architecture,
        arguments=arguments,
        inputs=list(inputs),
        outputs=["maps"] if architecture.endswith("TileNetwork") else ["rows"],
        input={
            "size": size,
            "given as": "the frame's summed-area table (RGB, int32, modulo 2**32) and the places "
            "in it where each pixel's area begins and ends; the graph takes the means",
            "colour": "RGB, 0-255",
            "normalisation": "none; (x - 127.5) / 128 is part of the first convolution",
            "output": output,
        },
        crop=crop,
        training_data=[
            {
                "name": "WIDER FACE",
                "licence": "research use, as stated by its authors",
                "role": "boxes; by Zhang et al., not by facekit",
            },
            {
                "name": "CelebA",
                "licence": "non-commercial research, as stated by its authors",
                "role": "points; by Zhang et al., not by facekit",
            },
        ],
        seed=None,
        command="python -m facekit.train mtcnn",
        scores={},
        licence="MIT (LICENSE.mtcnn)",
        source=f"facenet-pytorch {importlib.metadata.version('facenet-pytorch')}; Zhang, Zhang, "
        "Li and Qiao, IEEE Signal Processing Letters 23 (2016)",
    )


def _state(name: str) -> dict[str, Tensor]:
    distribution = importlib.metadata.distribution("facenet-pytorch")
    path = distribution.locate_file(f"facenet_pytorch/data/{name}.pt")
    state: dict[str, Tensor] = torch.load(str(path), map_location="cpu", weights_only=True)
    return state


def _noise(height: int, width: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _tensors(inputs: Inputs) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in inputs.items()}


def _proposal(state: dict[str, Tensor]) -> ProposalNetwork:
    network = ProposalNetwork()
    _load_stages(network.stages, state)
    _load(network.head, *_merged(state, ["conv4_1", "conv4_2"]))
    return network


def _crop_network(state: dict[str, Tensor], size: int) -> CropNetwork:
    network = CropNetwork(size)
    last = 4 if size == 24 else 5
    heads = [f"dense{last + 1}_{i}" for i in ((1, 2) if size == 24 else (1, 2, 3))]
    _load_stages(network.stages, state)
    weight = state[f"dense{last}.weight"]
    # The published layer reads (width, height, channel); facekit's reads (channel, height, width).
    channels = weight.shape[1] // 9
    weight = weight.reshape(-1, 3, 3, channels).permute(0, 3, 2, 1).flatten(1)
    _load(network.dense, weight, state[f"dense{last}.bias"])
    network.slope.weight.data = state[f"prelu{last}.weight"].clone()
    _load(network.head, *_merged(state, heads))
    return network


def _load_stages(stages: nn.Sequential, state: dict[str, Tensor]) -> None:
    for index, stage in enumerate(stages, 1):
        assert isinstance(stage, nn.Sequential)
        weight, bias = state[f"conv{index}.weight"], state[f"conv{index}.bias"]
        if index == 1:
            bias = bias - weight.sum((1, 2, 3)) * (127.5 / 128)
            weight = weight / 128
        _load(stage[0], weight, bias)
        stage[1].weight.data = state[f"prelu{index}.weight"].clone()


def _merged(state: dict[str, Tensor], heads: list[str]) -> tuple[Tensor, Tensor]:
    """One layer for all heads; the two classes become the logit of their softmax."""
    weights = [state[f"{head}.weight"] for head in heads]
    biases = [state[f"{head}.bias"] for head in heads]
    weights[0], biases[0] = weights[0][1:] - weights[0][:1], biases[0][1:] - biases[0][:1]
    return torch.cat(weights), torch.cat(biases)


def _load(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    layer.load_state_dict({"weight": weight, "bias": bias})


def _licence() -> str:
    distribution = importlib.metadata.distribution("facenet-pytorch")
    text = distribution.read_text("LICENSE.md") or distribution.read_text("licenses/LICENSE.md")
    if not text:
        raise FileNotFoundError("facenet-pytorch's LICENSE.md")
    origin = (
        "mtcnn_*.onnx and mtcnn_*.safetensors hold the weights of MTCNN (Zhang et al., 2016) as\n"
        "shipped in facenet-pytorch, converted by facekit. facenet-pytorch's licence:\n\n"
    )
    return origin + text
