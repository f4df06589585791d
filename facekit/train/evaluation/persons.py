"""Persons in real clips against hand-labelled boxes: are people told apart, and kept together?

Every pair of labelled boxes of a clip is one question: the same person or not? A box that was not
found, or that nobody was told for, is nobody's but its own.
"""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.options import PipelineOptions
from facekit.source import open_source
from facekit.task import extract
from facekit.train.evaluation.report import Report, Row
from facekit.train.evaluation.settings import Settings
from facekit.types import Image

_LOG = logging.getLogger(__name__)

LABELS = Path(__file__).parents[3] / "tests" / "track" / "labels"
"""Boxes labelled by hand, of a checkout: ``frame, time_s, person, x, y, width``."""

CLIPS = ("three_men.avi", "classroom_leaves.mp4")
JOINED = "joined.mp4"
_BAR = ">= .95"
_NEAR = 0.6
_SIZE = (640, 480)
_RATE = 15
_SHOT_S = 2.5


@dataclass(frozen=True, slots=True)
class Shot:
    """A piece of a clip with one person: its file, and where the piece starts, seconds."""

    clip: str
    start_s: float


SHOTS = (
    Shot("webcam_sway.wmv", 0.5),
    Shot("winks.mp4", 0.5),
    Shot("asymmetric_faces.mp4", 0.5),
    Shot("gaze_then_head.avi", 0.5),
    Shot("webcam_sway.wmv", 9.0),
    Shot("winks.mp4", 8.0),
    Shot("asymmetric_faces.mp4", 20.0),
    Shot("gaze_then_head.avi", 14.0),
)
"""What `join` cuts together: four people, each of whom comes back once."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Pairs of labelled boxes.

    Attributes:
        both: the same person, and told so.
        told: told to be the same person.
        true: truly the same person.
        boxes: labelled.
        found: share of the boxes that have a person.
    """

    both: int
    told: int
    true: int
    boxes: int
    found: float

    @property
    def precision(self) -> float:
        """Share of the pairs told to be one person that are."""
        return self.both / self.told if self.told else 0.0

    @property
    def recall(self) -> float:
        """Share of the pairs of one person that are told to be."""
        return self.both / self.true if self.true else 0.0


def evaluate_persons(settings: Settings) -> Report:
    """Precision and recall of pairs of boxes on three files; the metrics are the worst file's.

    Args:
        settings: `data` holds the clips; the labels are those of the checkout.
    """
    videos = settings.data / "videos"
    rows: list[Row] = []
    found: list[Agreement] = []
    with tempfile.TemporaryDirectory(prefix="facekit-") as folder:
        joined = join(videos, Path(folder) / JOINED)
        for path in (*(videos / clip for clip in CLIPS), joined):
            result = agreement(path)
            found.append(result)
            rows += _rows(path.name, result)
    return Report(
        rows,
        {
            "persons_precision": min(result.precision for result in found),
            "persons_recall": min(result.recall for result in found),
        },
    )


def _rows(clip: str, result: Agreement) -> Iterator[Row]:
    for metric, value in (("precision", result.precision), ("recall", result.recall)):
        yield Row(
            set=clip,
            metric=f"person ids, pairwise {metric}",
            value=value,
            bar=_BAR,
            truth="boxes by hand",
            faces=result.boxes,
            not_found=1 - result.found,
        )


def agreement(path: Path) -> Agreement:
    """How well the persons of a clip fit its labels.

    Args:
        path: of a clip whose name labels have.
    """
    options = PipelineOptions(
        gaze="none", action_units="none", columns=("person",), identity=True, device="cpu"
    )
    table = extract(path, options)
    labels = pd.read_csv(LABELS / f"{path.stem}.csv")
    told = np.array([_person_at(table, label) for label in labels.itertuples()])
    result = compare(told, labels["person"].to_numpy())
    _LOG.info("%s: %s", path.name, result)
    return result


def compare(told: NDArray[np.int64], truth: NDArray[Any]) -> Agreement:
    """Pairs of boxes.

    Args:
        told: (n,) number of the person of each box; -1 for none, who is like nobody.
        truth: (n,) who it is.
    """
    pairs = np.triu_indices(len(told), 1)
    together = ((told[:, None] == told[None]) & (told[:, None] >= 0))[pairs]
    same = (truth[:, None] == truth[None])[pairs]
    return Agreement(
        int((together & same).sum()),
        int(together.sum()),
        int(same.sum()),
        len(told),
        float((told >= 0).mean()),
    )


def _person_at(table: pd.DataFrame, label: Any) -> int:
    """The person of the face whose centre is nearest to a label, within 0.6 widths; else -1."""
    faces = table[(table["frame"] == label.frame) & table["track"].notna()]
    x = faces["box_x"] + faces["box_w"] / 2 - label.x
    y = faces["box_y"] + faces["box_h"] / 2 - label.y
    distance = np.hypot(x.to_numpy(np.float64), y.to_numpy(np.float64)) / label.width
    if len(distance) == 0 or distance.min() > _NEAR:
        return -1
    person = faces["person"].iloc[int(distance.argmin())]
    return -1 if pd.isna(person) else int(person)


def join(videos: Path, path: Path) -> Path:
    """Cut `SHOTS` together into one video of 15 frames a second.

    Args:
        videos: folder of the clips.
        path: of the new file.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE)
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "16", "preset": "veryfast"}
        shown = (picture for shot in SHOTS for picture in _pictures(videos, shot))
        for index, picture in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, _RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _pictures(videos: Path, shot: Shot) -> Iterator[Image]:
    end_s = shot.start_s + _SHOT_S
    with open_source(videos / shot.clip, start=shot.start_s, end=end_s, every=1 / _RATE) as source:
        for frame in source:
            yield _fitted(frame.image)


def _fitted(image: Image) -> Image:
    """The whole picture in the middle of a frame of `_SIZE`, black around."""
    width, height = _SIZE
    scale = min(width / image.shape[1], height / image.shape[0])
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    frame = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    frame[top : top + size[1], left : left + size[0]] = small
    return frame
