"""Facekit's action units, and the peer's, on the faces of a set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.synthetic.action_units import ROW
from facekit.train.evaluation.bootstrap import DRAWS, Estimate, Statistic, bootstrap
from facekit.train.evaluation.peers import BlendshapeUnits
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.places import find_faces, still
from facekit.train.evaluation.report import Report, Row, beside, measured
from facekit.train.evaluation.scores import Array, Mask
from facekit.train.evaluation.unit_scores import HIGHEST, UnitAnswers
from facekit.types import ActionUnits, Floats, Image, Region


class UnitReader:
    """The shipped files through the public API, and the peer on the same faces."""

    def __init__(self, teachers: Path) -> None:
        """Load detector, landmarks, action units and the peer."""
        self._finder = Pipeline(PipelineOptions(landmarks="none", device="cpu"))
        self.pipeline = Pipeline(PipelineOptions(head_pose="none", device="cpu"))
        self._peer = BlendshapeUnits(teachers)

    def find(self, pictures: PictureSet) -> list[Region | None]:
        """The region of each picture's face; None where the detector does not find it."""
        return find_faces(pictures, self._finder)

    def answers(
        self, pictures: PictureSet, regions: Sequence[Region | None] | None = None
    ) -> UnitAnswers:
        """Facekit's action units.

        Args:
            pictures: a set.
            regions: one for each picture; None to have them found.
        """
        records: list[ActionUnits | None] = []
        for number, region in enumerate(self.find(pictures) if regions is None else regions):
            if region is None:
                records.append(None)
                continue
            frame = still(pictures.image(number))
            records.append(self.pipeline.process(frame, regions=[region])[0].action_units)
        return UnitAnswers.of(records)

    def peer_sides(self, pictures: PictureSet, regions: Sequence[Region | None]) -> Array:
        """(n, 2, 22) the peer's left and right intensities; NaN for what it does not say."""
        sides = np.full((len(regions), 2, len(ACTION_UNITS)), np.nan)
        for number, region in enumerate(regions):
            if region is None:
                continue
            for unit, weights in self._peer.sides(pictures.image(number), region).items():
                sides[number, :, ROW[unit]] = np.multiply(weights, HIGHEST)
        return sides

    def points(self, image: Image, region: Region | None) -> Floats | None:
        """(478, 2) landmarks in pixels, or None without a face."""
        if region is None:
            return None
        marks = self.pipeline.process(still(image), regions=[region])[0].landmarks
        return None if marks is None else marks.points[:, :2]

    def close(self) -> None:
        """Free what the backends hold."""
        self._peer.close()
        self.pipeline.close()
        self._finder.close()


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """The peer's number in a row: its name, statistic and the share it did not find."""

    name: str
    statistic: Statistic
    not_found: float


class Findings:
    """Rows and numbers as they come in."""

    def __init__(self, draws: int = DRAWS) -> None:
        """Nothing yet; `draws` are the bootstrap samples of each interval."""
        self._draws = draws
        self._rows: list[Row] = []
        self.metrics: dict[str, float] = {}

    def add(
        self,
        pictures: PictureSet,
        metric: str,
        statistic: Statistic,
        found: Mask,
        *,
        part: Mask | None = None,
        key: str = "",
        bar: str = "",
        peer: Beside | None = None,
    ) -> float:
        """One row.

        Args:
            pictures: a set.
            metric: what was measured, with its unit.
            statistic: over the rows of the part.
            found: (n,) which faces of the set were found.
            part: (n,) which pictures count; None for all. The statistic counts from 0 in it.
            key: also note the number under this name.
            bar: what was promised.
            peer: the number beside it.
        """
        part = np.ones(len(pictures), bool) if part is None else part
        person = pictures.person[part]
        estimate = self._estimate(statistic, person)
        other = {} if peer is None else beside(peer.name, self._estimate(peer.statistic, person))
        self._rows.append(
            Row(
                set=pictures.name,
                metric=metric,
                **measured(estimate),
                **other,
                bar=bar,
                truth=pictures.truth,
                faces=len(person),
                not_found=float(1 - found[part].mean()) if len(person) else 0.0,
                peer_not_found=None if peer is None else peer.not_found,
            )
        )
        if key:
            self.metrics[key] = estimate.value
        return estimate.value

    def _estimate(self, statistic: Statistic, person: NDArray[np.generic]) -> Estimate:
        return bootstrap(statistic, person, self._draws)

    def report(self) -> Report:
        """Everything found."""
        return Report(self._rows, self.metrics)
