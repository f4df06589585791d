"""The temporal network: ``python -m facekit.train temporal --variant causal --data DIR ...``.

``--shards`` is the cache of ``python -m facekit.train temporal_data``. Simulated faces run through
a model of the per-frame networks' noise, fitted to rendered clips; photographed expressions run
over neutral photos. The causal variant answers for the moment it sees, the other for `DELAY` steps
earlier.
"""

import argparse
import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facekit.network.tcn import TemporalNetwork
from facekit.temporal.features import APPEARANCE, GROUPS, SIZE
from facekit.temporal.resample import RATE
from facekit.temporal.tcn import NETWORKS, Variant
from facekit.train import credits
from facekit.train.loop import Batch, Plan, Trainer, best_state
from facekit.train.publish import Publication, publish
from facekit.train.settings import Settings, parse
from facekit.train.temporal_batches import SECONDS, Mix, PhotoScenes, TemporalBatches, Truth
from facekit.train.temporal_data import FITTING, Photos, clips, networks, photos
from facekit.train.temporal_dynamics import UNJUDGED, simulate
from facekit.train.temporal_noise import NoiseModel, fit

_LOG = logging.getLogger(__name__)
DELAY = 27
"""Steps by which the variant that looks ahead is late: with the step to come, 0.93 s."""

READ = "networks.json"
"""File of a run: SHA-256 of the per-frame networks whose answers it learned from."""

DELAYS: dict[Variant, int] = {"causal": 0, "lookahead": DELAY}
POOL = 1200
"""Simulated faces; each is seen with ever new noise."""

_WEIGHTS = {"smooth": 4.0, "velocity": 0.3, "phase": 1.0, "acts": 1.0, "expression": 0.4}
_UNIT_BEND, _VELOCITY_UNIT = 2.0, 4.0
_VALIDATION_SEED = 10**6
_VALIDATION_BATCHES = 6
_PHOTO_SHARE = 0.35


class TemporalTask:
    """Batches, losses and validation.

    Args:
        batches: for training.
        fixed: for validation.
    """

    def __init__(self, batches: TemporalBatches, fixed: list[Batch]) -> None:
        """Remember them."""
        self.batch, self._fixed = batches, fixed

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Every read-out's own loss; `total` is their weighted sum."""
        assert isinstance(network, TemporalNetwork)
        state = network.first_state(len(batch["values"]))
        *answers, _ = network.heads(batch["values"], batch["known"], state)
        losses = losses_of(answers, batch, network.delay)
        losses["total"] = torch.stack([_WEIGHTS[k] * v for k, v in losses.items()]).sum()
        return losses

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Losses on faces and photos that were never trained on; their sum is the score."""
        network.eval()
        found = [self.loss(network, batch, 1.0) for batch in self._fixed]
        means = {name: float(np.mean([float(one[name]) for one in found])) for name in found[0]}
        return {**means, "score": means["total"]}


def losses_of(answers: list[Tensor], batch: Batch, delay: int) -> dict[str, Tensor]:
    """Losses by name.

    Args:
        answers: smooth, velocity, logits of phases, acts and expressions, `delay` steps late.
        batch: of `temporal_batches.to_batch`.
        delay: steps.
    """
    smooth, velocity, phases, acts, expression = (answer[:, delay:] for answer in answers)
    steps = smooth.shape[1]
    truth = {name: values[:, :steps] for name, values in batch.items()}
    seen = truth["seen"]
    each = functional.smooth_l1_loss(smooth, truth["smooth"], reduction="none", beta=_UNIT_BEND)
    quick = functional.smooth_l1_loss(
        velocity / _VELOCITY_UNIT, truth["velocity"] / _VELOCITY_UNIT, reduction="none", beta=0.3
    )
    phase = truth["phase"].masked_fill(seen[..., None] < 0.5, UNJUDGED)
    return {
        "smooth": _mean(each.mean(2), seen),
        "velocity": _mean(quick.mean(2), seen),
        "phase": functional.cross_entropy(
            phases.flatten(0, 2), phase.flatten(), ignore_index=UNJUDGED
        ),
        "acts": _mean(*_acts(acts, truth["acts"], seen)),
        "expression": _mean(*_expression(expression, truth["expression"], seen)),
    }


def _acts(logits: Tensor, truth: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    known = torch.isfinite(truth).all(2)
    each = functional.binary_cross_entropy_with_logits(
        logits, torch.nan_to_num(truth), reduction="none"
    )
    return each.mean(2), seen * known


def _expression(logits: Tensor, truth: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    known = torch.isfinite(truth).all(2)
    each = -(torch.nan_to_num(truth) * logits.log_softmax(2)).sum(2)
    return each, seen * known


def _mean(each: Tensor, weight: Tensor) -> Tensor:
    return (each * weight).sum() / weight.sum().clamp(min=1)


def make_network(noise: NoiseModel, seen: Photos, variant: Variant) -> TemporalNetwork:
    """An untrained network that knows the usual size of its inputs."""
    network = TemporalNetwork([group.size for group in GROUPS], APPEARANCE, DELAYS[variant])
    rows = np.where(np.isfinite(seen.rows[:, :-1]), seen.rows[:, :-1], noise.mean[:-1])
    mean = (noise.mean[:-1] + rows.mean(axis=0)) / 2
    apart = (noise.mean[:-1] - mean) ** 2
    spread = np.sqrt((noise.spread[:-1] ** 2 + rows.var(axis=0)) / 2 + apart)
    # The interval between frames is no answer of a network.
    mean, spread = np.append(mean, 0.05), np.append(np.maximum(spread, 1e-3), 0.05)
    network.mean.copy_(torch.from_numpy(mean))
    network.spread.copy_(torch.from_numpy(spread))
    return network


def make_trainer(settings: Settings, variant: Variant) -> Trainer:
    """A run that is ready to start."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    noise, seen = learned(settings)
    chance = np.random.default_rng(settings.seed)
    count = settings.limit or POOL
    pool = [simulate(chance, SECONDS + 4) for _ in range(count)]
    mix = Mix(settings.batch, round(_PHOTO_SHARE * settings.batch))
    _LOG.info("%d simulated faces, %d photos", count, len(seen.rows))
    batches = TemporalBatches(
        Truth(pool, noise),
        PhotoScenes(_part(seen, held=False), noise),
        mix,
        settings.seed,
    )
    checks = TemporalBatches(
        Truth([simulate(chance, SECONDS + 1) for _ in range(max(count // 8, 1))], noise),
        PhotoScenes(_part(seen, held=True), noise),
        mix,
        settings.seed + 1,
    )
    fixed = [checks(_VALIDATION_SEED + number) for number in range(_VALIDATION_BATCHES)]
    plan = Plan(
        minutes=settings.minutes,
        steps=settings.steps,
        rate=2e-3,
        decay=0.01,
        average=0.99,
        validate_every_s=settings.validate_every_s,
        seed=settings.seed,
        bfloat16=False,
    )
    folder = settings.out / variant
    folder.mkdir(parents=True, exist_ok=True)
    (folder / READ).write_text(json.dumps(networks(), indent=2) + "\n", encoding="utf-8")
    task = TemporalTask(batches, fixed)
    network = make_network(noise, seen, variant)
    if settings.start is not None:  # either variant's weights fit the other
        state = torch.load(settings.start, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
    return Trainer(network, task, plan, folder)


def learned(settings: Settings) -> tuple[NoiseModel, Photos]:
    """What the cache holds: the noise of the per-frame networks, and the photos."""
    rendered = list(clips(settings.data, settings.shards, FITTING))
    return fit(rendered), photos(settings.data, settings.shards)


def _part(seen: Photos, *, held: bool) -> Photos:
    kept = seen.held == held
    return Photos(seen.rows[kept], seen.votes[kept], seen.held[kept])


def main(arguments: list[str]) -> int:
    """Train; then publish where a weights folder is given."""
    choice = argparse.ArgumentParser(add_help=False)
    choice.add_argument("--variant", choices=sorted(DELAYS), required=True)
    chosen, rest = choice.parse_known_args(arguments)
    variant: Variant = chosen.variant
    settings = parse("temporal", __doc__, rest)
    if settings.minutes > 0:
        trainer = make_trainer(settings, variant)
        if settings.resume:
            trainer.resume()
        trainer.run()
    if settings.publish is not None:
        publish_best(settings, variant, settings.publish)
    return 0


def publish_best(settings: Settings, variant: Variant, folder: Path) -> None:
    """Publish the best network of a run."""
    network = TemporalNetwork([group.size for group in GROUPS], APPEARANCE, DELAYS[variant])
    network.load_state_dict(best_state(settings.out / variant))
    random = torch.Generator().manual_seed(0)
    example = [
        torch.randn(1, 7, SIZE, generator=random) * network.spread + network.mean,
        torch.ones(1, 7, len(GROUPS)),
        network.first_state(),
    ]
    read = json.loads((settings.out / variant / READ).read_text(encoding="utf-8"))
    steps = {1: "steps"}
    command = f"{settings.command} --variant {variant}"
    publish(
        NETWORKS[variant],
        network,
        example,
        publication(network, dataclasses.replace(settings, command=command), read),
        folder,
        dynamic={"values": steps, "known": steps, "state": {}},
    )


def publication(
    network: TemporalNetwork, settings: Settings, read: Mapping[str, str]
) -> Publication:
    """What the manifest says of the network.

    Args:
        network: trained.
        settings: of the run.
        read: SHA-256 of the per-frame networks that it learned from.
    """
    return Publication(
        architecture="tcn.TemporalNetwork",
        arguments={
            "groups": [group.size for group in GROUPS],
            "appearance": APPEARANCE,
            "delay": network.delay,
        },
        inputs=["values", "known", "state"],
        outputs=["smooth", "velocity", "phases", "acts", "expression", "next_state"],
        input={
            "values": "facekit.temporal.features, 0 where missing: "
            + ", ".join(f"{group.name} {group.size}" for group in GROUPS),
            "known": "1 where a group of values was measured",
            "state": list(network.first_state().shape),
            "rate_hz": RATE,
            "normalisation": "part of the network",
            "trained_with": read,
        },
        crop="none: reads the answers of other networks",
        training_data=training_data(),
        seed=settings.seed,
        command=settings.command,
        scores={},
        licence=credits.LICENCE,
        source="trained by facekit from random weights",
    )


def training_data() -> list[dict[str, str]]:
    """The manifest's list."""
    role = "expressions: votes of ten raters"
    named = {"ferplus": role, "posed_emotions": "expressions: posed emotion"}
    seen = [
        {**one, "role": named[name]}
        for one in credits.PHOTOS
        for name in named
        if one["name"].startswith(name)
    ]
    rendered = "clips from which the noise of the per-frame networks was learned"
    return [{**credits.RENDERS, "role": rendered}, *seen]
