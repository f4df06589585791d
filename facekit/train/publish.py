"""Publishing a trained network: .onnx, .safetensors and its entry in the manifest."""

import json
import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from facekit.runtime.runner import OnnxRunner, Runner
from facekit.runtime.weights import MANIFEST, hash_file

_LOG = logging.getLogger(__name__)
TOLERANCE = 1e-3
_SMALLEST_HALF = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What the manifest says of a network beside its files.

    Attributes:
        architecture: ``module.Class`` below ``facekit.network``.
        arguments: its constructor's keyword arguments.
        inputs: input names, in order.
        outputs: output names, in order.
        input: size, colour order and normalisation, in words and numbers.
        crop: the rule by which a face becomes the input.
        training_data: one {name, licence, role} per data set.
        seed: the run's seed; None when nothing was trained here.
        command: the command that made the files.
        scores: measured numbers by test set.
        licence: licence of the weights.
        source: where they come from.
    """

    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[str] = ("image",)
    outputs: Sequence[str]
    input: Mapping[str, Any]
    crop: str
    training_data: Sequence[Mapping[str, str]]
    seed: int | None
    command: str
    scores: Mapping[str, Any]
    licence: str
    source: str


def publish(
    name: str,
    module: nn.Module,
    example: Sequence[Tensor],
    publication: Publication,
    folder: Path,
    *,
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    graph: nn.Module | None = None,
    half: bool = False,
) -> None:
    """Write a network into a weights folder.

    Args:
        name: its name in the manifest; also the files' stem.
        module: the trained module; its state goes into NAME.safetensors.
        example: example inputs, in the order of ``publication.inputs``.
        publication: the rest of the manifest's entry.
        folder: the weights folder.
        dynamic: axes of inputs that vary, by input name, as {axis: label}; the batch axis of
            every input by default.
        graph: the same function laid out for onnxruntime; default `module` itself.
        half: store weights in 16 bits (they are computed with in 32).

    Raises:
        ValueError: the graph's outputs differ from the module's by more than `TOLERANCE`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    module = module.eval()
    axes = dynamic or {given: {0: "batch"} for given in publication.inputs}
    state = {key: value.detach().contiguous() for key, value in module.state_dict().items()}
    with tempfile.TemporaryDirectory(prefix=".publish-", dir=folder) as temporary:
        onnx_path = Path(temporary) / f"{name}.onnx"
        torch_path = Path(temporary) / f"{name}.safetensors"
        _write_graph(onnx_path, (graph or module).eval(), example, publication, axes)
        if half:
            _halve(onnx_path)
        save_file({key: _stored(value, half) for key, value in state.items()}, torch_path)
        torch_path.chmod(0o644)  # safetensors makes files that only the owner can read
        _require_same(name, module, example, OnnxRunner(onnx_path, 1), publication.inputs)
        # Only what has passed takes its place.
        for path in (onnx_path, torch_path):
            path.replace(folder / path.name)
    _write_entry(folder, name, publication)
    _LOG.info("published %s in %s", name, folder)


def record_metrics(name: str, metrics: Mapping[str, float], folder: Path) -> None:
    """Note in the manifest what the evaluation measured with the shipped files of a network.

    Publishing the network anew removes the note: it spoke of other files.

    Args:
        name: of the network.
        metrics: numbers by key, as `facekit.train.evaluate` writes them.
        folder: the weights folder.

    Raises:
        KeyError: no such network.
    """
    manifest = read_raw(folder / MANIFEST)
    manifest["networks"][name]["metrics"] = {
        key: round(value, 4) if math.isfinite(value) else None for key, value in metrics.items()
    }
    write_raw(folder / MANIFEST, manifest)


def _write_graph(
    path: Path,
    module: nn.Module,
    example: Sequence[Tensor],
    publication: Publication,
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    dimensions = {
        label: torch.export.Dim(label) for given in axes.values() for label in given.values()
    }
    shapes = tuple(
        {axis: dimensions[label] for axis, label in axes.get(given, {}).items()}
        for given in publication.inputs
    )
    program = torch.onnx.export(
        module,
        tuple(example),
        input_names=list(publication.inputs),
        output_names=list(publication.outputs),
        dynamic_shapes=shapes,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    program.save(str(path), external_data=False)
    _strip(path)


def _strip(path: Path) -> None:
    """Drop what the exporter notes of its own run: stack traces with this machine's paths."""
    model = onnx.load(str(path))
    for holder in (
        model,
        model.graph,
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
    ):
        holder.ClearField("metadata_props")
        holder.ClearField("doc_string")
    onnx.save(model, str(path))


def _stored(value: Tensor, half: bool) -> Tensor:
    # Biases stay whole: they are small files, and at -4 a half is .002 apart from the next.
    large = value.is_floating_point() and value.ndim > 1 and value.numel() >= _SMALLEST_HALF
    return value.half() if half and large else value


def _halve(path: Path) -> None:
    """Store large weights in 16 bits; onnxruntime widens them once, when it loads the graph."""
    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < _SMALLEST_HALF:
            continue
        wide = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{wide}.half"))
        casts.append(helper.make_node("Cast", [f"{wide}.half"], [wide], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(path))


def _require_same(
    name: str, module: nn.Module, example: Sequence[Tensor], runner: Runner, inputs: Sequence[str]
) -> None:
    with torch.inference_mode():
        outputs = module(*example)
    expected = outputs if isinstance(outputs, tuple) else (outputs,)
    actual = runner.run({key: x.numpy() for key, x in zip(inputs, example, strict=True)})
    for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
        difference = float(np.abs(one.numpy() - other).max(initial=0.0))
        if not difference <= TOLERANCE:
            raise ValueError(
                f"{name}: output {index} of the graph differs by {difference:.2g} from the module"
            )


def _write_entry(folder: Path, name: str, publication: Publication) -> None:
    files = [folder / f"{name}.onnx", folder / f"{name}.safetensors"]
    entry = {
        key: getattr(publication, key)
        for key in Publication.__dataclass_fields__  # slots leave no __dict__ to copy
    }
    entry["files"] = {
        file.name: {"sha256": hash_file(file), "bytes": file.stat().st_size} for file in files
    }
    manifest = read_raw(folder / MANIFEST)
    manifest["networks"][name] = entry
    write_raw(folder / MANIFEST, manifest)


def read_raw(path: Path) -> dict[str, Any]:
    """The manifest as plain data; an empty one when there is none yet."""
    if not path.is_file():
        return {"networks": {}, "optional": {}}
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return raw


def write_raw(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest with sorted keys, so that differences between versions are readable."""
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
