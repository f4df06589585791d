"""Simulated faces, their noise, batches, and a whole run, without pictures."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from facekit.runtime import weights
from facekit.synthetic.action_units import ROW
from facekit.temporal.features import GROUPS, SIZE, places
from facekit.temporal.resample import Grid
from facekit.temporal.tcn import TemporalStage, load_network
from facekit.train import temporal
from facekit.train.loop import Plan, Trainer
from facekit.train.settings import Settings
from facekit.train.temporal_batches import (
    STEPS,
    Mix,
    PhotoScenes,
    TemporalBatches,
    Truth,
    frames,
    on_grid,
)
from facekit.train.temporal_data import Clip, Photos
from facekit.train.temporal_dynamics import (
    RATE,
    UNJUDGED,
    Dynamics,
    parted,
    phases_of,
    shares_of,
    simulate,
)
from facekit.train.temporal_noise import NoiseModel, as_clip, fit, regressors, within_limits
from tests.temporal.builders import face

BIAS = 0.4


def _truth(seeds: range, seconds: float = 11) -> list[Dynamics]:
    return [simulate(np.random.default_rng(seed), seconds) for seed in seeds]


def _clip(face_in_time: Dynamics, random: np.random.Generator) -> Clip:
    """As networks would see it that add a bias to AU12, and noise that lasts."""
    moment = np.arange(0, len(face_in_time.units), 2)
    shown = face_in_time.visible()[moment]
    rows = np.zeros((len(moment), SIZE), np.float32)
    rows[:, :22] = shown.max(axis=1)
    rows[:, ROW[12]] += BIAS + random.normal(0, 0.05)
    noise = random.normal(0, 0.1, rows.shape)
    for step in range(1, len(noise)):
        noise[step] += 0.8 * noise[step - 1]
    rows += noise.astype(np.float32)
    rows[:, -1] = np.nan
    return Clip(rows, moment / RATE, shown, face_in_time, moment)


@pytest.fixture(scope="module")
def noise() -> NoiseModel:
    random = np.random.default_rng(0)
    return fit([_clip(one, random) for one in _truth(range(16))])


@pytest.fixture(scope="module")
def seen(noise: NoiseModel) -> Photos:
    random = np.random.default_rng(1)
    votes = np.eye(7, dtype=np.float32)[np.arange(70) % 7]
    rows = np.tile(noise.mean, (70, 1)) + random.normal(0, 0.3, (70, SIZE)).astype(np.float32)
    rows[:, ROW[12]] = BIAS + 3 * votes[:, 1]
    rows[:, -1] = np.nan
    return Photos(rows, votes, np.arange(70) % 10 == 0)


def test_dynamics_are_what_the_literature_says() -> None:
    faces = _truth(range(30), 12)
    blinks = [np.diff(np.flatnonzero(np.diff(f.blink, prepend=0, append=0))) for f in faces]
    lengths = np.concatenate([one[::2] for one in blinks if len(one)]) / RATE
    assert 0.05 <= np.quantile(lengths, 0.05) and np.quantile(lengths, 0.95) <= 0.5
    per_minute = 60 * len(lengths) / (30 * 12)
    assert 6 <= per_minute <= 32
    rises = [e.apex_s - e.onset_s for f in faces for e in f.events if 0 < e.onset_s < 9]
    assert 0.1 < np.median(rises) < 0.6
    assert all(f.units.min() >= 0 and f.units.max() <= 5 for f in faces)
    assert any(f.speaking.any() for f in faces) and any(f.nod.any() for f in faces)


def test_phases_and_events_tell_the_same() -> None:
    for one in _truth(range(6)):
        for event in one.events:
            inside = (one.time_s > event.onset_s + 0.01) & (one.time_s < event.offset_s - 0.02)
            assert (one.phase[inside, event.row] > 0).all()
            apex = (one.time_s > event.apex_s) & (one.time_s < event.fall_s - 0.02)
            assert (one.phase[apex, event.row] == 2).all()


def test_phases_of_a_curve() -> None:
    curve = np.array([0, 0.05, 1, 3, 4, 4, 3, 1, 0.1, 0, 0, 0.4, 0.4, 0])
    assert phases_of(curve).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 0, -1, -1, 0]


def test_shut_lids_hide_what_is_behind() -> None:
    one = _truth(range(1))[0]
    shut = dataclasses.replace(one, units=np.full_like(one.units, 4)).visible()
    assert (shut[:, :, ROW[5]] == 0).all() and (shut[:, :, ROW[7]] == 2).all()


def test_lips_part_with_the_jaw() -> None:
    units = np.zeros((6, 2, 22), np.float32)
    units[:, :, ROW[26]] = np.arange(6)[:, None]
    gaps = np.zeros(22)
    gaps[ROW[26]] = 0.4
    found = parted(shares_of(units), gaps, 0.01)
    assert found[0] == 0 and (np.diff(found[:5]) > 0).all() and found[-1] == 5


def test_noise_is_learned_with_its_gain_bias_and_memory(noise: NoiseModel) -> None:
    truth = _truth(range(20, 24))
    for one in truth:
        said = regressors(one.visible(), one.pose, one.gaze) @ noise.response
        smile = one.visible()[:, :, ROW[12]].max(axis=1)
        assert np.abs(said[:, ROW[12]] - smile - BIAS).mean() < 0.3
    left = noise.left_over(np.random.default_rng(0), 4, 600, 30)[..., :22]
    left = left - left.mean(axis=1, keepdims=True)
    memory = (left[:, 1:] * left[:, :-1]).mean() / (left**2).mean()
    # Slow changes are left to persons and gains: a little of both is lost.
    assert 0.6 < memory < 0.85
    assert 0.7 < left.std() / (0.1 / np.sqrt(1 - 0.64)) < 1.05


def test_few_clips_do_not_unlearn_a_unit(noise: NoiseModel) -> None:
    seldom = fit([_clip(one, np.random.default_rng(0)) for one in _truth(range(1))])
    none = np.zeros((22, 2, 22), np.float32)
    each = none.copy()
    each[range(22), :, range(22)] = 4
    still = np.zeros((22, 3), np.float32)
    for model in (noise, seldom):
        rise = (
            regressors(each, still, still[:, :2]) - regressors(none, still, still[:, :2])
        ) @ model.response
        assert (np.diag(rise[:, :22]) > 2.5).all()


def test_a_simulated_face_is_seen_as_the_rendered_ones_were(noise: NoiseModel) -> None:
    truth = _truth(range(30, 31))[0]
    clip = as_clip(noise, truth, np.random.default_rng(0))
    assert clip.rows.shape == (len(truth.units), SIZE) and np.isfinite(clip.rows[:, :22]).all()
    smile = clip.shown[:, :, ROW[12]].max(axis=1)
    assert np.abs(clip.rows[:, ROW[12]] - smile).mean() < 0.6
    assert clip.shown[:, :, ROW[25]].shape == (len(truth.units), 2)


def test_answers_stay_within_their_limits() -> None:
    rows = np.full((2, SIZE), -9, np.float32)
    rows[1] = 9
    found, where = within_limits(rows), places()
    assert found[0, :22].max() == 0 and found[1, :22].max() == 5
    assert np.isnan(found[0, where["gaze"]]).all() and np.isfinite(found[1, where["gaze"]]).all()


def test_batches_are_on_the_grid_that_runs() -> None:
    random = np.random.default_rng(3)
    for _ in range(8):
        taken = frames(random)
        rows = random.normal(0, 1, (1, len(taken), SIZE)).astype(np.float32)
        found = on_grid(rows, taken[None])[0]
        grid = Grid()
        expected = np.concatenate(
            [grid.push(at / RATE, rows[0, at]) for at in np.flatnonzero(taken)]
        )
        np.testing.assert_allclose(found[: len(expected)], expected[:STEPS], atol=1e-4)
        assert np.isnan(found[len(expected) :]).all()


def test_a_batch_says_what_is_true_and_what_is_unknown(noise: NoiseModel, seen: Photos) -> None:
    batches = TemporalBatches(
        Truth(_truth(range(4)), noise), PhotoScenes(seen, noise), Mix(6, 2), seed=0
    )
    batch, again = batches(5), batches(5)
    assert all(torch.equal(batch[k].nan_to_num(), again[k].nan_to_num()) for k in batch)
    assert batch["values"].shape == (6, STEPS, SIZE) and torch.isfinite(batch["values"]).all()
    assert batch["known"].shape == (6, STEPS, len(GROUPS))
    assert torch.isfinite(batch["acts"][:4]).all() and batch["acts"][4:].isnan().all()
    assert batch["expression"][:4].isnan().all()
    torch.testing.assert_close(batch["expression"][4:].sum(2), torch.ones(2, STEPS))
    assert int(batch["phase"].min()) >= UNJUDGED and int(batch["phase"].max()) <= 3


def test_a_loss_compares_with_the_moment_that_is_answered_for(noise: NoiseModel) -> None:
    batch = {
        "seen": torch.ones(1, 40),
        "smooth": torch.arange(40.0).reshape(1, 40, 1).expand(1, 40, 22) / 10,
        "velocity": torch.zeros(1, 40, 22),
        "phase": torch.zeros(1, 40, 22, dtype=torch.long),
        "acts": torch.zeros(1, 40, 4),
        "expression": torch.full((1, 40, 7), torch.nan),
    }
    late = torch.cat([torch.zeros(1, 3, 22), batch["smooth"][:, :-3]], dim=1)
    rest = [
        torch.zeros(1, 40, 22),
        torch.zeros(1, 40, 22, 4),
        torch.zeros(1, 40, 4),
        torch.zeros(1, 40, 7),
    ]
    assert float(temporal.losses_of([late, *rest], batch, 3)["smooth"]) == 0
    assert float(temporal.losses_of([late, *rest], batch, 0)["smooth"]) > 0
    assert float(temporal.losses_of([late, *rest], batch, 0)["expression"]) == 0


def _settings(folder: Path) -> Settings:
    return Settings(
        data=folder,
        shards=folder,
        photos=None,
        out=folder / "run",
        minutes=1.0,
        steps=12,
        seed=0,
        batch=4,
        threads=1,
        limit=2,
        validation=0,
        validate_every_s=1e9,
        resume=False,
        start=None,
        publish=None,
        command="python -m facekit.train temporal",
    )


def test_a_run_learns_and_what_it_publishes_runs(
    tmp_path: Path, noise: NoiseModel, seen: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal, "learned", lambda settings: (noise, seen))
    monkeypatch.setattr(weights, "identity", lambda name: "0" * 64)
    trainer = temporal.make_trainer(_settings(tmp_path), "lookahead")
    before = trainer.task.validate(trainer.network)["score"]
    trainer.run()
    assert trainer.best < before
    again = Trainer(trainer.network, trainer.task, Plan(1.0, 12), tmp_path / "run" / "lookahead")
    assert again.resume() and again.step == 12
    temporal.publish_best(_settings(tmp_path), "lookahead", tmp_path / "weights")
    monkeypatch.setenv(weights.ENVIRONMENT, str(tmp_path / "weights"))
    shipped = load_network("lookahead")
    assert shipped.delay == temporal.DELAY and not shipped.appearance
    stage = TemporalStage("lookahead", shipped)
    random = np.random.default_rng(0)
    ready = [answer for n in range(40) for answer in stage.push(0, n / 30, face(random))]
    assert len(ready) + len(stage.flush(0)) == 40
