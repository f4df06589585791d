import numpy as np
import pytest

from facekit.detect.resample import AreaSampler, Inputs, Level
from facekit.errors import WeightsError
from facekit.runtime.device import Device, choose
from facekit.runtime.runner import OnnxRunner, TorchRunner, load
from facekit.runtime.weights import find_verified, load_manifest

_BOXES = np.array([[3, 5, 40, 42], [50, 20, 99, 69], [-9, 60, 60, 129]], np.float32)


def _inputs(name: str, count: int = 3) -> Inputs:
    """What the detector gives the network for a random picture."""
    image = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    sampler = AreaSampler(image)
    if name == "mtcnn_proposal":
        return sampler.tile(Level(0.6, 61, 121), slice(10, 61), slice(40, 121))
    return sampler.crops(_BOXES[:count], 24 if name == "mtcnn_refinement" else 48)


@pytest.mark.parametrize("name", ["mtcnn_proposal", "mtcnn_refinement", "mtcnn_output"])
def test_onnxruntime_and_torch_agree(name: str) -> None:
    entry = load_manifest().network(name)
    inputs = _inputs(name)
    onnx = load(name, choose("cpu", 1))
    torch = TorchRunner(entry, find_verified(entry.torch), "cpu")
    (one,), (other,) = onnx.run(inputs), torch.run(inputs)
    assert one.shape == other.shape
    placed = {**inputs, "table": torch.place(inputs["table"])}
    np.testing.assert_array_equal(torch.run(placed)[0], other)
    np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(("name", "batch"), [("mtcnn_refinement", 0), ("mtcnn_output", 1)])
def test_batches_may_have_any_size(name: str, batch: int) -> None:
    (rows,) = load(name, choose("cpu", 2)).run(_inputs(name, batch))
    assert len(rows) == batch


def test_each_device_has_its_runner() -> None:
    assert isinstance(load("mtcnn_output", choose("cpu")), OnnxRunner)
    with pytest.raises(WeightsError, match="no network of this name"):
        load("nothing", Device("cpu", "", 1))
