"""Taking somebody into a gallery: the embeddings of one person, out of pictures and videos."""

import logging
import math
from pathlib import Path

import numpy as np

from facekit.errors import OptionsError
from facekit.gallery import Entry
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.source import open_source

logger = logging.getLogger(__name__)


def enrolment_pipeline(*, largest: bool = False) -> Pipeline:
    """What `enrol` runs its inputs through: nothing but what recognising takes.

    Args:
        largest: only each picture's largest face counts.

    Raises:
        WeightsError: a network is missing or damaged.
    """
    options = PipelineOptions(
        identity=True, columns=("person",), gaze="none", action_units="none", largest=largest
    )
    return Pipeline(options)


def enrol(path: str | Path, pipeline: Pipeline) -> Entry:
    """The faces of the one person whom an input shows.

    Args:
        path: an image, a folder of images of one person, or a video.
        pipeline: as `enrolment_pipeline` gives it.

    Raises:
        SourceError: it cannot be opened.
        OptionsError: nobody is seen well enough in it, or it shows several people.
    """
    recogniser = pipeline.recogniser
    assert recogniser is not None
    still = False
    with open_source(path) as source:
        for frame, _ in pipeline.run(source):
            still = math.isnan(frame.time_s)
    good = [track for track in recogniser.persons.tracks() if track.good_weight > 0]
    if not good:
        raise OptionsError(
            "nobody is seen well enough to be known again",
            where=path,
            advice="Give a sharp picture of the face from the front, 70 px wide or more",
        )
    keys = {track.key for track in good}
    people = len(set(recogniser.persons.decide().persons.values()))
    together = any(not keys.isdisjoint(track.apart) for track in good)
    if together or (people > 1 and not still):
        raise OptionsError(
            "shows several people",
            where=path,
            advice="Give pictures of one person, or take each picture's largest face (--largest)",
        )
    if people > 1:
        logger.warning("%s: its faces are so unlike that they could be %d people", path, people)
    weight = sum(track.good_weight for track in good)
    mean = np.sum([track.good for track in good], axis=0) / weight
    return Entry(mean, weight, sum(track.good_faces for track in good))
