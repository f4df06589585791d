"""Running a shipped network: onnxruntime on the CPU, torch on CUDA and MPS."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facekit.errors import MissingExtraError, WeightsError
from facekit.runtime.device import Device
from facekit.runtime.weights import NetworkEntry, find_verified, load_manifest

if TYPE_CHECKING:
    from torch import nn

Array: TypeAlias = NDArray[Any]
Inputs: TypeAlias = Array | Mapping[str, Array]


class Runner(Protocol):
    """A network ready to run. Safe to call from several threads at once."""

    def run(self, inputs: Inputs) -> tuple[Array, ...]:
        """Run one batch.

        Args:
            inputs: the only input, or all inputs by name.

        Returns:
            The outputs in the manifest's order, on the CPU.
        """
        ...

    def place(self, array: Array) -> Any:
        """An input that several runs share, brought to where the network runs."""
        ...


class OnnxRunner:
    """A network on the CPU with onnxruntime.

    Args:
        path: an .onnx file.
        threads: threads that one `run` may use.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Load the graph."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Waiting threads that spin steal the cores from decoding and from other workers.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [entry.name for entry in self._session.get_inputs()]

    def run(self, inputs: Inputs) -> tuple[Array, ...]:
        """Run one batch (see `Runner.run`)."""
        feed = inputs if isinstance(inputs, Mapping) else {self._inputs[0]: inputs}
        return tuple(np.asarray(output) for output in self._session.run(None, dict(feed)))

    def place(self, array: Array) -> Any:
        """The array itself (see `Runner.place`)."""
        return array


class TorchRunner:
    """A network with torch on any of its devices.

    Args:
        entry: the network's manifest entry.
        path: its .safetensors file.
        device_name: torch's name of the device.
    """

    def __init__(self, entry: NetworkEntry, path: Path, device_name: str) -> None:
        """Build the module and load its weights."""
        self._module = _built(entry, path).to(device_name)
        self._device_name = device_name
        self._inputs = entry.inputs

    def run(self, inputs: Inputs) -> tuple[Array, ...]:
        """Run one batch (see `Runner.run`)."""
        import torch

        # TF32 would keep only 10 bits of every product, and differ from the CPU's numbers.
        exact = torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled, benchmark=False, allow_tf32=False
        )
        with torch.inference_mode(), exact:
            if isinstance(inputs, Mapping):
                given = [inputs[name] for name in self._inputs]
            else:
                given = [inputs]
            outputs = self._module(*(self._tensor(array) for array in given))
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(np.asarray(output.cpu().numpy()) for output in several)

    def place(self, array: Array) -> Any:
        """The array as a tensor on the device (see `Runner.place`)."""
        return self._tensor(array)

    def _tensor(self, array: Any) -> Any:
        import torch

        if isinstance(array, torch.Tensor):
            return array
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device_name)


def load_module(name: str) -> "nn.Module":
    """A shipped network as a torch module on the CPU, for what needs more than its outputs.

    Args:
        name: its name in the manifest.

    Raises:
        WeightsError: the network is unknown, missing or damaged.
    """
    entry = load_manifest().network(name)
    return _built(entry, find_verified(entry.torch))


def _built(entry: NetworkEntry, path: Path) -> "nn.Module":
    from safetensors.torch import load_file

    from facekit.network import build

    module = build(entry.architecture, entry.arguments)
    weights = {name: value.float() for name, value in load_file(path).items()}
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise WeightsError(
            f"does not fit {entry.architecture} ({error})",
            where=path,
            advice="Publish the network again with this version of facekit",
        ) from error
    return module.eval()


def load(name: str, device: Device, threads: int | None = None) -> Runner:
    """A shipped network, its file's hash checked, on a device.

    Args:
        name: its name in the manifest.
        device: where it runs.
        threads: CPU threads of one `run`; default `device.threads`. A caller that runs batches
            from threads of its own asks for 1.

    Raises:
        WeightsError: the network is unknown, missing or damaged.
        MissingExtraError: the package that runs it cannot be imported.
    """
    entry = load_manifest().network(name)
    try:
        if device.name == "cpu":
            return OnnxRunner(find_verified(entry.onnx), threads or device.threads)
        return TorchRunner(entry, find_verified(entry.torch), device.name)
    except ImportError as error:
        raise MissingExtraError(
            f"a package it runs on cannot be imported ({error})",
            where=name,
            advice="Reinstall facekit with its requirements",
        ) from error
