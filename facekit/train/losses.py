"""Losses: landmarks with uncertainty, presence, rotations."""

import math

import torch
from torch import Tensor
from torch.nn import functional

_BEND_PX = 0.33

# fmt: off
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
"""MediaPipe's face oval, whose points slide along the silhouette."""

# fmt: off
EXPRESSIVE = (
    0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185,
    191, 267, 269, 270, 291, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409,
    415,  # lips
    7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246, 249, 263,
    362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466,  # lids
    46, 52, 53, 55, 63, 65, 66, 70, 105, 107, 276, 282, 283, 285, 293, 295, 296, 300, 334,
    336,  # brows
)
# fmt: on
"""MediaPipe's contours of the lips, lids and brows, which expressions move."""


def region_weights() -> Tensor:
    """(478,) weight of each point: the oval is vague, what expressions move counts most."""
    weights = torch.ones(478)
    weights[list(OVAL)] = 0.3
    weights[list(EXPRESSIVE)] = 2.5
    weights[468:] = 3.0
    return weights


def point_loss(predicted: Tensor, truth: Tensor, weights: Tensor, scale: float) -> Tensor:
    """Smooth L1 of coordinates.

    Args:
        predicted: (n, k, c).
        truth: (n, k, c).
        weights: (n, k, c), 0 where unknown.
        scale: pixels per unit; the loss bends at a third of a pixel.
    """
    error = functional.smooth_l1_loss(
        predicted * scale, truth * scale, reduction="none", beta=_BEND_PX
    )
    return (error * weights).sum() / weights.sum().clamp(min=1)


def student_nll(error: Tensor, log_scale: Tensor, weights: Tensor) -> Tensor:
    """Negative log likelihood of errors under Student's t of 4 degrees of freedom.

    Its slope in the scale is bounded: under a Gaussian or Laplace likelihood a single large error
    where the network was sure drowned every other gradient. The caller passes detached errors:
    then points are trained by the plain loss however uncertain they are, and only the scale is
    trained here (beta = 1 of Seitzer et al., "On the pitfalls of heteroscedastic uncertainty
    estimation", ICLR 2022).

    Args:
        error: (n, k, c) per axis.
        log_scale: (n, k, 1 or c); the standard deviation is a constant factor away, which the
            temperature takes in.
        weights: (n, k, 1 or c).
    """
    freedom = 4.0
    squared = 2 * (error.abs().clamp(min=1e-8).log() - log_scale) - math.log(freedom)
    each = log_scale + (freedom + 1) / 2 * functional.softplus(squared)
    return (each * weights).sum() / (weights.sum() * error.shape[-1]).clamp(min=1)


def presence_loss(logit: Tensor, present: Tensor) -> Tensor:
    """Cross entropy of (n,) logits with (n,) 0 or 1."""
    return functional.binary_cross_entropy_with_logits(logit, present)


def rotation_matrix(six: Tensor) -> Tensor:
    """(n, 3, 3) rotations of (n, 6) numbers: two columns, made orthonormal.

    Zhou et al., "On the continuity of rotation representations in neural networks", CVPR 2019.
    """
    first = functional.normalize(six[:, :3], dim=1)
    second = six[:, 3:] - (first * six[:, 3:]).sum(1, keepdim=True) * first
    second = functional.normalize(second, dim=1)
    return torch.stack([first, second, torch.cross(first, second, dim=1)], dim=2)


def geodesic(a: Tensor, b: Tensor) -> Tensor:
    """(n,) angles in radians between (n, 3, 3) rotations."""
    # The chord is smooth where the arc cosine of the trace is not: at equal rotations.
    chord = ((a - b).square().sum((1, 2)) / 8 + 1e-12).sqrt()
    return 2 * torch.asin(chord.clamp(max=1 - 1e-6))


def angles_deg(matrix: Tensor) -> Tensor:
    """(n, 3) yaw, pitch, roll in degrees of (n, 3, 3) rotations (`synthetic.camera.angles`)."""
    yaw = torch.asin(matrix[:, 2, 0].clamp(-1, 1))
    pitch = -torch.atan2(matrix[:, 2, 1], matrix[:, 2, 2])
    roll = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])
    return torch.rad2deg(torch.stack([yaw, pitch, roll], dim=1))
