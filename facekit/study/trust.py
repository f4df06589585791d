"""Which rows of a table can be trusted, and why the others cannot."""

from collections.abc import Collection
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.study.columnwise import Columnwise

Flags = NDArray[np.bool_]
_BOX = ("box_x", "box_y", "box_w", "box_h")
_POSE_SD = ("yaw_sd", "pitch_sd", "roll_sd")
_GAZE_SD = ("gaze_yaw_sd", "gaze_pitch_sd")
_UNIT_SD = tuple(f"{unit.code}_sd" for unit in ACTION_UNITS)
_MEASURED = ("yaw", ACTION_UNITS[0].code)
"""One column of each group that every face has numbers in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on a row is not trusted.

    The defaults are where facekit's networks were still measured (docs/accuracy.md) or, for the
    deviations, conventions that were looked at on two clips, not validated.

    Attributes:
        min_score: least ``score``.
        min_face_px: least shorter side of the face box, pixels.
        max_yaw: largest turn of the head to either side, degrees.
        max_pitch: largest turn of the head up or down, degrees.
        max_pose_sd: largest of ``yaw_sd``, ``pitch_sd`` and ``roll_sd``, degrees.
        max_gaze_sd: larger of ``gaze_yaw_sd`` and ``gaze_pitch_sd``, degrees.
        max_au_sd: mean of ``AUxx_sd`` over the action units, levels of FACS.
        max_landmark_sd: ``landmark_sd`` as a share of the shorter side of the face box.
        max_frozen_s: how long a picture may stand still, seconds.
    """

    min_score: float = 0.8
    min_face_px: float = 48.0
    max_yaw: float = 45.0
    max_pitch: float = 30.0
    max_pose_sd: float = 10.0
    max_gaze_sd: float = 20.0
    max_au_sd: float = 1.0
    max_landmark_sd: float = 0.04
    max_frozen_s: float = 0.5

    def __post_init__(self) -> None:
        """Refuse limits that are no numbers from 0 on."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value >= 0:
                raise OptionsError(
                    f"{value!r} is not valid", where=field.name, advice="Expected a number >= 0"
                )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows cannot be trusted.

    Attributes:
        name: as in the summary's columns, such as ``small_face``.
        meaning: a clause with the limit.
        rows: (rows,) the rows to which it applies.
    """

    name: str
    meaning: str
    rows: Flags


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be trusted of a table.

    Attributes:
        reasons: those that were looked for, also where they apply to no row.
        unjudged: those for which the table has no columns.
        trusted: (rows,) whether no reason applies.
    """

    reasons: tuple[Reason, ...]
    unjudged: tuple[str, ...]
    trusted: Flags


def trusted(table: pd.DataFrame, limits: Limits | None = None) -> Flags:
    """Which rows of a table can be trusted.

    Args:
        table: as `facekit.read_table` gives it.
        limits: None for the defaults.

    Returns:
        (rows,) True where no reason of `judge` applies.

    Example:
        >>> import facekit
        >>> from facekit.study.trust import trusted
        >>> table = facekit.read_table("clip.csv")           # doctest: +SKIP
        >>> table = table[trusted(table)]                    # doctest: +SKIP
    """
    return judge(Columnwise.of(table), limits).trusted


def meanings(limits: Limits) -> dict[str, str]:
    """A clause for each reason there is, in the order in which they are listed."""
    return {
        "no_face": "no face was found in the frame",
        "low_quality": "facekit itself calls the row low_quality",
        "low_score": f"score below {limits.min_score:g}",
        "small_face": f"a side of the face box under {limits.min_face_px:g} px",
        "extreme_pose": f"yaw beyond {limits.max_yaw:g} or pitch beyond {limits.max_pitch:g} "
        "degrees",
        "uncertain_pose": f"the sd of yaw, pitch or roll above {limits.max_pose_sd:g} degrees",
        "uncertain_gaze": f"the sd of gaze above {limits.max_gaze_sd:g} degrees",
        "uncertain_units": f"the action units' sd above {limits.max_au_sd:g}, mean over the units",
        "uncertain_landmarks": f"landmark_sd above {limits.max_landmark_sd:g} of the face box",
        "not_measured": "a face, but no head pose or no action units",
        "repeated_time": "time_s is not later than in a frame before",
        "frozen_picture": "the face box has not moved at all for "
        f"{limits.max_frozen_s:g} s or more",
    }


_NEEDS: dict[str, tuple[str, ...]] = {
    "low_score": ("score",),
    "small_face": ("box_w",),
    "extreme_pose": ("yaw", "pitch"),
    "uncertain_pose": _POSE_SD,
    "uncertain_gaze": _GAZE_SD,
    "uncertain_units": _UNIT_SD,
    "uncertain_landmarks": ("landmark_sd",),
    "not_measured": _MEASURED,
    "frozen_picture": ("box_w",),
}
"""The columns that a reason is looked for in: one of them is enough."""


def judgeable(names: Collection[str]) -> tuple[str, ...]:
    """The reasons that can be looked for in a table with columns of these names."""
    return tuple(
        reason
        for reason in meanings(Limits())
        if reason not in _NEEDS or not {*names}.isdisjoint(_NEEDS[reason])
    )


def judge(table: Columnwise, limits: Limits | None = None) -> Verdict:
    """Look for every reason not to trust a row; several may apply to one.

    Args:
        table: the table.
        limits: None for the defaults.

    Raises:
        OutputError: the table is damaged.
    """
    chosen = limits or Limits()
    possible = judgeable([column.name for column in table.columns if column.kind != "text"])
    flags = {
        "no_face": table.status == "no_face",
        "low_quality": table.status == "low_quality",
        **_by_time_and_box(table, chosen),
        **_by_measures(table, chosen),
    }
    listed = meanings(chosen)
    reasons = [Reason(name, listed[name], flags[name]) for name in listed if name in possible]
    bad = np.zeros(len(table.keys), np.bool_)
    for reason in reasons:
        bad |= reason.rows
    return Verdict(tuple(reasons), tuple(n for n in listed if n not in possible), ~bad)


def _by_time_and_box(table: Columnwise, limits: Limits) -> dict[str, Flags]:
    times = table.times
    score = _key(table, "score")
    return {
        "low_score": score < limits.min_score,
        "small_face": _shorter_side(table) < limits.min_face_px,
        "repeated_time": times.repeated[times.of_row],
        "frozen_picture": _frozen(table, limits.max_frozen_s),
    }


def _by_measures(table: Columnwise, limits: Limits) -> dict[str, Flags]:
    """Reasons out of the measurements, which pass by a column at a time."""
    count, face = len(table.keys), table.status != "no_face"
    found = {name: np.zeros(count, np.bool_) for name in _NEEDS}
    unit_sum, unit_count = np.zeros(count), np.zeros(count)
    largest = {
        "yaw": ("extreme_pose", limits.max_yaw),
        "pitch": ("extreme_pose", limits.max_pitch),
        **{name: ("uncertain_pose", limits.max_pose_sd) for name in _POSE_SD},
        **{name: ("uncertain_gaze", limits.max_gaze_sd) for name in _GAZE_SD},
    }
    present = {column.name for column in table.columns if column.kind != "text"}
    wanted = [*largest, *_UNIT_SD, *_MEASURED, "landmark_sd"]
    for name, values in table.numbers(sorted(present.intersection(wanted))):
        if name in largest:
            reason, limit = largest[name]
            found[reason] |= np.abs(values) > limit
        if name in _UNIT_SD:
            unit_sum += np.nan_to_num(values)
            unit_count += np.isfinite(values)
        if name in _MEASURED:
            found["not_measured"] |= face & np.isnan(values)
        if name == "landmark_sd":
            found["uncertain_landmarks"] = values > limits.max_landmark_sd * _shorter_side(table)
    found["uncertain_units"] = unit_sum > limits.max_au_sd * np.maximum(unit_count, 1)
    names = ("extreme_pose", "uncertain_pose", "uncertain_gaze", "uncertain_units")
    return {name: found[name] for name in (*names, "uncertain_landmarks", "not_measured")}


def _key(table: Columnwise, name: str) -> NDArray[np.float64]:
    """(rows,) a column that is in memory; NaN where the table has none."""
    if name not in table.keys:
        return np.full(len(table.keys), np.nan)
    return np.asarray(table.keys[name].to_numpy(np.float64, na_value=np.nan), np.float64)


def _shorter_side(table: Columnwise) -> NDArray[np.float64]:
    """(rows,) shorter side of the face box; NaN without a face."""
    return np.asarray(np.minimum(_key(table, "box_w"), _key(table, "box_h")), np.float64)


def _frozen(table: Columnwise, longest_s: float) -> Flags:
    """Rows of a face whose box stays the same to the last digit, from the second row on.

    A face that holds still moves by parts of a pixel; one that does not has been repeated, as
    when a connection stalls.
    """
    boxes = np.column_stack([_key(table, name) for name in _BOX])
    times = table.times.times[table.times.of_row]
    found = np.zeros(len(boxes), np.bool_)
    for subject in table.subjects:
        rows = subject.rows
        same = (boxes[rows][1:] == boxes[rows][:-1]).all(axis=1)
        # Runs of the same box: each begins where the box is another than before.
        starts = np.flatnonzero(np.r_[True, ~same])
        ends = np.r_[starts[1:], len(rows)] - 1
        lasted = times[rows[ends]] - times[rows[starts]]
        for start, end in zip(starts[lasted >= longest_s], ends[lasted >= longest_s], strict=True):
            found[rows[start + 1 : end + 1]] = True
    return found
