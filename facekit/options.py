"""What a run does: one validated dataclass that the CLI, a TOML file and Python all build."""

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from facekit.columns import GROUPS
from facekit.errors import OptionsError

LandmarkBackend: TypeAlias = Literal["facekit", "mediapipe", "none"]
HeadPoseBackend: TypeAlias = Literal["facekit", "none"]
GazeBackend: TypeAlias = Literal["facekit", "none"]
ActionUnitBackend: TypeAlias = Literal["facekit", "none"]
TemporalChoice: TypeAlias = Literal["auto", "causal", "lookahead", "none"]
DeviceRequest: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """How faces are found, followed and measured.

    Attributes:
        detect_every: search the whole frame every this many frames; 1 searches every frame.
            A lost track or a cut triggers a search in any case.
        min_face: smallest face searched for: below 1 a share of the frame's shorter side, from
            1 on pixels.
        max_faces: follow at most this many faces at a time, the largest first; None for all.
        largest: keep only the largest face of each frame.
        roi: (x, y, width, height) in pixels of the upright frame: faces whose centre lies
            outside are ignored; None for the whole frame.
        landmarks: network for dense landmarks.
        head_pose: network for head pose.
        gaze: network for gaze; needs head pose.
        gaze_calibration: file of ``facekit gaze-calibrate`` with the correction of the person who
            is seen; None for nobody in particular.
        action_units: network for facial action units; needs landmarks.
        temporal: variant of the temporal network; needs action units. ``auto``: for videos the
            one that looks ahead, which is better, for cameras the causal one, which answers at
            once. Not run where `columns` leave ``temporal`` out.
        focal: focal length of the camera in pixels of the upright frame; None for the longer side
            of the frame, which is a field of view of 53 degrees.
        fov: horizontal field of view of the upright frame in degrees, instead of `focal`.
        baseline: whose intensities at rest are taken off for ``AUxx_rel``: ``auto`` each track's
            own over the whole clip, ``first:SECONDS`` each track's own in the clip's first
            seconds, ``key`` each track's own after a key in the window of ``facekit webcam``, or
            a file of ``facekit baseline``; None for no such columns.
        au_head: file of ``facekit train au-head``, whose units stand beside facekit's as
            ``AUxx_own``; None for no such columns.
        identity: tell people apart: adds the columns ``person``. Off by default: biometric data.
        embeddings: also keep the embeddings, in a file of their own beside the table.
        gallery: file of ``facekit gallery`` with the people to name; None names nobody.
        same_people: whoever is in several files of one run is the same person in all of them;
            keeps embeddings, by which they are found.
        columns: column groups of the table; None for all that were run, but for those off by
            default.
        start: leave out frames before this time_s.
        end: leave out frames after this time_s.
        every: keep one frame per this many seconds of time_s; None keeps all.
        device: where networks run.
        threads: CPU threads for networks and decoding; None for one per core.
    """

    detect_every: int = 10
    min_face: float = 0.05
    max_faces: int | None = None
    largest: bool = False
    roi: tuple[float, float, float, float] | None = None
    landmarks: LandmarkBackend = "facekit"
    head_pose: HeadPoseBackend = "facekit"
    gaze: GazeBackend = "facekit"
    gaze_calibration: str | None = None
    action_units: ActionUnitBackend = "facekit"
    temporal: TemporalChoice = "auto"
    focal: float | None = None
    fov: float | None = None
    baseline: str | None = None
    au_head: str | None = None
    identity: bool = False
    embeddings: bool = False
    gallery: str | None = None
    same_people: bool = False
    columns: tuple[str, ...] | None = None
    start: float | None = None
    end: float | None = None
    every: float | None = None
    device: DeviceRequest = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense, naming the option and the value."""
        _require(_is_whole(self.detect_every, 1), "detect_every", self.detect_every, ">= 1")
        _require(_is_number(self.min_face) and self.min_face > 0, "min_face", self.min_face, "> 0")
        for name in ("max_faces", "threads"):
            value = getattr(self, name)
            _require(value is None or _is_whole(value, 1), name, value, "a whole number >= 1")
        for name in ("start", "end", "every"):
            value = getattr(self, name)
            lowest_ok = value is None or (_is_number(value) and value >= 0)
            _require(lowest_ok, name, value, "seconds >= 0")
        _require(self.every is None or self.every > 0, "every", self.every, "seconds > 0")
        if self.start is not None and self.end is not None:
            _require(self.end > self.start, "end", self.end, f"later than start={self.start}")
        _require(type(self.largest) is bool, "largest", self.largest, "true or false")
        for name, choices in (
            ("landmarks", LandmarkBackend),
            ("head_pose", HeadPoseBackend),
            ("gaze", GazeBackend),
            ("action_units", ActionUnitBackend),
            ("temporal", TemporalChoice),
            ("device", DeviceRequest),
        ):
            value = getattr(self, name)
            allowed = get_args(choices)
            _require(value in allowed, name, value, f"one of {', '.join(allowed)}")
        calibration = self.gaze_calibration
        usable = calibration is None or (isinstance(calibration, str) and calibration != "")
        _require(usable, "gaze_calibration", calibration, "the name of a file")
        self._check_camera()
        self._check_roi()
        self._check_columns()
        self._check_baseline()
        if self.au_head is not None:
            _require(isinstance(self.au_head, str), "au_head", self.au_head, "a file's name")
            beside = self.columns is None or "au_own" in self.columns
            _require(beside, "columns", self.columns, "au_own among them, as au_head is given")
        self._check_identity()

    @property
    def recognises(self) -> bool:
        """Whether people are told apart, by whichever option."""
        return self.identity or self.embeddings or self.same_people or self.gallery is not None

    @property
    def keeps_embeddings(self) -> bool:
        """Whether a file of embeddings lies beside each table."""
        return self.embeddings or self.same_people

    def _check_identity(self) -> None:
        for name in ("identity", "embeddings", "same_people"):
            value = getattr(self, name)
            _require(type(value) is bool, name, value, "true or false")
        usable = self.gallery is None or (isinstance(self.gallery, str) and self.gallery != "")
        _require(usable, "gallery", self.gallery, "the name of a file")
        wanted = {"person"} if self.recognises else set()
        if self.gallery is not None:
            wanted.add("person_name")
        beside = self.columns is None or wanted <= {*self.columns}
        names = " and ".join(sorted(wanted))
        _require(beside, "columns", self.columns, f"{names} among them, as people are told apart")

    def _check_camera(self) -> None:
        focal, fov = self.focal, self.fov
        usable = focal is None or (_is_number(focal) and focal > 0)
        _require(usable, "focal", focal, "pixels > 0")
        usable = fov is None or (_is_number(fov) and 0 < fov < 180)
        _require(usable, "fov", fov, "degrees between 0 and 180")
        _require(focal is None or fov is None, "fov", fov, "either focal or fov, not both")

    def _check_roi(self) -> None:
        if self.roi is not None:
            whole = len(self.roi) == 4 and all(_is_number(v) for v in self.roi)
            usable = whole and self.roi[2] > 0 and self.roi[3] > 0
            _require(usable, "roi", self.roi, "x, y, width, height with positive size")

    def _check_columns(self) -> None:
        for group in self.columns or ():
            _require(group in GROUPS, "columns", group, f"groups out of {', '.join(GROUPS)}")

    def _check_baseline(self) -> None:
        if self.baseline is None:
            return
        from facekit.temporal.baseline import BaselineChoice  # numpy, only where it is needed

        _require(isinstance(self.baseline, str), "baseline", self.baseline, "text")
        BaselineChoice.parse(self.baseline)
        beside = self.columns is None or {"au", "au_rel"} <= {*self.columns}
        _require(beside, "columns", self.columns, "au and au_rel among them, as baseline is given")

    @classmethod
    def from_mapping(
        cls, values: Mapping[str, Any], where: object = "options"
    ) -> "PipelineOptions":
        """Options out of names and values, as a TOML file or the CLI gives them.

        Args:
            values: option names (dashes or underscores) to values; lists become tuples.
            where: named in the error.

        Raises:
            OptionsError: unknown name or bad value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        chosen: dict[str, Any] = {}
        for key, value in values.items():
            name = key.replace("-", "_")
            if name not in known:
                raise OptionsError(
                    f"no option named {key!r}",
                    where=where,
                    advice=f"Options are: {', '.join(sorted(known))}",
                )
            chosen[name] = tuple(value) if isinstance(value, list) else value
        return cls(**chosen)

    def focal_px(self, width: int, height: int) -> float:
        """Focal length for frames of a size, pixels."""
        if self.fov is not None:
            return width / 2 / math.tan(math.radians(self.fov) / 2)
        return self.focal or max(width, height)

    @property
    def stages(self) -> str:
        """The options that say what is run, in words."""
        return (
            f"--landmarks is {self.landmarks!r}, --head-pose is {self.head_pose!r}, "
            f"--gaze is {self.gaze!r}, --action-units is {self.action_units!r}, "
            f"--temporal is {self.temporal!r}, --identity is {'on' if self.recognises else 'off'}"
        )

    def to_mapping(self) -> dict[str, Any]:
        """Names and values, ready for JSON; `from_mapping` takes them back."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }


def read_toml(path: Path) -> dict[str, Any]:
    """Option names and values of a TOML file.

    Raises:
        OptionsError: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionsError(
            f"cannot be read ({error.strerror})", where=path, advice="Check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionsError(
            f"is not TOML: {error}", where=path, advice="Write lines like: detect_every = 5"
        ) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _is_whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise OptionsError(f"{value!r} is not valid", where=name, advice=f"Expected {expected}")
