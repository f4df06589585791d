"""Frames that wait for their faces' answers, and leave complete and in order."""

import math
from dataclasses import replace

import numpy as np
import pytest

from facekit.errors import WeightsError
from facekit.runtime import weights
from facekit.temporal.faces import Done, FacesOverTime, load_stages
from facekit.temporal.features import features_of
from facekit.temporal.tcn import NETWORKS, RESET_S, TemporalStage, Variant, run_whole
from facekit.types import Face, Floats, Frame
from tests.temporal.builders import face
from tests.temporal.echo import DELAYS, echo, shown
from tests.temporal.test_tcn import network

PICTURE = np.zeros((6, 8, 3), np.uint8)


def frame(index: int, time_s: float) -> Frame:
    return Frame(index, time_s, PICTURE)


def level(face: Face) -> float:
    """What a face showed of AU12, as its answer says."""
    assert face.temporal is not None
    return float(face.temporal.smooth[8])


def run(faces: FacesOverTime, shows: list[tuple[float, list[Face]]]) -> list[Done]:
    done = []
    for index, (time_s, seen) in enumerate(shows):
        done += faces.push(frame(index, time_s), seen)
    return done + faces.finish()


def test_the_causal_variant_completes_each_frame_at_once() -> None:
    faces = FacesOverTime(echo("causal"))
    for index in range(5):
        ((done, (one, other)),) = faces.push(
            frame(index, index / 30), [shown(1, {"AU12": index / 2}), shown(None)]
        )
        assert done.index == index and done.image.size == 0
        assert level(one) == pytest.approx(index / 2)
        assert other.temporal is None  # no track, no time
    assert faces.finish() == []


def test_looking_ahead_every_face_gets_the_answer_of_its_own_frame() -> None:
    shows = []
    for index in range(200):
        there = [t for t in (0, 1, 2) if (index // (7 + 13 * t)) % 2 == 0]
        shows.append((index / 30, [shown(t, {"AU12": t + (index % 10) / 10}) for t in there]))
    done = run(FacesOverTime(echo("lookahead")), shows)
    assert [made.index for made, _ in done] == list(range(200))
    for (made, faces), (time_s, given) in zip(done, shows, strict=True):
        assert made.time_s == time_s
        assert [one.region.track for one in faces] == [one.region.track for one in given]
        for one in faces:
            assert one.region.track is not None
            assert level(one) == pytest.approx(one.region.track + (made.index % 10) / 10)


def test_nothing_waits_longer_than_it_must() -> None:
    faces = FacesOverTime(echo("lookahead"))
    waits = []
    for index in range(300):
        done = faces.push(frame(index, index / 30), [shown(0)])
        waits += [(index - made.index) / 30 for made, _ in done]
    assert max(waits) == min(waits) == pytest.approx(DELAYS["lookahead"] / 30)


def test_a_lost_track_holds_the_others_up_for_a_while_only() -> None:
    faces = FacesOverTime(echo("lookahead"))
    held = []
    for index in range(600):
        seen = [shown(0), shown(1)] if index < 60 else [shown(0)]
        faces.push(frame(index, index / 30), seen)
        held.append(len(faces._frames))
    assert max(held) <= 30 * (RESET_S + 1) + 2
    assert held[-1] <= 30
    assert set(faces._due) == set(faces._seen_s) == {0}


def test_frames_without_faces_pass_in_their_turn() -> None:
    shows: list[tuple[float, list[Face]]] = [(0.0, []), (0.1, [shown(0)]), (0.2, [])]
    faces = FacesOverTime(echo("lookahead"))
    assert [made.index for made, _ in faces.push(frame(0, 0.0), [])] == [0]
    faces.reset()
    assert [made.index for made, _ in run(faces, shows)] == [0, 1, 2]


def test_where_time_falls_tracks_begin_anew() -> None:
    faces = FacesOverTime(echo("lookahead"))
    for index in range(20):
        assert faces.push(frame(index, 7 + index / 30), [shown(0, {"AU12": index / 10})]) == []
    before = faces.push(frame(20, 0.0), [shown(0, {"AU12": 4.0})])
    assert [made.index for made, _ in before] == list(range(20))
    ((made, (one,)),) = faces.finish()
    assert made.index == 20 and level(one) == pytest.approx(4)


def test_still_images_have_no_time() -> None:
    faces = FacesOverTime(echo("causal"))
    ((_, (one,)),) = faces.push(frame(0, math.nan), [shown(0)])
    assert one.temporal is None


def test_answers_do_not_depend_on_who_else_is_seen_or_on_what_came_before() -> None:
    random = np.random.default_rng(3)

    def smooth(extra: bool, faces: FacesOverTime) -> list[Floats]:
        answers, time_s = [], 0.0
        steps = np.random.default_rng(4).choice([1 / 60, 1 / 25, 0.1, 0.4, 6.0], 150)
        for index, step in enumerate(steps):
            time_s += float(step)
            seen = [shown(0, {"AU12": (index % 7) / 2})]
            if extra and random.random() < 0.5:
                seen.append(shown(1 + index % 3, {"AU12": 4.0}))
            for _, found in faces.push(frame(index, time_s), seen):
                answers += [f.temporal.smooth for f in found[:1] if f.temporal]
        for _, found in faces.finish():
            answers += [f.temporal.smooth for f in found[:1] if f.temporal]
        return answers

    alone = smooth(False, FacesOverTime(echo("lookahead")))
    used = FacesOverTime(echo("lookahead"))
    crowded = smooth(True, used)
    used.reset()
    again = smooth(False, used)
    assert len(alone) == 150
    np.testing.assert_array_equal(alone, crowded)
    np.testing.assert_array_equal(alone, again)


@pytest.mark.parametrize("variant", ["causal", "lookahead"])
def test_streaming_equals_each_track_at_once(variant: Variant) -> None:
    """Tracks that come and go, at changing rates, through a network of random weights."""
    random = np.random.default_rng(7)
    faces = FacesOverTime(TemporalStage(variant, network(variant)))
    given: dict[int, list[tuple[float, Face]]] = {0: [], 1: [], 2: []}
    shows: list[tuple[float, list[Face]]] = []
    time_s = 0.0
    for index in range(240):
        time_s += float(random.choice([1 / 60, 1 / 30, 1 / 15, 0.3], p=[0.3, 0.4, 0.25, 0.05]))
        time_s += RESET_S + 0.1 if index == 100 else 0.0
        there = [track for track in given if (index // (20 + 15 * track)) % 3 != 2]
        seen = []
        for track in there:
            one = face(random, units=random.random() > 0.1)
            seen.append(replace(one, region=replace(one.region, track=track)))
            given[track].append((time_s, seen[-1]))
        shows.append((time_s, seen))
    done = run(faces, shows)
    assert [made.time_s for made, _ in done] == [when for when, _ in shows]
    for track, moments in given.items():
        answers = [f.temporal for _, found in done for f in found if f.region.track == track]
        times = np.array([when for when, _ in moments])
        cuts = np.flatnonzero(np.diff(times) > RESET_S) + 1
        assert len(cuts) >= 1
        expected = []
        for places in np.split(np.arange(len(times)), cuts):
            rows = np.stack([features_of(moments[place][1]) for place in places])
            expected += run_whole(network(variant), times[places].tolist(), rows)
        for answer, whole in zip(answers, expected, strict=True):
            assert answer is not None
            np.testing.assert_allclose(answer.smooth, whole.smooth, atol=1e-4)
            np.testing.assert_array_equal(answer.phase, whole.phase)
            assert answer.blink == pytest.approx(whole.blink, abs=1e-4)


def test_folders_of_weights_without_the_networks_have_no_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = weights.load_manifest()
    older = {n: e for n, e in manifest.networks.items() if n not in NETWORKS.values()}
    monkeypatch.setattr(weights, "load_manifest", lambda: weights.Manifest(older, {}))
    assert load_stages("auto") == load_stages("none") == {}
    with pytest.raises(WeightsError, match="temporal_causal"):
        load_stages("causal")
