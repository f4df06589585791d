"""Looking at faces now and then: quality, schedule and what reaches the persons. No network."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from facekit.estimate.face_quality import face_quality, sharpness
from facekit.estimate.recognition import UNKNOWN, Recogniser
from facekit.track.looks import PATIENCE_S, RETRY_S
from facekit.track.persons import Known, Persons, Thresholds
from facekit.types import Detection, Face, Floats, Frame, HeadPose, Image, Region, Status

_FIVE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
_NOWHERE = np.full(3, np.nan, np.float32)


class _ByColour:
    """An embedder to which people are the colours of their faces."""

    def __init__(self) -> None:
        self.faces = 0

    def embed(self, chips: Sequence[Image]) -> Floats:
        self.faces += len(chips)
        means = np.array([chip.reshape(-1, 3).mean(axis=0) for chip in chips])
        unit = means / np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(unit, np.float32)


class _Points:
    """Finds points in the middle of known boxes, unless told that there is no face."""

    def __init__(self, score: float = 0.9) -> None:
        self._score = score

    def place_points(self, image: Image, boxes: Floats) -> list[Detection]:
        return [Detection(box, self._score, _points(box)) for box in boxes]


def _points(box: Floats) -> Floats:
    return (box[:2] + _FIVE * box[2:]).astype(np.float32)


def _picture(colours: Sequence[tuple[int, int, int]]) -> Image:
    """Patches of fine texture side by side, 120 px each, in the given colours."""
    grain = np.random.default_rng(0).integers(0, 2, (120, 120, 1)) * 60
    return np.hstack([np.clip(np.array(c) + grain, 0, 255).astype(np.uint8) for c in colours])


def _face(
    place: int,
    track: int | None,
    *,
    yaw: float | None = 0.0,
    side: float = 100.0,
    status: Status = "ok",
) -> Face:
    box = np.array([120 * place + 10, 10, side, side], np.float32)
    pose = None if yaw is None else HeadPose(yaw, 0, 0, 1, 1, 1, _NOWHERE)
    return Face(Region(track, box, 0.99, _points(box), True), status, head_pose=pose)


_RED, _GREEN = (190, 20, 20), (20, 190, 20)


def _recogniser(known: Sequence[Known] = (), score: float = 0.9) -> Recogniser:
    return Recogniser(_ByColour(), _Points(score), Persons(Thresholds(0.9, 0.9), known))


def test_quality_falls_with_turn_size_and_blur() -> None:
    # A face has large shadows as well as fine detail.
    shadows = 50 * np.sin(np.arange(120) / 12)[None, :, None]
    sharp = np.clip(0.6 * _picture([_RED]) + 60 + shadows, 0, 255).astype(np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 4), np.uint8)
    assert sharpness(blurred) < 0.5 * sharpness(sharp)
    assert face_quality(_face(0, 0), sharp) == 1
    assert face_quality(_face(0, 0), blurred) < 0.2
    assert face_quality(_face(0, 0, status="low_quality"), sharp) == 0
    assert face_quality(_face(0, 0, yaw=80), sharp) == 0
    by_turn = [face_quality(_face(0, 0, yaw=yaw), sharp) for yaw in (-20, 35, -50, 65)]
    assert by_turn == sorted(by_turn, reverse=True) and by_turn[0] == 1 and by_turn[3] < 0.25
    by_size = [face_quality(_face(0, 0, side=side), sharp) for side in (24, 40, 60, 80)]
    assert by_size == sorted(by_size) and by_size[0] == 0 and by_size[3] == 1


@pytest.mark.parametrize("turned", [False, True])
def test_without_a_head_pose_the_nose_tells_the_turn(turned: bool) -> None:
    face = _face(0, 0, yaw=None)
    if turned:
        face.region.points[2, 0] += 0.9 * (face.region.points[1, 0] - face.region.points[0, 0])
    assert (face_quality(face, _picture([_RED])) < 0.5) == turned


def test_tracks_are_embedded_now_and_then_and_told_apart() -> None:
    recogniser = _recogniser()
    embedded, told = 0, set()
    for index in range(90):
        faces = [_face(0, 0), _face(1, 1)]
        frame = Frame(index, index / 30, _picture([_RED, _GREEN]))
        seen = recogniser.recognise(frame, faces)
        embedded += sum(face.identity is not None for face in seen)
        told.add(tuple(face.person for face in seen))
    assert told == {(0, 1)}
    assert embedded == recogniser.looks_taken == 4
    assert recogniser.faces_seen == 180


def test_where_no_points_are_found_nobody_is_embedded() -> None:
    nobody = _recogniser(score=0.1)
    for index in range(30):
        nobody.recognise(Frame(index, index / 30, _picture([_RED])), [_face(0, 0)])
    assert nobody.looks_taken == 0 and nobody.persons.person(0) is None


def test_a_face_that_has_left_the_picture_is_not_looked_at() -> None:
    recogniser = _recogniser()
    recogniser.recognise(Frame(0, 0.0, _picture([_RED])), [_face(3, 0)])
    assert recogniser.looks_taken == 0


def test_a_face_that_is_never_seen_well_is_looked_at_but_founds_nobody() -> None:
    recogniser = _recogniser()
    seen = [
        recogniser.recognise(Frame(i, i / 10, _picture([_RED])), [_face(0, 0, yaw=68)])[0]
        for i in range(40)
    ]
    looks = [i / 10 for i, face in enumerate(seen) if face.identity is not None]
    assert len(looks) == 1 and PATIENCE_S <= looks[0] < PATIENCE_S + 2 * RETRY_S
    assert {face.person for face in seen} == {None}


def test_names_come_out_of_a_gallery() -> None:
    red = np.array(_RED, np.float64) + 30
    recogniser = _recogniser([Known("ann", red / np.linalg.norm(red))])
    frame = Frame(0, 0.0, _picture([_RED, _GREEN]))
    faces = recogniser.recognise(frame, [_face(0, 0), _face(1, 1)])
    assert [face.person_name for face in faces] == ["ann", UNKNOWN]
    small = recogniser.recognise(Frame(1, 0.1, _picture([_RED])), [_face(0, 7, side=20)])
    assert small[0].person_name is None


def test_faces_of_still_images_are_their_own_tracks() -> None:
    recogniser = _recogniser()
    told = []
    for index, colours in enumerate([[_RED, _GREEN], [_GREEN], [_GREEN, _RED]]):
        frame = Frame(index, float("nan"), _picture(colours), "a.png")
        # In whatever order the detector gives them.
        faces = [_face(place, None) for place in reversed(range(len(colours)))]
        told.append([face.person for face in recogniser.recognise(frame, faces)])
    assert told == [[1, 0], [1], [0, 1]]
    assert len(recogniser.persons.decide().persons) == 5
    recogniser.reset()
    assert recogniser.looks_taken == 0 and recogniser.persons.decide().persons == {}


def test_no_face_is_no_work() -> None:
    recogniser = _recogniser()
    assert recogniser.recognise(Frame(0, 0.0, _picture([_RED])), []) == []
