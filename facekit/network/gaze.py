"""Gaze of both eyes out of their crops and the head's pose, with openness and uncertainty."""

import math

import torch
from torch import Tensor, nn

from facekit.network.blocks import ConvNorm, Residual

POINTS = 13
"""Per eye: outer and inner corner, three of the upper lid and three of the lower lid from the
outer side on, the iris' centre, and its ring: outer side, top, inner side, bottom."""

ANGLE_DEG = 30.0
"""Angles inside the network are in this unit."""


class EyeTrunk(nn.Sequential):
    """One eye to one vector.

    Args:
        width: of the crop.
        height: of the crop.
        widths: channels of the stem and the three residual blocks.
        squeezed: channels in front of the flat layer.
        features: width of the vector.
    """

    def __init__(
        self, width: int, height: int, widths: tuple[int, ...], squeezed: int, features: int
    ) -> None:
        """Make the layers."""
        stem, first, second, third = widths
        rows, columns = (-(-side // 8) for side in (height, width))
        super().__init__(
            ConvNorm(1, stem, 5, 2),
            Residual(stem, first, 2),
            Residual(first, second),
            Residual(second, third, 2),
            ConvNorm(third, squeezed, 1),
            nn.Flatten(1),
            nn.Linear(squeezed * rows * columns, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(inplace=True),
        )


class GazeNetwork(nn.Module):
    """Where a face looks, from crops of both eyes (`facekit.estimate.eye_crops`).

    The right eye is seen mirrored, through the same weights as the left. What is said of both
    eyes together is the mean for the picture and its mirror image: a mirrored picture gives the
    mirrored answer exactly.

    Per eye gaze is read twice: from what the eye looks like, and from where the network sees the
    iris between the corners; the mean of both counts. In the line of appearance-based estimators
    with head pose joined (Zhang et al., "MPIIGaze", PAMI 2019; "ETH-XGaze", ECCV 2020).

    Args:
        width: of a crop.
        height: of a crop.
        widths: channels of the trunk.
        squeezed: channels in front of the flat layer.
        features: width of an eye's vector.
    """

    log_temperature: Tensor
    mirror: Tensor

    def __init__(
        self,
        width: int = 72,
        height: int = 52,
        widths: tuple[int, ...] = (16, 32, 32, 64),
        squeezed: int = 32,
        features: int = 128,
    ) -> None:
        """Make an untrained network."""
        super().__init__()
        self.trunk = EyeTrunk(width, height, tuple(widths), squeezed, features)
        self.points = nn.Linear(features, 2 * POINTS)
        self.lids = nn.Linear(features, 2)
        self.from_look = _read_out(features + 3, 64, 4)
        self.from_iris = _read_out(2 * POINTS + 3, 32, 4)
        self.from_both = _read_out(2 * features + 3, 96, 4)
        # Fitted on validation people after training: 0 until then.
        self.register_buffer("log_temperature", torch.zeros(2))
        self.register_buffer("mirror", torch.tensor([-1.0, 1.0]), persistent=False)

    def forward(self, eyes: Tensor, head: Tensor) -> tuple[Tensor, ...]:
        """Gaze of faces, all in the axes of the camera that the crops normalise to.

        Args:
            eyes: (n, 2, height, width) float32 gray 0-255, left and right eye.
            head: (n, 3) yaw, pitch, roll of the head, degrees.

        Returns:
            (n, 2) yaw and pitch of the gaze, degrees; (n, 2) natural logarithm of their standard
            deviations in degrees; (n, 2, 2) yaw and pitch of the left and right eye; (n, 2)
            logits of "this eye is open"; (n, 2) logits of "this eye is hidden"; (n, 2, 13, 2)
            points of the eyes, x and y from the crop's centre in halves of its width.
        """
        heads = self.heads(eyes, head)
        open_logit, hidden_logit = heads["lids"].unbind(-1)
        each = (heads["look"][..., :2] + heads["iris"][..., :2]) / 2
        gaze = self.combined(heads) * ANGLE_DEG
        log_sd = heads["both"][..., 2:] + math.log(ANGLE_DEG) + self.log_temperature
        return gaze, log_sd, each * ANGLE_DEG, open_logit, hidden_logit, heads["points"]

    def combined(self, heads: dict[str, Tensor]) -> Tensor:
        """(n, 2) the mean of the joint answer and of the eyes', the surer eye counting more."""
        each = (heads["look"][..., :2] + heads["iris"][..., :2]) / 2
        spread = (heads["look"][..., 2:] + heads["iris"][..., 2:]).mean(-1, keepdim=True) / 2
        shown = torch.sigmoid(heads["lids"][..., :1]) * torch.sigmoid(-heads["lids"][..., 1:])
        weight = torch.exp(-spread) * (shown + 1e-3)
        eyes = (each * weight).sum(1) / weight.sum(1)
        return (heads["both"][..., :2] + eyes) / 2

    def heads(self, eyes: Tensor, head: Tensor) -> dict[str, Tensor]:
        """All read-outs, which training looks at one by one.

        Returns:
            ``look``, ``iris`` (n, 2, 4) and ``both`` (n, 4): yaw and pitch in units of
            `ANGLE_DEG`, then the logarithm of their spread; ``lids`` (n, 2, 2): logits of open
            and hidden; ``points`` (n, 2, 13, 2).
        """
        # The right eye becomes a left one.
        seen = torch.stack([eyes[:, 0], eyes[:, 1].flip(2)], 1).flatten(0, 1)
        mean = seen.mean((1, 2), keepdim=True)
        spread = (seen - mean).square().mean((1, 2), keepdim=True).sqrt()
        vector = self.trunk(((seen - mean) / (spread + 4)).unsqueeze(1))
        plain = head / ANGLE_DEG
        turned = plain * torch.tensor([-1.0, 1.0, -1.0], dtype=head.dtype, device=head.device)
        pose = torch.stack([plain, turned], 1).flatten(0, 1)
        points = self.points(vector)
        look = self.from_look(torch.cat([vector, pose], 1))
        iris = self.from_iris(torch.cat([points, pose], 1))
        left, right = vector.reshape(-1, 2, vector.shape[1]).unbind(1)
        both = self.from_both(torch.cat([left, right, plain], 1))
        other = self.from_both(torch.cat([right, left, turned], 1))
        return {
            "look": self._sided(look),
            "iris": self._sided(iris),
            "both": (both + self._mirrored(other)) / 2,
            "lids": self.lids(vector).reshape(-1, 2, 2),
            "points": self._sided_points(points),
        }

    def _mirrored(self, flat: Tensor) -> Tensor:
        """(..., 4) answers of the mirrored picture."""
        return torch.cat([flat[..., :2] * self.mirror, flat[..., 2:]], -1)

    def _sided(self, flat: Tensor) -> Tensor:
        """(2 n, 4) of eyes seen as left ones to (n, 2, 4)."""
        left, right = flat.reshape(-1, 2, 4).unbind(1)
        return torch.stack([left, self._mirrored(right)], 1)

    def _sided_points(self, flat: Tensor) -> Tensor:
        left, right = flat.reshape(-1, 2, POINTS, 2).unbind(1)
        return torch.stack([left, right * self.mirror], 1)


def _read_out(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
