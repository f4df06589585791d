"""The records that travel from stage to stage. All frozen; shapes, dtypes and units are stated.

Pixels are those of the decoded, upright frame: x to the right, y down, the centre of the first
pixel at (0, 0). "Left" and "right" are the subject's own; in an unmirrored picture the subject's
left eye is on image right.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facekit.facs import EXPRESSIONS as EXPRESSIONS

Image: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Status: TypeAlias = Literal["ok", "no_face", "low_quality"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes:
        index: position in the decoded stream (or the folder's natural order), from 0.
        time_s: seconds since the first frame, from container timestamps or the camera's
            monotonic clock; NaN for still images, which have no time.
        image: (height, width, 3) uint8, RGB, upright.
        name: file name of a still image; empty for video.
        captured_s: when a live source took it, by ``time.monotonic``; NaN of other sources.
    """

    index: int
    time_s: float
    image: Image
    name: str = ""
    captured_s: float = math.nan

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.image.shape[:2]
        return width, height


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found by the detector.

    Attributes:
        box: (4,) float32: x, y of the upper left corner, width, height; pixels.
        score: probability of a face, 0-1.
        points: (5, 2) float32 pixels: eye on image left, eye on image right, nose tip, mouth
            corner on image left, mouth corner on image right (the order of MTCNN).
    """

    box: Floats
    score: float
    points: Floats


@dataclass(frozen=True, slots=True)
class Region:
    """Where a tracked face is in one frame.

    Attributes:
        track: number of the track, from 0 in order of appearance; None for still images.
        box: (4,) float32: x, y, width, height; pixels.
        score: probability of a face, 0-1: the detector's where it ran, the refinement's between.
        points: (5, 2) float32 pixels, in the order of ``Detection.points``.
        detected: whether the whole frame was searched on this frame.
    """

    track: int | None
    box: Floats
    score: float
    points: Floats
    detected: bool


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Dense landmarks of one face, in MediaPipe's topology of 478 points.

    Attributes:
        points: (478, 3) float32: x, y in pixels; z in pixels of the same scale, smaller is
            nearer to the camera, zero at the head's centre.
        sd: (478,) float32 pixels: standard deviation of each point's error along x and along y;
            None where the backend states none.
        presence: probability that there is a face, 0-1; None where the backend states none.
    """

    points: Floats
    sd: Floats | None = None
    presence: float | None = None


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where a head is and how it is turned, in camera axes (x right, y down, z into the scene).

    (0, 0, 0) is a head parallel to the optical axis: a face at the frame's edge that looks into
    the lens has yaw != 0.

    Attributes:
        yaw: degrees, > 0 towards image right, -90 to 90.
        pitch: degrees, > 0 up.
        roll: degrees, > 0 clockwise as seen in the image.
        yaw_sd: one standard deviation of the error, degrees.
        pitch_sd: as `yaw_sd`.
        roll_sd: as `yaw_sd`.
        position_mm: (3,) float32 midpoint of the eyeball centres, taken to be 63 mm apart; NaN
            where landmarks are missing.
    """

    yaw: float
    pitch: float
    roll: float
    yaw_sd: float
    pitch_sd: float
    roll_sd: float
    position_mm: Floats


@dataclass(frozen=True, slots=True)
class ActionUnits:
    """Facial action units of one face, in the order of ``facekit.facs.ACTION_UNITS`` (22).

    Intensity 0-5: FACS levels A-E are 1-5. Left and right are the subject's own.

    Attributes:
        intensity: (22,) float32 of the whole face, 0-5.
        probability: (22,) float32 that the action unit is present, 0-1; .5 exactly where the
            intensity crosses the level that counts as present.
        sd: (22,) float32 one standard deviation of the intensity's error.
        left: (22,) float32 intensity of the subject's left side; NaN where not sided.
        right: (22,) as `left`, of the right side.
        feature: (64,) float32 appearance feature for the temporal network.
    """

    intensity: Floats
    probability: Floats
    sd: Floats
    left: Floats
    right: Floats
    feature: Floats


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where a face looks, in camera axes: (0, 0) is straight back along the optical axis.

    Attributes:
        yaw: degrees, > 0 towards image right; NaN when both eyes are closed or hidden.
        pitch: degrees, > 0 up; NaN as `yaw`.
        yaw_sd: one standard deviation of the error, degrees; NaN as `yaw`.
        pitch_sd: as `yaw_sd`.
        head_yaw: relative to the head, degrees; NaN as `yaw`.
        head_pitch: as `head_yaw`.
        left: (3,) float32 unit vector of the subject's left eye, x right, y down, z into the
            scene; NaN when the eye is closed or hidden.
        right: (3,) as `left`, of the right eye.
        left_open: how open the eye is, 0 closed to 1 open; NaN when it is hidden.
        right_open: as `left_open`.
    """

    yaw: float
    pitch: float
    yaw_sd: float
    pitch_sd: float
    head_yaw: float
    head_pitch: float
    left: Floats
    right: Floats
    left_open: float
    right_open: float


@dataclass(frozen=True, slots=True)
class Temporal:
    """What a face is doing over time at one frame (`facekit.temporal.tcn`).

    Rows of 22 are in the order of ``facekit.facs.ACTION_UNITS``.

    Attributes:
        smooth: (22,) float32 intensity of the whole face over time, 0-5.
        velocity: (22,) float32 change of `smooth` per second.
        phase: (22,) int8 0 neutral, 1 onset, 2 apex, 3 offset: neutral where that is likelier than
            the others together, else the likeliest of these.
        phase_prob: (22,) float32 probability of that phase, 0-1.
        blink: probability that a blink is under way, 0-1; a wink is one, too.
        nod: probability that the head nods, 0-1.
        shake: probability that the head shakes, 0-1.
        speaking: probability that the mouth speaks, 0-1.
        blink_rate: blinks per minute in the last minute of the track up to this frame; NaN until
            ten seconds of it were seen.
        expression: (7,) float32 posterior of each of `EXPRESSIONS`; they add up to 1. What people
            would call the face, not what it feels.
        expressivity: root mean square of `smooth` / 5, 0-1.
    """

    smooth: Floats
    velocity: Floats
    phase: NDArray[np.int8]
    phase_prob: Floats
    blink: float
    nod: float
    shake: float
    speaking: float
    blink_rate: float
    expression: Floats
    expressivity: float


@dataclass(frozen=True, slots=True)
class Identity:
    """What one look at a face says of who it is.

    Attributes:
        vector: (128,) float32 of unit length; cosines say how alike two faces are.
        quality: how well the face is seen, 0-1: frontal, sharp and large.
    """

    vector: Floats
    quality: float


@dataclass(frozen=True, slots=True)
class Face:
    """Everything known of one face in one frame; what was not run is None.

    Attributes:
        region: track, box, score and five points.
        status: ``ok`` or ``low_quality`` (see ``facekit.pipeline``).
        landmarks: dense landmarks, or None.
        head_pose: place and turn of the head, or None.
        landmarks_mm: (478, 3) float32 the landmarks in camera axes, mm; None unless the options'
            `columns` hold ``landmarks3d``.
        action_units: facial action units, or None.
        gaze: where it looks, or None.
        own_units: (k,) float32 what the user's own head (``au_head``) says, NaN without action
            units; None without such a head.
        identity: its embedding, on the few frames on which it is looked at for that; else None.
        person: number of its person, as far as is known by now; None while nobody can tell.
        person_name: name of its person out of the gallery, ``unknown`` for whom it does not
            know; None without a gallery, or while nobody can tell.
        temporal: what it is doing over time; None while that waits for later frames.
    """

    region: Region
    status: Status
    landmarks: Landmarks | None = None
    head_pose: HeadPose | None = None
    landmarks_mm: Floats | None = None
    action_units: ActionUnits | None = None
    gaze: Gaze | None = None
    own_units: Floats | None = None
    identity: Identity | None = None
    person: int | None = None
    person_name: str | None = None
    temporal: Temporal | None = None
