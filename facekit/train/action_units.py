"""The action unit network: ``python -m facekit.train action_units ...``, settings as elsewhere.

In two runs. The first sees renders alone. The second starts from it (``--start``), and half of
each batch is photos: with the opinion of a teacher that has only seen renders, of which the first
run's network is a part (`facekit.train.unit_teacher`), and neutral ones that show nothing. In
either the landmarks' part is fitted first (`facekit.train.unit_geometry`). Nothing is learned from
or chosen by what emotion a picture is said to show.
"""

import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from facekit.facs import ACTION_UNITS
from facekit.network.action_units import HIGHEST, UNITS, ActionUnitNetwork, whole_face
from facekit.train.credits import LICENCE, PHOTOS, RENDERS
from facekit.train.data import point_mirror
from facekit.train.loop import Batch, Plan, Trainer, best_state, origin, saved_state
from facekit.train.losses import student_nll
from facekit.train.publish import Publication, publish
from facekit.train.settings import Settings, parse
from facekit.train.unit_batches import (
    NEUTRAL,
    PHOTO,
    RENDER,
    FixedUnits,
    Taught,
    UnitBatches,
    fixed,
)
from facekit.train.unit_calibration import calibrate, true_whole
from facekit.train.unit_faces import Finder, UnitFaces, joined, photos, rendered
from facekit.train.unit_geometry import fit, neutral_weights, score_loss
from facekit.train.unit_teacher import Teacher, appoint
from facekit.train.unit_validation import by_unit, scores
from facekit.types import Floats

_LOG = logging.getLogger(__name__)
NAME = "action_units"
_WARM_UP = 0.15
_PHOTOS, _NEUTRALS, _UNCERTAINTY = 1.5, 0.3, 0.05
_GEOMETRY_STEPS = 2500
_SIZES = (0, 64, 40)
"""Pixels of the crops in which neutral photos are seen for calibration; 0 as they are."""

OUTPUTS = ("intensity", "probability", "sd", "sides", "feature")
_OUTPUT = (
    "22 units in the order of facekit.facs: intensity of the whole face (22) 0-5, a soft maximum "
    "of the sides; probability (22) that it is at least A; sd (22) of the intensity's error; sides "
    "(2, 22) intensity of the subject's left and right; feature (64) of the appearance"
)
_INPUT = {
    "image": "112 x 112, RGB planes, float32, 0-255; gray, light and contrast are taken out inside",
    "points": "478 landmarks, shares of the crop's side, (0, 0) at its centre",
    "output": _OUTPUT,
}
_CROP = (
    "upright square of facekit.estimate.action_units: 190 mm wide by the spread in three "
    "dimensions of 9 landmarks, roll by their similarity fit, the eye corners' mean at .34 of its "
    "height; black outside the frame"
)


class UnitTask:
    """Batches, losses and validation of the action unit network.

    Args:
        batches: of faces by step.
        held_out: validation faces by name: ``renders``, and with photos ``photos``, ``neutrals``.
        teacher: on photos; None without photos.
    """

    def __init__(
        self, batches: UnitBatches, held_out: dict[str, FixedUnits], teacher: Teacher | None
    ) -> None:
        """Keep what is given."""
        self.batch = batches
        self._held_out = held_out
        self._resting = neutral_weights()
        self._sided = torch.tensor([float(unit.sided) for unit in ACTION_UNITS])
        self._trust = torch.ones(UNITS) if teacher is None else teacher.trust
        self._opinions = None if teacher is None else teacher.lessons(held_out["photos"])

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Scores by the picture on all kinds of faces; the sd on renders."""
        assert isinstance(network, ActionUnitNetwork)
        network.geometry.eval()  # it is fitted already
        found = network.scores(batch["image"], batch["points"])
        picture, log_sd = found.picture.float(), found.log_sd.float()
        target, kind, chimera = batch["target"], batch["kind"], batch["chimera"]
        told = torch.ones_like(target)
        told[chimera] = self._sided
        losses: dict[str, Tensor] = {}
        for name, which, weights in (
            ("renders", RENDER, torch.ones(UNITS)),
            ("photos", PHOTO, self._trust),
            ("neutrals", NEUTRAL, self._resting),
        ):
            rows = kind == which
            losses[name] = score_loss(picture[rows], target[rows], weights * told[rows])
        exact = (kind == RENDER) & ~chimera
        with torch.no_grad():
            sides = network.intensity(found.joint[exact].float())
            error = whole_face(sides) - true_whole(target[exact] * HIGHEST)
        losses["uncertainty"] = student_nll(
            error[..., None], log_sd[exact][..., None], torch.ones_like(error)[..., None]
        )
        share = _UNCERTAINTY if progress >= _WARM_UP else _UNCERTAINTY / 10
        losses["total"] = (
            losses["renders"]
            + _PHOTOS * losses["photos"]
            + _NEUTRALS * losses["neutrals"]
            + share * losses["uncertainty"]
        )
        return losses

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Renders, agreement of both parts on photos, false alarms; no emotion anywhere."""
        assert isinstance(network, ActionUnitNetwork)
        numbers = scores(network, self._held_out, self._opinions, self._trust)
        # Each is a share that is 0 at best.
        numbers["score"] = 1 - numbers["renders_r"]
        if "neutrals" in self._held_out:
            numbers["score"] += 0.5 * (1 - numbers["photos_agreement"])
            numbers["score"] += numbers["neutrals_alarms"]
        return numbers


def training_faces(settings: Settings, finder: Finder) -> tuple[UnitFaces, UnitFaces | None]:
    """Renders of all sets named ``train...``, and photos where a cache of them is given."""
    folders = sorted(settings.shards.glob("train*"))
    sets = [rendered(folder, finder, settings.limit) for folder in folders]
    made = joined(sets, [float(len(part)) for part in sets])
    if settings.photos is None:
        return made, None
    return made, photos(settings.photos, settings.data, finder, train=True)


def validation(settings: Settings, finder: Finder) -> dict[str, FixedUnits]:
    """Faces of validation people by name; see `UnitTask`."""
    made = rendered(settings.shards / "val", finder)
    held_out = {"renders": fixed(made, settings.validation)}
    if settings.photos is not None:
        seen = photos(settings.photos, settings.data, finder, train=False)
        held_out["photos"] = fixed(seen, settings.validation)
        held_out["neutrals"] = fixed(seen.rows(seen.neutral), settings.validation // 2, _SIZES)
    return held_out


def make_trainer(settings: Settings) -> Trainer:
    """A run that is ready to start."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    cv2.setNumThreads(1)
    finder = Finder(settings.out, settings.data)
    made, seen = training_faces(settings, finder)
    held_out = validation(settings, finder)
    network = new_network(settings)
    if settings.start is not None:
        network.load_state_dict(saved_state(settings.start))
    _fitted(settings, "geometry", network, made.points, made.units)
    teacher = taught = None
    if seen is not None:
        photographs = fixed(seen, len(seen))
        teacher, lessons = _teacher(settings, made, photographs, held_out["renders"])
        taught = Taught(seen, lessons)
    _LOG.info("training on %d renders and %d photos", len(made), 0 if seen is None else len(seen))
    batches = UnitBatches(made, taught, settings.batch, settings.seed)
    plan = Plan(
        minutes=settings.minutes,
        steps=settings.steps,
        rate=1.5e-3,
        seed=settings.seed,
        average=0.998,
        validate_every_s=settings.validate_every_s,
    )
    return Trainer(network, UnitTask(batches, held_out, teacher), plan, settings.out)


def new_network(settings: Settings) -> ActionUnitNetwork:
    """An untrained network."""
    return ActionUnitNetwork(mirror=point_mirror(settings.data).tolist())


def _teacher(
    settings: Settings, made: UnitFaces, photographs: FixedUnits, held_out: FixedUnits
) -> tuple[Teacher, Tensor]:
    reader = new_network(settings)
    known = np.isfinite(made.teacher[:, 0, 0])
    _fitted(settings, "teacher", reader, made.teacher[known], made.units[known])
    looker = None
    if settings.start is not None:
        looker = new_network(settings)
        looker.load_state_dict(saved_state(settings.start))
    return appoint(reader, looker, photographs, held_out)


def _fitted(
    settings: Settings,
    name: str,
    network: ActionUnitNetwork,
    points: Floats,
    units: Floats,
) -> None:
    """Fit a landmarks' part; a resumed run takes the one that it began with."""
    path = settings.out / f"{name}.pt"
    if settings.resume and path.is_file():
        network.geometry.load_state_dict(torch.load(path, weights_only=True))
        network.geometry.eval()
        return
    steps = min(_GEOMETRY_STEPS, 50 * settings.steps)
    fit(network, points, units, settings.seed, steps)
    torch.save(network.geometry.state_dict(), path)


def main(given: list[str]) -> int:
    """Train; then publish where a weights folder is given."""
    settings = parse(NAME, __doc__, given)
    if settings.minutes > 0:
        trainer = make_trainer(settings)
        if settings.resume:
            trainer.resume()
        trainer.run()
    if settings.publish is not None:
        publish_best(settings, settings.publish)
    return 0


def training_data(with_photos: bool) -> list[dict[str, str]]:
    """The manifest's list."""
    made = {**RENDERS, "role": "exact intensity of each side of the face"}
    role = "pictures without labels of action units; landmarks by MediaPipe (Apache-2.0) teach"
    return [made, *({**entry, "role": role} for entry in PHOTOS if with_photos)]


def publish_best(settings: Settings, folder: Path) -> None:
    """Calibrate the best network of a run on validation people, and publish it."""
    network = new_network(settings)
    network.load_state_dict(best_state(settings.out))
    held_out = validation(settings, Finder(settings.out, settings.data))
    calibrate(network, held_out["renders"], held_out.get("neutrals"))
    made = held_out["renders"]
    measured = scores(network, held_out, None, None)
    _LOG.info("%s", measured)
    publish(
        NAME,
        network,
        [made.image[:2].contiguous(), made.points[:2].contiguous()],
        Publication(
            architecture="action_units.ActionUnitNetwork",
            arguments={"mirror": network.mirror.tolist()},
            inputs=["image", "points"],
            outputs=OUTPUTS,
            input=_INPUT,
            crop=_CROP,
            training_data=training_data(settings.photos is not None),
            seed=settings.seed,
            command=settings.command,
            scores={
                "validation": {name: round(value, 4) for name, value in measured.items()},
                "renders": by_unit(network, made),
            },
            licence=LICENCE,
            source=origin(settings.start),
        ),
        folder,
    )
