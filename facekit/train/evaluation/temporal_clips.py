"""Blinks in real clips, beside those counted by eye."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facekit.pipeline import Pipeline
from facekit.source import open_source
from facekit.temporal.features import SIZE, features_of, places
from facekit.temporal.spans import Span
from facekit.temporal.tcn import Network, Variant, run_whole
from facekit.train.evaluation.temporal_scores import (
    Matches,
    as_set,
    closures,
    f1_of,
    near,
    probable,
)
from facekit.train.evaluation.unit_answers import Beside, Findings
from facekit.types import Floats

LABELS = Path(__file__).resolve().parents[3] / "tests" / "temporal" / "labels" / "blinks.csv"
"""Beside the package in a checkout; not installed."""

CLIPS = ("webcam_sway.wmv", "talker_224px.mp4", "gaze_then_head.avi")
"""Those that were counted; the last has no blink, but looks down."""

TRUTH = "counted by eye from contact sheets"


def labelled(path: Path = LABELS) -> dict[str, list[float]]:
    """Moments at which the eyes are most closed, in seconds, by clip."""
    found: dict[str, list[float]] = {clip: [] for clip in CLIPS}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["clip"]].append(float(row["time_s"]))
    return found


def on_clips(
    found: Findings,
    videos: Path,
    networks: Mapping[Variant, Network],
    pipeline: Pipeline,
    low: float,
) -> None:
    """Blinks of each clip; all clips together are the key.

    Args:
        found: takes the rows.
        videos: folder of the clips.
        networks: by variant.
        pipeline: the per-frame networks.
        low: the baseline calls an eye closed below this.
    """
    if not LABELS.is_file():
        return
    counted = labelled()
    seen = {clip: read(videos / clip, pipeline) for clip in counted}
    theirs = [near(by_threshold(*seen[clip], low), times) for clip, times in counted.items()]
    for variant, network in networks.items():
        ours = [near(blinks(network, *seen[clip]), times) for clip, times in counted.items()]
        for number, clip in enumerate(counted):
            _add(
                found, f"{clip}, {variant}", ours[number : number + 1], theirs[number : number + 1]
            )
        value = _add(found, f"{len(counted)} clips, {variant}", ours, theirs)
        if variant == "lookahead":
            found.metrics["blink_f1_clips"] = value


def read(path: Path, pipeline: Pipeline) -> tuple[list[float], Floats]:
    """Times of the frames with a face, and their (n, SIZE) rows."""
    times, rows = [], []
    with open_source(path) as source:
        pipeline.reset()
        for frame in source:
            faces = pipeline.process(frame)
            if faces:
                times.append(frame.time_s)
                rows.append(features_of(faces[0]))
    return times, np.array(rows, np.float32).reshape(-1, SIZE)


def blinks(network: Network, times: list[float], rows: Floats) -> list[Span]:
    """Spans of blinks by the temporal network."""
    return probable(times, [now.blink for now in run_whole(network, times, rows)])


def by_threshold(times: list[float], rows: Floats, low: float) -> list[Span]:
    """Spans of blinks by the baseline."""
    where = places()
    opened = rows[:, where["left_open"].start : where["right_open"].stop]
    return closures(times, np.nan_to_num(opened, nan=1.0).min(axis=1), low)


def _add(found: Findings, name: str, ours: list[Matches], theirs: list[Matches]) -> float:
    pictures = as_set(name, TRUTH, len(ours))
    peer = Beside("thresholds", f1_of(theirs), 0.0)
    everywhere = np.ones(len(ours), bool)
    return found.add(pictures, "blink F1", f1_of(ours), everywhere, bar=">= 0.9", peer=peer)
