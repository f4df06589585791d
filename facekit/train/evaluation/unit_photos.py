"""Action units on photographs: against rest, against emotions, and on half faces."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS
from facekit.synthetic.action_units import ROW
from facekit.train.evaluation.bootstrap import mean_of
from facekit.train.evaluation.chimera import Half, chimera
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.scores import Mask
from facekit.train.evaluation.unit_answers import Findings
from facekit.train.evaluation.unit_scores import UnitAnswers, auc_of, median_of, side_right
from facekit.types import Floats, Image

AUC_BARS = (
    (12, "happiness", 0.95),
    (6, "happiness", 0.85),
    (1, "surprise", 0.85),
    (2, "surprise", 0.85),
    (5, "surprise", 0.85),
    (9, "disgust", 0.8),
    (4, "anger", 0.65),
    (15, "sadness", 0.65),
)
"""Unit, the emotion that most often brings it, and the promised area under the ROC curve."""

POSED_UNITS: Mapping[str, tuple[int, ...]] = {
    "happiness": (6, 12),
    "surprise": (1, 2, 5),
    "fear": (1, 2, 4, 5, 20),
    "anger": (4, 7),
    "sadness": (1, 4, 15),
    "disgust": (9, 10),
}
"""The sided units of each emotion's prototype (Ekman and Friesen's EMFACS)."""

_RISES = ((12, "london_au12_rises", ">= 0.98"), (6, "london_au06_rises", ">= 0.90"))
_QUIET = 0.5


def rises(found: Findings, pictures: PictureSet, answers: UnitAnswers) -> None:
    """How often a smile raises AU12 and AU6 over the same person's face at rest.

    Args:
        found: takes the rows.
        pictures: with ``smiling``; one of each kind per person.
        answers: to them.
    """
    people, neutral, smiling = pairs(pictures)
    before, after = answers.rows(neutral), answers.rows(smiling)
    both = before.found & after.found
    pictures = PictureSet(pictures.name, pictures.truth, people, pictures.image)
    for unit, key, bar in _RISES:
        # NaN compares as false: what was not found did not rise.
        higher = after.intensity[:, ROW[unit]] > before.intensity[:, ROW[unit]]
        metric = f"AU{unit:02d} rises from neutral to smiling"
        found.add(pictures, metric, mean_of(higher), both, key=key, bar=bar)


def pairs(
    pictures: PictureSet,
) -> tuple[NDArray[np.generic], NDArray[np.intp], NDArray[np.intp]]:
    """The people of a set with ``smiling``, and their neutral and their smiling picture."""
    smiles = pictures.labels["smiling"]
    people = np.intersect1d(pictures.person[smiles], pictures.person[~smiles])
    rows = [
        [np.flatnonzero((pictures.person == who) & (smiles == kind))[0] for who in people]
        for kind in (False, True)
    ]
    return people, np.array(rows[0], np.intp), np.array(rows[1], np.intp)


def rest(
    found: Findings, pictures: PictureSet, answers: UnitAnswers, neutral: Mask, key: str
) -> None:
    """The median intensity of each unit on neutral faces; the worst goes under `key`."""
    medians = [
        found.add(
            pictures,
            f"{unit.code}: median intensity of neutral faces",
            median_of(answers.intensity[neutral, row]),
            answers.found,
            part=neutral,
            bar=f"< {_QUIET:g}",
        )
        for row, unit in enumerate(ACTION_UNITS)
    ]
    found.metrics[key] = max(medians)


def emotions(
    found: Findings,
    pictures: PictureSet,
    answers: UnitAnswers,
    detected: Mask,
    key: str,
    note: str = "",
) -> None:
    """Area under the ROC curve of units against emotions: a check, never a choice.

    Args:
        found: takes the rows.
        pictures: with ``emotion``.
        answers: to them.
        detected: (n,) the faces that count as found; the others are wrong answers.
        key: start of the keys.
        note: appended to the metric.
    """
    for unit, emotion, bar in AUC_BARS:
        positive = pictures.labels["emotion"] == emotion
        scores = np.where(detected, answers.probability[:, ROW[unit]], np.nan)
        found.add(
            pictures,
            f"AUC of AU{unit:02d}, {emotion} against all others{note}",
            auc_of(scores, positive),
            detected,
            key=f"{key}_AU{unit:02d}_{emotion}",
            bar=f"> {bar:g}",
        )


def chimeras(
    name: str,
    pictures: PictureSet,
    points: Sequence[Floats | None],
    rest_and_expression: Sequence[tuple[int, int]],
    emotion: Sequence[str],
) -> PictureSet:
    """Half faces at rest, half with an expression, both ways.

    Args:
        name: of the new set.
        pictures: the photographs.
        points: (478, 2) landmarks of each; None where no face was found.
        rest_and_expression: rows of two photographs of one person.
        emotion: of each pair.

    Returns:
        Two pictures per pair; labels ``left`` (n,) whether the subject's left half shows the
        expression, ``emotion`` (n,). One that cannot be made is blank: nothing will be found.
    """
    made = [(*pair, left) for pair in rest_and_expression for left in (True, False)]

    def image(number: int) -> Image:
        neutral, expression, left = made[number]
        marks, others = points[neutral], points[expression]
        if marks is None or others is None:
            return np.zeros_like(pictures.image(neutral))
        halves = (
            Half(pictures.image(neutral), marks),
            Half(pictures.image(expression), others),
        )
        return chimera(*halves, left)

    labels = {
        "left": np.array([left for _, _, left in made], bool),
        "emotion": np.repeat(np.asarray(emotion), 2),
    }
    person = pictures.person[np.array([row for row, _, _ in made], np.intp)]
    return PictureSet(name, "exact: which half of a photograph moves", person, image, labels)


def chimera_sides(
    found: Findings,
    pictures: PictureSet,
    answers: UnitAnswers,
    bars: Mapping[int, str] | None = None,
) -> dict[int, float]:
    """How often the half with the expression is the stronger one, unit by unit.

    Args:
        found: takes the rows.
        pictures: as `chimeras` makes them.
        answers: to them.
        bars: what was promised, by unit.

    Returns:
        The shares by FACS number.
    """
    left, emotion = pictures.labels["left"], pictures.labels["emotion"]
    truth = np.stack([left, ~left], axis=1)[..., None].astype(np.float64)
    shown = np.unique(emotion).tolist()
    carried = sorted({unit for name in shown for unit in POSED_UNITS[name]})
    shares = {}
    for unit in carried:
        part = np.isin(emotion, [name for name, units in POSED_UNITS.items() if unit in units])
        right, _ = side_right(answers.sides[:, :, [ROW[unit]]], truth, 1.0)
        shares[unit] = found.add(
            pictures,
            f"AU{unit:02d}: half with the expression is the stronger one",
            mean_of(right[part, 0]),
            answers.found,
            part=part,
            bar=(bars or {}).get(unit, ""),
        )
    return shares
