"""Where the faces of a set are: found by facekit's detector, the same for facekit and its peers."""

from collections.abc import Sequence

import numpy as np

from facekit.geometry import box_around, iou
from facekit.pipeline import Pipeline
from facekit.train.evaluation.pictures import PictureSet
from facekit.types import Floats, Frame, Image, Region

_SAME_FACE_IOU = 0.3
# MTCNN's five points among the 478: iris, iris, nose tip, mouth corners, in image order.
_FIVE = (468, 473, 4, 61, 291)


def still(image: Image) -> Frame:
    """A picture as a frame of its own, without time."""
    return Frame(0, float("nan"), image)


def find_faces(pictures: PictureSet, finder: Pipeline) -> list[Region | None]:
    """The region of each picture's face; None where the detector does not find it.

    Args:
        pictures: with ``place``, the detection on it is taken; without, the largest.
        finder: a pipeline that detects.
    """
    regions: list[Region | None] = []
    for number in range(len(pictures)):
        faces = finder.process(still(pictures.image(number)))
        found = [face.region for face in faces]
        place = pictures.labels.get("place")
        regions.append(_on_face(found, None if place is None else place[number]))
    return regions


def fill_in(pictures: PictureSet, regions: Sequence[Region | None]) -> list[Region]:
    """Regions with those that were not found put where the detector would have put them.

    Renders measure the networks behind the detector in poses that it does not find: their boxes
    stand to the landmarks as the found ones do.

    Args:
        pictures: with ``points478``.
        regions: one for each picture; at least one is found.
    """
    around = np.array([box_around(points) for points in pictures.labels["points478"]])
    pairs = [(region.box, box) for region, box in zip(regions, around, strict=True) if region]
    relation = np.median([_relative(box, to) for box, to in pairs], axis=0)
    filled = []
    for region, to, points in zip(regions, around, pictures.labels["points478"], strict=True):
        if region is None:
            corner, size = to[:2] + relation[:2] * to[2:], relation[2:] * to[2:]
            box = np.concatenate([corner, size]).astype(np.float32)
            region = Region(None, box, 1.0, points[list(_FIVE)].astype(np.float32), False)
        filled.append(region)
    return filled


def fill_in_crops(regions: Sequence[Region | None]) -> list[Region]:
    """Regions of equal crops with those that were not found put where most faces are.

    A crop is known to be a face: what measures it need not wait for a detector that wants to see
    more of the head.

    Args:
        regions: one for each crop, all of one size; at least one is found.
    """
    found = [region for region in regions if region is not None]
    box = np.median([region.box for region in found], axis=0).astype(np.float32)
    points = np.median([region.points for region in found], axis=0).astype(np.float32)
    typical = Region(None, box, 1.0, points, False)
    return [region or typical for region in regions]


def shifted(region: Region, x: float, y: float) -> Region:
    """The region in a frame whose origin lies `x`, `y` pixels further up and left."""
    offset = np.array([x, y], np.float32)
    box = np.concatenate([region.box[:2] + offset, region.box[2:]])
    return Region(region.track, box, region.score, region.points + offset, region.detected)


def _on_face(found: Sequence[Region], place: Floats | None) -> Region | None:
    if not found:
        return None
    if place is None:
        return max(found, key=lambda region: float(region.box[2:].prod()))
    boxes = np.array([region.box for region in found])
    if len(place) > 5:
        overlaps = iou(box_around(place)[None], boxes)[0]
        best = int(overlaps.argmax())
        return found[best] if overlaps[best] > _SAME_FACE_IOU else None
    middle = place.mean(axis=0)
    inside = [r for r in found if ((middle > r.box[:2]) & (middle < r.box[:2] + r.box[2:])).all()]
    return inside[0] if inside else None


def _relative(box: Floats, to: Floats) -> Floats:
    """A box in shares of another one."""
    return np.concatenate([(box[:2] - to[:2]) / to[2:], box[2:] / to[2:]])
