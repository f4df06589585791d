"""How eyes are drawn at random: where they look, how open they are, in which session.

Half of the data comes in sessions, as webcams see people: pose, light, distance and reflections
stay nearly the same while the eyes move.
"""

from dataclasses import dataclass, replace

import numpy as np

from facekit.synthetic.camera import FORWARD, Matrix, rotation
from facekit.synthetic.expressions import Weights, applied, look_weights
from facekit.synthetic.light import random_lights
from facekit.synthetic.sampling import Distribution, random_distance
from facekit.synthetic.shading import Lights

POSE_LIMITS = np.array([60.0, 38.0, 25.0])
_GAZE_LOW, _GAZE_HIGH = np.array([-42.0, -32.0]), np.array([42.0, 28.0])
KAPPA = np.array([4.5, 0.0])
"""Mean angle from the line of sight to the eye's optical axis, degrees: outward, upward."""

# Shut and open, in eye distances; a resting eye shows a height of .12.
_FREE_HEIGHT = (0.012, 0.09)
_LID_GAP = (0.06, 0.11)
_LID_GAPS = np.array([[[385, 380], [386, 374], [387, 373]], [[160, 144], [159, 145], [158, 153]]])


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What someone keeps from picture to picture.

    Attributes:
        steady: whether pose, light, distance and reflections stay.
        pose: (3,) resting yaw, pitch, roll as seen along the ray to the eyes, degrees.
        sway: standard deviation of the pose around it, degrees.
        lights: in camera axes.
        distance: from the camera, model units.
        lids: weight that lowers the neutral lids.
        gain: how strongly the lids follow the eyes.
        kappa: (2, 2) optical axis minus line of sight, left and right eye: yaw, pitch.
        vergence: how far each eye turns inwards.
        pupil: pupil / iris.
        gloss: strength and exponent of the skin's highlights.
        scene: seed of reflections.
    """

    steady: bool
    pose: Matrix
    sway: float
    lights: Lights
    distance: float
    lids: float
    gain: float
    kappa: Matrix
    vergence: float
    pupil: float
    gloss: tuple[float, float]
    scene: int


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One picture of a session.

    Attributes:
        session: with the pose and light of this picture.
        pose: (3,) of the head as seen, degrees.
        weights: expression by name, with the lids that follow the eyes.
        optical: (2, 2) yaw and pitch of each eye's optical axis in the head, degrees.
        sight: (2, 2) the same of its line of sight.
    """

    session: Session
    pose: Matrix
    weights: Weights
    optical: Matrix
    sight: Matrix


def random_session(random: np.random.Generator, steady_share: float = 0.5) -> Session:
    """A session of someone."""
    wanted = Distribution()
    outward = random.normal(KAPPA[0], 1.5) + random.normal(0, 0.7, 2)
    upward = random.normal(KAPPA[1], 1.0) + random.normal(0, 0.7, 2)
    narrow = random.uniform(0, 0.4) if random.random() < 0.45 else 0.0
    return Session(
        steady=bool(random.random() < steady_share),
        pose=random_pose(random),
        sway=float(random.uniform(1, 8)),
        lights=random_lights(random),
        distance=random_distance(random, wanted),
        lids=float(max(0.0, random.normal(0.12, 0.09)) + narrow),
        gain=float(random.uniform(0.65, 1.2)),
        kappa=np.column_stack([outward * [1, -1], upward]),
        vergence=float(abs(random.normal(0, 2.5))),
        pupil=float(random.uniform(0.25, 0.55)),
        gloss=(float(random.uniform(0.05, 0.45)), float(random.uniform(8, 35))),
        scene=int(random.integers(2**31)),
    )


def random_pose(random: np.random.Generator) -> Matrix:
    """(3,) yaw, pitch, roll as seen, degrees."""
    drawn = random.normal([0, -1, 0], [20, 12, 7])
    if random.random() < 0.15:  # as many turned heads as straight ones
        drawn[0] = random.uniform(-POSE_LIMITS[0], POSE_LIMITS[0])
    return np.asarray(np.clip(drawn, -POSE_LIMITS, POSE_LIMITS))


def random_moment(random: np.random.Generator, session: Session) -> Moment:
    """A picture of a session."""
    if session.steady:
        pose = np.clip(
            session.pose + random.normal(0, session.sway, 3) * [1, 0.7, 0.4],
            -POSE_LIMITS,
            POSE_LIMITS,
        )
    else:
        session = replace(
            session,
            lights=random_lights(random),
            distance=random_distance(random, Distribution()),
            vergence=float(abs(random.normal(0, 2.5))),
            pupil=float(random.uniform(0.25, 0.55)),
            scene=int(random.integers(2**31)),
        )
        pose = random_pose(random)
    return look(session, pose, random_gaze(random, pose), random_lids(random))


def look(session: Session, pose: Matrix, gaze: Matrix, lids: Weights) -> Moment:
    """The picture in which someone looks somewhere.

    Args:
        session: of the person.
        pose: (3,) of the head as seen, degrees.
        gaze: (2,) yaw and pitch of the line of sight in the head, degrees.
        lids: expression, on top of which the lids follow the eyes.
    """
    inward = np.array([[-session.vergence, 0], [session.vergence, 0]])
    sight = gaze + inward
    optical = sight + session.kappa
    weights = dict(lids)
    for name, weight in look_weights(optical).items():
        weights[name] = weight * session.gain
    return Moment(session, pose, weights, optical, sight)


def random_gaze(random: np.random.Generator, pose: Matrix) -> Matrix:
    """(2,) yaw and pitch of the line of sight in the head: anywhere, ahead, or at a screen."""
    kind = random.random()
    if kind < 0.38:
        gaze = random.uniform([-40, -30], [40, 25])
    elif kind < 0.80:
        gaze = random.normal([0, -5], [14, 10])
    else:  # the head turns part of the way; the eyes do the rest
        gaze = -pose[:2] * random.uniform(0.4, 1.1) + random.uniform([-22, -24], [22, 6])
    return np.asarray(np.clip(gaze, _GAZE_LOW, _GAZE_HIGH))


def random_lids(random: np.random.Generator) -> Weights:
    """Blinks, squints, wide eyes, smiles and brows; whatever the eyes look at."""
    weights: Weights = {}

    def both(name: str, weight: float, spread: float = 0.1) -> None:
        for side in ("_L", "_R"):
            uneven = 1 + random.normal(0, spread)
            weights[name + side] = float(np.clip(weight * uneven, 0, 1.15))

    if random.random() < 0.30:
        both("eyeSquint", random.uniform(0, 0.8))
    if random.random() < 0.20:
        strength = random.uniform(0.2, 1)
        both("mouthSmile", strength)
        both("cheekSquint", strength * random.uniform(0.2, 1))
    if random.random() < 0.25:
        both(str(random.choice(["browDown", "browInnerUp", "browOuterUp"])), random.uniform(0, 1))
    draw = random.random()
    if draw < 0.15:  # half of them shut, the others on the way
        both("eyeBlink", 1.0 if random.random() < 0.5 else random.uniform(0.3, 1.0), 0.05)
    elif draw < 0.18:  # a wink
        weights["eyeBlink" + str(random.choice(["_L", "_R"]))] = float(random.uniform(0.8, 1.0))
    elif draw < 0.28:
        both("eyeWide", random.uniform(0, 1))
    return weights


def bent(moment: Moment, jaw: float = -0.015) -> Weights:
    """The weights that bend the mesh."""
    return applied(moment.weights, jaw, moment.session.lids)


def directions(angles_deg: Matrix, turn: Matrix) -> Matrix:
    """(2, 3) unit vectors in camera axes of (2, 2) yaw and pitch in a head turned by `turn`."""
    ahead = [rotation(yaw, pitch, 0) @ FORWARD for yaw, pitch in angles_deg]
    return np.asarray(np.stack(ahead) @ turn.T)


def lid_openness(points: Matrix, unit: float) -> Matrix:
    """(2,) how open the left and right eye are by their lids alone: 0 shut, 1 open.

    Rough: the points lie on the outer margins of the lids, and those of a shut eye do not touch.
    `opening` is exact where an eye can be seen.

    Args:
        points: (468, 3) surface points of the head.
        unit: distance of the eyeball centres, in the same unit.
    """
    gaps = np.linalg.norm(points[_LID_GAPS[..., 0]] - points[_LID_GAPS[..., 1]], axis=-1)
    return np.asarray(_share(gaps.mean(1) / unit, _LID_GAP))


def opening(height: float) -> float:
    """How open an eye is: 0 shut, 1 open.

    Args:
        height: of the largest column of eyeball that the lids leave free, in eye distances.
    """
    return float(_share(np.array(height), _FREE_HEIGHT))


def _share(value: Matrix, limits: tuple[float, float]) -> Matrix:
    return np.asarray(np.clip((value - limits[0]) / (limits[1] - limits[0]), 0, 1))
