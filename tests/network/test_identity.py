import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from facekit.network.identity import SIZE, VECTOR, IdentityNetwork, _Block


def _images(count: int = 2) -> Tensor:
    torch.manual_seed(1)
    return torch.rand(count, 3, SIZE, SIZE) * 255


def test_vectors_have_unit_length() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        vectors = IdentityNetwork().eval()(_images())
    assert vectors.shape == (2, VECTOR)
    assert vectors.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_it_has_the_layers_of_dlibs() -> None:
    network = IdentityNetwork()
    assert len(network.convolutions()) == 29
    assert len(network.blocks) == 14
    # Filters, biases and the last matrix: what dlib's file holds, its affine layers folded.
    assert sum(p.numel() for p in network.parameters()) == 5_607_488


def test_a_block_that_halves_fills_up_with_zeros_at_the_end() -> None:
    block = _Block(2, 3, stride=2, norms=False)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(1, 2, 8, 8)
    out = block(x).detach()
    # The convolution gives 3 x 3, the mean pooling 4 x 4 of two channels.
    assert out.shape == (1, 3, 4, 4)
    torch.testing.assert_close(out[:, :2], functional.avg_pool2d(x, 2))
    assert float(out[:, 2].abs().max()) == 0
    with torch.no_grad():
        dict(block.second.named_parameters())["0.bias"].fill_(1.0)
        moved = block(x) - out
    assert moved[0, 0, :3, :3].flatten().tolist() == pytest.approx([1] * 9)
    assert moved[0, 0, 3].tolist() == moved[0, 0, :, 3].tolist() == [0] * 4


def test_folding_the_norms_in_changes_nothing() -> None:
    torch.manual_seed(0)
    network = IdentityNetwork(norms=True)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -0.2, 0.2)
            for name, statistic in module.named_buffers():
                if name != "num_batches_tracked":
                    nn.init.uniform_(statistic, 0.5, 2)
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(
            network.folded()(_images()), network(_images()), atol=1e-4, rtol=1e-3
        )
