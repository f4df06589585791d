"""The stage with a network of random weights: what holds whatever was learned."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from facekit.network.tcn import TemporalNetwork
from facekit.runtime import weights
from facekit.runtime.runner import Array, Inputs
from facekit.temporal.blink_rate import BlinkRate
from facekit.temporal.features import APPEARANCE, GROUPS, SIZE, features_of, known_groups
from facekit.temporal.tcn import (
    NETWORKS,
    RESET_S,
    Network,
    Ready,
    TemporalStage,
    Variant,
    load_network,
    run_whole,
)
from facekit.types import Face, Temporal
from tests.temporal.builders import face

DELAYS: dict[Variant, int] = {"causal": 0, "lookahead": 27}


class TorchRunner:
    """Runs a module as the shipped graph is run."""

    def __init__(self, module: TemporalNetwork) -> None:
        self.module, self.steps = module, 0

    def run(self, inputs: Inputs) -> tuple[Array, ...]:
        assert not isinstance(inputs, np.ndarray)
        self.steps += inputs["values"].shape[1]
        with torch.inference_mode():
            given = [torch.from_numpy(np.ascontiguousarray(v)) for v in inputs.values()]
            return tuple(answer.numpy() for answer in self.module(*given))

    def place(self, array: Array) -> Array:
        return array


def module(variant: Variant) -> TemporalNetwork:
    torch.manual_seed(0)
    made = TemporalNetwork(
        [g.size for g in GROUPS], APPEARANCE, DELAYS[variant], channels=16
    ).eval()
    made.spread.fill_(2.0)
    for layer in (made.units, made.unit_out):
        torch.nn.init.normal_(layer.weight, std=0.3)
    return made


def network(variant: Variant) -> Network:
    made = module(variant)
    return Network(TorchRunner(made), made.delay, made.first_state().numpy())


def wild_times(random: np.random.Generator, count: int) -> list[float]:
    """Changing rates, jitter, dropped frames and gaps."""
    steps: list[float] = []
    while len(steps) < count:
        rate = random.choice([10, 15, 24, 25, 30, 60])
        steps += (np.full(random.integers(5, 30), 1 / rate) * random.uniform(0.8, 1.2)).tolist()
        steps.append(float(random.choice([0.05, 0.3, 0.9, 2.5])))
    return [float(t) for t in np.cumsum([random.uniform(0, 9), *steps[: count - 1]])]


def faces_of(random: np.random.Generator, count: int) -> list[Face]:
    return [
        face(random, units=random.random() > 0.1, gaze=random.random() > 0.2) for _ in range(count)
    ]


def at_once(made: TemporalNetwork, times: list[float], faces: list[Face]) -> np.ndarray:
    """(n, 22) smooth, as the definition says: one grid, one run, answers at the frames."""
    rows = np.stack([features_of(one) for one in faces])
    last = int((times[-1] - times[0] + 0.002) * 30)
    grid = np.full((last + 1 + made.delay + 1, SIZE), np.nan, np.float32)
    for step in range(last + 1):
        now = times[0] + step / 30
        after = next(i for i, t in enumerate(times) if t >= now - 0.002)
        before = max(after - 1, 0)
        gap = times[after] - times[before]
        if times[after] <= now + 0.002:
            grid[step] = rows[after]
        elif gap <= 0.35:
            share = np.float32((now - times[before]) / gap)
            grid[step] = (1 - share) * rows[before] + share * rows[after]
        else:
            continue
        grid[step, -1] = min(gap, 0.35) if after else 1 / 30
    known = known_groups(grid).astype(np.float32)
    with torch.inference_mode():
        given = torch.from_numpy(np.nan_to_num(grid))[None], torch.from_numpy(known)[None]
        smooth = made(*given, made.first_state())[0][0, made.delay :].numpy()
    out = []
    for t in times:
        step = int(math.floor((t - times[0] + 0.002) * 30))
        between = (t - times[0]) * 30 - step
        between = between if made.delay and between >= 0.06 else 0.0
        out.append((1 - between) * smooth[step] + between * smooth[step + (between > 0)])
    return np.array(out)


@pytest.mark.parametrize("variant", ["causal", "lookahead"])
@pytest.mark.parametrize("seed", range(4))
def test_streaming_equals_batch_over_gaps_and_changing_rates(variant: Variant, seed: int) -> None:
    random = np.random.default_rng(seed)
    times, faces = wild_times(random, 150), faces_of(random, 150)
    stage = TemporalStage(variant, network(variant))
    ready: list[Ready] = []
    for time_s, one in zip(times, faces, strict=True):
        ready += stage.push(3, time_s, one)
    ready += stage.flush(3)
    assert [time_s for time_s, _ in ready] == times
    smooth = np.array([answer.smooth for _, answer in ready])
    np.testing.assert_allclose(smooth, at_once(module(variant), times, faces), atol=1e-4)


def test_causal_answers_at_once_and_lookahead_within_a_second() -> None:
    random = np.random.default_rng(0)
    times = (np.arange(120) / 25).tolist()
    causal = TemporalStage("causal", network("causal"))
    late = TemporalStage("lookahead", network("lookahead"))
    waits = []
    for time_s in times:
        one = face(random)
        ((when, _),) = causal.push(0, time_s, one)
        assert when == time_s
        waits += [time_s - was for was, _ in late.push(0, time_s, one)]
    assert causal.flush(0) == [] and causal.delay_s == 0
    assert late.delay_s <= max(waits) <= late.delay_s + 1 / 25 <= 1.0
    assert len(waits) + len(late.flush(0)) == len(times)


def test_tracks_do_not_disturb_each_other() -> None:
    random = np.random.default_rng(1)
    faces = faces_of(random, 40)
    stage, alone = (TemporalStage("causal", network("causal")) for _ in range(2))
    for number, one in enumerate(faces):
        (_, expected), *_ = alone.push(7, number / 30, one)
        stage.push(1, number / 20, face(random))
        (_, answer), *_ = stage.push(2, number / 30, one)
        np.testing.assert_array_equal(answer.smooth, expected.smooth)


def test_after_a_long_gap_a_track_begins_anew_and_nothing_is_lost() -> None:
    random = np.random.default_rng(2)
    faces = faces_of(random, 20)
    stage = TemporalStage("lookahead", network("lookahead"))
    first = [stage.push(0, n / 30, one) for n, one in enumerate(faces)]
    assert first == [[]] * 20
    later = stage.push(0, 20 / 30 + RESET_S, faces[0])
    assert len(later) == 20
    answers = later + stage.flush(0)
    fresh = TemporalStage("lookahead", network("lookahead"))
    fresh.push(0, 0.0, faces[0])
    ((_, expected),) = fresh.flush(0)
    np.testing.assert_array_equal(answers[-1][1].smooth, expected.smooth)


def test_memory_stays_constant() -> None:
    one = face(np.random.default_rng(0))
    stage = TemporalStage("lookahead", network("lookahead"))
    sizes = []
    for number in range(600):
        stage.push(0, number / 30, one)
        track = stage._tracks[0]
        sizes.append(len(track._steps) + len(track._waiting) + len(track._seen) + len(track._rated))
    assert max(sizes[120:]) <= max(sizes[:120])


def test_flush_all_and_reset() -> None:
    one = face(np.random.default_rng(0))
    stage = TemporalStage("lookahead", network("lookahead"))
    for track in (4, 9):
        stage.push(track, 0.0, one)
    assert {track: len(ready) for track, ready in stage.flush_all().items()} == {4: 1, 9: 1}
    stage.push(4, 0.0, one)
    stage.reset()
    assert stage.flush_all() == {} and stage.flush(4) == []


def test_the_appearance_of_another_network_is_not_read() -> None:
    random = np.random.default_rng(5)
    one = face(random)
    assert one.action_units is not None
    other = replace(
        one, action_units=replace(one.action_units, feature=one.action_units.feature + 5)
    )

    def smooth(given: Face, appearance: bool) -> list[float]:
        stage = TemporalStage("causal", replace(network("causal"), appearance=appearance))
        return [float(value) for value in stage.push(0, 0.0, given)[0][1].smooth]

    assert smooth(one, False) == smooth(other, False)
    assert smooth(one, True) != smooth(other, True)


def test_a_record_holds_what_its_fields_say() -> None:
    random = np.random.default_rng(6)
    rows = np.stack([features_of(face(random)) for _ in range(30)])
    for answer in run_whole(network("lookahead"), (np.arange(30) / 30).tolist(), rows):
        assert answer.smooth.shape == answer.velocity.shape == answer.phase_prob.shape == (22,)
        assert answer.phase.dtype == np.int8 and set(answer.phase.tolist()) <= {0, 1, 2, 3}
        assert (answer.phase_prob >= 1 / 6).all() and (
            answer.phase_prob[answer.phase == 0] >= 0.5
        ).all()
        for probability in (answer.blink, answer.nod, answer.shake, answer.speaking):
            assert 0 <= probability <= 1
        assert answer.expression.sum() == pytest.approx(1, abs=1e-5)
        expected = float(np.sqrt((answer.smooth**2).mean())) / 5
        assert answer.expressivity == pytest.approx(expected, abs=1e-6)
        assert math.isnan(answer.blink_rate)


def test_blinks_are_counted_over_the_seen_part_of_the_last_minute() -> None:
    rate = BlinkRate()
    for step in range(90 * 30):
        rate.push(0.9 if step % 120 < 5 else 0.1, seen=True)
        if step == 8 * 30:
            assert math.isnan(rate.per_minute)
    assert rate.per_minute == pytest.approx(15, abs=0.5)
    for _ in range(30 * 30):
        rate.push(0.1, seen=False)
    assert rate.per_minute == pytest.approx(15, abs=1)


@pytest.mark.parametrize("variant", ["causal", "lookahead"])
def test_shipped_networks(variant: Variant) -> None:
    manifest = weights.load_manifest()
    if NETWORKS[variant] not in manifest.networks:
        pytest.skip(f"{NETWORKS[variant]} is not shipped yet")
    shipped = load_network(variant)
    assert shipped.delay == DELAYS[variant]
    still = face(np.random.default_rng(0), intensity=np.zeros(22, np.float32))
    rows = np.repeat(features_of(still)[None], 60, axis=0)
    answers: list[Temporal] = run_whole(shipped, (np.arange(60) / 30).tolist(), rows)
    assert len(answers) == 60 and np.isfinite(answers[-1].smooth).all()
    sizes = [manifest.network(name) for name in NETWORKS.values() if name in manifest.networks]
    assert sum(entry.onnx.size + entry.torch.size for entry in sizes) < 4_000_000
