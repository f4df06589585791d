"""What is drawn how often: pose, gaze, camera, and the share of every difficulty."""

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np

from facekit.errors import OptionsError
from facekit.synthetic import action_units
from facekit.synthetic.camera import Matrix
from facekit.synthetic.expressions import Weights, random_expression

Expressions: TypeAlias = Literal["general", "action_units"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How pictures are drawn. Angles in degrees, shares 0-1.

    Attributes:
        expression: ``general``: shapes of the head, for points and pose. ``action_units``: action
            units drawn independently, with the poses of people who are being looked at.
        yaw_limit: largest yaw as seen from the camera.
        pitch_limit: largest pitch.
        roll_limit: largest roll.
        pose_spread: factor on the spread of all three; 0 = every face looks at the camera.
        extent: smallest and largest longer side of the box around the 468 points, as a share of
            the picture's side.
        jitter: standard deviation of the box's centre, as a share of the side.
        off_axis: largest angle between the optical axis and the face, in half of the pictures.
        distance: smallest and largest distance from the camera in model units (about 1 cm).
        expressive: share of pictures with an expression drawn at random.
        gaze_spread: factor on the spread of gaze.
        glasses: share with glasses.
        hair: share with hair beside or in front of the face.
        mask: share with a medical mask.
        hand: share with a hand in front of the face.
        thing: share with some other thing in front of the face.
        degraded: share with blur, noise and the like; 0 gives clean pictures.
        random_light: even studio light if false.
        background: plain grey if false.
        jaw: smallest and largest weight that closes the neutral face's lips, <= 0.
        ratio_images: share of pictures with real wrinkles (`facekit.synthetic.wrinkles`).
    """

    expression: Expressions = "general"
    yaw_limit: float = 80.0
    pitch_limit: float = 45.0
    roll_limit: float = 40.0
    pose_spread: float = 1.0
    extent: tuple[float, float] = (0.45, 0.60)
    jitter: float = 0.035
    off_axis: float = 25.0
    distance: tuple[float, float] = (35.0, 200.0)
    expressive: float = 1.0
    gaze_spread: float = 1.0
    glasses: float = 0.18
    hair: float = 0.45
    mask: float = 0.04
    hand: float = 0.06
    thing: float = 0.06
    degraded: float = 0.85
    random_light: bool = True
    background: bool = True
    jaw: tuple[float, float] = (-0.03, 0.0)
    ratio_images: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            OptionsError: a value is out of range.
        """
        if not 0 < self.extent[0] <= self.extent[1] < 1:
            raise OptionsError("extent must rise within 0-1", where=self.extent)
        if not 25 <= self.distance[0] <= self.distance[1]:
            raise OptionsError("distance must rise from at least 25", where=self.distance)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for the description of a shard set."""
        return asdict(self)


CLEAN = Distribution(
    yaw_limit=15,
    pitch_limit=10,
    roll_limit=10,
    pose_spread=0.4,
    off_axis=0,
    glasses=0,
    hair=0,
    mask=0,
    hand=0,
    thing=0,
    degraded=0,
    jitter=0.0,
)
"""Clean fronts, for comparing with detectors."""

FACS = Distribution(
    expression="action_units",
    yaw_limit=45,
    pitch_limit=25,
    roll_limit=20,
    extent=(0.58, 0.68),
    jitter=0.02,
    gaze_spread=0.55,
    glasses=0.12,
    hair=0.25,
    mask=0.0,
    hand=0.02,
    thing=0.02,
    degraded=0.55,
    jaw=(-0.04, -0.01),  # whether lips part is truth here: few neutral faces part them
    ratio_images=0.75,
)
"""Faces near enough to read action units from."""


def random_pose(random: np.random.Generator, distribution: Distribution) -> Matrix:
    """(3,) yaw, pitch and roll as seen from the camera, degrees."""
    spread = distribution.pose_spread
    limits = np.array([distribution.yaw_limit, distribution.pitch_limit, distribution.roll_limit])
    if distribution.expression == "action_units":
        drawn = random.normal(0, np.array([13, 8, 6]) * spread)
        if random.random() < 0.1:
            drawn[0] = random.uniform(-1, 1) * distribution.yaw_limit * min(spread, 1.0)
    elif random.random() < 0.6:
        drawn = random.normal(0, [32 * spread, 15 * spread, 14 * spread])
    else:  # as many profiles as fronts
        wide = random.uniform(-1, 1) * distribution.yaw_limit * min(spread, 1.0)
        drawn = np.array([wide, *random.normal(0, [15 * spread, 14 * spread])])
    return np.asarray(np.clip(drawn, -limits, limits))


def random_gaze(random: np.random.Generator, distribution: Distribution) -> Matrix:
    """(2, 2) yaw and pitch of the left and right eye in the head, degrees."""
    if random.random() < 0.5:
        yaw, pitch = random.normal(0, 12, 2)
    else:
        yaw, pitch = random.uniform([-38, -30], [38, 25])
    yaw, pitch = np.clip([yaw, pitch], [-38, -32], [38, 26]) * distribution.gaze_spread
    inward = random.uniform(0, 4) if random.random() < 0.7 else 0.0
    return np.array([[yaw - inward, pitch], [yaw + inward, pitch]])


def random_weights(random: np.random.Generator, distribution: Distribution) -> Weights:
    """An expression, or none."""
    if random.random() >= distribution.expressive:
        return {}
    if distribution.expression == "action_units":
        return action_units.weights_of(action_units.random_intensities(random))
    return random_expression(random)


def random_direction(random: np.random.Generator, distribution: Distribution) -> Matrix:
    """(3,) unit direction from the camera to the face."""
    across, down = np.zeros(2)
    if random.random() < 0.5:
        limit = np.deg2rad(distribution.off_axis)
        across, down = np.tan(random.uniform(-limit, limit, 2) * [1, 0.6])
    direction = np.array([across, down, 1.0])
    return np.asarray(direction / np.linalg.norm(direction))


def random_distance(random: np.random.Generator, distribution: Distribution) -> float:
    """Model units, log-uniform."""
    return float(np.exp(random.uniform(*np.log(distribution.distance))))
