"""The training loop of all networks: seeded, resumable, best on validation, logged."""

import copy
import json
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

_LOG = logging.getLogger(__name__)
Batch: TypeAlias = Mapping[str, Tensor]
CHECKPOINT = "last.pt"
BEST = "best.pt"
LOG = "log.jsonl"


class Task(Protocol):
    """What the loop needs to know of a network's training."""

    def batch(self, step: int) -> Batch:
        """The batch of a step: the same step always gives the same batch."""
        ...

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Losses by name; ``total`` is minimised. `progress` runs from 0 to 1."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Numbers on validation people; ``score`` decides which network is kept (small = good)."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to train.

    Attributes:
        minutes: of training in all, resumed runs counted together; the schedule follows them.
        steps: end after so many steps, whatever the time; the schedule follows the closer end.
        rate: largest learning rate.
        decay: weight decay.
        average: share of the old weights in the moving average at every step.
        validate_every_s: seconds between validations, which are also the checkpoints.
        seed: of the network's first weights and of the batches.
        ahead: batches that are prepared in advance.
        bfloat16: run the network in 16 bits where torch may.
        clip: largest norm of a step's gradient.
    """

    minutes: float
    steps: int = 10**9
    rate: float = 2e-3
    decay: float = 0.02
    average: float = 0.995
    validate_every_s: float = 300.0
    seed: int = 0
    ahead: int = 6
    bfloat16: bool = True
    clip: float = 5.0


class Trainer:
    """One run in one folder.

    Args:
        network: the module to train.
        task: batches, losses and validation.
        plan: how long and how fast.
        out: folder for checkpoints and the log.
        rates: learning rate of parameters by name, as a share of the plan's; 1 for others.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        plan: Plan,
        out: Path,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        """Prepare a run from its beginning."""
        self.network = network.to(memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(network).eval()
        self.task, self.plan, self.out = task, plan, out
        self.step, self.elapsed_s, self.best = 0, 0.0, math.inf
        groups = _groups(network, plan, rates or {})
        # Beside the optimizer, not in it: its groups are read back from checkpoints.
        self._shares = [group.pop("share") for group in groups]
        self.optimizer = torch.optim.AdamW(groups, lr=plan.rate, fused=True)
        out.mkdir(parents=True, exist_ok=True)

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0-1."""
        timed = self.elapsed_s / (60 * self.plan.minutes)
        return min(1.0, max(timed, self.step / self.plan.steps))

    def resume(self) -> bool:
        """Continue from the folder's last checkpoint, if there is one."""
        path = self.out / CHECKPOINT
        if not path.is_file():
            return False
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        self.best = float(state["best"])
        return True

    def run(self) -> None:
        """Train to the end of the plan."""
        begun = time.monotonic() - self.elapsed_s
        last = time.monotonic()
        losses: dict[str, float] = {}
        for batch in _prepared(self.task.batch, self.step, self.plan.ahead):
            if self.progress >= 1:
                break
            found = self._train_step(batch)
            self.elapsed_s = time.monotonic() - begun
            for name, value in found.items():
                losses[name] = 0.98 * losses.get(name, value) + 0.02 * value
            if time.monotonic() - last > self.plan.validate_every_s:
                self._checkpoint(losses)
                last = time.monotonic()
        self._checkpoint(losses)

    def _train_step(self, batch: Batch) -> dict[str, float]:
        self.network.train()
        for group, share in zip(self.optimizer.param_groups, self._shares, strict=True):
            group["lr"] = self.plan.rate * share * one_cycle(self.progress)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.bfloat16):
            losses = self.task.loss(self.network, batch, self.progress)
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip)
        self.optimizer.step()
        self.step += 1
        self._average()
        return {name: float(value.detach()) for name, value in losses.items()}

    @torch.no_grad()
    def _average(self) -> None:
        # A young average would still be the untrained network.
        keep = min(self.plan.average, self.step / (self.step + 10))
        ours, theirs = self.averaged.state_dict(), self.network.state_dict()
        for name, value in ours.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

    def _checkpoint(self, losses: Mapping[str, float]) -> None:
        measured = self.task.validate(self.averaged)
        if measured["score"] < self.best:
            self.best = measured["score"]
            _save({"network": self.averaged.state_dict(), **self._where()}, self.out / BEST)
        _save(
            {
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
                **self._where(),
            },
            self.out / CHECKPOINT,
        )
        line = {
            **self._where(),
            "losses": {k: round(v, 5) for k, v in losses.items()},
            "validation": {k: round(v, 5) for k, v in measured.items()},
        }
        with (self.out / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        _LOG.info("%s", json.dumps(line))

    def _where(self) -> dict[str, float]:
        return {"step": self.step, "elapsed_s": round(self.elapsed_s, 1)}


def _groups(network: nn.Module, plan: Plan, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Parameters by weight decay (matrices only) and learning rate, for the optimizer."""
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {
        (True, 1.0): [],
        (False, 1.0): [],
    }
    for name, parameter in network.named_parameters():
        groups.setdefault((parameter.ndim > 1, rates.get(name, 1.0)), []).append(parameter)
    return [
        {
            "params": parameters,
            "weight_decay": plan.decay if decayed else 0.0,
            "share": share,
        }
        for (decayed, share), parameters in groups.items()
        if parameters
    ]


@torch.no_grad()
def outputs(network: nn.Module, images: Tensor, batch: int = 32) -> tuple[Tensor, ...]:
    """All outputs of a network for any number of images."""
    network.eval()
    parts = [
        network(images[first : first + batch].contiguous())
        for first in range(0, len(images), batch)
    ]
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def saved_state(checkpoint: Path) -> dict[str, Tensor]:
    """Weights of the network in a checkpoint, such as a run's `BEST`."""
    state: dict[str, Tensor] = torch.load(checkpoint, map_location="cpu", weights_only=True)[
        "network"
    ]
    return state


def best_state(out: Path) -> dict[str, Tensor]:
    """Weights of the best network of a run's folder."""
    return saved_state(out / BEST)


def origin(start: Path | None) -> str:
    """Where a network's first weights came from, for the manifest."""
    plain = "trained by facekit from random weights"
    return plain if start is None else f"{plain}, in two runs: the first's best began the second"


def one_cycle(progress: float, warm_up: float = 0.05) -> float:
    """Share of the largest learning rate: a short rise, then half a cosine down to 1 %."""
    if progress < warm_up:
        return 0.05 + 0.95 * progress / warm_up
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


def _save(state: Mapping[str, object], path: Path) -> None:
    """Write beside the file, then rename: a stopped run leaves a whole checkpoint."""
    partial = path.with_name(path.name + ".partial")
    torch.save(dict(state), partial)
    partial.replace(path)


def _prepared(make: Callable[[int], Batch], first: int, ahead: int) -> Iterator[Batch]:
    """Batches of the steps from `first` on, made in a thread while the network trains."""
    ready: queue.Queue[Batch | BaseException] = queue.Queue(ahead)
    ended = threading.Event()

    def work() -> None:
        step = first
        while not ended.is_set():
            item: Batch | BaseException
            try:
                item = make(step)
            except BaseException as error:  # handed to the training thread, which raises it
                item = error
            while not ended.is_set():
                try:
                    ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            step += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        ended.set()
        thread.join()
