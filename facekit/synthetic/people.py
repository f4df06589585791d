"""People: textures and identities of the project's train, validation and test people.

A sample of one split sees only that split's textures and identities. The *average* person is the
mean over all train textures, nobody's in particular.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.synthetic.blend import blend
from facekit.synthetic.material import GAMMA
from facekit.synthetic.mesh import FaceModel, renderer_folder
from facekit.synthetic.texture import TexturePainter
from facekit.types import Floats, Image

Split: TypeAlias = Literal["train", "val", "test", "average"]

AVERAGE = -1
"""Person index of the average face."""

BANDS = (0.14, 0.24)
"""Limits of skin luminance (linear albedo) between the dark, middle and light band."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_IRIS_COLOURS = np.array(
    [
        [0.10, 0.05, 0.02],
        [0.03, 0.015, 0.008],
        [0.16, 0.12, 0.05],
        [0.09, 0.13, 0.18],
        [0.11, 0.14, 0.10],
        [0.14, 0.16, 0.17],
    ]
)
_SCLERA = np.array([0.62, 0.58, 0.55])
_GUMS = np.array([0.40, 0.12, 0.11])
_TEETH = np.array([0.72, 0.66, 0.54])
_MELANIN = np.array([0.42, 0.60, 0.74])  # absorption of red, green, blue by more pigment


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Someone to be drawn; colours are linear RGB.

    Attributes:
        index: row of the texture's person in people.npz, or `AVERAGE`.
        identity: (100,) shape coefficients.
        neutral: (n, 3) head without expression.
        eyeballs: (2, 3) centres, left then right.
        texture: (2, s, s, 3) float32 face and back of the head.
        iris: (3,) colour.
        sclera: (3,) colour.
        gums: (3,) colour.
        teeth: (3,) colour.
        hair: (3,) colour, display RGB 0-255.
        cloth: (3,) colour, display RGB 0-255.
        line_strength: of expression lines, 0-0.8.
        age: depth of lines at rest, 0-0.25.
        iris_half_angle: radians.
        albedo: luminance of the skin, linear 0-1.
    """

    index: int
    identity: Floats
    neutral: Floats
    eyeballs: Floats
    texture: Floats
    iris: Floats
    sclera: Floats
    gums: Floats
    teeth: Floats
    hair: Floats
    cloth: Floats
    line_strength: float
    age: float
    iris_half_angle: float
    albedo: float

    @property
    def band(self) -> int:
        """0 dark, 1 middle, 2 light skin, by `BANDS`."""
        return int(np.searchsorted(BANDS, self.albedo, side="right"))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A painted texture pair in display RGB, with the colours around it."""

    texture: Image
    skin: Floats
    hair: Floats


class People:
    """The people of one split.

    Args:
        data: the project's data folder.
        model: the head.
        split: whose textures and shapes; ``average`` is the mean train face.
        texture_size: side of a texture in pixels, at most 512.

    Raises:
        SourceError: a file is missing.
    """

    def __init__(self, data: Path, model: FaceModel, split: Split, texture_size: int = 256) -> None:
        """Read the list of people; textures are read when first needed."""
        self.model = model
        self.split = split
        self.size = texture_size
        self._folder = renderer_folder(data)
        path = self._folder / "people.npz"
        if not path.is_file():
            raise SourceError("file not found", where=path, advice="Give --data the data folder")
        with np.load(path, allow_pickle=False) as file:
            self._names = [str(name) for name in file["name"]]
            self._identity = file["id"].astype(np.float32)
            self._iris = file["iris"][:, ::-1].astype(np.float64)
            self._skin = file["skin"][:, ::-1].astype(np.float32)
            splits = file["split"]
        wanted = "train" if split == "average" else split
        self.rows: NDArray[np.intp] = np.flatnonzero(splits == wanted)
        self._looks: dict[int, _Look] = {}
        with np.load(self._folder / "wrinkles12.npz") as file:
            maps = file["w"]
        side = min(texture_size, 256)
        self.line_maps: NDArray[np.uint8] = np.ascontiguousarray(
            np.stack([cv2.resize(m, (side, side), interpolation=cv2.INTER_AREA) for m in maps], -1)
        )

    @cached_property
    def _painter(self) -> TexturePainter:
        with np.load(self._folder / "uv_masks.npz") as file:
            return TexturePainter(self.model, file["core"], file["skin"], file["lpx"])

    def average(self) -> Person:
        """The average face: mean shape, mean train texture, no variation at all."""
        look = self._look(AVERAGE)
        identity = np.zeros(len(self.model.identity), np.float32)
        return self._person(AVERAGE, look, identity, np.array([0.10, 0.06, 0.03]), None)

    def draw(
        self, random: np.random.Generator, row: int | None = None, blended: float = 0.0
    ) -> Person:
        """Someone of this split with a random shape, tint, hair volume, eyes and teeth.

        Args:
            random: source of chance.
            row: row of people.npz to be drawn; chosen at random if None.
            blended: share of people with a skin out of two of the split's textures
                (`facekit.synthetic.blend`).
        """
        if self.split == "average":
            return self.average()
        index = int(random.choice(self.rows)) if row is None else row
        identity = np.zeros(len(self.model.identity))
        shape = index if random.random() < 0.5 else int(random.choice(self.rows))
        identity[: self._identity.shape[1]] = self._identity[shape]
        spread = np.where(np.arange(len(identity)) < 60, 0.45, 0.27)
        identity = identity * random.uniform(0.6, 1.1) + random.normal(0, 1, 100) * spread
        iris = (np.clip(self._iris[index], 8, 255) / 255) ** GAMMA * 1.1
        if random.random() < 0.6:
            iris = _IRIS_COLOURS[random.integers(len(_IRIS_COLOURS))] * random.uniform(0.6, 1.3)
        look = self._look(index)
        if blended > 0 and random.random() < blended:
            look = self._blended(look, random)
        return self._person(index, look, identity.astype(np.float32), iris, random)

    def _blended(self, look: _Look, random: np.random.Generator) -> _Look:
        other = self._look(int(random.choice(self.rows)))
        texture = other.texture[:, :, ::-1] if random.random() < 0.5 else other.texture
        share = float(random.uniform(0.15, 1.0))
        return _Look(
            blend(look.texture, texture, share, random),
            share * look.skin + (1 - share) * other.skin,
            share * look.hair + (1 - share) * other.hair,
        )

    def _person(
        self,
        index: int,
        look: _Look,
        identity: Floats,
        iris: NDArray[np.float64],
        random: np.random.Generator | None,
    ) -> Person:
        chance = random or np.random.default_rng(0)
        neutral = self.model.neutral(identity)
        neutral += self._hair_volume(chance, 0.6 if random is None else None)
        texture, skin = self._tinted(look, random)
        cloth = np.array([90, 92, 98]) if random is None else _cloth(chance)
        neck = 11.0 if random is None else chance.uniform(8.5, 14.0)
        texture += ((cloth / 255) ** GAMMA - texture) * self._painter.clothes(neck, self.size)
        # Dark skin has dark eyes.
        iris = iris * min(1.0, 0.25 + 4 * float(skin @ _LUMINANCE))
        lines = 0.35 if random is None else chance.uniform(0, 0.75) * (chance.random() < 0.8)
        yellow = chance.uniform([0.9, 0.93, 0.85], [1.0, 1.02, 1.02])
        white = min(1.0, 0.6 + 2 * float(skin @ _LUMINANCE))  # less light falls into dark sockets
        return Person(
            index=index,
            identity=identity,
            neutral=neutral,
            eyeballs=self.model.eyeballs(identity),
            texture=texture,
            iris=iris.astype(np.float32),
            sclera=(_SCLERA * chance.uniform(0.7, 1.05) * yellow * white).astype(np.float32),
            gums=(_GUMS * chance.uniform(0.6, 1.2)).astype(np.float32),
            teeth=(_TEETH * chance.uniform(0.6, 1.05) * yellow).astype(np.float32),
            hair=look.hair,
            cloth=cloth.astype(np.float32),
            line_strength=float(lines),
            age=0.0 if random is None else float(chance.uniform(0, 0.25) * (chance.random() < 0.4)),
            iris_half_angle=0.395 if random is None else float(chance.normal(0.395, 0.015)),
            albedo=float(skin @ _LUMINANCE),
        )

    def _hair_volume(self, random: np.random.Generator, volume: float | None) -> Floats:
        """(n, 3) how far hair lifts the outline of the head."""
        if volume is None:
            volume = float(random.choice([0.0, random.uniform(0.2, 1.2), random.uniform(0.8, 2.2)]))
        model = self.model
        a, b = random.uniform(0.3, 0.9, 2)
        wave = np.sin(model.vertices[:, 0] * a + random.uniform(0, 6)) * np.sin(
            model.vertices[:, 2] * b - model.vertices[:, 1] * 0.5
        )
        lift = model.scalp * np.float32(volume) * (1 + 0.35 * wave)
        return np.asarray(model.normals * lift[:, None], np.float32)

    def _tinted(self, look: _Look, random: np.random.Generator | None) -> tuple[Floats, Floats]:
        """The texture in linear light and the skin's albedo, with random tint and pigment."""
        levels = np.repeat((np.arange(256) / 255)[:, None] ** GAMMA, 3, axis=1)
        texture = look.texture
        if random is not None:
            curve = (np.arange(256) / 255) ** (GAMMA * np.exp(random.normal(0, 0.08)))
            gain = np.exp(random.normal(0, 0.025, 3) * GAMMA + random.normal(0, 0.10) * GAMMA)
            # Most people of the sets have light skin: more pigment for a third of the pictures.
            pigment = random.uniform(0, 1.5) if random.random() < 0.35 else 0.0
            levels = curve[:, None] * gain * np.exp(-pigment * _MELANIN)
            if random.random() < 0.5:
                texture = texture[:, :, ::-1]
        table = np.clip(levels, 0, 1).astype(np.float32)
        linear = np.empty(texture.shape, np.float32)
        for channel in range(3):
            linear[..., channel] = table[:, channel][texture[..., channel]]
        skin = table[look.skin.astype(int), np.arange(3)]
        return linear, skin

    def _look(self, index: int) -> _Look:
        if index not in self._looks:
            self._looks[index] = self._average() if index == AVERAGE else self._read(index)
        return self._looks[index]

    def _read(self, index: int) -> _Look:
        pair = []
        for ending in ("", "_b"):
            path = self._folder / "tex" / f"{self._names[index]}{ending}.jpg"
            image = cv2.imread(str(path))
            if image is None:
                raise SourceError("cannot read texture", where=path)
            pair.append(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.float32))
        face, back, hair, skin = self._painter.paint(pair[0], pair[1], self._skin[index])
        return _Look(self._shrunk(face, back), skin, hair)

    def _average(self) -> _Look:
        looks = [self._look(int(row)) for row in self.rows]
        texture = np.mean([look.texture.astype(np.float32) for look in looks], 0)
        texture = (texture + texture[:, :, ::-1]) / 2
        return _Look(
            np.asarray(np.round(texture), np.uint8),
            np.asarray(np.mean([look.skin for look in looks], 0), np.float32),
            np.asarray(np.mean([look.hair for look in looks], 0), np.float32),
        )

    def _shrunk(self, face: Floats, back: Floats) -> Image:
        tiles = [
            cv2.resize(tile, (self.size, self.size), interpolation=cv2.INTER_AREA)
            for tile in (face, back)
        ]
        return np.asarray(np.clip(np.round(np.stack(tiles)), 0, 255), np.uint8)


def _cloth(random: np.random.Generator) -> NDArray[np.float64]:
    """(3,) display RGB of something to wear."""
    return np.clip(random.uniform(10, 225) * (1 + random.normal(0, 0.18, 3)), 0, 255)
