"""The gaze network: ``python -m facekit.train gaze --data DIR --shards DIR --out DIR``.

Where eyes look is learned from renders alone (set ``train`` of ``facekit.synthetic.eye_shards``).
Photos (``--photos``, made by
``python -m facekit.train eye_photos``) only teach where iris, lids and corners are, and
that the answer shall not depend on how the crop was placed. Lone eyes teach open and closed.
"""

import logging

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facekit.network.gaze import ANGLE_DEG, GazeNetwork
from facekit.train.eye_batches import EyeBatches, EyeJitter, EyeMix, cut, lone_crop, stacked
from facekit.train.eye_credits import CROP, INPUT, LICENCE, training_data
from facekit.train.eye_data import LoneEyes, Strips, lone_eyes, photos, renders
from facekit.train.loop import Batch, Plan, Trainer, best_state, origin, saved_state
from facekit.train.publish import Publication, publish
from facekit.train.settings import Settings, parse

_LOG = logging.getLogger(__name__)
NAME = "gaze"
_ONE_SD = 0.6827
_POINT_SHARE, _LID_SHARE, _PAIR_SHARE = 20.0, 0.3, 0.3
_BEND = 0.03  # of the points' smooth L1, halves of a crop's width
_SMALL, _LARGE = 44.0, 80.0  # distances of the eyes in validation, pixels
_ARCHITECTURE = "gaze.GazeNetwork"
OUTPUTS = ("gaze", "log_sd", "eye_gaze", "open", "hidden", "points")


class GazeTask:
    """Batches, losses and validation of the gaze network.

    Args:
        batches: training crops by step.
        strips: validation renders: fixed crops of small and of large eyes are made of them.
        lone: validation eyes, open and closed.
        count: at most so many strips are validated on.
    """

    def __init__(self, batches: EyeBatches, strips: Strips, lone: LoneEyes, count: int) -> None:
        """Make the fixed crops."""
        self.batch = batches
        self._crops = {
            "small": fixed(strips, count, _SMALL),
            "large": fixed(strips, count, _LARGE),
        }
        self._lone = stacked([lone_crop(lone, row, None) for row in range(len(lone.open))])

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Every read-out's own loss; `total` is their weighted sum."""
        assert isinstance(network, GazeNetwork)
        heads = {k: v.float() for k, v in network.heads(batch["eyes"], batch["head"]).items()}
        judged = batch["judged"]
        losses = {
            "look": spread_loss(heads["look"], batch["gaze"], judged),
            "iris": spread_loss(heads["iris"], batch["gaze"], judged),
            "both": spread_loss(heads["both"], batch["both"], judged.amax(1)),
            "points": _point_loss(heads["points"], batch),
            "lids": _lid_loss(heads["lids"], batch),
            "pair": _pair_loss(network.combined(heads), batch),
        }
        losses["total"] = (
            losses["look"]
            + losses["iris"]
            + losses["both"]
            + _POINT_SHARE * losses["points"]
            + _LID_SHARE * losses["lids"]
            + _PAIR_SHARE * losses["pair"]
        )
        return losses

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean angles in degrees on validation people; the mean of both sizes is the score."""
        numbers: dict[str, float] = {}
        for name, crops in self._crops.items():
            numbers.update({f"{name}_{k}": v for k, v in scores(network, crops).items()})
        numbers["score"] = (numbers["small_deg"] + numbers["large_deg"]) / 2
        opened = predict(network, self._lone)[3].mean(1)
        numbers["lone_correct"] = float(
            ((opened > 0) == (self._lone["open"][:, 0] > 0.5)).float().mean()
        )
        return numbers


def spread_loss(answer: Tensor, truth_deg: Tensor, weight: Tensor) -> Tensor:
    """Negative log likelihood of angles under Laplace distributions of their own spread.

    Args:
        answer: (..., 4) yaw and pitch in units of `ANGLE_DEG`, and logarithms of their spread.
        truth_deg: (..., 2) degrees; NaN where unknown.
        weight: (...) of each.
    """
    known = torch.isfinite(truth_deg).all(-1)
    error = (answer[..., :2] - torch.nan_to_num(truth_deg) / ANGLE_DEG).abs()
    log_spread = answer[..., 2:].clamp(-5, 2)
    each = (error * torch.exp(-log_spread) + log_spread).sum(-1)
    used = weight * known
    return (each * used).sum() / used.sum().clamp(min=1)


def _point_loss(points: Tensor, batch: Batch) -> Tensor:
    truth = batch["points"]
    known = torch.isfinite(truth).all(-1).all(-1)
    error = functional.smooth_l1_loss(
        points, torch.nan_to_num(truth), reduction="none", beta=_BEND
    ).mean((-1, -2))
    hidden = torch.nan_to_num(batch["hidden"])
    used = known * batch["trust"][:, None] * (1 - 0.9 * (hidden > 0.5))
    return (error * used).sum() / used.sum().clamp(min=1)


def _lid_loss(lids: Tensor, batch: Batch) -> Tensor:
    """Cross entropy of open and hidden; what is hidden cannot be judged to be open."""
    total = lids.new_zeros(())
    for column, name in enumerate(("open", "hidden")):
        truth = batch[name]
        used = torch.isfinite(truth).float()
        if name == "open":
            used = used * (torch.nan_to_num(batch["hidden"]) < 0.5)
        each = functional.binary_cross_entropy_with_logits(
            lids[..., column], torch.nan_to_num(truth), reduction="none"
        )
        total = total + (each * used).sum() / used.sum().clamp(min=1)
    return total


def _pair_loss(gaze: Tensor, batch: Batch) -> Tensor:
    """How far the answers for two crops of the same eyes are apart, in the strip's axes."""
    turn = torch.deg2rad(batch["roll_deg"])
    cosine, sine = torch.cos(turn), torch.sin(turn)
    right, down = gaze[:, 0], -gaze[:, 1]
    level = torch.stack([cosine * right - sine * down, sine * right + cosine * down], 1)
    first = batch["pair"][:-1]
    apart = (level[:-1] - level[1:]).abs().sum(1)
    return (apart * first).sum() / first.sum().clamp(min=1)


def fixed(strips: Strips, count: int, eye_distance: float) -> dict[str, Tensor]:
    """Validation crops of one size, misplaced as by facekit's landmarks."""
    rows = np.unique(np.linspace(0, len(strips) - 1, min(count, len(strips))).astype(int))
    random = np.random.default_rng((3, round(eye_distance)))
    jitter = EyeJitter(shift=0.015, common=0.008, log_scale=0.03)
    return stacked([cut(strips, int(row), random, jitter, eye_distance) for row in rows])


@torch.no_grad()
def predict(network: nn.Module, crops: Batch, batch: int = 64) -> tuple[Tensor, ...]:
    """All outputs of a network for any number of crops."""
    network.eval()
    parts = [
        network(crops["eyes"][first : first + batch], crops["head"][first : first + batch])
        for first in range(0, len(crops["eyes"]), batch)
    ]
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def scores(network: nn.Module, crops: Batch) -> dict[str, float]:
    """Angle to the truth where an eye is open, slope of pitch, coverage, openness."""
    gaze, log_sd, _, opened, _, _ = predict(network, crops)
    shown = crops["judged"].amax(1) > 0.9
    truth = crops["both"][shown]
    gaze, log_sd = gaze[shown], log_sd[shown]
    error = gaze - truth
    angle = angle_between(gaze, truth)
    centred = truth[:, 1] - truth[:, 1].mean()
    numbers = {
        "deg": float(angle.mean()),
        "yaw": float(error[:, 0].abs().mean()),
        "pitch": float(error[:, 1].abs().mean()),
        "pitch_slope": float((centred * gaze[:, 1]).sum() / centred.square().sum()),
        "coverage": float((error.abs() < log_sd.exp()).float().mean()),
        "open_mae": float((torch.sigmoid(opened) - crops["open"]).abs().mean()),
    }
    return {name: round(value, 3) for name, value in numbers.items()}


def angle_between(first_deg: Tensor, second_deg: Tensor) -> Tensor:
    """(n,) degrees between directions of (n, 2) yaw and pitch."""

    def vectors(angles_deg: Tensor) -> Tensor:
        yaw, pitch = torch.deg2rad(angles_deg).unbind(-1)
        return torch.stack([yaw.sin() * pitch.cos(), -pitch.sin(), -yaw.cos() * pitch.cos()], -1)

    chord = (vectors(first_deg) - vectors(second_deg)).norm(dim=-1)
    return torch.rad2deg(2 * torch.asin((chord / 2).clamp(max=1)))


def make_trainer(settings: Settings) -> Trainer:
    """A run that is ready to start."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    cv2.setNumThreads(1)
    strips = renders(sorted(settings.shards.glob("train*")), settings.limit)
    real = None if settings.photos is None else photos(settings.photos, "train")
    _LOG.info("training on %d strips, %d photos", len(strips), 0 if real is None else len(real))
    batches = EyeBatches(
        strips, real, lone_eyes(settings.data, "train"), EyeMix(settings.batch), settings.seed
    )
    task = GazeTask(
        batches,
        renders([settings.shards / "val"]),
        lone_eyes(settings.data, "val"),
        settings.validation,
    )
    plan = Plan(
        minutes=settings.minutes,
        steps=settings.steps,
        seed=settings.seed,
        rate=2e-3,
        average=0.997,
        validate_every_s=settings.validate_every_s,
    )
    network = GazeNetwork()
    if settings.start is not None:
        network.load_state_dict(saved_state(settings.start))
    return Trainer(network, task, plan, settings.out)


def main(arguments: list[str]) -> int:
    """Train; then publish where a weights folder is given."""
    settings = parse(NAME, __doc__, arguments)
    if settings.minutes > 0:
        trainer = make_trainer(settings)
        if settings.resume:
            trainer.resume()
        trainer.run()
    if settings.publish is not None:
        publish_best(settings)
    return 0


def publish_best(settings: Settings) -> None:
    """Fit the temperature of the best network of a run on validation renders, and publish it."""
    assert settings.publish is not None
    network = GazeNetwork()
    network.load_state_dict(best_state(settings.out))
    strips = renders([settings.shards / "val"])
    crops = {
        "small": fixed(strips, settings.validation, _SMALL),
        "large": fixed(strips, settings.validation, _LARGE),
    }
    both = {name: torch.cat([one[name] for one in crops.values()]) for name in crops["small"]}
    network.log_temperature.copy_(temperature(network, both))
    publish(
        NAME,
        network,
        [crops["large"]["eyes"][:2].contiguous(), crops["large"]["head"][:2].contiguous()],
        publication(settings, {name: scores(network, one) for name, one in crops.items()}),
        settings.publish,
    )


def publication(settings: Settings, measured: dict[str, dict[str, float]]) -> Publication:
    """What the manifest says of the network."""
    return Publication(
        architecture=_ARCHITECTURE,
        inputs=["eyes", "head"],
        outputs=list(OUTPUTS),
        input=INPUT,
        crop=CROP,
        training_data=training_data(settings.photos is not None),
        seed=settings.seed,
        command=settings.command,
        scores=measured,
        licence=LICENCE,
        source=origin(settings.start),
    )


def temperature(network: nn.Module, crops: Batch) -> Tensor:
    """(2,) logarithms of the factors after which one sd covers 68 % of an axis' errors."""
    gaze, log_sd, *_ = predict(network, crops)
    shown = crops["judged"].amax(1) > 0.9
    ratio = (gaze - crops["both"])[shown].abs() * torch.exp(-log_sd[shown])
    return torch.quantile(ratio, _ONE_SD, dim=0).clamp(min=1e-3).log()
