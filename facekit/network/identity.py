"""The face embedder: dlib's residual network, written in torch.

The network of dlib's ``dnn_face_recognition_ex`` (King, "High quality face recognition with deep
metric learning", 2017): 29 convolutions in the line of He, Zhang, Ren and Sun, "Deep residual
learning for image recognition" (CVPR 2016), with half as many filters. Its affine layers are
folded into the convolutions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE = 150
"""Side of the aligned crop in pixels."""

FEATURES = 256
"""Channels of the last map, whose mean the embedding is read from."""

VECTOR = 128
"""Length of an embedding."""

STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Channels and blocks of each stage; all but the first begin by halving the map."""

# What dlib subtracts from red, green and blue.
_MEAN = (122.782, 117.001, 104.298)
_SCALE = 256.0


class IdentityNetwork(nn.Module):
    """An aligned face to a vector of unit length; the cosine of two says how alike they are.

    Args:
        norms: put BatchNorm behind every convolution, which training from random weights needs;
            `folded` makes the same function without them.
    """

    mean: Tensor

    def __init__(self, norms: bool = False) -> None:
        """Make an untrained network."""
        super().__init__()
        self.stem = _convolution(3, STAGES[0][0], 7, 2, norms)
        self.blocks = nn.ModuleList()
        channels = STAGES[0][0]
        for stage, (width, depth) in enumerate(STAGES):
            for block in range(depth):
                stride = 2 if stage > 0 and block == 0 else 1
                self.blocks.append(_Block(channels, width, stride, norms))
                channels = width
        self.vector = nn.Linear(FEATURES, VECTOR, bias=False)
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(n, 3, SIZE, SIZE) float32 RGB 0-255 -> (n, VECTOR) of unit length."""
        return functional.normalize(self.vector(self.features(image)))

    def features(self, image: Tensor) -> Tensor:
        """(n, FEATURES) the mean of the last map."""
        x = torch.relu(self.stem((image - self.mean) / _SCALE))
        x = functional.max_pool2d(x, 3, 2)
        for block in self.blocks:
            x = block(x)
        return x.mean((2, 3))

    @torch.no_grad()
    def folded(self) -> "IdentityNetwork":
        """A copy in which every BatchNorm, as it is in evaluation, is part of its convolution."""
        plain = IdentityNetwork()
        plain.vector.load_state_dict(self.vector.state_dict())
        for ours, theirs in zip(self.convolutions(), plain.convolutions(), strict=True):
            _fold(ours, theirs[0])
        return plain.eval()

    def convolutions(self) -> list[nn.Sequential]:
        """Every convolution with what stands behind it, in the order of the computation."""
        layers = [self.stem]
        for block in self.blocks:
            assert isinstance(block, _Block)
            layers += [block.first, block.second]
        return layers


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut without weights.

    Where it halves the map nothing is padded, neither by the convolution nor by the mean pooling
    of the shortcut; what then differs in size is filled up with zeros at the end.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, norms: bool) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, 3, stride, norms)
        self.second = _convolution(outputs, outputs, 3, 1, norms)
        self.halves = stride == 2

    def forward(self, x: Tensor) -> Tensor:
        path = self.second(torch.relu(self.first(x)))
        shortcut = functional.avg_pool2d(x, 2) if self.halves else x
        shape = [max(one, other) for one, other in zip(path.shape, shortcut.shape, strict=True)]
        return torch.relu(_filled(path, shape) + _filled(shortcut, shape))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, norms: bool) -> nn.Sequential:
    padding = kernel // 2 if stride == 1 else 0
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=not norms)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs)) if norms else nn.Sequential(layer)


def _filled(x: Tensor, shape: list[int]) -> Tensor:
    """A map with zeros after its last channel, row and column."""
    channels, rows, columns = (
        wanted - given for wanted, given in zip(shape[1:], x.shape[1:], strict=True)
    )
    if not (channels or rows or columns):
        return x
    return functional.pad(x, (0, columns, 0, rows, 0, channels))


def _fold(layer: nn.Sequential, target: nn.Module) -> None:
    """Write a convolution and its BatchNorm, if it has one, into a plain convolution."""
    convolution = layer[0]
    assert isinstance(convolution, nn.Conv2d) and isinstance(target, nn.Conv2d)
    assert target.bias is not None
    if len(layer) == 1:
        target.load_state_dict(convolution.state_dict())
        return
    norm = layer[1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    target.weight.copy_(convolution.weight * scale[:, None, None, None])
    target.bias.copy_(norm.bias - norm.running_mean * scale)
