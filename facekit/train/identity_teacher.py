"""The embedder's teacher and peer: OpenVINO's face-reidentification-retail-0095 (Apache-2).

Its outputs are learned from and compared with; its weights are neither tuned nor shipped.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facekit.geometry import crop, similarity
from facekit.types import Floats, Image

FILE = "face-reidentification-retail-0095.onnx"
VECTOR = 256
_SIDE = 128
# Where its documentation wants eyes, nose and mouth corners, as shares of the side.
_PLACES = np.array(
    [
        [0.31556875, 0.46157410],
        [0.68262292, 0.45983393],
        [0.50026249, 0.64050537],
        [0.34947187, 0.82469195],
        [0.65343645, 0.82325079],
    ]
)


class Teacher:
    """Embeddings of 256 numbers.

    Args:
        teachers: folder with the network.
    """

    name = "retail-0095"

    def __init__(self, teachers: Path) -> None:
        """Load the network."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            _with_plain_slopes(teachers / FILE), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def embed(self, chips: Sequence[Image]) -> Floats:
        """(n, VECTOR) unit vectors of crops that `chip` cut."""
        if len(chips) == 0:
            return np.zeros((0, VECTOR), np.float32)
        vectors = np.stack([self._one(one) for one in chips])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def _one(self, one: Image) -> Floats:
        planes = one[None, :, :, ::-1].transpose(0, 3, 1, 2)
        given: dict[str, Any] = {self._input: np.ascontiguousarray(planes, np.float32)}
        return np.asarray(self._session.run(None, given)[0], np.float32).reshape(VECTOR)


def _with_plain_slopes(path: Path) -> bytes:
    """The graph with PReLU as LeakyRelu where all channels share a slope: twice as fast."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    slopes = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    for node in model.graph.node:
        slope = slopes.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is not None and float(np.ptp(slope)) == 0:
            node.op_type = "LeakyRelu"
            del node.input[1]
            node.attribute.append(helper.make_attribute("alpha", float(slope.flat[0])))
    content: bytes = model.SerializeToString()
    return content


def chip(image: Image, points: Floats) -> Image:
    """A face as the teacher wants it.

    Args:
        image: (height, width, 3) uint8 RGB.
        points: (5, 2) MTCNN's points, pixels.
    """
    # The picture's corner, not the first pixel's centre, is where shares begin.
    matrix = similarity(np.asarray(points, np.float64), _PLACES * _SIDE - 0.5)
    return crop(image, matrix, _SIDE, replicate=True)
