from typing import Any

import pytest
import torch

from facekit.network import build
from facekit.network.mtcnn import CropNetwork, ProposalNetwork, fast_form


def _randomised(network: Any, largest_slope: float) -> Any:
    """Random slopes of both signs; the first layer's also above 1, as in the published weights."""
    generator = torch.Generator().manual_seed(0)
    for index, stage in enumerate(network.stages):
        high = largest_slope if index == 0 else 1.0
        slope = torch.rand(len(stage[1].weight), generator=generator)
        stage[1].weight.data = slope * (high + 1.3) - 1.3
    return network.eval()


@pytest.mark.parametrize("size", [(12, 12), (13, 40), (61, 84)])
def test_the_fast_form_of_the_proposal_network_is_the_same_function(
    size: tuple[int, int],
) -> None:
    network = _randomised(ProposalNetwork(), 1.4)
    image = torch.rand(1, 3, *size) - 0.5
    with torch.inference_mode():
        assert torch.allclose(fast_form(network)(image), network(image), atol=1e-5)


@pytest.mark.parametrize(("size", "outputs"), [(24, 5), (48, 15)])
def test_the_fast_form_of_the_crop_networks_is_the_same_function(size: int, outputs: int) -> None:
    network = _randomised(CropNetwork(size), 1.4)
    crops = torch.rand(3, 3, size, size) - 0.5
    with torch.inference_mode():
        expected = network(crops)
        assert expected.shape == (3, outputs)
        assert torch.allclose(fast_form(network)(crops), expected, atol=1e-5)


def test_architectures_are_named_by_file_and_class() -> None:
    assert isinstance(build("mtcnn.CropNetwork", {"size": 24}), CropNetwork)
    for wrong in ("mtcnn", "mtcnn.Nothing", "nothing.CropNetwork", "..os.system", "mtcnn.nn.GELU"):
        with pytest.raises(ValueError, match="not an architecture"):
            build(wrong, {})
