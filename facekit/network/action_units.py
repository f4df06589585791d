"""Facial action units of one aligned face crop and its landmarks, each side of the face apart.

Both halves of a face go through the same weights, the right one mirrored: so a mirrored picture
swaps left and right exactly, and a side is judged by what that side shows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from facekit.facs import ACTION_UNITS
from facekit.network.blocks import ConvNorm, Residual

UNITS = len(ACTION_UNITS)
FEATURES = 64
HIGHEST = 5.0
"""Intensity E, and so the largest."""

KNOTS = 24
_LOWEST_SCORE, _HIGHEST_SCORE = -7.0, 7.0
_LUMINANCE = (0.299, 0.587, 0.114)
_CENTRE = 0.14  # of the side: what is left out on each edge when the light is measured
_LEAST_SD = 4.0  # gray levels
MOST_TRUST = 0.5
OVERLAP = 16  # pixels that a half sees beyond the middle

# fmt: off
BANDS: tuple[tuple[float, float, tuple[int, ...], int], ...] = (
    (0.00, 0.54, (1, 2, 4, 5, 7, 43), 24),
    (0.25, 0.75, (6, 9, 10), 16),
    (0.50, 1.00, (12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 28), 24),
)
# fmt: on
"""Rows of the crop (shares, from the top), the units that are read there, numbers of the feature.

A unit is judged by its own part of the face: what usually comes with it elsewhere cannot stand in.
"""


class Scores(NamedTuple):
    """What is learned; a score is the logit of a fifth of the intensity.

    Attributes:
        picture: (n, 2, 22) scores of the left and the right half by the picture.
        geometry: (n, 2, 22) scores by the landmarks.
        joint: (n, 2, 22) both together.
        log_sd: (n, 22) natural logarithm of the sd of the whole face's intensity.
        feature: (n, 64) appearance feature.
    """

    picture: Tensor
    geometry: Tensor
    joint: Tensor
    log_sd: Tensor
    feature: Tensor


class Geometry(nn.Sequential):
    """Scores of one side out of landmarks that stand like the crop; mirrored for the right side.

    Args:
        points: landmarks that are looked at.
        widths: of the hidden layers.
    """

    def __init__(self, points: int, widths: tuple[int, int] = (256, 128)) -> None:
        """Make the layers."""
        first, second = widths
        super().__init__(
            nn.BatchNorm1d(2 * points, affine=False),
            nn.Dropout(0.05),
            nn.Linear(2 * points, first, bias=False),
            nn.BatchNorm1d(first),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(first, second, bias=False),
            nn.BatchNorm1d(second),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(second, UNITS),
        )


class Band(nn.Module):
    """A strip of a half face to a few numbers, and from these the scores of its units.

    Args:
        channels: of the map that comes in, a quarter of the crop's size.
        widths: of the stages.
        area: height and width of the last map.
        feature: numbers that all is read from.
        units: how many are read.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, int],
        area: tuple[int, int],
        feature: int,
        units: int,
    ) -> None:
        """Make the layers."""
        super().__init__()
        first, second = widths
        self.trunk = nn.Sequential(
            Residual(channels, first, 2),
            Residual(first, first),
            Residual(first, second, 2),
        )
        self.feature = nn.Sequential(
            nn.Flatten(1),
            nn.Dropout(0.1),
            nn.Linear(second * area[0] * area[1], feature, bias=False),
            nn.BatchNorm1d(feature),
            nn.ReLU(),
        )
        self.out = nn.Linear(feature, 2 * units)
        # Most units are absent in most faces.
        nn.init.constant_(self.out.bias[:units], -2.5)

    def forward(self, strip: Tensor) -> tuple[Tensor, Tensor]:
        """(n, channels, h, w) -> (n, feature) and (n, 2 units): scores, then log sd."""
        feature = self.feature(self.trunk(strip))
        return feature, self.out(feature)


class ActionUnitNetwork(nn.Module):
    """Intensity, probability and uncertainty of 22 action units (`facekit.facs`).

    Args:
        mirror: (478,) the landmark that each landmark becomes in a mirrored picture.
        points: landmarks that the geometry part looks at, their mirror images among them; empty
            for all.
        size: side of the crop, a multiple of 16.
        stem: channels of the first layers, which all bands share.
        widths: channels of a band's stages.
        hidden: widths of the geometry part.
    """

    mirror: Tensor
    seen: Tensor
    turned: Tensor
    paired: Tensor
    order: Tensor
    luminance: Tensor
    knots: Tensor
    levels: Tensor
    slope: Tensor
    present: Tensor
    log_temperature: Tensor

    def __init__(
        self,
        mirror: Sequence[int],
        points: Sequence[int] = (),
        size: int = 112,
        stem: tuple[int, int] = (16, 32),
        widths: tuple[int, int] = (64, 96),
        hidden: tuple[int, int] = (256, 128),
    ) -> None:
        """Make an untrained network."""
        super().__init__()
        self.size = size
        first, second = stem
        # One layer only at half the size: a norm there costs as much as all that follow.
        self.stem = nn.Sequential(ConvNorm(1, first, 5, 2), Residual(first, second, 2))
        rows, columns = size // 4, (size // 2 + OVERLAP) // 4
        self.strips = [(round(top * rows), round(low * rows)) for top, low, _, _ in BANDS]
        self.bands = nn.ModuleList(
            Band(second, widths, _area(low - top, columns), feature, len(units))
            for (top, low), (_, _, units, feature) in zip(self.strips, BANDS, strict=True)
        )
        looked_at = list(points) or list(range(len(mirror)))
        self.geometry = Geometry(len(looked_at), hidden)
        # Fitted on validation people, too; no loss reaches it.
        self.join = nn.Parameter(torch.full((UNITS,), -1.0), requires_grad=False)
        self._constants(mirror, looked_at)
        # Fitted on validation people after training; until then a score is a score.
        grid = torch.linspace(_LOWEST_SCORE, _HIGHEST_SCORE, KNOTS).repeat(UNITS, 1)
        self.register_buffer("knots", grid)
        self.register_buffer("levels", HIGHEST * torch.sigmoid(grid))
        self.register_buffer("slope", torch.full((UNITS,), 2.0))
        self.register_buffer("present", torch.ones(UNITS))
        self.register_buffer("log_temperature", torch.zeros(UNITS))

    def _constants(self, mirror: Sequence[int], points: Sequence[int]) -> None:
        numbers = [unit.number for unit in ACTION_UNITS]
        listed = [number for _, _, units, _ in BANDS for number in units]
        constants = {
            "mirror": torch.tensor(mirror, dtype=torch.long),
            "seen": torch.tensor(points, dtype=torch.long),
            "turned": torch.tensor([-1.0, 1.0]),
            "paired": torch.tensor([not unit.sided for unit in ACTION_UNITS]),
            "order": torch.tensor([listed.index(number) for number in numbers]),
            "luminance": torch.tensor(_LUMINANCE).reshape(1, 3, 1, 1),
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, image: Tensor, points: Tensor) -> tuple[Tensor, ...]:
        """Action units of crops, in the order of `facekit.facs.ACTION_UNITS`.

        Args:
            image: (n, 3, size, size) float32 RGB, 0-255, cut by the rule of
                `facekit.estimate.action_units`.
            points: (n, 478, 2) landmarks, shares of the crop's side, (0, 0) at its centre.

        Returns:
            (n, 22) intensity of the whole face, 0-5; (n, 22) probability that a unit is present;
            (n, 22) standard deviation of the intensity's error; (n, 2, 22) intensity of the
            subject's left and right side, alike where a unit is not sided; (n, 64) appearance
            feature.
        """
        scores = self.scores(image, points)
        sides = self.intensity(scores.joint)
        whole = whole_face(sides)
        probability = torch.sigmoid(self.slope * (whole - self.present))
        return whole, probability, self.sd(scores), sides, scores.feature

    def scores(self, image: Tensor, points: Tensor) -> Scores:
        """Scores before they are mapped to intensities; arguments as of `forward`."""
        halves = self._halves(self._normalised(image))
        strips = self.stem(halves)
        found = [
            band(strips[:, :, top:low])
            for band, (top, low) in zip(self.bands, self.strips, strict=True)
        ]
        feature = _mean_of_sides(torch.cat([feature for feature, _ in found], dim=1))
        read = [out.unflatten(1, (2, -1)) for _, out in found]
        picture, log_sd = torch.cat(read, dim=2)[:, :, self.order].unbind(1)
        picture = self._by_side(picture)
        geometry = self._by_side(self.geometry(self._looked_at(points)))
        trust = self.trust()
        joint = (1 - trust) * picture + trust * geometry
        return Scores(picture, geometry, joint, _mean_of_sides(log_sd), feature)

    def trust(self) -> Tensor:
        """(22,) weight of the landmarks' score: the picture always has the larger say."""
        return MOST_TRUST * torch.sigmoid(self.join)

    def geometry_scores(self, points: Tensor) -> Tensor:
        """(n, 2, 22) scores by the landmarks alone."""
        return self._by_side(self.geometry(self._looked_at(points)))

    def intensity(self, scores: Tensor) -> Tensor:
        """Scores (..., 22) as intensities: a rising line with `KNOTS` corners for each unit."""
        width = self.knots.diff(dim=1)
        rise = self.levels.diff(dim=1) / width.clamp(min=1e-6)
        into = (scores[..., None] - self.knots[:, :-1]).clamp(min=0)
        return self.levels[:, 0] + (torch.minimum(into, width) * rise).sum(-1)

    def sd(self, scores: Scores) -> Tensor:
        """(n, 22) standard deviation of the whole face's intensity."""
        return torch.exp((scores.log_sd + self.log_temperature).clamp(-4.0, 1.2))

    def _normalised(self, image: Tensor) -> Tensor:
        gray = (image * self.luminance).sum(1, keepdim=True)
        edge = round(_CENTRE * self.size)
        centre = gray[:, :, edge : self.size - edge, edge : self.size - edge]
        mean = centre.mean((2, 3), keepdim=True)
        sd = (centre - mean).square().mean((2, 3), keepdim=True).sqrt()
        return (gray - mean) / sd.clamp(min=_LEAST_SD)

    def _halves(self, gray: Tensor) -> Tensor:
        # An unmirrored picture shows the subject's left side on the right.
        first = self.size // 2 - OVERLAP
        return torch.cat([gray[..., first:], gray.flip(3)[..., first:]])

    def _looked_at(self, points: Tensor) -> Tensor:
        mirrored = points[:, self.mirror] * self.turned
        return torch.cat([points, mirrored])[:, self.seen].flatten(1)

    def _by_side(self, both: Tensor) -> Tensor:
        """(2 n, 22), left halves first, as (n, 2, 22); what is not sided is the sides' mean."""
        sides = both.reshape(2, -1, UNITS).transpose(0, 1)
        return torch.where(self.paired, sides.mean(1, keepdim=True), sides)


def whole_face(sides: Tensor) -> Tensor:
    """(n, 22) intensity of the whole face out of (n, 2, 22).

    A soft maximum: FACS scores the stronger side where they differ, and where they hardly do,
    their mean is the better estimate.
    """
    weight = torch.softmax(2 * sides, dim=1)
    return (weight * sides).sum(1)


def _mean_of_sides(both: Tensor) -> Tensor:
    return both.reshape(2, -1, both.shape[1]).mean(0)


def _area(rows: int, columns: int) -> tuple[int, int]:
    """Height and width after two layers of stride 2."""
    for _ in range(2):
        rows, columns = -(-rows // 2), -(-columns // 2)
    return rows, columns
