"""A user's FACS codes, and the features of the faces that were coded."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.errors import OptionsError, SourceError
from facekit.estimate.own_units import FEATURES, features_of
from facekit.facs import ACTION_UNITS
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.source import open_source
from facekit.train.au_head import Examples, Matrix

HIGHEST = 5
_LETTERS = {letter: float(level) for level, letter in enumerate("ABCDE", start=1)}
_WHERE = ("frame", "time_s")
_NEAR_S = 0.05

Moments = tuple[NDArray[np.int64], Matrix, Matrix]
"""(f,) frame numbers, (f,) times and (f, 86) features of a clip's faces."""


def read_labels(path: Path) -> pd.DataFrame:
    """The user's table: ``file``, ``frame`` or ``time_s`` or neither, ``person``, units.

    A unit's column is called AU12 (or AU1, AU01); a cell is empty (not coded), a number 0-5, or
    a letter A-E. Without ``frame`` and ``time_s`` a row codes the whole clip.

    Returns:
        Columns ``file``, ``person`` and those of `_WHERE` that were there, and the units' columns
        by their codes, as numbers; NaN where not coded.

    Raises:
        OptionsError: missing, no table, no unit, or a code that is none.
    """
    try:
        raw = pd.read_csv(path, dtype=str, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise OptionsError(
            f"cannot be read ({error})", where=path, advice="Give a CSV file with a header"
        ) from error
    raw.columns = [str(name).strip() for name in raw.columns]
    if "file" not in raw.columns or raw["file"].isna().any():
        raise OptionsError("not every row names its file", where=path, advice="Add a column file")
    if set(_WHERE) <= {*raw.columns}:
        raise OptionsError(
            "has both frame and time_s", where=path, advice="Keep the one that you coded by"
        )
    table = pd.DataFrame({"file": raw["file"]})
    table["person"] = raw.get("person", raw["file"])
    for name in _WHERE:
        if name in raw.columns:
            table[name] = [_number(text, name, path) for text in raw[name]]
    by_name = {alias: unit.code for unit in ACTION_UNITS for alias in _aliases(unit.number)}
    for name in raw.columns:
        if name in by_name:
            table[by_name[name]] = [_code(text, name, path) for text in raw[name]]
    if not any(unit.code in table.columns for unit in ACTION_UNITS):
        known = ", ".join(unit.code for unit in ACTION_UNITS)
        raise OptionsError("has no column of an action unit", where=path, advice=f"Known: {known}")
    return table


def _aliases(number: int) -> set[str]:
    return {f"AU{number:02d}", f"AU{number}"}


def _number(text: object, name: str, path: Path) -> float:
    try:
        value = float(str(text))
    except ValueError:
        value = float("nan")
    if not value >= 0:
        raise OptionsError(f"{text!r} is no {name}", where=path, advice="Expected a number >= 0")
    return value


def _code(text: object, name: str, path: Path) -> float:
    if not isinstance(text, str) or not text.strip():
        return float("nan")
    if text.strip().upper() in _LETTERS:
        return _LETTERS[text.strip().upper()]
    value = _number(text, f"code of {name}", path)
    if value > HIGHEST:
        raise OptionsError(
            f"{text!r} is no code of {name}",
            where=path,
            advice="Expected 0-5, A-E, or nothing where it was not coded",
        )
    return value


def moments_of(path: Path, pipeline: Pipeline, codes: pd.DataFrame) -> Moments:
    """What the network sees in each frame of a clip: its largest face.

    Args:
        path: the clip.
        pipeline: with action units, for the largest face.
        codes: of the clip; what comes after the last of them is not looked at.

    Raises:
        SourceError: it cannot be opened.
    """
    frames, times, features = [], [], []
    last_frame = codes["frame"].max() if "frame" in codes else math.inf
    last_s = codes["time_s"].max() + _NEAR_S if "time_s" in codes else math.inf
    with open_source(path) as source:
        for frame, faces in pipeline.run(source):
            if frame.index > last_frame or frame.time_s > last_s:
                break
            units = faces[0].action_units if faces else None
            if units is not None and faces[0].status == "ok":
                frames.append(frame.index)
                times.append(frame.time_s)
                features.append(features_of(units))
    return (
        np.array(frames, np.int64),
        np.array(times, np.float64),
        np.array(features, np.float64).reshape(-1, FEATURES),
    )


def examples_of(
    labels: pd.DataFrame, folder: Path, moments: Callable[[Path, pd.DataFrame], Moments]
) -> tuple[Examples, list[str]]:
    """The coded faces' features.

    Args:
        labels: of `read_labels`.
        folder: where the files are.
        moments: features of a clip's faces, given its codes.

    Returns:
        The examples, and a sentence for each file of which codes were left out.

    Raises:
        OptionsError: nothing is left.
    """
    features: list[Matrix] = []
    kept: list[pd.Series] = []
    remarks = []
    for name, part in labels.groupby("file", sort=False):
        try:
            seen = moments(folder / str(name), part)
        except SourceError as error:
            remarks.append(f"{name}: left out: {error.what}")
            continue
        found = [_feature(row, seen) for _, row in part.iterrows()]
        lost = sum(one is None for one in found)
        if lost:
            remarks.append(f"{name}: {lost} of {len(found)} codes left out: no face there")
        rows = zip((row for _, row in part.iterrows()), found, strict=True)
        for row, one in rows:
            if one is not None:
                features.append(one)
                kept.append(row)
    if not kept:
        raise OptionsError(
            "no coded face was found in the videos",
            where=folder,
            advice=" ".join(remarks[:3]) or "Check the column file",
        )
    table = pd.DataFrame(kept)
    codes = {
        unit.code: table[unit.code].to_numpy(np.float64)
        for unit in ACTION_UNITS
        if unit.code in table.columns
    }
    return Examples(np.stack(features), table["person"].to_numpy(str), codes), remarks


def _feature(row: "pd.Series", seen: Moments) -> Matrix | None:
    """Features of the coded moment; of a clip the mean, as a linear head's mean answer is."""
    frames, times, features = seen
    if "frame" in row.index:
        at = np.flatnonzero(frames == row["frame"])
        return features[at[0]] if len(at) else None
    if "time_s" in row.index:
        if not len(times):
            return None
        nearest = int(np.abs(times - row["time_s"]).argmin())
        return features[nearest] if abs(times[nearest] - row["time_s"]) <= _NEAR_S else None
    return features.mean(axis=0) if len(features) else None


def code_faces(labels: pd.DataFrame, folder: Path) -> tuple[Examples, list[str]]:
    """`examples_of` with the shipped networks."""
    options = PipelineOptions(head_pose="none", columns=("au",), largest=True)
    pipeline = Pipeline(options)
    try:
        return examples_of(labels, folder, lambda path, part: moments_of(path, pipeline, part))
    finally:
        pipeline.close()


def missing_files(labels: pd.DataFrame, folder: Path) -> Iterable[str]:
    """Names in the table that are no file of the folder."""
    return [str(name) for name in labels["file"].unique() if not (folder / str(name)).exists()]
