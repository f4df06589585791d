from facekit.track.looks import LONGEST_S, PATIENCE_S, Looks


def _times(quality: float, seconds: float, rate: float = 30.0) -> list[float]:
    """When a track of constant quality is looked at."""
    looks, taken = Looks(), []
    for index in range(int(seconds * rate)):
        time_s = index / rate
        if looks.is_due(0, time_s):
            looks.took(0, time_s, quality)
            taken.append(time_s)
    return taken


def test_a_well_seen_face_is_looked_at_at_once_and_then_rarely() -> None:
    taken = _times(1.0, 60)
    assert taken[0] == 0
    steps = [b - a for a, b in zip(taken, taken[1:], strict=False)]
    assert steps == sorted(steps)
    assert max(steps) <= LONGEST_S + 0.1
    # Thirteen milliseconds a look: half a millisecond a frame is one look in 26 frames.
    assert 60 * 30 / len(taken) > 100


def test_a_badly_seen_face_is_looked_at_more_often() -> None:
    assert len(_times(0.2, 20)) > 1.5 * len(_times(1.0, 20))
    assert len(_times(0.2, 20)) < 20 * 30 / 26


def test_patience_ends_once_in_a_while() -> None:
    looks = Looks()
    assert looks.is_due(4, 2.0)
    looks.put_off(4, 2.0)
    assert not looks.is_due(4, 2.1)
    assert not looks.is_impatient(4, 2.0 + PATIENCE_S / 2)
    assert looks.is_impatient(4, 2.0 + PATIENCE_S)
    looks.took(4, 3.0, 0.05)
    assert not looks.is_impatient(4, 3.5)
    looks.reset()
    assert looks.is_due(4, 0.0)
