import numpy as np
import pytest
import torch
from torch import Tensor

from facekit.network.tcn import TemporalNetwork

GROUPS = (46, 6, 2)


def network(delay: int = 0) -> TemporalNetwork:
    torch.manual_seed(1)
    made = TemporalNetwork(GROUPS, 1, delay, channels=12, unit_channels=5, dilations=(1, 2, 4))
    for layer in (made.units, made.unit_out):
        torch.nn.init.normal_(layer.weight, std=0.3)
    return made.eval()


def sequence(steps: int) -> tuple[Tensor, Tensor]:
    values = torch.randn(1, steps, sum(GROUPS), generator=torch.Generator().manual_seed(2))
    known = (torch.rand(1, steps, 3, generator=torch.Generator().manual_seed(3)) < 0.8).float()
    return values, known


def test_shapes_and_ranges() -> None:
    made = network()
    smooth, velocity, phases, acts, expression, state = made(*sequence(9), made.first_state())
    assert smooth.shape == velocity.shape == (1, 9, 22)
    assert (smooth >= 0).all() and (smooth <= 5).all()
    assert phases.shape == (1, 9, 22, 4) and acts.shape == (1, 9, 4)
    torch.testing.assert_close(phases.sum(3), torch.ones(1, 9, 22))
    torch.testing.assert_close(expression.sum(2), torch.ones(1, 9))
    assert state.shape == made.first_state().shape == (1, made.memory)


@pytest.mark.parametrize("delay", [0, 5])
def test_a_sequence_in_pieces_gives_what_it_gives_in_one(delay: int) -> None:
    made, (values, known) = network(delay), sequence(60)
    whole = made(values, known, made.first_state())
    random = np.random.default_rng(0)
    for _ in range(5):
        state, parts, first = made.first_state(), [], 0
        while first < 60:
            end = first + int(random.integers(1, 12))
            *answers, state = made(values[:, first:end], known[:, first:end], state)
            parts.append(answers)
            first = end
        for one, pieces in zip(whole[:-1], zip(*parts, strict=True), strict=True):
            torch.testing.assert_close(torch.cat(pieces, dim=1), one, atol=1e-5, rtol=0)
        torch.testing.assert_close(state, whole[-1])


def test_nothing_later_than_its_delay_counts_and_the_receptive_field_does() -> None:
    made, (values, known) = network(5), sequence(60)
    field = made.receptive_field
    assert field == 1 + 2 * 2 * 7
    before = made(values, known, made.first_state())
    changed = values.clone()
    changed[:, 40] += 3
    known[:, 40] = 1
    after = made(changed, known, made.first_state())
    base = made(values, known, made.first_state())
    differs = (after[2] - base[2]).abs().amax((0, 2, 3)) > 1e-7
    assert not differs[:40].any() and differs[40] and not differs[40 + field :].any()
    assert before[0].shape == base[0].shape


def test_what_is_missing_is_not_read() -> None:
    made, (values, known) = network(), sequence(20)
    known[:, :, 1] = 0
    one = made(values, known, made.first_state())
    values[:, :, made.feature] = 99
    other = made(values, known, made.first_state())
    for first, second in zip(one, other, strict=True):
        torch.testing.assert_close(first, second, atol=0, rtol=0)


@pytest.mark.parametrize("delay", [0, 5])
def test_untrained_it_repeats_what_came_in(delay: int) -> None:
    torch.manual_seed(0)
    made = TemporalNetwork(GROUPS, 1, delay, channels=12).eval()
    values, known = sequence(30)
    smooth, velocity, *_ = made.heads(values, torch.ones_like(known), made.first_state())
    torch.testing.assert_close(smooth[:, delay:], values[:, : 30 - delay, :22])
    assert (smooth[:, :delay] == 0).all() and (velocity == 0).all()


def test_every_unit_is_looked_at_in_the_same_way() -> None:
    made, (values, known) = network(), sequence(30)
    torch.nn.init.zeros_(made.units.weight)
    values[:, :, 7], values[:, :, 24 + 7] = values[:, :, 3], values[:, :, 24 + 3]
    _, velocity, phases, *_ = made.heads(values, known, made.first_state())
    torch.testing.assert_close(phases[:, :, 7], phases[:, :, 3])
    assert not torch.allclose(velocity[:, :, 7], velocity[:, :, 8])


def test_the_shipped_size_sees_four_seconds() -> None:
    assert TemporalNetwork([57, 64, 24], 1).receptive_field / 30 >= 4
