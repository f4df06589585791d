"""dlib's stream of bytes, on small ones made by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from facekit.errors import WeightsError
from facekit.network.identity import FEATURES, VECTOR, IdentityNetwork
from facekit.train import identity_dlib


def _integer(value: int) -> bytes:
    """dlib's variable length: the number of bytes, then these."""
    length = max(1, (value.bit_length() + 7) // 8)
    return bytes([length]) + value.to_bytes(length, "little")


def _tensor(values: np.ndarray, shape: tuple[int, ...]) -> bytes:
    numbers = values.astype("<f4").tobytes()
    return b"\x01\x02" + b"".join(_integer(size) for size in shape) + numbers


def _named(name: str) -> bytes:
    return _integer(len(name)) + name.encode() + b"\x01\x02\x01\x03" + struct.pack("<d", 0.1)


def test_tensors_are_found_between_names_and_settings(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=300), random.normal(size=6)
    path = tmp_path / "net.dat"
    path.write_bytes(
        b"\x01\x01"
        + _named("con_5")
        + _tensor(first, (300, 1, 1, 1))
        # A tensor without numbers, as cleaned networks have them.
        + _tensor(second[:0], (0, 0, 0, 0))
        + _named("affine_")
        + _tensor(second, (1, 6, 1, 1))
    )
    one, other = identity_dlib.tensors(path, [300, 6])
    np.testing.assert_array_equal(one, first.astype(np.float32))
    np.testing.assert_array_equal(other, second.astype(np.float32))


@pytest.mark.parametrize("sizes", [[301], [300, 7], [300, 6, 1]])
def test_another_network_is_refused(tmp_path: Path, sizes: list[int]) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(_tensor(np.ones(300), (300, 1, 1, 1)) + _tensor(np.ones(6), (6, 1, 1, 1)))
    with pytest.raises(WeightsError, match="net.dat"):
        list(identity_dlib.tensors(path, sizes))


def test_a_file_that_ends_within_a_tensor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(_tensor(np.ones(300), (300, 1, 1, 1))[:-1])
    with pytest.raises(WeightsError, match="no tensor of 300"):
        list(identity_dlib.tensors(path, [300]))


def test_a_whole_stream_becomes_the_network_it_came_from(tmp_path: Path) -> None:
    torch.manual_seed(3)
    source = IdentityNetwork()
    parts = []
    random = np.random.default_rng(1)
    for layer in source.convolutions():
        weight, bias = (value.detach().numpy() for value in layer[0].parameters())
        gamma = random.uniform(0.5, 2, len(bias)).astype(np.float32)
        beta = random.normal(size=len(bias)).astype(np.float32)
        filters = np.concatenate(
            [(weight / gamma[:, None, None, None]).ravel(), (bias - beta) / gamma]
        )
        parts.append(_named("con_5") + _tensor(filters, (filters.size, 1, 1, 1)))
        affine = np.concatenate([gamma, beta])
        parts.append(_named("affine_") + _tensor(affine, (1, affine.size, 1, 1)))
    last = source.vector.weight.detach().numpy().T
    parts.append(_named("fc_2") + _tensor(last.ravel(), (FEATURES, VECTOR, 1, 1)))
    path = tmp_path / "net.dat"
    path.write_bytes(b"".join(parts))
    made = identity_dlib.convert(path).state_dict()
    for name, value in source.state_dict().items():
        torch.testing.assert_close(made[name], value, atol=1e-5, rtol=1e-4)
