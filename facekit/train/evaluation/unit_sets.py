"""The picture sets on which action units are evaluated: test rows only."""

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic import shards
from facekit.synthetic.sampling import FACS, Distribution
from facekit.train.evaluation.pictures import PictureSet, load, packed
from facekit.types import Image

RENDERS, NEUTRAL_RENDERS = 1600, 600
_SEED = 11
_YAW_LIMIT = 30.0

_AT_RANDOM = dataclasses.replace(
    FACS, yaw_limit=_YAW_LIMIT, glasses=0, hair=0, mask=0, hand=0, thing=0
)

NEUTRAL_VOTES = 8
"""Of ten: how many raters call a neutral face neutral."""

_MAJORITY = 0.5
_CROP_BORDER_PX, _CROP_SCALE = 12, 4  # of 0-24 and 4-6 those with which most faces are found

EMOTIONS = {
    "happy": "happiness",
    "surprised": "surprise",
    "sad": "sadness",
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "neutral": "neutral",
}
"""FER+'s names of the emotions of the posed set."""


def london_pairs(data: Path) -> PictureSet:
    """Test people of the London set, neutral and smiling; label ``smiling`` (n,)."""
    columns = load(data / "london/london.npz")
    shown = np.isin(columns["set"], ["neutral_front", "smiling_front"])
    rows = np.flatnonzero((columns["split"] == "test") & shown)
    labels = {"smiling": columns["set"][rows] == "smiling_front"}
    truth = "posed: neutral, smiling"
    return PictureSet("London test", truth, columns["person"][rows], packed(columns, rows), labels)


def posed_units(data: Path) -> PictureSet:
    """Test performers of posed emotions; label ``emotion`` (n,) by FER+'s names."""
    columns = load(data / "photos/posed_emotions.npz")
    rows = np.flatnonzero(columns["split"] == "test")
    emotion = np.array([EMOTIONS[name] for name in columns["emotion"][rows]])
    return PictureSet(
        "posed emotions test",
        "posed emotion",
        columns["performer"][rows],
        packed(columns, rows),
        {"emotion": emotion},
    )


def ferplus_units(data: Path) -> PictureSet:
    """FER+ ``valid_public``, enlarged, with the emotion that most raters see.

    Labels: ``emotion`` (n,), ``neutral`` (n,) whether at least `NEUTRAL_VOTES` call it neutral.
    Pictures without a majority are left out, and those that most call no face.
    """
    columns = load(data / "photos/ferplus.npz")
    votes, names = columns["votes"].astype(np.float64), columns["vote_names"]
    share = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    chosen = names[share.argmax(axis=1)]
    clear = (share.max(axis=1) > _MAJORITY) & ~np.isin(chosen, ["unknown", "NF"])
    rows = np.flatnonzero((columns["split"] == "valid_public") & clear)
    neutral = votes[rows, names.tolist().index("neutral")] >= NEUTRAL_VOTES
    picture = packed(columns, rows)
    return PictureSet(
        "FER+ valid_public",
        "majority of 10 raters",
        rows,
        lambda number: with_room(picture(number)),
        {"emotion": chosen[rows], "neutral": neutral},
    )


def rendered_units(data: Path, cache: Path, count: int = RENDERS, workers: int = 1) -> PictureSet:
    """Rendered test people with action units at random, nothing before the face, yaw +-30.

    Label ``units`` (n, 2, 22): intensity of the subject's left and right side, 0-5.
    """
    return _rendered(data, cache / "action units", _AT_RANDOM, count, workers)


def neutral_renders(
    data: Path, cache: Path, count: int = NEUTRAL_RENDERS, workers: int = 1
) -> PictureSet:
    """As `rendered_units`, of faces that show nothing."""
    at_rest = dataclasses.replace(_AT_RANDOM, expressive=0)
    return _rendered(data, cache / "neutral", at_rest, count, workers)


def _rendered(
    data: Path, cache: Path, wanted: Distribution, count: int, workers: int
) -> PictureSet:
    plan = shards.ShardPlan(
        data=data,
        split="test",
        count=count,
        seed=_SEED,
        shard=200,
        distribution=wanted,
        wrinkles=cache.with_name("wrinkles.npz"),
    )
    for _ in shards.write(plan, cache, workers):
        pass
    found = shards.read(cache)
    truth: dict[str, NDArray[Any]] = dict(found.truth)
    labels = {
        "points478": truth["points"],
        "place": truth["points"],
        "units": truth["action_units"],
    }
    return PictureSet(f"renders test, {cache.name}", "exact", truth["person"], found.image, labels)


def with_room(image: Image) -> Image:
    """A tight crop enlarged, with a border: the detector wants to see more of the head."""
    border = (_CROP_BORDER_PX,) * 4
    wide = cv2.copyMakeBorder(image, *border, cv2.BORDER_REPLICATE)
    enlarged = cv2.resize(wide, None, fx=_CROP_SCALE, fy=_CROP_SCALE, interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, np.uint8)
