"""Dense landmarks of one face crop, with their uncertainty, and whether there is a face."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facekit.network.blocks import FlatHead, Trunk, both_sides

POINTS = 478


class LandmarkNetwork(nn.Module):
    """478 points in MediaPipe's topology out of an upright square crop.

    Args:
        size: side of the crop, a multiple of 16.
        widths: channels of the stages.
        depths: residual blocks of the stages.
        squeezed: channels in front of the flat layer.
        hidden: width of the vector that all points are read from.
        mirror: the 478 points that the points become in a mirrored picture: then the answer is
            the mean for the crop and its mirror image, at twice the cost. Empty: the crop alone.
    """

    log_temperature: Tensor
    floor: Tensor
    mirror: Tensor
    sides: Tensor

    def __init__(
        self,
        size: int = 112,
        widths: tuple[int, ...] = (32, 64, 128),
        depths: tuple[int, ...] = (1, 2, 2),
        squeezed: int = 64,
        hidden: int = 256,
        mirror: Sequence[int] = (),
    ) -> None:
        """Make an untrained network."""
        super().__init__()
        self.trunk = Trunk(tuple(widths), tuple(depths))
        side = size // 2 ** (len(widths) + 1)
        self.head = FlatHead(self.trunk.channels, side, squeezed, hidden, POINTS * 4 + 1)
        # Fitted after training, 1 and 0 until then: a factor of each point's sd on validation
        # people; and how far annotators differ, in shares of the side.
        self.register_buffer("log_temperature", torch.zeros(POINTS))
        self.register_buffer("floor", torch.zeros(POINTS))
        order = torch.tensor(mirror, dtype=torch.long)
        self.register_buffer("mirror", order, persistent=False)
        self.register_buffer("sides", torch.tensor([-1.0, 1.0, 1.0]), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Landmarks of crops.

        Args:
            image: (n, 3, size, size) float32 RGB, 0-255.

        Returns:
            (n, 478, 3) x, y, z in shares of the crop's side, (0, 0) at its centre, z smaller
            nearer to the camera and zero at the head's centre; (n, 478) natural logarithm of
            the standard deviation of a point's error along x or y, in the same unit; (n, 1)
            logit of "there is a face".
        """
        if len(self.mirror) == 0:
            points, log_sd, presence = self._read(image)
            return points, self._calibrated(log_sd), presence
        points, log_sd, presence = (
            x.reshape(-1, 2, *x.shape[1:]) for x in self._read(both_sides(image))
        )
        other = points[:, 1, self.mirror] * self.sides
        log_sd = (log_sd[:, 0] + log_sd[:, 1, self.mirror]) / 2
        return (points[:, 0] + other) / 2, self._calibrated(log_sd), presence.mean(1)

    def _calibrated(self, log_sd: Tensor) -> Tensor:
        variance = torch.exp(2 * (log_sd + self.log_temperature)) + self.floor**2
        return torch.log(variance) / 2

    def _read(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        flat = self.head(self.trunk(image))
        points = flat[:, : POINTS * 3].reshape(-1, POINTS, 3)
        return points, flat[:, POINTS * 3 : POINTS * 4], flat[:, POINTS * 4 :]
