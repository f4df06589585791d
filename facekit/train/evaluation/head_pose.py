"""The head-pose network against hand-set classes, renders and three peers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.geometry import angles as axes_to_angles
from facekit.geometry import ray_rotation, rotation
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.train.evaluation import pictures as sets
from facekit.train.evaluation.bootstrap import Estimate, Statistic, bootstrap, mean_of
from facekit.train.evaluation.peers import PosePeer, pose_peers
from facekit.train.evaluation.pictures import PictureSet, mirrored
from facekit.train.evaluation.places import fill_in, find_faces, shifted, still
from facekit.train.evaluation.report import Report, Row, beside, measured
from facekit.train.evaluation.scores import (
    Array,
    Mask,
    centred_class_mae_of,
    class_mae_of,
    class_slope_of,
    turn,
)
from facekit.train.evaluation.settings import Settings
from facekit.types import Image, Region

_AXES = ("yaw", "pitch", "roll")
_YAW_LIMIT = 60
_MIRROR_SIGNS = np.array([-1, 1, -1])
# drivface's pictures are cut out of frames of 640 x 480, without a change of size.
_DRIVFACE_FOCAL_PX = 640.0


def evaluate(settings: Settings) -> Report:
    """Everything the README says of the head-pose network."""
    finder = Pipeline(PipelineOptions(landmarks="none", device="cpu"))
    pipeline = Pipeline(PipelineOptions(device="cpu"))
    peers = pose_peers(settings.teachers)
    rows: list[Row] = []
    metrics: dict[str, float] = {}
    try:
        _on_classes(sets.drivface(settings.data), finder, pipeline, peers, rows, metrics)
        rendered = sets.renders(settings.data, settings.renders, workers=settings.workers)
        _on_renders(rendered, finder, pipeline, peers, rows, metrics)
    finally:
        for peer in peers:
            peer.close()
        pipeline.close()
        finder.close()
    return Report(rows, metrics)


def pose(
    pipeline: Pipeline, image: Image, region: Region | None, focal_px: float
) -> tuple[Array, Array, Array]:
    """Facekit's yaw, pitch, roll; their sd; the head's place in mm. NaN where not found."""
    nothing = np.full(3, np.nan)
    if region is None:
        return nothing, nothing, nothing
    found = pipeline.process(still(image), regions=[region], focal_px=focal_px)[0].head_pose
    if found is None:
        return nothing, nothing, nothing
    angles = np.array([found.yaw, found.pitch, found.roll])
    sd = np.array([found.yaw_sd, found.pitch_sd, found.roll_sd])
    return angles, sd, np.asarray(found.position_mm, np.float64)


def _on_classes(
    pictures: PictureSet,
    finder: Pipeline,
    pipeline: Pipeline,
    peers: Sequence[PosePeer],
    rows: list[Row],
    metrics: dict[str, float],
) -> None:
    """Rows of a set with yaw classes; the best peer stands beside, the others below."""
    regions = find_faces(pictures, finder)
    answers: dict[str, Array] = {"facekit": np.full(len(pictures), np.nan)}
    answers |= {peer.name: np.full(len(pictures), np.nan) for peer in peers}
    for number, region in enumerate(regions):
        if region is None:
            continue
        image = pictures.image(number)
        answers["facekit"][number] = pose(pipeline, image, region, _DRIVFACE_FOCAL_PX)[0][0]
        for peer in peers:
            answers[peer.name][number] = peer.angles(image, region)[0]
    found = {name: np.isfinite(yaw) for name, yaw in answers.items()}
    # A face that was not found is charged what the constant answer 0 costs.
    charged = {name: np.nan_to_num(yaw) for name, yaw in answers.items()}
    label = pictures.labels["yaw"]
    for metric, statistic in (
        ("mean over classes of the yaw error, degrees", class_mae_of),
        ("the same less each method's mean at class 0", centred_class_mae_of),
    ):
        estimates = {
            name: bootstrap(statistic(yaw, label), pictures.person) for name, yaw in charged.items()
        }
        rows += _beside_peers(pictures, metric, estimates, found, "at most the best peer's")
        if statistic is class_mae_of:
            others = [e.value for name, e in estimates.items() if name != "facekit"]
            metrics["drivface_yaw_mae"] = estimates["facekit"].value
            metrics["drivface_yaw_mae_best_peer"] = min(others, default=float("nan"))
    slopes = {
        name: bootstrap(class_slope_of(yaw, label), pictures.person)
        for name, yaw in charged.items()
    }
    rows += _beside_peers(pictures, "slope of the class means (1 is right)", slopes, found, "")


def _beside_peers(
    pictures: PictureSet,
    metric: str,
    estimates: Mapping[str, Estimate],
    found: Mapping[str, Mask],
    bar: str,
) -> list[Row]:
    """A row per peer; facekit's number stands in each of them."""
    ours = measured(estimates["facekit"])
    return [
        Row(
            set=pictures.name,
            metric=metric,
            **ours,
            **beside(name, estimate),
            bar=bar,
            truth=pictures.truth,
            faces=len(pictures),
            not_found=float(1 - found["facekit"].mean()),
            peer_not_found=float(1 - found[name].mean()),
        )
        for name, estimate in estimates.items()
        if name != "facekit"
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """What was said of the renders in `rows`: (n, 3) each, NaN where not found."""

    rows: NDArray[np.intp]
    angles: Array
    sd: Array
    place: Array
    mirror: Array
    peers: Mapping[str, Array]


def _on_renders(
    pictures: PictureSet,
    finder: Pipeline,
    pipeline: Pipeline,
    peers: Sequence[PosePeer],
    rows: list[Row],
    metrics: dict[str, float],
) -> None:
    """Rows with exact truth: per axis beside the peers, sd, mirror, place."""
    found = _ask(pictures, fill_in(pictures, find_faces(pictures, finder)), pipeline, peers)
    truth, person = pictures.labels["pose"][found.rows], pictures.person[found.rows]
    off = np.abs(turn(np.nan_to_num(found.angles), truth))
    common: dict[str, Any] = {"set": pictures.name, "truth": pictures.truth, "faces": len(person)}
    common["not_found"] = _missing(found.angles)

    def add(metric: str, statistic: Statistic, bar: str = "", **other: Any) -> float:
        estimate = bootstrap(statistic, person)
        rows.append(Row(metric=metric, bar=bar, **measured(estimate), **common, **other))
        return estimate.value

    for axis, name in enumerate(_AXES):
        metric = f"{name} error within yaw +-{_YAW_LIMIT}, degrees"
        for peer, angles in found.peers.items():
            error = np.abs(turn(np.nan_to_num(angles[:, axis]), truth[:, axis]))
            other = beside(peer, bootstrap(mean_of(error), person))
            other["peer_not_found"] = _missing(angles)
            key = f"render_mae_{name}"
            metrics[key] = add(metric, mean_of(off[:, axis]), "< 2.5", **other)
    for axis, name in enumerate(_AXES):
        inside = off[:, axis] <= np.nan_to_num(found.sd[:, axis])
        metric = f"{name} within one predicted sd"
        metrics[f"coverage_render_{name}"] = add(metric, mean_of(inside), "0.60-0.76")
    apart = np.abs(np.nan_to_num(turn(found.angles, found.mirror)))
    for axis, name in enumerate(_AXES):
        metric = f"{name}: difference from the mirrored picture, degrees"
        metrics[f"mirror_{name}"] = add(metric, mean_of(apart[:, axis]))
    head = pictures.labels["mm"][found.rows]
    far = np.abs(np.nan_to_num(found.place[:, 2]) / head[:, 2] - 1)
    metrics["render_depth_error"] = add("distance of the head, relative error", mean_of(far))


def _ask(
    pictures: PictureSet, regions: Sequence[Region], pipeline: Pipeline, peers: Sequence[PosePeer]
) -> _Answers:
    """Facekit, its mirror image and the peers on every render within the limit of yaw."""
    part = np.flatnonzero(np.abs(pictures.labels["pose"][:, 0]) <= _YAW_LIMIT)
    angles, sd, place, mirror = (np.full((len(part), 3), np.nan) for _ in range(4))
    others = {peer.name: np.full((len(part), 3), np.nan) for peer in peers}
    for row, number in enumerate(part.tolist()):
        image, region = centred(pictures, number, regions[number])
        focal_px = float(pictures.labels["camera"][number, 0])
        angles[row], sd[row], place[row] = pose(pipeline, image, region, focal_px)
        flipped = _flipped_region(region, image.shape[1])
        mirror[row] = pose(pipeline, mirrored(image), flipped, focal_px)[0] * _MIRROR_SIGNS
        # Peers know no camera: their angles are turned to its axes by the true direction.
        aim = ray_rotation(pictures.labels["mm"][number])
        for peer in peers:
            seen = peer.angles(pictures.image(number), regions[number])
            if np.isfinite(seen).all():
                others[peer.name][row] = axes_to_angles(aim @ rotation(*seen))
    return _Answers(part, angles, sd, place, mirror, others)


def _missing(answers: Array) -> float:
    return float(1 - np.isfinite(answers).all(axis=-1).mean())


def centred(pictures: PictureSet, number: int, region: Region) -> tuple[Image, Region]:
    """A render in a frame whose centre is the optical axis, and its region there.

    Half of the renders are windows of a larger frame: facekit knows a camera by its focal length
    alone, and takes the frame's centre for the optical axis.
    """
    image = pictures.image(number)
    height, width = image.shape[:2]
    _, centre_x, centre_y = pictures.labels["camera"][number]
    left, right = _padding(centre_x, width)
    top, bottom = _padding(centre_y, height)
    padded = np.pad(image, ((top, bottom), (left, right), (0, 0)))
    return padded, shifted(region, left, top)


def _padding(centre: float, size: int) -> tuple[int, int]:
    """Pixels to add before and after, so that `centre` is the middle."""
    more = round(2 * centre - (size - 1))
    return max(0, -more), max(0, more)


def _flipped_region(region: Region, width: int) -> Region:
    x, y, w, h = region.box
    box = np.array([width - 1 - x - w, y, w, h], np.float32)
    points = region.points[[1, 0, 2, 4, 3]].copy()
    points[:, 0] = width - 1 - points[:, 0]
    return Region(region.track, box, region.score, points, region.detected)
