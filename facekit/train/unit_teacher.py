"""What photos show that nobody coded, as told by networks that have only seen renders.

One reads MediaPipe's landmarks, the other, where there is one, looks at the picture. Both know the
truth of renders; neither has seen a photo, so none can say "a photo: nothing moves". They see what
moved, never who or which mood. Each unit is told by the mixture of both that says most on renders
of validation people; what landmarks hardly show on real faces is told by the picture alone.
"""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from facekit.facs import ACTION_UNITS
from facekit.network.action_units import UNITS, ActionUnitNetwork
from facekit.train.evaluation.unit_scores import pearson
from facekit.train.unit_batches import FixedUnits
from facekit.train.unit_calibration import answers, telling_shares
from facekit.train.unit_geometry import NUMBERS, read

_LOG = logging.getLogger(__name__)
BLIND = [NUMBERS.index(number) for number in (4, 6, 9, 15, 24)]
"""Rows of units that landmarks hardly show on real faces."""

_BIMODAL = [NUMBERS.index(number) for number in (25, 26)]
_MUTED, _PICTURE_ALONE = 0.15, 0.5  # weights
_LEAST_R = 0.45  # on renders
_NOTHING, _EVERYTHING = 70.0, 99.0  # percentiles on neutrals and on all photos
_NARROWEST = 0.2  # of the scale: what hardly occurs on photos is not blown up
_FEWEST = 15  # neutral photos of a set that tell where its faces rest


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """Opinions on photos.

    Attributes:
        reader: its ``geometry`` reads MediaPipe's landmarks.
        looker: its picture's part looks; None: landmarks only.
        share: (22,) how much the landmarks say beside the picture, 0-1.
        low: (sets, 22) share of the largest intensity that is nothing, by set of photos.
        high: (22,) share that is everything.
        trust: (22,) weight of what is said of each unit, 0-1.
    """

    reader: ActionUnitNetwork
    looker: ActionUnitNetwork | None
    share: Tensor
    low: Tensor
    high: Tensor
    trust: Tensor

    def lessons(self, photos: FixedUnits) -> Tensor:
        """(n, 2, 22) shares of the largest intensity that photos show."""
        return self._stretched(_opinions(self.reader, self.looker, self.share, photos), photos)

    def _stretched(self, given: Tensor, photos: FixedUnits) -> Tensor:
        low = self.low[photos.source][:, None]
        return ((given - low) / (self.high - low)).clamp(0, 1)


def appoint(
    reader: ActionUnitNetwork,
    looker: ActionUnitNetwork | None,
    photos: FixedUnits,
    renders: FixedUnits,
) -> tuple[Teacher, Tensor]:
    """A teacher out of networks that were fitted on renders, and its lessons on the photos.

    Opinions shrink on faces that are not rendered, and where they rest depends on how sharp a
    set's pictures are. So the range of each unit is stretched to the whole scale: nothing is the
    70th percentile of a set's neutral faces, everything the 99th of all photos. Lips and jaw are
    either apart or not, have no such tail and are taken as they are. Units that are not even read
    off renders are muted.

    Args:
        reader: its ``geometry`` is fitted on MediaPipe's landmarks.
        looker: trained on renders alone; None: landmarks only.
        photos: all that will be taught on.
        renders: of validation people.
    """
    share, trust = torch.ones(UNITS), torch.ones(UNITS)
    trust[BLIND] = _MUTED
    known = renders.teacher[:, 0, 0].isfinite()
    if looker is not None:
        points = torch.nan_to_num(read(reader, renders.teacher))
        picture = answers(looker, renders).scores.picture
        share = telling_shares(picture[known], points[known], renders.units[known], most=1.0)
        share[BLIND] = 0.0
        trust[BLIND] = _PICTURE_ALONE
    shown = _opinions(reader, looker, share, renders)
    for row in range(UNITS):
        columns = (one[known][..., row].reshape(-1, 1).numpy() for one in (shown, renders.units))
        r = float(pearson(*columns)[0])
        if not r >= _LEAST_R:
            trust[row] = _MUTED
        _LOG.info(
            "%s: teacher r %.2f on renders, share of the landmarks %.2f, weight %.2f",
            ACTION_UNITS[row].code,
            r,
            float(share[row]),
            float(trust[row]),
        )
    given = _opinions(reader, looker, share, photos)
    low, high = _range(given, photos)
    teacher = Teacher(reader, looker, share, low, high, trust)
    return teacher, teacher._stretched(given, photos)


def _opinions(
    reader: ActionUnitNetwork, looker: ActionUnitNetwork | None, share: Tensor, faces: FixedUnits
) -> Tensor:
    """(n, 2, 22) shares of the largest intensity, before they are stretched."""
    points = read(reader, faces.teacher)
    if looker is None:
        return torch.nan_to_num(torch.sigmoid(points))
    picture = answers(looker, faces).scores.picture
    both = (1 - share) * picture + share * points
    return torch.sigmoid(torch.where(both.isfinite(), both, picture))


def _range(given: Tensor, photos: FixedUnits) -> tuple[Tensor, Tensor]:
    """Shares that are nothing (sets, 22) and everything (22)."""
    pooled = _quantile(given[photos.neutral], _NOTHING)
    low = []
    for number in range(int(photos.source.max()) + 1):
        resting = given[photos.neutral & (photos.source == number)]
        low.append(_quantile(resting, _NOTHING) if len(resting) >= _FEWEST else pooled)
    lowest = torch.stack(low)
    lowest[:, _BIMODAL] = 0.0
    high = torch.maximum(_quantile(given, _EVERYTHING), lowest.amax(0) + _NARROWEST)
    high[_BIMODAL] = 1.0
    return lowest, high


def _quantile(given: Tensor, percent: float) -> Tensor:
    """(22,) of (n, 2, 22), of few enough values for torch."""
    flat = given.flatten(0, 1)
    if not len(flat):
        return torch.zeros(UNITS)
    return torch.quantile(flat[:: max(1, len(flat) // 20000)], percent / 100, dim=0)
