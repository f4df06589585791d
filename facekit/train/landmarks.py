"""The landmark network: ``python -m facekit.train landmarks --data DIR --shards DIR --out DIR``.

Renders give exact points at every pose, MediaPipe's labels the look of real photos near the
front. Points are trained by a smooth L1 in pixels; their uncertainty by the likelihood of
the remaining errors once the points are roughly right.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from facekit.estimate.crops import SIZE
from facekit.network.landmarks import LandmarkNetwork
from facekit.train.credits import CROP, INPUT, LICENCE, training_data
from facekit.train.crops import CropBatches, FixedCrops, Mix, fixed_crops
from facekit.train.data import Faces, photos, point_mirror, renders
from facekit.train.loop import Batch, Plan, Trainer, best_state, outputs
from facekit.train.losses import point_loss, presence_loss, region_weights, student_nll
from facekit.train.marks import spread
from facekit.train.publish import Publication, publish
from facekit.train.settings import Settings, parse

_LOG = logging.getLogger(__name__)
NAME = "landmarks"
_WARM_UP = 0.15
_DEPTH_WEIGHT = 0.5
_ONE_SD = 0.6827
_OUTPUT = (
    "points (478, 3): x, y, z in shares of the crop's side, (0, 0) at its centre, z smaller nearer "
    "and zero at the mean of the 468 surface points; log_sd (478): natural logarithm of the sd of "
    "the error along x or y, same unit; presence: logit of a face"
)


class LandmarkTask:
    """Batches, losses and validation of the landmark network.

    Args:
        batches: training crops by step.
        validation: fixed crops by the name of their source.
    """

    def __init__(self, batches: CropBatches, validation: dict[str, FixedCrops]) -> None:
        """Keep what is given."""
        self.batch = batches
        self._validation = validation
        self._regions = region_weights()

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Point, uncertainty and presence loss."""
        points, log_sd, logit = (value.float() for value in network(batch["image"]))
        axes = torch.tensor([1.0, 1.0, _DEPTH_WEIGHT])
        weights = batch["weights"] * self._regions[:, None] * axes
        losses = {
            "points": point_loss(points, batch["points"], weights, SIZE),
            "presence": presence_loss(logit[:, 0], batch["present"]),
        }
        flat = (points - batch["points"])[..., :2].detach()
        seen = batch["weights"][..., :1]
        losses["uncertainty"] = student_nll(flat, log_sd[..., None], seen)
        # An unripe network's errors say nothing of the sd that the ripe one should give.
        share = 0.1 if progress >= _WARM_UP else 0.01
        losses["total"] = losses["points"] + losses["presence"] + share * losses["uncertainty"]
        return losses

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean error over the distance of the eyes, per source; their mean is the score."""
        numbers: dict[str, float] = {}
        for name, crops in self._validation.items():
            points, log_sd, logit = outputs(network, crops.image)
            errors = radial_errors(points, crops)
            numbers[name] = float(errors[crops.weights == 1].mean())
            numbers[f"{name}_coverage"] = coverage(points, log_sd, crops)
            numbers[f"{name}_presence"] = float((logit > 0).float().mean())
        numbers["score"] = float(np.mean([numbers[name] for name in self._validation]))
        return numbers


def radial_errors(points: Tensor, crops: FixedCrops) -> Tensor:
    """(n, 478) distances from the truth, in distances of the eyeball centres."""
    apart = torch.linalg.vector_norm((points - crops.points)[..., :2], dim=2)
    return torch.as_tensor(apart / crops.eyes[:, None])


def coverage(points: Tensor, log_sd: Tensor, crops: FixedCrops) -> float:
    """Share of the visible points' errors along x and y that are below one sd."""
    error = (points - crops.points)[..., :2].abs()
    within = (error < torch.exp(log_sd)[..., None]).float().mean(2)
    return float(within[crops.weights == 1].mean())


def training_faces(settings: Settings) -> list[Faces]:
    """Renders, and photos where a cache of them is given."""
    train = [renders(settings.shards / "train", settings.limit)]
    if settings.photos is not None:
        train.append(photos(settings.photos, "train"))
    return train


def validation(settings: Settings) -> dict[str, FixedCrops]:
    """Fixed crops of validation people by the name of their source."""
    held_out = {"renders": fixed_crops(renders(settings.shards / "val"), settings.validation, 0)}
    if settings.photos is not None:
        held_out["photos"] = fixed_crops(photos(settings.photos, "val"), settings.validation, 0)
    return held_out


def make_trainer(settings: Settings) -> Trainer:
    """A run that is ready to start."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    cv2.setNumThreads(1)
    train = training_faces(settings)
    _LOG.info("training on %s faces", [len(faces) for faces in train])
    shares: Sequence[float] = (0.4, 0.6) if len(train) == 2 else (1.0,)
    mirror = point_mirror(settings.data)
    batches = CropBatches(train, Mix(settings.batch, tuple(shares), 0.08), mirror, settings.seed)
    plan = Plan(
        minutes=settings.minutes,
        steps=settings.steps,
        seed=settings.seed,
        average=0.998,
        validate_every_s=settings.validate_every_s,
    )
    task = LandmarkTask(batches, validation(settings))
    return Trainer(LandmarkNetwork(), task, plan, settings.out)


def main(arguments: list[str]) -> int:
    """Train; then publish where a weights folder is given."""
    settings = parse(NAME, __doc__, arguments)
    if settings.minutes > 0:
        trainer = make_trainer(settings)
        if settings.resume:
            trainer.resume()
        trainer.run()
    if settings.publish is not None:
        publish_best(settings, settings.publish)
    return 0


def publish_best(settings: Settings, folder: Path) -> None:
    """Fit the temperature of the best network of a run on validation people, and publish it."""
    # The mean over the crop and its mirror image errs 5 to 9 % less, and mirrors exactly.
    arguments = {"mirror": point_mirror(settings.data).tolist()}
    network = LandmarkNetwork(**arguments)
    network.load_state_dict(best_state(settings.out))
    held_out = validation(settings)
    network.log_temperature.copy_(temperature(network, list(held_out.values())))
    if settings.photos is not None:
        network.floor.copy_(spread(network, settings.data))
    publish(
        NAME,
        network,
        [next(iter(held_out.values())).image[:2].contiguous()],
        Publication(
            architecture="landmarks.LandmarkNetwork",
            arguments=arguments,
            outputs=["points", "log_sd", "presence"],
            input={**INPUT, "output": _OUTPUT},
            crop=CROP,
            training_data=training_data(settings.photos is not None),
            seed=settings.seed,
            command=settings.command,
            scores={name: scores(network, crops) for name, crops in held_out.items()},
            licence=LICENCE,
            source="trained by facekit from random weights",
        ),
        folder,
        half=True,
    )


def temperature(network: LandmarkNetwork, held_out: Sequence[FixedCrops]) -> Tensor:
    """(478,) logarithms of the factors after which one sd covers 68 % of errors along an axis."""
    parts = []
    for crops in held_out:
        points, log_sd, _ = outputs(network, crops.image)
        ratio = (points - crops.points)[..., :2].abs() * torch.exp(-log_sd)[..., None]
        # A point that is hidden in a crop tells nothing there.
        ratio[crops.weights < 1] = torch.nan
        parts.append(ratio.movedim(2, 1).flatten(0, 1))
    ratios = torch.cat(parts)
    each = torch.nanquantile(ratios, _ONE_SD, dim=0).clamp(min=1e-3).log()
    everywhere = torch.nanquantile(ratios.flatten(), _ONE_SD).log()
    return (each + everywhere) / 2


def scores(network: LandmarkNetwork, crops: FixedCrops) -> dict[str, float]:
    """What the manifest says of one validation source."""
    points, log_sd, logit = outputs(network, crops.image)
    errors = radial_errors(points, crops)
    seen = crops.weights == 1
    found = {
        "error": errors[seen].mean(),
        "median_error": errors[seen].median(),
        "coverage": torch.tensor(coverage(points, log_sd, crops)),
        "presence": (logit > 0).float().mean(),
    }
    return {name: round(float(value), 4) for name, value in found.items()}
