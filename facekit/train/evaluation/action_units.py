"""The action-unit network against exact renders, photographs and two peers.

A face that is not found counts as a wrong answer; its share stands in each row.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facekit.train.evaluation import unit_clips, unit_photos, unit_renders
from facekit.train.evaluation import unit_sets as sets
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.places import fill_in_crops
from facekit.train.evaluation.report import Report
from facekit.train.evaluation.settings import Settings
from facekit.train.evaluation.unit_answers import Findings, UnitReader
from facekit.types import Floats, Region

_LOG = logging.getLogger(__name__)


def evaluate(settings: Settings) -> Report:
    """Everything the README says of the action-unit network."""
    found = Findings()
    reader = UnitReader(settings.teachers)
    try:
        _on_renders(found, reader, settings)
        _on_london(found, reader, settings.data)
        _on_posed(found, reader, settings.data)
        _on_ferplus(found, reader, settings.data)
    finally:
        reader.close()
    _LOG.info("clips beside OpenFace")
    unit_clips.agreement(found, settings.data)
    return found.report()


def _on_renders(found: Findings, reader: UnitReader, settings: Settings) -> None:
    folder = settings.renders.with_name(settings.renders.name + "-units")
    pictures = sets.rendered_units(settings.data, folder, workers=settings.workers)
    _LOG.info("%d renders", len(pictures))
    regions = reader.find(pictures)
    answers, peer = reader.answers(pictures, regions), reader.peer_sides(pictures, regions)
    unit_renders.correlations(found, pictures, answers, peer)
    unit_renders.sides(found, pictures, answers)
    unit_renders.independence(found, pictures, answers)
    unit_renders.coverage(found, pictures, answers)
    neutral = sets.neutral_renders(settings.data, folder, workers=settings.workers)
    _LOG.info("%d neutral renders", len(neutral))
    unit_renders.false_alarms(found, neutral, reader.answers(neutral))


def _on_london(found: Findings, reader: UnitReader, data: Path) -> None:
    pictures = sets.london_pairs(data)
    regions = reader.find(pictures)
    answers = reader.answers(pictures, regions)
    unit_photos.rises(found, pictures, answers)
    neutral = ~pictures.labels["smiling"]
    unit_photos.rest(found, pictures, answers, neutral, "london_neutral_median_worst")
    _, calm, smiling = unit_photos.pairs(pictures)
    both = list(zip(calm.tolist(), smiling.tolist(), strict=True))
    points = _points(reader, pictures, regions)
    name, emotion = "London test, half smiles", ["happiness"] * len(both)
    made = unit_photos.chimeras(name, pictures, points, both, emotion)
    shares = unit_photos.chimera_sides(found, made, reader.answers(made), {12: ">= 0.97"})
    found.metrics["chimera_side_right_london12"] = shares[12]


def _on_posed(found: Findings, reader: UnitReader, data: Path) -> None:
    pictures = sets.posed_units(data)
    regions = reader.find(pictures)
    answers = reader.answers(pictures, regions)
    unit_photos.emotions(found, pictures, answers, answers.found, "posed_auc")
    emotion = pictures.labels["emotion"]
    calm = {
        who: int(np.flatnonzero((pictures.person == who) & (emotion == "neutral"))[0])
        for who in np.unique(pictures.person[emotion == "neutral"]).tolist()
    }
    both = [
        (calm[who], row)
        for row, who in enumerate(pictures.person.tolist())
        if who in calm and emotion[row] in unit_photos.POSED_UNITS
    ]
    points = _points(reader, pictures, regions)
    posed = [str(emotion[row]) for _, row in both]
    made = unit_photos.chimeras("posed emotions test, half faces", pictures, points, both, posed)
    shares = unit_photos.chimera_sides(found, made, reader.answers(made))
    found.metrics["chimera_side_right_posed"] = float(np.mean(list(shares.values())))


def _on_ferplus(found: Findings, reader: UnitReader, data: Path) -> None:
    pictures = sets.ferplus_units(data)
    _LOG.info("%d pictures of %s", len(pictures), pictures.name)
    regions = reader.find(pictures)
    detected = np.array([region is not None for region in regions])
    found.metrics["ferplus_share_not_detected"] = float(1 - detected.mean())
    # Bare crops of faces: the networks are asked about every one; the stricter rows do not.
    answers = reader.answers(pictures, fill_in_crops(regions))
    unit_photos.emotions(found, pictures, answers, answers.found, "ferplus_auc")
    note = "; faces that the detector does not find are wrong"
    unit_photos.emotions(found, pictures, answers, detected, "ferplus_detected_auc", note)
    neutral = pictures.labels["neutral"]
    unit_photos.rest(found, pictures, answers, neutral, "ferplus_neutral_median_worst")


def _points(
    reader: UnitReader, pictures: PictureSet, regions: Sequence[Region | None]
) -> list[Floats | None]:
    return [reader.points(pictures.image(row), region) for row, region in enumerate(regions)]
