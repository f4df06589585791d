"""Short clips with truth: one person, one camera, one background, moving as a `Motion` says."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from facekit.synthetic.camera import Camera, frame_points
from facekit.synthetic.mesh import EYE_DISTANCE_MM
from facekit.synthetic.motion import Motion
from facekit.synthetic.people import Person
from facekit.synthetic.scene import Sample, Setting, Studio


def render_motion(
    studio: Studio,
    person: Person,
    motion: Motion,
    setting: Setting,
    seed: int = 0,
    noise: float = 0.0,
) -> Iterator[Sample]:
    """The pictures of a motion.

    Args:
        studio: draws; its distribution should not degrade, for that differs by picture.
        person: who.
        motion: how they move.
        setting: light, camera, resting pose; expression, gaze and pose come from the motion.
        seed: of background, hair, glasses and noise.
        noise: standard deviation of the camera's noise, display values 0-255.
    """
    camera = setting.camera or _still_camera(studio, person, setting)
    unit = float(np.linalg.norm(person.eyeballs[0] - person.eyeballs[1])) / EYE_DISTANCE_MM
    for frame in range(len(motion)):
        place = setting.direction * setting.distance + motion.sway_mm[frame] * unit
        distance = float(np.linalg.norm(place))
        moment = replace(
            setting,
            expression=motion.expression[frame],
            gaze=motion.gaze[frame],
            pose=motion.pose[frame],
            direction=place / distance,
            distance=distance,
            camera=camera,
        )
        # The same chance in every frame: background, hair and glasses stay what they are.
        sample = studio.sample(person, np.random.default_rng(seed), moment)
        if noise > 0:
            grain = np.random.default_rng((seed, frame)).normal(0, noise, sample.image.shape)
            noisy = np.clip(np.round(sample.image + grain), 0, 255).astype(np.uint8)
            sample = replace(sample, image=noisy)
        yield sample


def _still_camera(studio: Studio, person: Person, setting: Setting) -> Camera:
    """The camera that frames the resting face."""
    straight = np.zeros((2, 2))
    points = studio.model.points(person.neutral, person.eyeballs, straight, 0.395)[:468]
    place = setting.direction * setting.distance - person.eyeballs.mean(0)
    return frame_points(points + place, studio.size, setting.extent, setting.middle)
