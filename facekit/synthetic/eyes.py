"""Pictures of eyes with exact truth: strips of both eyes to train on, whole faces to test on."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.synthetic import eye_glasses, eye_material, eye_sampling, eye_truth
from facekit.synthetic.background import random_background
from facekit.synthetic.camera import Camera, Matrix, rotation
from facekit.synthetic.clothing import paint_behind, paint_locks
from facekit.synthetic.expressions import line_depths
from facekit.synthetic.eye_glasses import Glasses
from facekit.synthetic.eye_material import EyeLook, EyePixels
from facekit.synthetic.eye_sampling import Moment, Session
from facekit.synthetic.eye_truth import EYE_POINTS
from facekit.synthetic.material import flat_colours, glosses, line_map, tone_table
from facekit.synthetic.mesh import EYE_DISTANCE_MM, FaceModel, load_model, renderer_folder
from facekit.synthetic.people import People, Person, Split
from facekit.synthetic.raster import Buffers, new_buffers, project, rasterise, vertex_normals
from facekit.synthetic.shading import Geometry, Material, shade
from facekit.synthetic.view import View, blurred
from facekit.types import Floats, Image

STRIP = (256, 116)
"""Width and height of a strip, pixels."""

_EYE_DISTANCE = (92.0, 118.0)  # pixels in strips
_SHARPER = 1.4  # strips are drawn larger and averaged
_FACE_BOX = np.array([[-8.5, -10.5, -20.0], [8.5, 2.5, -2.0]])  # what can be in a strip
_SOMETHING = 0.05  # share of pictures with something before an eye
_DARKEST, _BRIGHTEST = 45.0, 215.0


@dataclass(frozen=True, slots=True, eq=False)
class Wearer:
    """Someone in a session.

    Attributes:
        person: shape and skin.
        look: of the eyes.
        glasses: worn in the whole session, or None.
        session: light, pose, kappa.
    """

    person: Person
    look: EyeLook
    glasses: Glasses | None
    session: Session


@dataclass(frozen=True, slots=True, eq=False)
class EyeSample:
    """A picture and what is true of it; camera axes, left eye before right eye.

    Attributes:
        image: (height, width, 3) uint8 RGB.
        points: (478, 2) pixels.
        rotation: (3, 3) head to camera.
        optical: (2, 3) unit vectors of the optical axes.
        sight: (2, 3) unit vectors of the lines of sight.
        open: (2,) how open the eyes are by their lids, 0-1.
        hidden: (2,) how much of each eye something hides, 0-1.
        eye_distance: of the eyeball centres, pixels, not foreshortened.
        camera: focal length and optical centre, pixels.
        translation_mm: (3,) midpoint of the eyeball centres.
        glasses: whether some are worn.
        person: row of people.npz.
        steady: whether its session keeps pose and light.
    """

    image: Image
    points: Floats
    rotation: Matrix
    optical: Matrix
    sight: Matrix
    open: Matrix
    hidden: Matrix
    eye_distance: float
    camera: Camera
    translation_mm: Matrix
    glasses: bool
    person: int
    steady: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A moment placed before a camera, at the resolution it is drawn."""

    wearer: Wearer
    moment: Moment
    camera: Camera
    shape: tuple[int, int]
    turn: Matrix
    move: Matrix
    vertices: Floats
    points: Floats  # (478, 3) head axes

    @property
    def unit(self) -> float:
        """Distance of the eyes in pixels."""
        person = self.wearer.person
        apart = float(np.linalg.norm(person.eyeballs[0] - person.eyeballs[1]))
        return self.camera.focal * apart / self.moment.session.distance

    def pixels(self) -> Floats:
        return self.camera.project(self.points @ self.turn.T + self.move)


class EyeStudio:
    """Draws eyes; holds the model, a split's people and the buffers.

    Args:
        data: the project's data folder.
        split: whose textures and shapes.
        steady: share of people who keep pose, light and reflections.
        glasses: share of people with glasses.
    """

    def __init__(
        self, data: Path, split: Split = "train", steady: float = 0.5, glasses: float = 0.33
    ) -> None:
        """Load the head and the list of people."""
        self.model: FaceModel = load_model(data)
        self.people = People(data, self.model, split, 512)
        self._steady, self._glasses = steady, glasses
        self._creases = _crease_mask(data)
        self._tone = tone_table()
        self._buffers: dict[tuple[int, int], Buffers] = {}
        middle = self.model.vertices[self.model.triangles].mean(1)
        near = ((middle > _FACE_BOX[0]) & (middle < _FACE_BOX[1])).all(1)
        self._near = _part(self.model, near)
        self._whole = _part(self.model, np.ones(len(middle), bool))

    def wearer(self, random: np.random.Generator, blended: float = 0.0) -> Wearer:
        """Someone at random, in a session; `blended` as in `People.draw`."""
        person = self.people.draw(random, blended=blended)
        look = eye_material.random_eye_look(random, person)
        if look.smooth > 0:
            person = replace(person, texture=self._smoothed(person.texture, look.smooth))
        worn = eye_glasses.random_glasses(random) if random.random() < self._glasses else None
        return Wearer(person, look, worn, eye_sampling.random_session(random, self._steady))

    def strip(self, wearer: Wearer, random: np.random.Generator) -> EyeSample:
        """A strip of both eyes, upright with the line between them, as the crop rule sees it."""
        moment = eye_sampling.random_moment(random, wearer.session)
        # The level of the eyes is taken out by the crop; what remains is the landmarks' error.
        pixels = random.uniform(*_EYE_DISTANCE)
        width, height = STRIP
        centre = (np.array([width, height]) - 1) / 2 + random.normal(0, 0.01 * pixels, 2)
        apart = float(np.linalg.norm(wearer.person.eyeballs[0] - wearer.person.eyeballs[1]))
        focal = pixels * moment.session.distance / apart
        camera = Camera(focal, float(centre[0]), float(centre[1]))
        moment = self._levelled(wearer, moment)
        big = (round(height * _SHARPER), round(width * _SHARPER))
        scene = self._place(wearer, moment, camera.scaled(_SHARPER), big)
        colour, eyes = self._draw(scene, self._near)
        behind = cv2.resize(random_background(random, 64), big[::-1])
        alpha = colour[..., 3:] / 255
        image = np.asarray(behind * (1 - alpha) + colour[..., :3] * alpha, np.float32)
        return self._finish(scene, image, eyes, camera, random, _SHARPER)

    def portrait(
        self,
        wearer: Wearer,
        moment: Moment,
        random: np.random.Generator,
        size: int,
        eye_distance: float,
        sharper: float = 1.5,
    ) -> EyeSample:
        """A whole face before a background, near the optical axis.

        Args:
            wearer: who.
            moment: how they look.
            random: source of chance for background, hair and place.
            size: side of the square picture.
            eye_distance: pixels.
            sharper: drawn pixels per pixel and side.
        """
        apart = float(np.linalg.norm(wearer.person.eyeballs[0] - wearer.person.eyeballs[1]))
        focal = eye_distance * moment.session.distance / apart
        middle = np.array([0.5, 0.45]) * size + random.normal(0, 0.03 * size, 2)
        camera = Camera(focal, float(middle[0]), float(middle[1]))
        side = round(size * sharper)
        scene = self._place(wearer, moment, camera.scaled(side / size), (side, side))
        colour, eyes = self._draw(scene, self._whole)
        image = self._before_background(scene, colour, random)
        return self._finish(scene, image, eyes, camera, random, side / size)

    def _levelled(self, wearer: Wearer, moment: Moment) -> Moment:
        """The moment with the head rolled so that the line between the eyes is level."""
        turn = rotation(*moment.pose)
        across = turn @ (wearer.person.eyeballs[0] - wearer.person.eyeballs[1])
        back = -float(np.degrees(np.arctan2(across[1], across[0])))
        yaw, pitch, roll = moment.pose
        # Lights stay where they are: they are as random rolled as not.
        return replace(moment, pose=np.array([yaw, pitch, roll + back]))

    def _place(
        self, wearer: Wearer, moment: Moment, camera: Camera, shape: tuple[int, int]
    ) -> _Scene:
        person, model = wearer.person, self.model
        weights = model.weights_of(eye_sampling.bent(moment))
        vertices = model.posed(person.neutral, weights, person.eyeballs, moment.optical)
        points = model.points(vertices, person.eyeballs, moment.optical, person.iris_half_angle)
        turn = rotation(*moment.pose)
        # The eyes are on the ray of the picture's optical centre: it is the crop's axis.
        move = np.array([0, 0, moment.session.distance]) - turn @ person.eyeballs.mean(0)
        return _Scene(wearer, moment, camera, shape, turn, move, vertices, points)

    def _draw(self, scene: _Scene, part: "_Part") -> tuple[Floats, EyePixels]:
        """(h, w, 4) float32 display RGB with coverage 0-255, and where the eyeballs are."""
        buffers = self._buffers.setdefault(scene.shape, new_buffers(*scene.shape))
        person, session, model = scene.wearer.person, scene.moment.session, self.model
        camera = scene.camera
        lens = np.array([camera.focal, camera.centre_x, camera.centre_y], np.float32)
        turn = scene.turn.astype(np.float32)
        screen = project(scene.vertices, turn, scene.move.astype(np.float32), lens)
        rasterise(part.triangles, screen, buffers)
        geometry = Geometry(
            part.triangles,
            part.uv_triangles,
            model.uv,
            part.layers,
            scene.vertices,
            vertex_normals(scene.vertices, part.triangles),
            model.eye_directions,
        )
        look = scene.wearer.look
        material = Material(
            person.texture,
            flat_colours(person.gums, person.teeth),
            glosses(*session.gloss),
            look.iris,
            look.sclera,
            np.array([session.pupil, person.iris_half_angle, look.streaks], np.float32),
            model.lip_depth,
        )
        depths = line_depths(scene.moment.weights, person.line_strength, person.age)
        lines = line_map(self.people.line_maps, depths)
        colour = shade(
            buffers, geometry, material, lines, session.lights, turn, lens, self._tone
        ).astype(np.float32)
        pixels = eye_material.find_eye_pixels(model, part.triangles, part.layers, buffers)
        self._shade_eyes(scene, colour, pixels)
        return colour, pixels

    def _shade_eyes(self, scene: _Scene, colour: Floats, pixels: EyePixels) -> None:
        if len(pixels.rows) == 0:
            return
        look, session = scene.wearer.look, scene.moment.session
        chance = np.random.default_rng(session.scene)
        linear = eye_material.shade_eyes(
            pixels,
            look,
            eye_material.random_reflections(chance),
            session.lights,
            scene.turn,
            scene.moment.optical,
            scene.camera,
            scene.wearer.person.iris_half_angle,
            session.pupil,
        )
        shadow = eye_material.lid_shadow(pixels.mask(scene.shape), scene.unit, look)
        at = (pixels.rows, pixels.columns)
        colour[..., :3][at] = eye_material.display(
            linear * shadow[at][:, None], session.lights.exposure
        )

    def _finish(
        self,
        scene: _Scene,
        image: Floats,
        eyes: EyePixels,
        camera: Camera,
        random: np.random.Generator,
        factor: float,
    ) -> EyeSample:
        """Lashes, glasses and what is held before an eye; then the final size, and the truth."""
        wearer, moment = scene.wearer, scene.moment
        points = scene.pixels()
        person = wearer.person
        apart = float(np.linalg.norm(person.eyeballs[0] - person.eyeballs[1]))
        depth = (scene.points @ scene.turn.T + scene.move)[:, 2]
        seen = eye_truth.in_front(points, depth, self._buffers[scene.shape].inverse_depth)
        surface = scene.points[:468].astype(np.float64)
        opened = eye_truth.opened(surface, apart, eyes, seen, scene.unit)
        image = _exposed(image)
        eye_material.paint_lashes(image, points, seen, scene.unit, wearer.look, 1 - opened, random)
        cover = np.zeros(scene.shape, np.float32)
        if wearer.glasses is not None:
            chance = np.random.default_rng((moment.session.scene, 1))
            cover = eye_glasses.paint_glasses(
                image,
                scene.camera,
                scene.turn,
                scene.move,
                person,
                wearer.glasses,
                chance,
                float(moment.pose[0]),
            )
        if random.random() < _SOMETHING:
            eye = points[EYE_POINTS[int(random.integers(2)), :8]].mean(0)
            eye_glasses.paint_something(image, cover, eye, scene.unit, random)
        hidden = eye_truth.hidden(eyes, cover, opened, seen, points, scene.unit)
        height, width = (round(side / factor) for side in scene.shape)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        unit = EYE_DISTANCE_MM / apart
        return EyeSample(
            image=np.clip(np.round(small), 0, 255).astype(np.uint8),
            points=camera.project(scene.points @ scene.turn.T + scene.move),
            rotation=scene.turn,
            optical=eye_sampling.directions(moment.optical, scene.turn),
            sight=eye_sampling.directions(moment.sight, scene.turn),
            open=opened,
            hidden=hidden,
            eye_distance=scene.unit / factor,
            camera=camera,
            translation_mm=np.array([0, 0, moment.session.distance * unit]),
            glasses=wearer.glasses is not None,
            person=person.index,
            steady=moment.session.steady,
        )

    def _before_background(
        self, scene: _Scene, colour: Floats, random: np.random.Generator
    ) -> Floats:
        side = scene.shape[0]
        with np.errstate(divide="ignore"):
            depth = np.asarray(1 / self._buffers[scene.shape].inverse_depth, np.float32)
        view = View(
            random_background(random, side),
            np.zeros((side, side), np.float32),
            scene.camera,
            scene.turn,
            scene.move,
            scene.pixels(),
            depth,
        )
        hair = random.random() < 0.4
        paint_behind(view, scene.wearer.person, random, hair)
        alpha = colour[..., 3:] / 255
        view.image = (view.image * (1 - alpha) + colour[..., :3] * alpha).astype(np.float32)
        if hair and random.random() < 0.5:
            paint_locks(view, scene.wearer.person, random)
        return view.image

    def _smoothed(self, texture: Floats, amount: float) -> Floats:
        """The texture with the crease of the upper lid blurred away: many eyes have none."""
        out = texture.copy()
        soft = blurred(texture[0], 9)
        out[0] += (soft - texture[0]) * (self._creases * amount)[..., None]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Triangles that are drawn."""

    triangles: NDArray[np.int32]
    uv_triangles: NDArray[np.int32]
    layers: NDArray[np.uint8]


def _part(model: FaceModel, keep: NDArray[np.bool_]) -> _Part:
    return _Part(
        np.ascontiguousarray(model.triangles[keep]),
        np.ascontiguousarray(model.uv_triangles[keep]),
        np.ascontiguousarray(model.layers[keep]),
    )


def _crease_mask(data: Path) -> Floats:
    """(512, 512) the skin between upper lid and brow on the face's texture, 0-1."""
    with np.load(renderer_folder(data) / "uv_masks.npz") as file:
        texels, brows = file["lpx"], file["brows"]
    mask = np.zeros((512, 512), np.float32)
    for lid in eye_material.UPPER_LIDS:
        line = texels[list(lid)]
        width = float(np.ptp(line[:, 0]))
        band = np.concatenate([line - [0, 0.05 * width], line[::-1] - [0, 0.42 * width]])
        cv2.fillPoly(mask, [np.round(band).astype(np.int32)], 1.0)
    mask *= 1 - cv2.dilate(brows.astype(np.float32), np.ones((5, 5)))
    return blurred(mask, 3)


def _exposed(image: Floats) -> Floats:
    """The picture with its mean brightness brought into a range where eyes can be read."""
    mean = float(image.max(2).mean())
    return np.asarray(
        image * np.clip(1.0, _DARKEST / max(mean, 1.0), _BRIGHTEST / max(mean, 1.0)), np.float32
    )
