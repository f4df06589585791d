"""Blocks that facekit's networks share: plain 3x3 convolutions, BatchNorm and ReLU.

onnxruntime folds the norms into the convolutions and runs these fastest of what was measured.
"""

import torch
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """A convolution without bias, BatchNorm, and ReLU unless told otherwise."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True
    ) -> None:
        """Make the layers; the picture keeps its size divided by `stride`."""
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        """Make the block; the shortcut is a 1x1 convolution where the shapes differ."""
        super().__init__()
        self.path = nn.Sequential(
            ConvNorm(inputs, outputs, 3, stride), ConvNorm(outputs, outputs, 3, 1, relu=False)
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride)."""
        return torch.relu(self.path(x) + self.shortcut(x))


class Trunk(nn.Sequential):
    """A stem of stride 4, then stages of residual blocks; all but the first halve the map.

    The stem reads pixel values 0-255 as they are: its norm learns the normalisation. It goes to
    a quarter of the size at once, since norms on large maps took half of the training time.

    Args:
        widths: channels of each stage, the first also of the stem.
        depths: blocks of each stage.
    """

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        """Make the layers."""
        channels = widths[0]
        layers: list[nn.Module] = [ConvNorm(3, channels, 7, 4)]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for block in range(depth):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(Residual(channels, width, stride))
                channels = width
        super().__init__(*layers)
        self.channels = channels


class FlatHead(nn.Module):
    """All positions of the last map to one vector, through a normalised hidden layer.

    A wide Linear + ReLU without the norm died in training.

    Args:
        channels: of the map.
        side: of the map.
        squeezed: channels that a 1x1 convolution leaves, which keeps the layer small.
        hidden: width of the vector.
        outputs: numbers that come out.
    """

    def __init__(self, channels: int, side: int, squeezed: int, hidden: int, outputs: int) -> None:
        """Make the layers."""
        super().__init__()
        self.squeeze = ConvNorm(channels, squeezed, 1)
        self.hidden = nn.Sequential(
            nn.Flatten(1),
            nn.Linear(squeezed * side * side, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
        )
        self.out = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, side, side) -> (n, outputs)."""
        result: Tensor = self.out(self.hidden(self.squeeze(x)))
        return result


def both_sides(image: Tensor) -> Tensor:
    """(n, c, h, w) -> (2 n, c, h, w): every picture, followed by its mirror image."""
    return torch.stack([image, image.flip(3)], dim=1).flatten(0, 1)
