"""Telling people apart while frames come in: now and then a face of each track is embedded."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from facekit.estimate.face_quality import face_quality
from facekit.estimate.identity import chip
from facekit.geometry import box_centre
from facekit.track.looks import Looks
from facekit.track.persons import GOOD, Persons, face_number
from facekit.types import Detection, Face, Floats, Frame, Identity, Image

UNKNOWN = "unknown"
"""The name of people whom a gallery does not know."""

_LEAST_SCORE = 0.6
_LEAST_QUALITY = 0.01


class Embedder(Protocol):
    """Aligned faces to unit vectors, as `facekit.estimate.identity.IdentityEstimator` does."""

    def embed(self, chips: Sequence[Image]) -> Floats:
        """(n, d) float32 unit vectors of n aligned faces."""


class PointFinder(Protocol):
    """MTCNN's points on known faces, as `facekit.detect.Detector` finds them."""

    def place_points(self, image: Image, boxes: Floats) -> list[Detection]:
        """An answer for each of (n, 4) boxes."""


class Recogniser:
    """Embeds faces of a video where that is worth it, and says who they are as far as known.

    Args:
        embedder: aligned faces to vectors.
        finder: of MTCNN's points on known faces.
        persons: what is known of who is who.
        version: SHA-256 of the embedder's network.
    """

    def __init__(
        self, embedder: Embedder, finder: PointFinder, persons: Persons, version: str = ""
    ) -> None:
        """Nobody was seen yet."""
        self.persons, self.version = persons, version
        self._embedder, self._finder = embedder, finder
        self._looks = Looks()
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as before another video."""
        self.persons.reset()
        self._looks.reset()
        self.looks_taken = self.faces_seen = 0

    def recognise(self, frame: Frame, faces: Sequence[Face]) -> list[Face]:
        """The faces of a frame with their persons, those just looked at with their embeddings.

        Args:
            frame: the next one; one whose time_s is NaN is a still image.
            faces: all that are seen in it.
        """
        still = math.isnan(frame.time_s)
        # A table's rows of a still image are in this order, too.
        order = sorted(range(len(faces)), key=lambda i: float(faces[i].region.box[0]))
        numbers = [0] * len(faces)
        for place, i in enumerate(order):
            numbers[i] = face_number(faces[i].region.track, frame.index, place)
        time_s = float(frame.index) if still else frame.time_s
        self.persons.observe(time_s, numbers)
        self.faces_seen += len(faces)
        seen = self._look(frame.image, time_s, faces, numbers)
        for i in sorted(seen, key=lambda i: numbers[i]):
            self.persons.add(numbers[i], seen[i].vector, seen[i].quality)
        return [
            replace(
                face,
                identity=seen.get(i),
                person=self.persons.person(number),
                person_name=self._name(number),
            )
            for i, (face, number) in enumerate(zip(faces, numbers, strict=True))
        ]

    def _name(self, number: int) -> str | None:
        if not self.persons.known or self.persons.person(number) is None:
            return None
        return self.persons.name(number) or UNKNOWN

    def _look(
        self, image: Image, time_s: float, faces: Sequence[Face], numbers: Sequence[int]
    ) -> dict[int, Identity]:
        """Embeddings of the faces that are worth it, by their places."""
        chosen: dict[int, float] = {}
        for i, (face, number) in enumerate(zip(faces, numbers, strict=True)):
            if not self._looks.is_due(number, time_s):
                continue
            quality = face_quality(face, chip(image, face.region.points))
            quality *= _is_inside(face.region.box, image)
            least = _LEAST_QUALITY if self._looks.is_impatient(number, time_s) else GOOD
            if face.region.track is None:
                least = _LEAST_QUALITY
            if quality >= least:
                chosen[i] = quality
            else:
                self._looks.put_off(number, time_s)
        cut = self._aligned(image, [faces[i] for i in chosen])
        found = {i: aligned for i, aligned in zip(chosen, cut, strict=True) if aligned is not None}
        for i in chosen.keys() - found.keys():
            self._looks.put_off(numbers[i], time_s)
        for i in found:
            self._looks.took(numbers[i], time_s, chosen[i])
        self.looks_taken += len(found)
        if not found:
            return {}
        vectors = self._embedder.embed(list(found.values()))
        return {i: Identity(vector, chosen[i]) for i, vector in zip(found, vectors, strict=True)}

    def _aligned(self, image: Image, faces: Sequence[Face]) -> list[Image | None]:
        """The faces cut by O-Net's points; None where it sees none."""
        if not faces:
            return []
        # Also where a search found them: at the frame's edge its points are off, and the embedder
        # was trained with these.
        answers = self._finder.place_points(image, np.stack([face.region.box for face in faces]))
        return [
            chip(image, answer.points) if answer.score >= _LEAST_SCORE else None
            for answer in answers
        ]


def _is_inside(box: Floats, image: Image) -> bool:
    """Whether the middle of a face is in the picture."""
    height, width = image.shape[:2]
    x, y = box_centre(box)
    return bool(0 <= x < width and 0 <= y < height)
