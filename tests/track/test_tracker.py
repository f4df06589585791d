import numpy as np
import pytest

from facekit.track.tracker import RESUME_S, START_SCORE, Tracker
from facekit.types import Detection, Floats

RED, BLUE = (np.eye(2, dtype=np.float32)[i] for i in range(2))


def _face(x: float, y: float = 100.0, size: float = 50.0, score: float = 0.99) -> Detection:
    box = np.array([x, y, size, size], np.float32)
    return Detection(box, score, np.zeros((5, 2), np.float32))


def _step(
    tracker: Tracker, time_s: float, *faces: tuple[Detection, Floats]
) -> dict[int | None, float]:
    """Track number to box_x after a searched frame."""
    regions = tracker.associate(time_s, [f for f, _ in faces], [a for _, a in faces])
    return {region.track: float(region.box[0]) for region in regions}


def test_no_face_no_track() -> None:
    tracker = Tracker()
    assert tracker.associate(0.0, [], []) == []
    assert tracker.predict(0.1).shape == (0, 4)
    assert tracker.follow(0.1, []) == []


def test_a_moving_face_keeps_its_number() -> None:
    tracker = Tracker()
    for i in range(20):
        assert list(_step(tracker, i / 10, (_face(10.0 + 15 * i), RED))) == [0]


def test_prediction_is_by_seconds_not_frames() -> None:
    tracker = Tracker()
    for i in range(30):
        _step(tracker, i / 30, (_face(10.0 * i), RED))  # 300 px/s
    ahead = tracker.predict(29 / 30 + 0.2)
    assert ahead[0, 0] == pytest.approx(290 + 60, abs=3)


def test_two_faces_cross_and_keep_their_numbers() -> None:
    tracker = Tracker()
    last: dict[int | None, float] = {}
    for i in range(41):
        right, left = _face(10.0 * i), _face(400 - 10.0 * i, 110)
        # The order of detections says nothing.
        faces = [(right, RED), (left, BLUE)]
        last = _step(tracker, i / 25, *(faces if i % 2 else faces[::-1]))
        if i == 0:
            first = last
    assert first[0] == 0 or first[1] == 0
    walker = next(track for track, x in first.items() if x == 0)
    assert last[walker] == 400
    assert len(last) == 2


@pytest.mark.parametrize(
    ("gap_s", "resumes"), [(0.5, True), (RESUME_S, True), (RESUME_S + 0.2, False)]
)
def test_a_hidden_face_resumes_within_the_limit(gap_s: float, resumes: bool) -> None:
    tracker = Tracker()
    for i in range(5):
        _step(tracker, i / 10, (_face(100), RED), (_face(400), BLUE))
    steps = round(gap_s * 10)
    for i in range(1, steps):
        assert list(_step(tracker, 0.4 + i / 10, (_face(100), RED))) == [0]
    back = _step(tracker, 0.4 + gap_s, (_face(100), RED), (_face(390), BLUE))
    assert sorted(back.values()) == [100, 390]
    assert (1 in back) == resumes


def test_another_looking_face_does_not_take_over_a_hidden_one() -> None:
    tracker = Tracker()
    for i in range(5):
        _step(tracker, i / 10, (_face(100), RED))
    _step(tracker, 0.5)
    assert list(_step(tracker, 0.6, (_face(140), BLUE))) == [1]


def test_a_cut_starts_new_tracks() -> None:
    tracker = Tracker()
    assert list(_step(tracker, 0.0, (_face(100), RED))) == [0]
    tracker.cut()
    assert list(_step(tracker, 0.1, (_face(100), RED))) == [1]


def test_reset_starts_numbers_again() -> None:
    tracker = Tracker()
    _step(tracker, 5.0, (_face(100), RED))
    tracker.reset()
    assert list(_step(tracker, 0.0, (_face(100), RED))) == [0]


def test_a_weak_detection_continues_a_track_but_starts_none() -> None:
    weak = START_SCORE - 0.1
    tracker = Tracker()
    assert _step(tracker, 0.0, (_face(100, score=weak), RED)) == {}
    _step(tracker, 0.1, (_face(100), RED))
    assert list(_step(tracker, 0.2, (_face(101, score=weak), RED))) == [0]


def test_room_for_the_largest_faces_only() -> None:
    tracker = Tracker(max_faces=1)
    assert list(
        _step(tracker, 0.0, (_face(0, size=30), RED), (_face(200, size=60), BLUE)).values()
    ) == [200]
    # The one that is followed stays, even when a larger one comes.
    later = _step(tracker, 0.1, (_face(201, size=60), BLUE), (_face(400, size=90), RED))
    assert list(later.values()) == [201]


def test_following_continues_or_asks_for_a_search() -> None:
    tracker = Tracker()
    _step(tracker, 0.0, (_face(100), RED), (_face(300), BLUE))
    regions = tracker.follow(0.1, [_face(105), _face(295)])
    assert regions is not None
    assert [(r.track, float(r.box[0]), r.detected) for r in regions] == [
        (0, 105.0, False),
        (1, 295.0, False),
    ]
    assert tracker.follow(0.2, [_face(110), None]) is None
    assert tracker.follow(0.2, [_face(200), _face(204)]) is None, "two tracks on one face"
    with pytest.raises(ValueError, match="1 refinements for 2 live tracks"):
        tracker.follow(0.2, [_face(110)])
