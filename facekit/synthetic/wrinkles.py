"""The library of real wrinkles: which ratio images of whom go with which action unit.

Emotions that people posed choose the photos for an action unit; a mask chooses the part of the
face. An emotion carries several units, so that a mask must not reach where another one works.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import SourceError
from facekit.facs import ACTION_UNITS
from facekit.synthetic.arrays import write_arrays
from facekit.synthetic.mesh import renderer_folder
from facekit.synthetic.ratio_images import LOUDEST, SIDE, Layout, load_layout, ratio_image
from facekit.types import Floats, Image

LOGGER = logging.getLogger(__name__)
Labeller = Callable[[Image], Floats | None]
"""(478, 2 or more) landmarks of a photo, or None."""

SMILING, BEARDED = "smiling", "bearded"  # the London people's smiles, beside six posed emotions
CLOSED = "closed "  # before an emotion: only photos whose lips touch
_TOUCHING = 0.03  # largest gap of touching lips / distance of the irises
_KEPT, _TOO_STRONG = 36, 0.05  # ratio images per action unit; share of the strongest: mistakes
_CLEAN = 0.65  # share that is kept of what is not beard, hair or grain
_BRIGHTEST = {6: 0.12, 9: 0.15, 10: 0.12}  # pale skin would get white halos
_BRIGHTEST_ELSE = 0.06
# Standard deviation in texels of what counts as light; large, sharp photos bear more.
_SMOOTH, _SMOOTH_POSED = {SMILING: 22.0, BEARDED: 22.0}, 16.0
_EDGE = 5.0  # softness of a region's edge and of the midline, texels
_LEVELS = 127 / LOUDEST
_POWER = 0.8  # wrinkles deepen fast at first


@dataclass(frozen=True, slots=True)
class _Region:
    """Where an action unit wrinkles the skin, and in which posed emotions it is found.

    Attributes:
        emotions: whose photos.
        hulls: points around each part on the subject's right; the left is their mirror.
        brows: how much of the hair of the brows is kept, 0-1.
        lips: how much of the lips is kept.
    """

    emotions: tuple[str, ...]
    hulls: tuple[tuple[int, ...], ...]
    brows: float = 0.25
    lips: float = 0.0


_CORNERS = (61, 291)
_BEARD, _CHEEKS = (164, 167, 393, 92, 322, 200, 194, 418), (205, 425, 50, 280, 101, 330)
_SHAVEN = 0.9
_NASOLABIAL = (129, 203, 36, 205, 207, 216, 212, 186, 92, 165)
_CORNER = (57, 61, 186, 216, 212, 43, 202, 214, 207)
_AROUND_LIPS = (164, 167, 165, 92, 186, 57, 43, 106, 182, 83, 18)
REGIONS: dict[int, _Region] = {
    1: _Region(("surprised",), ((10, 109, 67, 69, 104, 105, 66, 107, 9, 151),)),
    2: _Region(("surprised",), ((67, 103, 54, 68, 63, 105, 66, 69),)),
    4: _Region(
        ("angry", "sad", "fearful", "disgusted"),
        ((151, 108, 69, 66, 65, 55, 193, 168, 8, 9),),
        brows=0.4,
    ),
    6: _Region(
        ("happy", SMILING, BEARDED),
        (
            (156, 143, 34, 227, 116, 111, 31, 226, 35),
            (226, 31, 111, 117, 118, 119, 120, 121, 232, 231, 230, 229, 228, 25),
        ),
    ),
    9: _Region(
        ("disgusted",),
        ((8, 55, 193, 245, 188, 114, 217, 198, 209, 49, 131, 3, 196, 197, 195, 6, 168),),
        brows=0.1,
    ),
    10: _Region(("disgusted",), ((49, 129, 203, 36, 142, 126, 209), (203, 36, 206, 92, 165, 98))),
    12: _Region(("happy", SMILING), (_NASOLABIAL, _CORNER)),
    14: _Region((CLOSED + "happy", CLOSED + SMILING, CLOSED + "disgusted"), (_CORNER,)),
    17: _Region(
        tuple(CLOSED + emotion for emotion in ("sad", "disgusted", "angry")),
        ((18, 83, 182, 194, 204, 32, 140, 171, 175, 199, 200),),
    ),
    23: _Region((CLOSED + "angry",), (_AROUND_LIPS,), lips=0.5),
    24: _Region((CLOSED + "angry", CLOSED + "sad"), (_AROUND_LIPS,), lips=0.5),
}
"""By action unit. Of 15 and 20 posed emotions show something else."""

_ROW_OF = {unit.number: row for row, unit in enumerate(ACTION_UNITS)}


@dataclass(frozen=True, slots=True, eq=False)
class WrinkleLibrary:
    """Ratio images by action unit, each cut to its region.

    Attributes:
        images: by number of the unit, (n, h, w) int8, log ratio times `_LEVELS`, both sides.
        corners: by number, row and column of the first texel.
    """

    images: dict[int, NDArray[np.int8]]
    corners: dict[int, tuple[int, int]]

    def depth(self, intensities: Floats, random: np.random.Generator) -> Floats:
        """(SIDE, SIDE) log of how much darker the skin becomes, linear light.

        Args:
            intensities: (2, 22) of the subject's left and right side, 0-5.
            random: chooses the ratio images; always draws the same number of times.
        """
        ratio = np.zeros((SIDE, SIDE), np.float32)
        right, left = _sides()
        for number, images in self.images.items():
            chosen, mirrored = int(random.integers(len(images))), random.random() < 0.5
            gain = random.uniform(0.6, 1.3)
            strength = (intensities[:, _ROW_OF[number]] / 5) ** _POWER * gain
            if not strength.any():
                continue
            image = images[chosen][:, ::-1] if mirrored else images[chosen]
            row, column = self.corners[number]
            part = np.s_[row : row + image.shape[0], column : column + image.shape[1]]
            side = strength[0] * left + strength[1] * right
            ratio[part] += image / np.float32(_LEVELS) * side[part[1]]
        return np.asarray(-2.2 * np.clip(ratio, -0.75, 0.2), np.float32)

    def save(self, path: Path) -> None:
        """Write the library; a file with its final name is complete."""
        images = {f"images_{number}": images for number, images in self.images.items()}
        corners = {f"corner_{number}": np.array(at) for number, at in self.corners.items()}
        write_arrays(path, {**images, **corners}, compressed=True)


def load_library(path: Path) -> WrinkleLibrary:
    """A library written by `WrinkleLibrary.save`."""
    with np.load(path) as file:
        numbers = [number for number in REGIONS if f"images_{number}" in file]
        corners = {number: file[f"corner_{number}"] for number in numbers}
        return WrinkleLibrary(
            {number: file[f"images_{number}"] for number in numbers},
            {number: (int(at[0]), int(at[1])) for number, at in corners.items()},
        )


def _sides() -> tuple[Floats, Floats]:
    """(SIDE,) share of the subject's right (low columns) and of the left by column."""
    left = 1 / (1 + np.exp(-(np.arange(SIDE) - (SIDE - 1) / 2) / (_EDGE * 0.8)))
    return (1 - left).astype(np.float32), left.astype(np.float32)


def region_mask(number: int, layout: Layout, mirror: NDArray[np.intp]) -> Floats:
    """(SIDE, SIDE) where the wrinkles of an action unit may be, 0-1, both sides.

    Args:
        number: key of `REGIONS`.
        layout: of the texture.
        mirror: (478,) the point that a mirrored picture shows in a point's place.
    """
    region = REGIONS[number]
    mask = np.zeros((SIDE, SIDE), np.float32)
    for hull in region.hulls:
        for points in (np.array(hull), mirror[list(hull)]):
            corners = np.round(layout.texels[points]).astype(np.int32)
            cv2.fillConvexPoly(mask, cv2.convexHull(corners), 1.0)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), _EDGE), np.float32)
    for part, kept in ((layout.brows, region.brows), (layout.lips, region.lips)):
        wide = cv2.GaussianBlur(cv2.dilate(part, np.ones((3, 3), np.uint8)), (0, 0), 1.5)
        mask *= 1 - (1 - kept) * np.asarray(wide, np.float32)
    # Where the corners of the mouth lie is the landmarks' weakest answer.
    corners = np.zeros((SIDE, SIDE), np.float32)
    for at in np.round(layout.texels[list(_CORNERS)]).astype(int):
        cv2.circle(corners, tuple(at.tolist()), 6, 1.0, -1)
    mask *= 1 - np.asarray(cv2.GaussianBlur(corners, (0, 0), 2), np.float32)
    return np.asarray(np.where(mask > 0.02, mask, 0), np.float32)


def make_library(
    ratios: dict[str, list[Floats]], layout: Layout, mirror: NDArray[np.intp]
) -> WrinkleLibrary:
    """Choose and cut: per action unit the strongest ratio images of the emotions that carry it.

    Args:
        ratios: (SIDE, SIDE) ratio images by emotion.
        layout: of them all.
        mirror: (478,) see `region_mask`.
    """
    images, corners = {}, {}
    for number, region in REGIONS.items():
        found = [ratio for emotion in region.emotions for ratio in ratios.get(emotion, [])]
        if not found:
            continue
        mask = region_mask(number, layout, mirror)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        reach = min(int(columns[0]), SIDE - 1 - int(columns[-1]))  # symmetric: it is mirrored
        part = np.s_[rows[0] : rows[-1] + 1, reach : SIDE - reach]
        brightest = _BRIGHTEST.get(number, _BRIGHTEST_ELSE)
        cut = np.stack([np.minimum(ratio[part], brightest) * mask[part] for ratio in found])
        images[number] = np.round(cut[_best(cut)] * _LEVELS).astype(np.int8)
        corners[number] = (int(rows[0]), reach)
    return WrinkleLibrary(images, corners)


def _best(cut: Floats) -> NDArray[np.intp]:
    """Rows of the (n, h, w) ratio images that show wrinkles, and strong ones.

    Stubble and grain change from photo to photo as wrinkles do, but are finer.
    """
    smooth = np.stack([cv2.GaussianBlur(one, (0, 0), 1.5) for one in cut])
    strength = np.square(np.minimum(smooth, 0)).sum((1, 2))
    grain = np.square(cut - smooth).sum((1, 2)) / np.maximum(strength, 1e-9)
    clean = np.argsort(grain)[: max(1, round(_CLEAN * len(cut)))]
    order = clean[np.argsort(-strength[clean])]
    return np.asarray(order[round(_TOO_STRONG * len(order)) :][:_KEPT])


def build_library(data: Path, label: Labeller | None = None) -> WrinkleLibrary:
    """The library from the train people's photos; takes a minute.

    Args:
        data: the project's data folder.
        label: who finds the landmarks; MediaPipe if None.

    Raises:
        SourceError: a file is missing.
    """
    layout = load_layout(data)
    with np.load(renderer_folder(data) / "corr478.npz") as file:
        mirror = file["mirror"].astype(np.intp)
    label = label or _teacher(data, mirror)
    ratios: dict[str, list[Floats]] = {}
    for emotion, neutral, expression in _pairs(data, layout, label):
        smooth = _SMOOTH.get(emotion.removeprefix(CLOSED), _SMOOTH_POSED)
        ratio = ratio_image(neutral, expression, layout, smooth)
        ratios.setdefault(emotion, []).append(ratio)
        if emotion.startswith(CLOSED):
            ratios.setdefault(emotion.removeprefix(CLOSED), []).append(ratio)
    LOGGER.info("%s", ", ".join(f"{len(found)} {name}" for name, found in ratios.items()))
    return make_library(ratios, layout, mirror)


def _teacher(data: Path, mirror: NDArray[np.intp]) -> Labeller:
    # Only here: the training kit reads shard sets, and so imports this package.
    from facekit.train.photos import MediaPipeTeacher

    return MediaPipeTeacher(data / "teachers/face_landmarker.task", mirror).label


def _pairs(data: Path, layout: Layout, label: Labeller) -> Iterator[tuple[str, Floats, Floats]]:
    """Emotion, unfolded neutral and unfolded expression of one train person after the other."""
    for file, person, kind, neutral_kind in (
        ("london/london.npz", "person", "set", "neutral_front"),
        ("photos/posed_emotions.npz", "performer", "emotion", "neutral"),
    ):
        if not (data / file).is_file():
            raise SourceError("file not found", where=data / file)
        with np.load(data / file, allow_pickle=False) as packed:
            rows = np.flatnonzero(packed["split"] == "train")
            people, kinds = packed[person][rows], packed[kind][rows]
            content, offsets = packed["jpg"], packed["off"]
        neutrals: dict[object, Floats] = {}
        # Neutral photos first; the first one of a person that shows a face serves.
        for at in np.argsort(kinds != neutral_kind, kind="stable"):
            emotion = {"smiling_front": SMILING}.get(str(kinds[at]), str(kinds[at]))
            who = people[at].item()
            if emotion in ("canada", "3dsk") or (emotion == neutral_kind and who in neutrals):
                continue
            if emotion != neutral_kind and who not in neutrals:
                continue
            row = rows[at]
            image = cv2.imdecode(content[offsets[row] : offsets[row + 1]], cv2.IMREAD_COLOR)
            if image is None:
                raise SourceError("cannot decode photo", where=f"{data / file}, row {row}")
            photo = np.asarray(image[..., ::-1], np.uint8)
            points = label(photo)
            if points is None:
                continue
            flat = layout.unfold(photo, points)
            if emotion == neutral_kind:
                neutrals[who] = flat
            else:
                if emotion == SMILING and _bearded(neutrals[who], layout):
                    emotion = BEARDED
                yield _touching(points) + emotion, neutrals[who], flat


def _bearded(flat: Floats, layout: Layout) -> bool:
    """Whether the skin around the mouth is much darker than the cheeks: moved hair, no wrinkles."""
    gray = cv2.GaussianBlur(flat.mean(2), (0, 0), 4)
    columns, rows = np.round(layout.texels).astype(int).T
    around, cheeks = (gray[rows[list(p)], columns[list(p)]].mean() for p in (_BEARD, _CHEEKS))
    return bool(around < _SHAVEN * cheeks)


def _touching(points: Floats) -> str:
    """`CLOSED` if the lips of a face touch."""
    gap = np.linalg.norm(points[14, :2] - points[13, :2])
    eyes = np.linalg.norm(points[468, :2] - points[473, :2])
    return CLOSED if gap < _TOUCHING * eyes else ""
