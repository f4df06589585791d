"""The embedder on LFW and CFP, beside its teacher on the same aligned faces; persons of clips.

Places of faces and the teacher's vectors are made once and kept outside the repository; the
shipped embedder runs through its public API every time.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.detect import Detector
from facekit.estimate.identity import VECTOR, IdentityEstimator, chip, threshold
from facekit.runtime.device import choose
from facekit.train.evaluation import identity_figures, persons
from facekit.train.evaluation.bootstrap import Estimate, bootstrap, mean_of
from facekit.train.evaluation.identity_pairs import AllPairs, all_pairs, cross_validated
from facekit.train.evaluation.report import Report, Row, beside, measured
from facekit.train.evaluation.settings import Settings
from facekit.train.identity_faces import FaceSet, Places, face_set, prepare
from facekit.train.identity_teacher import Teacher
from facekit.types import Floats

_LOG = logging.getLogger(__name__)
_BATCH = 16
_TEST_FOLDS = (7, 8)
_SURE = 0.6
_FALSE_MATCHES = 1e-3
_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
_WORST = 10
_TRUTH = "known names"


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """A set with the vectors of its test rows; other rows are zero.

    Attributes:
        faces: the set.
        places: where its faces are.
        rows: test rows.
        vectors: by method, (n, d).
    """

    faces: FaceSet
    places: Places
    rows: NDArray[np.intp]
    vectors: dict[str, Floats]

    def cosine(self, name: str, first: NDArray[Any], second: NDArray[Any]) -> Floats:
        """Cosines of pairs of rows by a method."""
        vectors = self.vectors[name]
        return np.asarray(np.einsum("nd,nd->n", vectors[first], vectors[second]), np.float32)


def evaluate(settings: Settings) -> Report:
    """Everything the README says of the embedder."""
    rows: list[Row] = []
    metrics: dict[str, float] = {}
    lfw = _embedded(settings, "lfw", "split", ("test",))
    _on_pairs(lfw, rows, metrics)
    pairs = {name: all_pairs(lfw.vectors[name][lfw.rows], _people(lfw)) for name in lfw.vectors}
    _on_all_pairs(lfw, pairs, rows, metrics)
    identity_figures.histogram(
        pairs["ours"], threshold(), settings.figure.with_stem(f"{settings.figure.stem}-histogram")
    )
    _worst(lfw, settings.figure)
    _on_cfp(_embedded(settings, "cfp", "fold", _TEST_FOLDS), rows, metrics)
    clips = persons.evaluate_persons(settings)
    return Report([*rows, *clips.rows], {**metrics, **clips.metrics})


def _embedded(settings: Settings, name: str, column: str, wanted: tuple[Any, ...]) -> Embedded:
    """A set's test rows, embedded by facekit and by the teacher."""
    faces = face_set(settings.data, name)
    teacher = Teacher(settings.teachers)
    places = prepare(faces, settings.faces, Detector(choose("cpu", 1)), teacher)
    rows = np.flatnonzero(np.isin(faces.columns[column], wanted))
    estimator = IdentityEstimator(choose("cpu", 1))
    ours = np.zeros((len(faces), VECTOR), np.float32)
    for first in range(0, len(rows), _BATCH):
        part = rows[first : first + _BATCH]
        ours[part] = estimator.embed(
            [chip(faces.image(int(row)), places.points[row]) for row in part]
        )
    _LOG.info("%s: %d faces embedded", name, len(rows))
    return Embedded(faces, places, rows, {"ours": ours, "teacher": places.teacher})


def _people(lfw: Embedded) -> NDArray[np.int64]:
    return lfw.faces.person[lfw.rows]


def _common(name: str, embedded: Embedded) -> dict[str, Any]:
    unsure = float((embedded.places.score[embedded.rows] < _SURE).mean())
    return {"set": name, "truth": _TRUTH, "faces": len(embedded.rows), "not_found": unsure}


def _on_pairs(lfw: Embedded, rows: list[Row], metrics: dict[str, float]) -> None:
    """Accuracy on LFW's pairs; the threshold of each fold comes from the others."""
    fold, same, first, second = lfw.faces.columns["pairs"].T
    found = {}
    for name in lfw.vectors:
        right = cross_validated(lfw.cosine(name, first, second), same == 1, fold)
        found[name] = bootstrap(mean_of(right), np.arange(len(right)))
    _add(rows, metrics, "lfw_accuracy", "accuracy on 5,605 pairs", found, ">= .984, goal .9875",
         _common("LFW test", lfw))  # fmt: skip


def _on_all_pairs(
    lfw: Embedded, pairs: dict[str, AllPairs], rows: list[Row], metrics: dict[str, float]
) -> None:
    """Like pairs found at a false match in a thousand, over all pairs of the test pictures."""
    common = _common("LFW test", lfw)
    found = {}
    for name, all_of in pairs.items():
        hit = all_of.like > all_of.limit(_FALSE_MATCHES)
        found[name] = bootstrap(mean_of(hit), all_of.person)
    _add(rows, metrics, "lfw_tar_at_1e-3", "like pairs found at FAR 1e-3, all pairs", found,
         ">= .90, goal .967", common)  # fmt: skip
    ours, shipped = pairs["ours"], threshold()
    for metric, value in (
        (f"unlike pairs above the shipped threshold, {shipped:.3f}", ours.share_above(shipped)),
        ("like pairs above it", float((ours.like > shipped).mean())),
    ):
        rows.append(Row(metric=metric, **measured(_plain(value)), **common))
    for name, values in (("like", ours.like_at), ("unlike", ours.unlike_at)):
        for percent in _PERCENTILES:
            metric = f"cosine of {name} pairs, percentile {percent}"
            rows.append(Row(metric=metric, **measured(_plain(values(percent / 100))), **common))


def _on_cfp(cfp: Embedded, rows: list[Row], metrics: dict[str, float]) -> None:
    """Accuracy on the test folds, each with the other's threshold; intervals by person."""
    pairs = cfp.faces.columns["pairs"]
    pairs = pairs[np.isin(pairs[:, 1], _TEST_FOLDS)]
    for number, (key, title, bar) in enumerate(
        (
            ("cfp_ff", "frontal-frontal", ">= .989, goal .993"),
            ("cfp_fp", "frontal-profile", ">= .92, goal .955"),
        )
    ):
        _, fold, same, first, second = pairs[pairs[:, 0] == number].T
        person = cfp.faces.person[first]
        found = {}
        for name in cfp.vectors:
            right = cross_validated(cfp.cosine(name, first, second), same == 1, fold)
            found[name] = bootstrap(mean_of(right), person)
        _add(rows, metrics, key, f"accuracy, {title}", found, bar, _common("CFP folds 7-8", cfp))


def _add(
    rows: list[Row],
    metrics: dict[str, float],
    key: str,
    metric: str,
    found: dict[str, Estimate],
    bar: str,
    common: dict[str, Any],
) -> None:
    ours, theirs = found["ours"], found["teacher"]
    metrics[key], metrics[f"{key}_teacher"] = ours.value, theirs.value
    rows.append(
        Row(metric=metric, bar=bar, **measured(ours), **beside(Teacher.name, theirs), **common)
    )


def _worst(lfw: Embedded, path: Path) -> None:
    """Draw the ten pairs of LFW that lie farthest on the wrong side of the shipped threshold."""
    _, same, first, second = lfw.faces.columns["pairs"].T
    cosine = lfw.cosine("ours", first, second)
    teacher = lfw.cosine("teacher", first, second)
    wrong = np.where(same == 1, threshold() - cosine, cosine - threshold())
    panels = []
    for row in np.argsort(-wrong)[:_WORST]:
        title = (
            f"{'one person' if same[row] else 'two people'}, {cosine[row]:.3f} "
            f"(teacher {teacher[row]:.2f})"
        )
        _LOG.info("worst: LFW rows %d and %d: %s", first[row], second[row], title)
        chips = [chip(lfw.faces.image(int(i)), lfw.places.points[i])
                 for i in (first[row], second[row])]  # fmt: skip
        panels.append((title, np.hstack(chips)))
    identity_figures.pictures(panels, path)


def _plain(value: float) -> Estimate:
    return Estimate(value, float("nan"), float("nan"))
