"""The one registry of output columns: name, group, type, unit, range, digits and meaning.

The table's header, the sidecar, ``facekit columns``, the README's table and the tests all come
from here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from facekit.errors import OptionsError

Kind: TypeAlias = Literal["integer", "number", "text"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the output table.

    Attributes:
        name: header.
        group: the group that brings it (``--columns``); ``frame`` columns are always there.
        kind: integer, number or text.
        unit: physical unit; empty for numbers without one.
        low: smallest value, None when unbounded.
        high: largest value, None when unbounded.
        digits: decimals written to text tables; None for integers and text.
        meaning: one sentence.
        stage: the stage whose network or method produced it.
        family: how documentation names it together with its siblings (``x_0 ... x_67``).
    """

    name: str
    group: str
    kind: Kind
    unit: str
    low: float | None
    high: float | None
    digits: int | None
    meaning: str
    stage: str
    family: str


def _number(
    name: str,
    group: str,
    unit: str,
    meaning: str,
    stage: str,
    digits: int,
    low: float | None = None,
    high: float | None = None,
    family: str = "",
) -> Column:
    return Column(name, group, "number", unit, low, high, digits, meaning, stage, family or name)


def _other(name: str, kind: Kind, meaning: str, stage: str, low: float | None = None) -> Column:
    return Column(name, "frame", kind, "", low, None, None, meaning, stage, name)


_FRAME = (
    _other("frame", "integer", "Index of the decoded frame (image), from 0.", "source", 0),
    _number(
        "time_s",
        "frame",
        "s",
        "Container timestamp minus the first frame's; empty for still images.",
        "source",
        6,
        0,
    ),
    _other(
        "track",
        "integer",
        "Number of the face's track, from 0 in order of appearance; empty for still images.",
        "track",
        0,
    ),
    _other(
        "status",
        "text",
        "ok; no_face: none found in this frame; low_quality: under 24 px, or the detector's or the "
        "landmarks' probability of a face below 0.5.",
        "track",
    ),
    _number(
        "score",
        "frame",
        "",
        "Probability of a face: the detector's where it ran, between the landmarks' (or, without "
        "them, the refinement's).",
        "detect",
        4,
        0,
        1,
    ),
    _number("box_x", "frame", "px", "Left edge of the face box.", "detect", 2),
    _number("box_y", "frame", "px", "Upper edge of the face box.", "detect", 2),
    _number("box_w", "frame", "px", "Width of the face box.", "detect", 2, 0),
    _number("box_h", "frame", "px", "Height of the face box.", "detect", 2, 0),
)
FILE = _other("file", "text", "File name of the still image.", "source")


def _points(
    group: str,
    count: int,
    axes: Sequence[tuple[str, str]],
    unit: str = "px",
    stage: str = "landmarks",
) -> tuple[Column, ...]:
    return tuple(
        _number(
            f"{prefix}_{i}",
            group,
            unit,
            meaning,
            stage,
            2,
            family=f"{prefix}_0 ... {prefix}_{count - 1}",
        )
        for i in range(count)
        for prefix, meaning in axes
    )


def _pose() -> tuple[Column, ...]:
    turns = (
        ("yaw", "Turn of the head, > 0 towards image right", -90, 90),
        ("pitch", "Turn of the head, > 0 up", -180, 180),
        ("roll", "Tilt of the head, > 0 clockwise as seen in the image", -180, 180),
    )
    angles = [
        _number(name, "pose", "deg", f"{meaning}; camera axes.", "pose", 2, low, high)
        for name, meaning, low, high in turns
    ]
    spreads = [
        _number(f"{name}_sd", "pose", "deg", f"Standard deviation of {name}.", "pose", 2, 0)
        for name, _, _, _ in turns
    ]
    place = [
        _number(
            f"head_{axis}_mm",
            "pose",
            "mm",
            f"Midpoint of the eyeball centres, {meaning}; eyes taken as 63 mm apart.",
            "pose",
            1,
            low,
        )
        for axis, meaning, low in (
            ("x", "right of the optical axis", None),
            ("y", "below the optical axis", None),
            ("z", "distance along the optical axis", 0),
        )
    ]
    return (*angles, *spreads, *place)


_GROUPS: dict[str, tuple[Column, ...]] = {
    "pose": _pose(),
    "landmark_sd": (
        _number(
            "landmark_sd",
            "landmark_sd",
            "px",
            "Standard deviation of a landmark along x or y, mean over the 478.",
            "landmarks",
            3,
            0,
        ),
    ),
    "landmarks68": _points(
        "landmarks68",
        68,
        [
            ("x", "Horizontal position of an iBUG-68 landmark."),
            ("y", "Vertical position of an iBUG-68 landmark (down)."),
        ],
    ),
    "landmarks478": _points(
        "landmarks478",
        478,
        [
            ("lx", "Horizontal position of a landmark in MediaPipe's topology."),
            ("ly", "Vertical position of a landmark in MediaPipe's topology (down)."),
            ("lz", "Depth of a landmark on the scale of x; smaller is nearer."),
        ],
    ),
    "landmarks3d": _points(
        "landmarks3d",
        478,
        [
            ("mx", "Place of a landmark right of the optical axis; camera axes."),
            ("my", "Place of a landmark below the optical axis; camera axes."),
            ("mz", "Place of a landmark along the optical axis; camera axes."),
        ],
        "mm",
        "pose",
    ),
}
GROUPS: tuple[str, ...] = tuple(_GROUPS)
"""Names of the groups that ``--columns`` accepts, in table order."""

OFF_BY_DEFAULT = frozenset({"landmarks478", "landmarks3d"})
"""Groups that appear only when asked for by name."""


def columns(groups: Iterable[str] = (), *, images: bool = False) -> tuple[Column, ...]:
    """The columns of a table, in order: the frame columns, then `groups` in registry order.

    Args:
        groups: names out of `GROUPS`, in any order.
        images: whether the source is a folder of images (adds ``file`` after ``frame``).

    Raises:
        OptionsError: a group that does not exist.
    """
    wanted = set(groups)
    unknown = sorted(wanted - set(GROUPS))
    if unknown:
        raise OptionsError(
            f"no column group named {', '.join(unknown)}",
            where="columns",
            advice=f"Groups are: {', '.join(GROUPS)}",
        )
    first = (_FRAME[0], FILE, *_FRAME[1:]) if images else _FRAME
    return first + tuple(c for name in GROUPS if name in wanted for c in _GROUPS[name])


def families(listed: Sequence[Column]) -> tuple[Column, ...]:
    """The first column of each family, in order: how documentation lists many siblings."""
    seen: dict[str, Column] = {}
    for column in listed:
        seen.setdefault(column.family, column)
    return tuple(seen.values())
