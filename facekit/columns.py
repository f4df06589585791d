"""The one registry of output columns: name, group, type, unit, range, digits and meaning.

The table's header, the sidecar, ``facekit columns``, the README's table and the tests all come
from here.
"""

from collections.abc import Iterable, Sequence

from facekit.column import Column as Column
from facekit.column import Kind as Kind
from facekit.column import number as _number
from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.temporal_columns import temporal_columns


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


def _gaze() -> tuple[Column, ...]:
    def angle(name: str, meaning: str, limit: float) -> Column:
        return _number(name, "gaze", "deg", meaning, "gaze", 2, -limit, limit)

    empty = "empty when both eyes are closed or hidden."
    eyes = [
        _number(
            f"gaze_{side}_{axis}",
            "gaze",
            "",
            f"Unit vector of the subject's {side} eye, {meaning}; empty when the eye is closed or "
            "hidden.",
            "gaze",
            4,
            -1,
            1,
            family=f"gaze_{side}_x ... gaze_{side}_z",
        )
        for side in ("left", "right")
        for axis, meaning in (("x", "right"), ("y", "down"), ("z", "into the scene"))
    ]
    return (
        angle("gaze_yaw", f"Where both eyes look, > 0 towards image right; {empty}", 180),
        angle("gaze_pitch", f"Where both eyes look, > 0 up; {empty}", 90),
        *(
            _number(f"{name}_sd", "gaze", "deg", f"Standard deviation of {name}.", "gaze", 2, 0)
            for name in ("gaze_yaw", "gaze_pitch")
        ),
        angle("gaze_head_yaw", "As gaze_yaw, relative to the head.", 180),
        angle("gaze_head_pitch", "As gaze_pitch, relative to the head.", 90),
        *eyes,
        *(
            _number(
                f"eye_open_{side}",
                "gaze",
                "",
                f"How open the subject's {side} eye is, 0 closed to 1 open; empty when hidden.",
                "gaze",
                3,
                0,
                1,
            )
            for side in ("left", "right")
        ),
    )


def _au() -> tuple[Column, ...]:
    present = "Probability that the action unit is present; 0.5 where its intensity passes for it."
    whole: tuple[tuple[str, str, float | None, float | None], ...] = (
        ("", "Intensity of the action unit (FACS A-E are 1-5): a soft maximum of the sides.", 0, 5),
        ("_prob", present, 0, 1),
        ("_sd", "Standard deviation of the action unit's intensity.", 0, None),
    )
    sides: tuple[tuple[str, str, float | None, float | None], ...] = (
        ("_left", "Intensity on the subject's left side.", 0, 5),
        ("_right", "Intensity on the subject's right side.", 0, 5),
        ("_asym", "Intensity on the subject's left side less that on the right.", -5, 5),
    )
    return tuple(
        _number(
            f"{unit.code}{suffix}",
            "au",
            "",
            meaning,
            "au",
            3,
            low,
            high,
            family=f"AU01{suffix} ... AU43{suffix}",
        )
        for unit in ACTION_UNITS
        for suffix, meaning, low, high in (*whole, *(sides if unit.sided else ()))
    )


def _au_rel() -> tuple[Column, ...]:
    return tuple(
        _number(
            f"{unit.code}_rel",
            "au_rel",
            "",
            "Intensity of the action unit less the person's own at rest (--baseline); below 0 is "
            "less than at rest.",
            "baseline",
            3,
            -5,
            5,
            family="AU01_rel ... AU43_rel",
        )
        for unit in ACTION_UNITS
    )


def _au_own() -> tuple[Column, ...]:
    meaning = "as your own FACS codes mean it, by the head that --au-head names"
    kinds = (
        ("own", f"Intensity of the action unit, {meaning}.", 5),
        ("own_prob", f"Probability of the action unit, {meaning}.", 1),
    )
    return tuple(
        _number(
            f"{unit.code}_{kind}",
            "au_own",
            "",
            text,
            "au_own",
            3,
            0,
            high,
            family=f"AU01_{kind} ... AU43_{kind}",
        )
        for unit in ACTION_UNITS
        for kind, text, high in kinds
    )


def _count(name: str, group: str, meaning: str, low: float) -> Column:
    return Column(name, group, "integer", "", low, None, None, meaning, "live", name)


LATENCY = _number(
    "latency_ms", "live", "ms", "From capture until the row was ready to send.", "live", 1, 0
)
DROPPED = _count(
    "dropped",
    "live",
    "Frames before this one that were never analysed because newer ones had come meanwhile.",
    0,
)
MARKER = _count(
    "marker",
    "live",
    "Number of the last marker set (key m) since the frame before; empty without one.",
    1,
)
SENT = (
    _number("capture_s", "sent", "s", "Capture of the frame, Unix time.", "live", 6),
    _number("send_s", "sent", "s", "Sending of the row, Unix time.", "live", 6),
)
"""What records of streams (``--stream``) hold after the table's columns and ``dropped``."""

_GROUPS: dict[str, tuple[Column, ...]] = {
    "pose": _pose(),
    "gaze": _gaze(),
    "au": _au(),
    "au_rel": _au_rel(),
    "au_own": _au_own(),
    "temporal": temporal_columns(),
    "person": (
        Column(
            "person",
            "person",
            "integer",
            "",
            0,
            None,
            None,
            "Number of the person, from 0 in order of appearance; empty where no face told.",
            "identity",
            "person",
        ),
    ),
    "person_name": (
        Column(
            "person_name",
            "person_name",
            "text",
            "",
            None,
            None,
            None,
            "Name of the person out of the gallery (--gallery); unknown for whom it does not know.",
            "identity",
            "person_name",
        ),
    ),
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
    "live": (LATENCY, DROPPED, MARKER),
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
