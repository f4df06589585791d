"""One picture with its truth: who, how, where, in which light, behind what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic import action_units, sampling
from facekit.synthetic.background import random_background
from facekit.synthetic.camera import (
    FORWARD,
    Camera,
    Matrix,
    angles,
    frame_points,
    ray_rotation,
    rotation,
)
from facekit.synthetic.clothing import paint_behind, paint_glasses, paint_locks, paint_mask
from facekit.synthetic.degrade import degrade, to_image
from facekit.synthetic.expressions import Weights, applied, line_depths, look_weights
from facekit.synthetic.light import random_lights, studio_lights
from facekit.synthetic.material import flat_colours, glosses, line_map, tone_table
from facekit.synthetic.mesh import EYE, EYE_DISTANCE_MM, FaceModel, load_model
from facekit.synthetic.obstacles import paint_hand, paint_object
from facekit.synthetic.people import People, Person, Split
from facekit.synthetic.raster import Buffers, new_buffers, project, rasterise, vertex_normals
from facekit.synthetic.sampling import Distribution
from facekit.synthetic.shading import Geometry, Lights, Material, shade
from facekit.synthetic.view import View
from facekit.synthetic.wrinkles import WrinkleLibrary
from facekit.types import Floats, Image

HAIR, GLASSES, MASK, HAND, OBJECT = 1, 2, 4, 8, 16
"""Bits of `Sample.things`."""

_DARKEST, _BRIGHTEST = 62.0, 205.0  # mean display value of the head that is still a usable face


_BOTH = 0.35  # share of the pictures with real wrinkles that have drawn lines, too


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Everything that decides a picture of a person, but for what is painted in two dimensions.

    Attributes:
        expression: weights by name, 0 = the neutral face.
        gaze: (2, 2) yaw and pitch of the left and right eye in the head, degrees.
        pose: (3,) yaw, pitch, roll as seen along the ray to the face, degrees.
        direction: (3,) unit vector from the camera to the face.
        distance: from the camera to the middle of the eyes, model units.
        extent: longer side of the box around the points / side of the picture.
        middle: centre of that box as shares of the side.
        lights: light in camera axes.
        jaw: weight that closes the neutral lips, <= 0.
        lids: weight that lowers the neutral lids, >= 0.
        pupil: pupil / iris.
        gloss: strength and exponent of the skin's highlights.
        camera: a camera that stays put, instead of one framed by `extent` and `middle`.
    """

    expression: Weights
    gaze: Matrix
    pose: Matrix
    direction: Matrix
    distance: float
    extent: float
    middle: tuple[float, float]
    lights: Lights
    jaw: float = -0.015
    lids: float = 0.12
    pupil: float = 0.38
    gloss: tuple[float, float] = (0.25, 18.0)
    camera: Camera | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture and everything that is true of it.

    Angles in degrees; camera axes x right, y down, z into the scene; left eye before right eye.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        points: (478, 2) pixels.
        points_mm: (478, 3) camera axes, eyeball centres 63 mm apart.
        visible: (478,) in the picture and not hidden by the head itself.
        covered: (478,) hidden by hair, dark glasses, mask, hand or thing.
        rotation: (3, 3) head to camera.
        pose: (3,) its yaw, pitch, roll.
        translation_mm: (3,) midpoint of the eyeball centres.
        camera: focal length and optical centre, pixels.
        gaze: (2, 3) unit vectors of the eyes.
        gaze_head: (2, 2) yaw and pitch of the eyes in the head.
        expression: (53,) weights; 0 is the neutral face.
        action_units: (2, 22) intensities 0-5 of the left and right side, rows of
            `facekit.facs.ACTION_UNITS`; NaN where the weights are not those of action units.
        applied: (53,) weights that bent the mesh, with the neutral face's own offsets.
        identity: (100,) shape coefficients.
        person: row of people.npz whose texture it is, or -1 for the average face.
        albedo: luminance of the skin, linear 0-1.
        band: 0 dark, 1 middle, 2 light skin.
        things: sum of `HAIR`, `GLASSES`, `MASK`, `HAND`, `OBJECT`.
    """

    image: Image
    points: Floats
    points_mm: Floats
    visible: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    rotation: Matrix
    pose: Matrix
    translation_mm: Matrix
    camera: Camera
    gaze: Matrix
    gaze_head: Matrix
    expression: Floats
    action_units: Floats
    applied: Floats
    identity: Floats
    person: int
    albedo: float
    band: int
    things: int


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """The head alone, at the resolution it was drawn."""

    colour: Image
    buffers: Buffers
    points: Floats  # (478, 3) head axes
    camera: Camera  # of the finished picture
    rotation: Matrix
    translation: Matrix
    applied: Floats


class Studio:
    """Draws people; holds the model, a split's people and the buffers.

    Args:
        data: the project's data folder.
        split: whose textures and shapes.
        size: side of the square picture, pixels.
        distribution: what is drawn how often.
        supersample: drawn pixels per pixel and side; 1.5 is a quarter faster than 2.
        texture_size: side of the textures, pixels.
        wrinkles: real wrinkles; without them only lines are drawn.
    """

    def __init__(
        self,
        data: Path,
        split: Split = "train",
        size: int = 192,
        distribution: Distribution | None = None,
        supersample: float = 2,
        texture_size: int = 256,
        wrinkles: WrinkleLibrary | None = None,
    ) -> None:
        """Load the head and the list of people."""
        self.model: FaceModel = load_model(data)
        self.people = People(data, self.model, split, texture_size)
        self.size = size
        side = round(size * supersample)
        self.supersample = side / size
        self.distribution = distribution or Distribution()
        self._buffers = new_buffers(side, side)
        self._tone = tone_table()
        self._wrinkles = wrinkles

    def setting(self, random: np.random.Generator) -> Setting:
        """A setting at random."""
        wanted = self.distribution
        middle = np.clip(random.normal(0.5, wanted.jitter, 2), 0.38, 0.62)
        return Setting(
            expression=sampling.random_weights(random, wanted),
            gaze=sampling.random_gaze(random, wanted),
            pose=sampling.random_pose(random, wanted),
            direction=sampling.random_direction(random, wanted),
            distance=sampling.random_distance(random, wanted),
            extent=float(random.uniform(*wanted.extent)),
            middle=(float(middle[0]), float(middle[1])),
            lights=random_lights(random) if wanted.random_light else studio_lights(),
            jaw=float(random.uniform(*wanted.jaw)),
            lids=float(np.clip(random.normal(0.12, 0.08), 0, 0.4)),
            pupil=float(random.uniform(0.25, 0.55)),
            gloss=(float(random.uniform(0.05, 0.45)), float(random.uniform(8, 35))),
        )

    def sample(
        self, person: Person, random: np.random.Generator, setting: Setting | None = None
    ) -> Sample:
        """A picture of someone.

        Args:
            person: from `People.draw`.
            random: source of chance for all that `setting` leaves open.
            setting: drawn at random if None.
        """
        setting = setting or self.setting(random)
        drawn = self._draw(person, setting, self._lines(person, setting, random))
        view, things = self._compose(person, drawn, random)
        clean = random.random() >= self.distribution.degraded
        image = to_image(view.image) if clean else degrade(view.image, random)
        return self._truth(person, setting, drawn, view, image, things)

    def _lines(self, person: Person, setting: Setting, random: np.random.Generator) -> Floats:
        """(w, w) depth of lines and wrinkles over the texture."""
        strength, real = person.line_strength, None
        if self._wrinkles is not None:
            draws, chance = random.random(2), np.random.default_rng(random.integers(2**62))
            if draws[0] < self.distribution.ratio_images:
                units = np.nan_to_num(action_units.intensities_of(setting.expression))
                real = self._wrinkles.depth(units, chance)
                strength *= draws[1] < _BOTH
        depths = line_depths(setting.expression, strength, person.age)
        lines = line_map(self.people.line_maps, depths)
        if real is not None:
            lines += cv2.resize(real, lines.shape)
        return np.asarray(lines, np.float32)

    def _draw(self, person: Person, setting: Setting, lines: Floats) -> _Drawn:
        model, factor = self.model, self.supersample
        everything = {**setting.expression, **look_weights(setting.gaze)}
        weights = model.weights_of(applied(everything, setting.jaw, setting.lids))
        vertices = model.posed(person.neutral, weights, person.eyeballs, setting.gaze)
        points = model.points(vertices, person.eyeballs, setting.gaze, person.iris_half_angle)
        turn = ray_rotation(setting.direction) @ rotation(*setting.pose)
        move = setting.direction * setting.distance - turn @ person.eyeballs.mean(0)
        camera = setting.camera or frame_points(
            points[:468] @ turn.T + move, self.size, setting.extent, setting.middle
        )
        big = camera.scaled(factor)
        lens = np.array([big.focal, big.centre_x, big.centre_y], np.float32)
        turn32 = turn.astype(np.float32)
        screen = project(vertices, turn32, move.astype(np.float32), lens)
        rasterise(model.triangles, screen, self._buffers)
        geometry = Geometry(
            model.triangles,
            model.uv_triangles,
            model.uv,
            model.layers,
            vertices,
            vertex_normals(vertices, model.triangles),
            model.eye_directions,
        )
        material = Material(
            person.texture,
            flat_colours(person.gums, person.teeth),
            glosses(*setting.gloss),
            person.iris,
            person.sclera,
            np.array([setting.pupil, person.iris_half_angle, 0.12], np.float32),
            model.lip_depth,
        )
        colour = shade(
            self._buffers, geometry, material, lines, setting.lights, turn32, lens, self._tone
        )
        return _Drawn(colour, self._buffers, points, camera, turn, move, weights)

    def _compose(
        self, person: Person, drawn: _Drawn, random: np.random.Generator
    ) -> tuple[View, int]:
        """The head over a background, with what hangs, sits or is held before it."""
        size, wanted = self.size, self.distribution
        # Every painter has chance of its own: in a clip, what one of them draws more or less of
        # as the head turns must not change the others.
        shares = (
            wanted.hair,
            0.6 * wanted.hair,
            wanted.glasses,
            wanted.mask,
            wanted.hand,
            wanted.thing,
        )
        draw = random.random()
        present = [draw < shares[0], draw < shares[1], *(random.random(4) < shares[2:])]
        chances = [np.random.default_rng(seed) for seed in random.integers(2**62, size=7)]
        head = _exposed(
            np.asarray(cv2.resize(drawn.colour, (size, size), interpolation=cv2.INTER_AREA))
        )
        if wanted.background:
            image = random_background(chances[0], size)
        else:
            image = np.full((size, size, 3), 150, np.float32)
        view = View(
            image,
            np.zeros((size, size), np.float32),
            drawn.camera,
            drawn.rotation,
            drawn.translation,
            drawn.camera.project(drawn.points @ drawn.rotation.T + drawn.translation),
            self._depth(),
        )
        paint_behind(view, person, chances[1], present[0])
        # The head's colours are already weighted by their coverage: area-averaged with black.
        alpha = head[..., 3:] / 255
        view.image = (view.image * (1 - alpha) + head[..., :3]).astype(np.float32)
        if present[1]:
            paint_locks(view, person, chances[2])
        if present[2]:
            paint_glasses(view, person, chances[3])
        if present[3]:
            paint_mask(view, drawn.points, chances[4])
        if present[4]:
            paint_hand(view, chances[5])
        if present[5]:
            paint_object(view, chances[6])
        bits = (HAIR, GLASSES, MASK, HAND, OBJECT)
        return view, sum(bit for bit, here in zip(bits, present[1:], strict=True) if here)

    def _depth(self) -> Floats:
        """(size, size) z of the head, infinite beside it."""
        at = ((np.arange(self.size) + 0.5) * self.supersample - 0.5).round().astype(int)
        nearest = self._buffers.inverse_depth[np.ix_(at, at)]
        with np.errstate(divide="ignore"):
            return np.asarray(1 / nearest, np.float32)

    def _truth(
        self,
        person: Person,
        setting: Setting,
        drawn: _Drawn,
        view: View,
        image: Image,
        things: int,
    ) -> Sample:
        unit = EYE_DISTANCE_MM / float(np.linalg.norm(person.eyeballs[0] - person.eyeballs[1]))
        seen = drawn.points @ drawn.rotation.T + drawn.translation
        eyes = [rotation(yaw, pitch, 0) @ FORWARD for yaw, pitch in setting.gaze]
        gaze = np.stack(eyes) @ drawn.rotation.T
        return Sample(
            image=image,
            points=view.points,
            points_mm=(seen * unit).astype(np.float32),
            visible=self._visible(view.points, seen[:, 2]),
            covered=view.covered(),
            rotation=drawn.rotation,
            pose=angles(drawn.rotation),
            translation_mm=setting.direction * setting.distance * unit,
            camera=drawn.camera,
            gaze=gaze,
            gaze_head=setting.gaze,
            expression=self.model.weights_of({**setting.expression, **look_weights(setting.gaze)}),
            action_units=action_units.shown(setting.expression, drawn.points),
            applied=drawn.applied,
            identity=person.identity,
            person=person.index,
            albedo=person.albedo,
            band=person.band,
            things=things,
        )

    def _visible(self, points: Floats, depth: NDArray[np.floating]) -> NDArray[np.bool_]:
        """(478,) in the picture and not behind another part of the head."""
        factor, side = self.supersample, len(self._buffers.triangle)
        at = np.round((points + 0.5) * factor - 0.5).astype(int)
        inside = ((points > -0.5) & (points < self.size - 0.5)).all(1)
        around = np.array([(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)])
        near = np.clip(at[:, None] + around, 0, side - 1)
        inverse = self._buffers.inverse_depth[near[..., 1], near[..., 0]]
        # 3.5 mm of slack: a point on a slope is as deep as its pixel's neighbours.
        front = depth < 1 / np.maximum(inverse.min(1), 1e-6) + 0.35
        triangles = self._buffers.triangle[near[..., 1], near[..., 0]]
        eye = ((triangles >= 0) & (self.model.layers[triangles] == EYE)).any(1)
        front[468:] = eye[468:]  # lids touch the eyeball: depth cannot tell them apart
        return np.asarray(front & inside)


def _exposed(head: NDArray[Any]) -> Floats:
    """The head with its mean brightness brought into a range where a face can be read."""
    image = head.astype(np.float32)
    few = head[::4, ::4]
    solid = few[..., 3] > 250
    if solid.any():
        mean = float(few[..., :3][solid].max(1).mean())
        image[..., :3] *= np.clip(1.0, _DARKEST / max(mean, 1.0), _BRIGHTEST / max(mean, 1.0))
    return image
