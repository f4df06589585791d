"""The landmark network against people, renders and MediaPipe.

All 68-point comparisons read facekit's and the peer's 478 points out in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.estimate.ibug import subset68
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.train.evaluation import pictures as sets
from facekit.train.evaluation.bootstrap import Estimate, bootstrap, mean_of
from facekit.train.evaluation.figure import Panel, draw
from facekit.train.evaluation.peers import LandmarkPeer
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.places import fill_in, find_faces, still
from facekit.train.evaluation.report import Report, Row, beside, measured
from facekit.train.evaluation.scores import (
    INNER,
    Array,
    Mask,
    all_finite,
    covered,
    distances,
    face_errors,
    outer_eye_distance,
    ratio_of,
    spearman_of,
)
from facekit.train.evaluation.settings import Settings
from facekit.types import Region

_YAW_BINS = ((0, 20), (20, 40), (40, 60), (60, 80))
_BANDS = ("dark", "middle", "light")
_IRISES = slice(468, 478)
# Outer-eye distance over the distance of the eyeball centres, on MediaPipe's canonical face.
_OUTER_OVER_CENTRES = 1.39
_WORST = 10
_PEER = LandmarkPeer.name


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What was answered for each picture of a set; NaN where a face was not found.

    Attributes:
        points: (n, 478, 2) facekit's, pixels.
        sd: (n, 478) facekit's standard deviation of each coordinate, pixels.
        peer: (n, 478, 2) the peer's, pixels.
    """

    points: Array
    sd: Array
    peer: Array

    @property
    def found(self) -> Mask:
        """(n,) which faces facekit found."""
        return all_finite(self.points)


def evaluate(settings: Settings) -> Report:
    """Everything the README says of the landmark network."""
    finder = Pipeline(PipelineOptions(landmarks="none", device="cpu"))
    pipeline = Pipeline(PipelineOptions(head_pose="none", device="cpu"))
    peer = LandmarkPeer(settings.teachers)
    rows: list[Row] = []
    metrics: dict[str, float] = {}
    panels: list[Panel] = []
    try:
        _by_hand(sets.human68(settings.data), finder, pipeline, peer, rows, metrics, panels)
        for load in (sets.london, sets.posed_emotions, sets.ytf68):
            _agreement(load(settings.data), finder, pipeline, peer, rows)
        rendered = sets.renders(settings.data, settings.renders, workers=settings.workers)
        _on_renders(rendered, finder, pipeline, peer, rows, metrics, panels)
    finally:
        peer.close()
        pipeline.close()
        finder.close()
    draw(panels, settings.figure)
    return Report(rows, metrics)


def answer(
    pictures: PictureSet, regions: Sequence[Region | None], pipeline: Pipeline, peer: LandmarkPeer
) -> Answers:
    """Facekit's and the peer's points on the same faces.

    Args:
        pictures: a set.
        regions: one for each picture; None where no face was found.
        pipeline: with landmarks.
        peer: the other method.
    """
    count = len(pictures)
    points, other = np.full((count, 478, 2), np.nan), np.full((count, 478, 2), np.nan)
    sd = np.full((count, 478), np.nan)
    for number, region in enumerate(regions):
        if region is None:
            continue
        image = pictures.image(number)
        other[number] = peer.points(image, region)
        found = pipeline.process(still(image), regions=[region])[0].landmarks
        if found is not None:
            points[number] = found.points[:, :2]
            if found.sd is not None:
                sd[number] = found.sd
    return Answers(points, sd, other)


def _by_hand(
    pictures: PictureSet,
    finder: Pipeline,
    pipeline: Pipeline,
    peer: LandmarkPeer,
    rows: list[Row],
    metrics: dict[str, float],
    panels: list[Panel],
) -> None:
    """Rows of a set with 68 points by hand."""
    answers = answer(pictures, find_faces(pictures, finder), pipeline, peer)
    truth = pictures.labels["points68"]
    unit = outer_eye_distance(truth)
    ours, theirs = _inner(answers.points), _inner(answers.peer)
    errors, found = face_errors(ours, truth[:, INNER], unit)
    peer_errors, peer_found = face_errors(theirs, truth[:, INNER], unit)
    value, other = (bootstrap(mean_of(e), pictures.person) for e in (errors, peer_errors))
    rows.append(
        Row(
            set=pictures.name,
            metric="error of the 51 inner points / outer-eye distance",
            **_both(value, other),
            bar="at most 1.05 x peer",
            truth=pictures.truth,
            **_counts(found, peer_found),
        )
    )
    metrics["human68_error"], metrics["human68_error_mediapipe"] = value.value, other.value
    usable = np.ones(ours.shape[:2], bool)
    sd = _inner(answers.sd[..., None])[..., 0]
    _honesty(pictures, (ours, sd, truth[:, INNER]), unit, usable, rows, metrics, "human68")
    panels += _worst(pictures, errors, ours, truth[:, INNER])


def _agreement(
    pictures: PictureSet,
    finder: Pipeline,
    pipeline: Pipeline,
    peer: LandmarkPeer,
    rows: list[Row],
) -> None:
    """How far facekit is from MediaPipe where nobody has marked all points by hand."""
    answers = answer(pictures, find_faces(pictures, finder), pipeline, peer)
    known = all_finite(answers.peer)
    teacher = answers.peer[known]
    unit = outer_eye_distance(_read_out(teacher)) / _OUTER_OVER_CENTRES
    errors, found = face_errors(answers.points[known], teacher, unit)
    rows.append(
        Row(
            set=pictures.name,
            metric="distance of the 478 points from MediaPipe's / eye distance",
            **measured(bootstrap(mean_of(errors), pictures.person[known])),
            truth="opinion of MediaPipe",
            **_counts(found),
        )
    )
    if "points68" not in pictures.labels:
        return
    truth = pictures.labels["points68"]
    unit = outer_eye_distance(truth)
    errors, found = face_errors(_inner(answers.points), truth[:, INNER], unit)
    peer_errors, peer_found = face_errors(_inner(answers.peer), truth[:, INNER], unit)
    value, other = (bootstrap(mean_of(e), pictures.person) for e in (errors, peer_errors))
    rows.append(
        Row(
            set=pictures.name,
            metric="error of the 51 inner points / outer-eye distance",
            **_both(value, other),
            truth=pictures.truth,
            **_counts(found, peer_found),
        )
    )


def _on_renders(
    pictures: PictureSet,
    finder: Pipeline,
    pipeline: Pipeline,
    peer: LandmarkPeer,
    rows: list[Row],
    metrics: dict[str, float],
    panels: list[Panel],
) -> None:
    """Rows with exact truth: by yaw, by albedo, by part, and how honest the sd is."""
    detected = find_faces(pictures, finder)
    answers = answer(pictures, fill_in(pictures, detected), pipeline, peer)
    yaw = np.abs(pictures.labels["seen"][:, 0])
    truth, usable = pictures.labels["points478"], pictures.labels["usable"]
    inner = (_inner(answers.points), _inner(answers.peer), _inner(truth), _inner(usable[..., None]))
    ours, theirs, marks, seen = *inner[:3], inner[3][..., 0].astype(bool)
    for low, high in _YAW_BINS:
        part = (yaw >= low) & (yaw < high)
        row = _rendered(pictures, part, f"yaw {low}-{high}", ours, theirs, marks, seen)
        rows.append(row)
        if low >= 40:
            both = part & all_finite(theirs)
            label = f"yaw {low}-{high}, where MediaPipe finds a face"
            rows.append(_rendered(pictures, both, label, ours, theirs, marks, seen))
        name = f"render_error_yaw_{low}_{high}"
        metrics[name], metrics[f"{name}_mediapipe"] = _number(row.value), _number(row.peer_value)
    front = yaw < 60
    for band, label in enumerate(_BANDS):
        part = front & (pictures.labels["band"] == band)
        rows.append(_rendered(pictures, part, f"{label} skin", ours, theirs, marks, seen))
    for label, part, which in (
        ("irises, yaw 0-40", yaw < 40, _IRISES),
        ("478 points, yaw 0-60", front, slice(None)),
    ):
        whole = (answers.points[:, which], answers.peer[:, which], truth[:, which])
        rows.append(_rendered(pictures, part, label, *whole, usable[:, which]))
    unit = pictures.labels["unit"]
    values = (answers.points, answers.sd, truth)
    _honesty(pictures, values, unit, usable, rows, metrics, "render")
    missing = float(np.mean([region is None for region in detected]))
    metrics["render_share_not_detected"] = missing
    errors, _ = face_errors(ours, marks, unit, seen)
    panels += _worst(pictures, errors, ours, marks)


def _rendered(
    pictures: PictureSet,
    part: Mask,
    label: str,
    ours: Array,
    theirs: Array,
    truth: Array,
    usable: Mask,
) -> Row:
    """One row over a part of the renders: points that are seen and uncovered."""
    unit = pictures.labels["unit"][part]
    errors, found = face_errors(ours[part], truth[part], unit, usable[part])
    others, peer_found = face_errors(theirs[part], truth[part], unit, usable[part])
    person, known = pictures.person[part], np.isfinite(errors)
    value, other = (bootstrap(mean_of(e[known]), person[known]) for e in (errors, others))
    return Row(
        set=pictures.name,
        metric=f"{label}: error of visible points / eye distance",
        **_both(value, other),
        truth=pictures.truth,
        **_counts(found, peer_found),
    )


def _honesty(
    pictures: PictureSet,
    values: tuple[Array, Array, Array],
    unit: Array,
    usable: Mask,
    rows: list[Row],
    metrics: dict[str, float],
    name: str,
) -> None:
    """Does the predicted sd say how wrong the points are? Over the faces that were found."""
    points, sd, truth = values
    known = all_finite(points) & all_finite(sd) & np.asarray(usable.any(axis=1))
    if not known.any():
        return
    points, sd, truth, usable = points[known], sd[known], truth[known], usable[known]
    unit, person = unit[known], pictures.person[known]
    count = usable.sum(axis=1)
    actual = (distances(points, truth, unit) * usable).sum(axis=1) / count
    predicted = (sd * usable).sum(axis=1) / count / unit
    rank = bootstrap(spearman_of(predicted, actual), person)
    share = bootstrap(ratio_of(*covered(points, sd, truth, usable)), person)
    metrics[f"spearman_{name}"], metrics[f"coverage_{name}"] = rank.value, share.value
    common: dict[str, Any] = {"set": pictures.name, "truth": pictures.truth, "faces": len(unit)}
    metric = "Spearman of predicted sd and error, face by face"
    rows.append(Row(metric=metric, **_both(rank), bar="> 0.5", **common))
    metric = "coordinates within one predicted sd"
    rows.append(Row(metric=metric, **_both(share), bar="0.60-0.76", **common))
    flat = distances(points, truth, unit)[usable], (sd / unit[:, None])[usable]
    by_point = Estimate(spearman_of(*flat)(np.arange(len(flat[0]))), float("nan"), float("nan"))
    metric = "Spearman of predicted sd and error, point by point"
    rows.append(Row(metric=metric, **_both(by_point), **common))


def _worst(pictures: PictureSet, errors: Array, points: Array, truth: Array) -> list[Panel]:
    order = np.argsort(-np.nan_to_num(errors))[:_WORST]
    return [
        Panel(f"{pictures.name}: {errors[n]:.3f}", pictures.image(int(n)), points[n], truth[n])
        for n in order
    ]


def _read_out(points: NDArray[Any]) -> NDArray[Any]:
    """(n, 68, c) of (n, 478, c)."""
    return np.asarray([subset68(face) for face in points]).reshape(-1, 68, points.shape[-1])


def _inner(points: NDArray[Any]) -> NDArray[Any]:
    """(n, 51, c) of (n, 478, c)."""
    return _read_out(points)[:, INNER]


def _both(value: Estimate, other: Estimate | None = None) -> dict[str, Any]:
    return measured(value) | (beside(_PEER, other) if other else {})


def _counts(found: Mask, peer_found: Mask | None = None) -> dict[str, Any]:
    counts: dict[str, Any] = {"faces": len(found), "not_found": _missing(found)}
    return counts if peer_found is None else counts | {"peer_not_found": _missing(peer_found)}


def _missing(found: Mask) -> float:
    return float(1 - found.mean()) if len(found) else 0.0


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
