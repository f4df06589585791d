"""dlib's embedder: ``python -m facekit.train identity-dlib --data DIR --faces DIR --folder DIR``.

Davis King's ``dlib_face_recognition_resnet_model_v1``, in the public domain (CC0 1.0), out of the
package face_recognition_models (extra ``train``). It is what `facekit.train.identity` starts from;
here it is published as it is, with its threshold on validation people.
"""

import argparse
import importlib.metadata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from facekit.errors import MissingExtraError, WeightsError
from facekit.network.identity import FEATURES, VECTOR, IdentityNetwork
from facekit.train.identity_data import Judge, validation_of_data
from facekit.train.identity_publish import START, publish_embedder
from facekit.types import Floats

SOURCE = "dlib's face recognition network (CC0 1.0), converted"
_PACKAGE = "face_recognition_models"
_FILE = "dlib_face_recognition_resnet_model_v1.dat"
_TENSOR = b"\x01\x02"  # every tensor begins with the number of its format: one byte, a 2
_AXES = 4


def main(arguments: list[str]) -> int:
    """Convert the network into a weights folder."""
    parser = argparse.ArgumentParser(
        prog="python -m facekit.train identity-dlib", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--faces", type=Path, required=True, help="cache of identity-faces")
    parser.add_argument("--folder", type=Path, required=True, help="weights folder to write into")
    parser.add_argument("--dat", type=Path, help=f"{_FILE}; default: that of {_PACKAGE}")
    options = parser.parse_args(arguments)
    publish_embedder(
        convert(options.dat),
        Judge(validation_of_data(options.data, options.faces)),
        options.folder,
        command="python -m facekit.train identity-dlib --data ../shared/data --faces faces "
        "--folder weights",
        seed=None,
        training_data=[START],
        source=SOURCE,
        notes={},
    )
    return 0


def convert(path: Path | None = None) -> IdentityNetwork:
    """The network of dlib in torch.

    Args:
        path: the .dat file; None takes the one that face_recognition_models holds.

    Raises:
        MissingExtraError: the package is not installed.
        WeightsError: the file does not hold this network.
    """
    path = path or _installed()
    network = IdentityNetwork()
    layers = [layer[0] for layer in network.convolutions()]
    sizes = [size for layer in layers for size in (_size(layer), 2 * _outputs(layer))]
    found = iter(tensors(path, [*sizes, FEATURES * VECTOR]))
    for layer in layers:
        _fill(layer, next(found), next(found))
    vector = torch.from_numpy(next(found)).reshape(FEATURES, VECTOR)
    network.vector.load_state_dict({"weight": vector.T.contiguous()})
    return network.eval()


def tensors(path: Path, sizes: Sequence[int]) -> Iterator[Floats]:
    """The tensors of a dlib network, flat, in the order in which they are computed with.

    Between tensors stand the layers' names and settings: they are skipped until something has
    the form of a tensor of the next size.

    Args:
        path: a file written by dlib's ``serialize``.
        sizes: numbers in each tensor that is wanted.

    Raises:
        WeightsError: there is no such tensor.
    """
    data = path.read_bytes()
    place = 0
    for number, size in enumerate(sizes):
        place = data.find(_TENSOR, place)
        while place >= 0 and not (begin := _begins(data, place + len(_TENSOR), size)):
            place = data.find(_TENSOR, place + 1)
        if place < 0:
            raise WeightsError(
                f"holds no tensor of {size} numbers where number {number} is expected",
                where=path,
                advice=f"Give {_FILE} of the package {_PACKAGE}",
            )
        yield np.frombuffer(data, "<f4", size, begin).astype(np.float32)
        place = begin + 4 * size


def _begins(data: bytes, place: int, size: int) -> int:
    """Where the numbers of a tensor begin whose shape stands at `place`; 0 if none does."""
    product = 1
    for _ in range(_AXES):
        length = data[place] if place < len(data) else 0
        if not 1 <= length <= _AXES:
            return 0
        product *= int.from_bytes(data[place + 1 : place + 1 + length], "little")
        place += 1 + length
    return place if product == size and place + 4 * size <= len(data) else 0


def _fill(layer: nn.Module, filters: Floats, affine: Floats) -> None:
    """Filters and biases, then scale and shift of the affine layer behind them, into one layer."""
    assert isinstance(layer, nn.Conv2d)
    count = layer.out_channels
    weight = torch.from_numpy(filters[:-count]).reshape(layer.weight.shape)
    bias, gamma, beta = (
        torch.from_numpy(x) for x in (filters[-count:], affine[:count], affine[count:])
    )
    layer.load_state_dict(
        {"weight": weight * gamma[:, None, None, None], "bias": bias * gamma + beta}
    )


def _size(layer: nn.Module) -> int:
    assert isinstance(layer, nn.Conv2d)
    return layer.weight.numel() + layer.out_channels


def _outputs(layer: nn.Module) -> int:
    assert isinstance(layer, nn.Conv2d)
    return layer.out_channels


def _installed() -> Path:
    try:
        distribution = importlib.metadata.distribution(_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingExtraError(
            f"the package {_PACKAGE} is not installed",
            where="identity-dlib",
            advice="pip install 'facekit[train]'",
        ) from error
    return Path(str(distribution.locate_file(f"{_PACKAGE}/models/{_FILE}")))
