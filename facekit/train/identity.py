r"""The embedder: ``python -m facekit.train identity --data DIR --faces DIR --out DIR``.

Batch-hard triplets, the teacher's relations and a little classification, from dlib's weights::

    python -m facekit.train identity-faces --data DATA --out FACES
    python -m facekit.train identity --data DATA --faces FACES --out RUN --steps 3000 \\
        --publish weights

Those who have pictures of hundred thousands of people train from random weights, which with fewer
does not get there (20,000 faces: .85 on LFW)::

    python -m facekit.train identity-faces --people PEOPLE --out FACES
    python -m facekit.train identity --people PEOPLE --faces FACES --scratch --out RUN
"""

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facekit.network.identity import FEATURES, VECTOR, IdentityNetwork
from facekit.train.identity_batches import Gathered, IdentityBatches, Mix
from facekit.train.identity_data import Judge, Split, crops, of_data, of_people
from facekit.train.identity_dlib import SOURCE, convert
from facekit.train.identity_losses import batch_hard, class_loss, likeness, relations
from facekit.train.identity_publish import OWN, SETS, START, publish_embedder
from facekit.train.loop import CHECKPOINT, Batch, Plan, Trainer, best_state
from facekit.train.settings import command_of

_LOG = logging.getLogger(__name__)
_RELATIONS, _CLASSES, _AUXILIARY = 5.0, 0.1, 0.5
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_KNOWN_PICTURES = 4  # of each person, that the first class vectors come from
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Run:
    """Settings of a run.

    Attributes:
        data: the project's data folder; None with `people`.
        people: a folder of people instead.
        faces: cache of ``python -m facekit.train identity-faces``.
        out: folder of the run.
        scratch: begin with random weights.
        minutes: of training in all; 0 only publishes.
        steps: end after so many steps; the schedule follows the closer end.
        seed: of everything random.
        threads: torch's threads.
        validate_every_s: seconds between validations.
        resume: continue the run in `out`.
        publish: weights folder to publish into.
        command: the command line that trains the run.
    """

    data: Path | None
    people: Path | None
    faces: Path
    out: Path
    scratch: bool
    minutes: float
    steps: int
    seed: int
    threads: int
    validate_every_s: float
    resume: bool
    publish: Path | None
    command: str

    def split(self) -> Split:
        """Who trains and who validates."""
        if self.people is not None:
            return of_people(self.people, self.faces)
        assert self.data is not None
        return of_data(self.data, self.faces)


class Student(nn.Module):
    """The embedder with what only training needs.

    Args:
        network: the embedder.
        classes: people with a vector of their own.
        teacher: length of the teacher's vectors; 0 without a teacher.
    """

    def __init__(self, network: IdentityNetwork, classes: int, teacher: int) -> None:
        """Make it with random classes."""
        super().__init__()
        self.network = network
        self.log_width = nn.Parameter(torch.zeros(()))
        self.classes = nn.Parameter(functional.normalize(torch.randn(classes, VECTOR)))
        self.auxiliary = nn.Linear(FEATURES, teacher) if teacher else None

    def rates(self) -> dict[str, float]:
        """Learning rate by name for tuning: shares of each tensor's own spread.

        One rate for all wrecks the start: its last layers' weights are a tenth of the first's.
        """
        rates = {"classes": 0.5, "auxiliary.weight": 0.25, "auxiliary.bias": 0.25}
        for name, value in self.network.named_parameters():
            rates[f"network.{name}"] = float(value.detach().std())
        return rates


class IdentityTask:
    """Batches, losses and validation of the embedder.

    Args:
        split: who trains and who validates.
        label: (people,) class of each training person; -1 for those without.
        seed: of the batches.
    """

    def __init__(self, split: Split, label: Tensor, seed: int) -> None:
        """Cut the validation crops."""
        self.batch = IdentityBatches(split.train, Mix(), seed)
        self.judge = Judge(split.validation)
        self._label = label

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Every loss; `total` is their weighted sum."""
        assert isinstance(network, Student)
        features = network.network.features(batch["image"].float())
        # Cosines of people lie close together: 16 bits do not tell them apart.
        with torch.autocast("cpu", enabled=False):
            return self._losses(network, features.float(), batch)

    def _losses(self, student: Student, features: Tensor, batch: Batch) -> dict[str, Tensor]:
        person, width = batch["person"], student.log_width.exp()
        vectors = functional.normalize(student.network.vector(features))
        alike = likeness(vectors, vectors, width)
        doubtful = None
        losses = {}
        if student.auxiliary is not None:
            teacher = batch["teacher"] @ batch["teacher"].T
            doubtful = teacher > 0.5
            losses["relations"] = _RELATIONS * relations(alike, teacher, person)
            guess = functional.cosine_similarity(student.auxiliary(features), batch["teacher"])
            losses["auxiliary"] = _AUXILIARY * (1 - guess).mean()
        losses["triplet"] = batch_hard(alike, person, doubtful)
        own = functional.normalize(student.classes)
        label = self._label[person]
        losses["classes"] = _CLASSES * class_loss(likeness(vectors, own, width), label)
        losses["total"] = torch.stack(list(losses.values())).sum()
        losses["width"] = width.detach()
        return losses

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Numbers on validation people."""
        assert isinstance(network, Student)
        return self.judge(network.network)


def labels_of(faces: Gathered) -> Tensor:
    """(people,) a class for everyone with two pictures or more; -1 for the others."""
    many = np.bincount(faces.person) >= 2
    return torch.from_numpy(np.where(many, np.cumsum(many) - 1, -1).astype(np.int64))


def begin(student: Student, faces: Gathered, label: Tensor) -> None:
    """First values of what only training needs, by the network as it is.

    Classes are people's mean vectors, the width is that between them, and the auxiliary head the
    least-squares one.

    Args:
        student: to change.
        faces: that train.
        label: class of each person.
    """
    chosen = [
        row
        for person in torch.nonzero(label >= 0)[:, 0].tolist()
        for row in np.flatnonzero(faces.person == person)[:_KNOWN_PICTURES]
    ]
    numbers = np.asarray(chosen, np.intp)
    images = crops(faces, numbers)
    features = torch.cat(
        [_features(student.network, images[i : i + 32]) for i in range(0, len(images), 32)]
    )
    with torch.no_grad():
        vectors = functional.normalize(student.network.vector(features))
        own = torch.zeros_like(student.classes)
        own.index_add_(0, label[torch.from_numpy(faces.person[numbers])], vectors)
        own = functional.normalize(own)
        student.classes.copy_(own)
        apart = ~torch.eye(len(own), dtype=torch.bool)
        student.log_width.copy_((1 - (own @ own.T)[apart].mean()).log())
        if student.auxiliary is not None:
            teacher = torch.from_numpy(faces.teacher[numbers])
            _fit(student.auxiliary, features, teacher)


@torch.no_grad()
def _features(network: IdentityNetwork, images: Tensor) -> Tensor:
    return network.eval().features(images.float())


def _fit(layer: nn.Linear, inputs: Tensor, wanted: Tensor) -> None:
    """Ridge regression."""
    middle, target = inputs.mean(0), wanted.mean(0)
    plain = inputs - middle
    square = plain.T @ plain
    ridge = _RIDGE * square.diagonal().mean() * torch.eye(len(square))
    weight = torch.linalg.solve(square + ridge, plain.T @ (wanted - target)).T
    layer.weight.copy_(weight)
    layer.bias.copy_(target - weight @ middle)


def make_trainer(run: Run, split: Split) -> Trainer:
    """A run that is ready to start."""
    torch.manual_seed(run.seed)
    torch.set_num_threads(run.threads)
    cv2.setNumThreads(1)
    label = labels_of(split.train)
    _LOG.info("training on %d faces of %d people", len(split.train), len(label))
    network = IdentityNetwork(norms=True) if run.scratch else convert()
    student = Student(network, int(label.max()) + 1, split.train.teacher.shape[1])
    if not run.scratch and not (run.resume and (run.out / CHECKPOINT).is_file()):
        begin(student, split.train, label)
    plan = Plan(
        minutes=run.minutes,
        steps=run.steps,
        rate=2e-3,
        decay=0.005,
        average=0.995 if run.scratch else 0.95,
        validate_every_s=run.validate_every_s,
        seed=run.seed,
        clip=3.0,
    )
    task = IdentityTask(split, label, run.seed)
    return Trainer(student, task, plan, run.out, None if run.scratch else student.rates())


def main(arguments: list[str]) -> int:
    """Train; then publish where a weights folder is given."""
    run = parse(arguments)
    split = run.split()
    if run.minutes > 0:
        trainer = make_trainer(run, split)
        if run.resume:
            trainer.resume()
        trainer.run()
    if run.publish is not None:
        publish_best(run, split)
    return 0


def publish_best(run: Run, split: Split) -> None:
    """Publish the best network of a run, averaged with its start as validation has it best."""
    assert run.publish is not None
    torch.set_num_threads(run.threads)
    judge = Judge(split.validation)
    network, share = chosen(run, judge)
    trained = [OWN] if run.people is not None else list(SETS)
    source = f"{SOURCE}, tuned by facekit"
    publish_embedder(
        network,
        judge,
        run.publish,
        command=run.command,
        seed=run.seed if share else None,
        training_data=([] if run.scratch else [START]) + (trained if share else []),
        source="facekit, from random weights" if run.scratch else source if share else SOURCE,
        notes={"share_of_tuned_weights": share},
    )


def chosen(run: Run, judge: Judge) -> tuple[IdentityNetwork, float]:
    """A run's network without norms, and its share in the mean with the weights it began with."""
    state = {
        name.removeprefix("network."): value
        for name, value in best_state(run.out).items()
        if name.startswith("network.")
    }
    if run.scratch:
        network = IdentityNetwork(norms=True)
        network.load_state_dict(state)
        return network.folded(), 1.0
    start = convert().state_dict()
    scores = {}
    for share in _SHARES:
        measured = judge(_mean(start, state, share))
        scores[share] = measured["score"]
        _LOG.info("share %.2f of the tuned weights: %s", share, measured)
    best = min(scores, key=lambda share: scores[share])
    return _mean(start, state, best), best


def _mean(
    start: Mapping[str, Tensor], tuned: Mapping[str, Tensor], share: float
) -> IdentityNetwork:
    """The network between two; Wortsman et al., "Robust fine-tuning" (CVPR 2022)."""
    network = IdentityNetwork()
    network.load_state_dict({name: start[name].lerp(tuned[name], share) for name in start})
    return network.eval()


def parse(arguments: list[str]) -> Run:
    """Settings out of the command line."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train identity", description=__doc__)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--data", type=Path, help="the project's data folder")
    who.add_argument("--people", type=Path, help="folder with a folder of pictures per person")
    parser.add_argument("--faces", type=Path, required=True, help="cache of identity-faces")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--scratch", action="store_true", help="begin with random weights")
    parser.add_argument("--minutes", type=float, default=60, help="of training; 0: only publish")
    parser.add_argument("--steps", type=int, default=10**9, help="end after so many steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="torch's threads")
    parser.add_argument("--validate-every-s", type=float, default=300)
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    parser.add_argument("--publish", type=Path, help="weights folder to publish into")
    options = parser.parse_args(arguments)
    command = command_of("identity", arguments, options.out, options.minutes > 0)
    return Run(**vars(options), command=command)
