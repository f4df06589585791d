"""Head rotation of one face crop, with its uncertainty."""

import torch
from torch import Tensor, nn

from facekit.network.blocks import FlatHead, Trunk, both_sides


class HeadPoseNetwork(nn.Module):
    """A rotation out of the same crop that the landmark network sees.

    The trunk has the landmark network's form without its last block, so that it can start from its
    weights.

    Args:
        size: side of the crop, a multiple of 16.
        widths: channels of the stages.
        depths: residual blocks of the stages.
        squeezed: channels in front of the flat layer.
        hidden: width of the vector that the rotation is read from.
        symmetric: whether the answer is the mean for the crop and its mirror image, at twice the
            cost.
    """

    log_temperature: Tensor
    sides: Tensor

    def __init__(
        self,
        size: int = 112,
        widths: tuple[int, ...] = (32, 64, 128),
        depths: tuple[int, ...] = (1, 2, 1),
        squeezed: int = 32,
        hidden: int = 128,
        symmetric: bool = False,
    ) -> None:
        """Make an untrained network."""
        super().__init__()
        self.trunk = Trunk(tuple(widths), tuple(depths))
        side = size // 2 ** (len(widths) + 1)
        self.head = FlatHead(self.trunk.channels, side, squeezed, hidden, 9)
        # Fitted on validation people after training: 0 until then.
        self.register_buffer("log_temperature", torch.zeros(3))
        self.symmetric = symmetric
        # Mirroring turns the sign of every element between x and another axis.
        sides = torch.tensor([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
        self.register_buffer("sides", sides, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations of crops.

        Args:
            image: (n, 3, size, size) float32 RGB, 0-255.

        Returns:
            (n, 6) the first two columns, one after the other, of the rotation from head to
            camera axes as the crop shows it, not yet orthonormal (Zhou et al., "On the
            continuity of rotation representations in neural networks", CVPR 2019); (n, 3)
            natural logarithm of the standard deviation of yaw, pitch and roll in degrees.
        """
        if not self.symmetric:
            flat = self.head(self.trunk(image))
            return flat[:, :6], flat[:, 6:] + self.log_temperature
        pairs = self.head(self.trunk(both_sides(image))).reshape(-1, 2, 9)
        six = (pairs[:, 0, :6] + pairs[:, 1, :6] * self.sides) / 2
        return six, pairs[:, :, 6:].mean(1) + self.log_temperature
