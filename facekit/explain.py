"""What the network looked at for an action unit: Grad-CAM.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
localization", ICCV 2017. The map is of the part of the network that reads the picture; the part
that reads the landmarks looks at no pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facekit.errors import OptionsError, SourceError
from facekit.estimate.action_units import NETWORK, points_in, unit_square
from facekit.estimate.crops import Square
from facekit.estimate.patches import cut
from facekit.facs import ACTION_UNITS
from facekit.network.action_units import BANDS, OVERLAP, ActionUnitNetwork
from facekit.options import PipelineOptions
from facekit.output.drawing import write_caption
from facekit.pipeline import Pipeline
from facekit.runtime.runner import load_module
from facekit.source import open_source
from facekit.types import Face, Floats, Frame, Image

SIDE = 448
"""Side of the drawn face, pixels."""

_STRIDE = 4  # of the strips that the bands read
_STAGE = 1  # block of a band's trunk whose map is shown: the finest that is not shared
_STRONGEST = 0.65  # opacity where the map is 1


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One face and what was looked at.

    Attributes:
        face: as the pipeline measured it.
        square: the part of the frame that the network saw.
        heat: (size, size) float32 over that square, 0-1; 1 where it looked most.
    """

    face: Face
    square: Square
    heat: Floats


def row_of(number: int) -> int:
    """Row of an action unit in every array, by its FACS number.

    Raises:
        OptionsError: facekit does not measure it.
    """
    for row, unit in enumerate(ACTION_UNITS):
        if unit.number == number:
            return row
    known = ", ".join(str(unit.number) for unit in ACTION_UNITS)
    raise OptionsError(f"no action unit {number}", where="au", advice=f"Known are {known}")


def parse_place(text: str) -> tuple[Path, float | None]:
    """The file and the time that ``clip.mp4@3.5`` names; no time for ``photo.jpg``.

    Raises:
        OptionsError: the time is no number of seconds.
    """
    whole = Path(text)
    name, at, time = text.rpartition("@")
    if whole.exists() or not at:
        return whole, None
    try:
        seconds = float(time)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise OptionsError(
            f"{time!r} is no time", where=text, advice="Write VIDEO@SECONDS, such as clip.mp4@3.5"
        )
    return Path(name), seconds


def read_frame(path: Path, time_s: float | None) -> Frame:
    """The picture in a file, as a still.

    Args:
        path: an image, or a video.
        time_s: the first frame from here on; None for images.

    Raises:
        SourceError: it cannot be opened, or there is no frame from `time_s` on.
        OptionsError: a video without a time.
    """
    with open_source(path, start=time_s) as source:
        if source.kind == "video" and time_s is None:
            raise OptionsError(
                "is a video: of which moment?", where=path, advice=f"Write {path}@SECONDS"
            )
        for frame in source:
            return Frame(frame.index, float("nan"), frame.image, frame.name)
    raise SourceError(f"has no frame from {time_s} s on", where=path)


def explain(frame: Frame, number: int) -> Explanation:
    """What the network looked at in the largest face of a picture.

    Args:
        frame: a still.
        number: of the action unit, by FACS.

    Raises:
        SourceError: no face is found.
        OptionsError: no such action unit.
        WeightsError: the network is missing.
    """
    row = row_of(number)
    module = load_module(NETWORK)
    assert isinstance(module, ActionUnitNetwork)
    pipeline = Pipeline(PipelineOptions(head_pose="none", largest=True, device="cpu"))
    try:
        faces = pipeline.process(frame)
    finally:
        pipeline.close()
    marks = faces[0].landmarks if faces else None
    square = None if marks is None else unit_square(marks.points)
    if marks is None or square is None:
        raise SourceError("no face was found", where=frame.name or "the picture")
    planes = torch.from_numpy(cut(frame.image, [square]).planes)
    points = torch.from_numpy(points_in(marks.points, square)[None])
    return Explanation(faces[0], square, grad_cam(module, planes, points, row))


def grad_cam(module: ActionUnitNetwork, image: Tensor, points: Tensor, row: int) -> Floats:
    """The map of one face and unit.

    Args:
        module: the network.
        image: (1, 3, size, size) its input.
        points: (1, 478, 2) its input.
        row: of the unit.

    Returns:
        (size, size) 0-1; 0 everywhere if nothing in the picture speaks for the unit.
    """
    number = ACTION_UNITS[row].number
    band = next(place for place, entry in enumerate(BANDS) if number in entry[2])
    trunk = module.bands[band].trunk
    assert isinstance(trunk, nn.Sequential)
    kept: list[Tensor] = []
    hook = trunk[_STAGE].register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        with torch.enable_grad():
            score = module.scores(image, points).picture[0, :, row].sum()
            (gradient,) = torch.autograd.grad(score, kept)
    finally:
        hook.remove()
    # Left half, then the mirrored right half: each has its own importance of channels.
    importance = gradient.mean(dim=(2, 3), keepdim=True)
    maps = torch.relu((importance * kept[0]).sum(dim=1)).detach().numpy()
    heat = _over_crop(maps, module.size, *module.strips[band])
    highest = float(heat.max())
    return np.asarray(heat / highest if highest > 0 else heat, np.float32)


def _over_crop(maps: NDArray[Any], size: int, top: int, low: int) -> NDArray[np.float32]:
    """(2, h, w) maps of the halves of a strip, laid over the crop, one fading into the other."""
    width, rows = size // 2 + OVERLAP, slice(_STRIDE * top, _STRIDE * low)
    shape = (width, _STRIDE * (low - top))
    left, right = (cv2.resize(half, shape, interpolation=cv2.INTER_LINEAR) for half in maps)
    fade = np.clip((np.arange(width) + 0.5) / (2 * OVERLAP), 0, 1)
    heat = np.zeros((size, size), np.float32)
    heat[rows, size - width :] = fade * left
    heat[rows, :width] += (fade * right)[:, ::-1]
    return heat


def draw(frame: Frame, found: Explanation, number: int) -> Image:
    """The face, and beside it the face under its map with what was measured.

    Args:
        frame: the picture.
        found: of it.
        number: of the action unit.

    Returns:
        (SIDE, 2 SIDE, 3) RGB.
    """
    plain = found.square.cut(frame.image, SIDE)
    heat = cv2.resize(found.heat, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = _STRONGEST * heat[..., None]
    mixed = plain * (1 - opacity) + colours[..., ::-1] * opacity
    canvas = np.ascontiguousarray(np.rint(mixed), np.uint8)
    write_caption(canvas, _caption(found.face, row_of(number)))
    return np.concatenate([plain, canvas], axis=1)


def _caption(face: Face, row: int) -> str:
    unit, units = ACTION_UNITS[row], face.action_units
    if units is None:
        return unit.code
    sides = ""
    if unit.sided:
        sides = f", left {units.left[row]:.1f}, right {units.right[row]:.1f}"
    return f"{unit.code} {unit.name}: {units.intensity[row]:.1f} of 5{sides}"
