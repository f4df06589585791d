"""What is counted of the faces that are found again."""

import numpy as np
import pytest

from facekit.privacy.check import Checker
from facekit.runtime.device import choose
from facekit.types import Detection, Frame
from tests.privacy.test_covers import Found


def _found(x: float, score: float = 0.99) -> Detection:
    box = np.array([x, 40, 40, 50], np.float32)
    return Detection(box, score, np.zeros((5, 2), np.float32))


def test_faces_found_again_are_told_by_whether_their_place_was_covered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Found(3)
    for index in range(3):
        known.see(0, index, (100, 40, 40, 50))
    checker = Checker(choose("cpu"), known.covers())
    picture = np.full((160, 320, 3), 120, np.uint8)
    frame = Frame(1, 0.04, picture)
    # One on the cover, two beside it, of which one is hardly a face.
    again = [_found(100), _found(250), _found(20, score=0.7)]
    monkeypatch.setattr(checker._detector, "detect", lambda image: again)
    checker.take(frame, frame)
    findings = checker.findings()
    checker.close()
    assert (findings.faces_after, findings.uncovered, findings.plain) == (3, 2, 1)
    assert findings.recognisable == 1
