"""The temporal network: what a face is doing, from the per-frame answers of the other networks.

A causal, dilated, residual temporal convolutional network (Lea et al., "Temporal convolutional
networks for action segmentation and detection", CVPR 2017; Bai, Kolter and Koltun, "An empirical
evaluation of generic convolutional and recurrent networks for sequence modeling", 2018).

One graph serves whole sequences and streams: what each convolution saw last comes in as a state
and goes out again, so that a sequence cut into pieces gives the same answers as in one piece.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

UNITS, PHASES, ACTS, EXPRESSIONS = 22, 4, 4, 7
"""Action units; neutral, onset, apex, offset; blink, nod, shake, speaking; expressions."""

_KERNEL = 3
_UNIT_INPUTS = 3  # intensity, its standard deviation, whether there is one
_HIGHEST = 5.0
_FARTHEST = 4.0  # standard deviations beyond which an input is an outlier


class TemporalNetwork(nn.Module):
    """Answers for every step of a fixed grid in time.

    Two parts add up: one looks at everything together; the other looks at each action unit alone,
    with the same weights for all of them, so that what it learns of frequent units holds for rare
    ones. Intensities are corrections of what came in.

    Args:
        groups: how many neighbouring inputs share a mask, group after group. The first is that of
            the action units: 22 intensities first, their 22 standard deviations last.
        appearance: number of the appearance feature's group.
        delay: the answer of a step is for this many steps earlier; 0 is causal.
        channels: width of the part that looks at everything.
        unit_channels: width of the other part.
        dilations: of the residual blocks, two convolutions each.
        bottleneck: numbers that are left of the appearance feature.
        dropout: share of channels dropped in training.
    """

    mean: Tensor
    spread: Tensor
    members: Tensor

    def __init__(
        self,
        groups: Sequence[int],
        appearance: int,
        delay: int = 0,
        channels: int = 64,
        unit_channels: int = 12,
        dilations: Sequence[int] = (1, 2, 4, 8, 16),
        bottleneck: int = 24,
        dropout: float = 0.1,
    ) -> None:
        """Make an untrained network."""
        super().__init__()
        self.delay, self.deviations = delay, groups[0] - UNITS
        first = sum(groups[:appearance])
        self.feature = slice(first, first + groups[appearance])
        inputs = sum(groups)
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        members = torch.eye(len(groups)).repeat_interleave(torch.tensor(list(groups)), dim=1)
        self.register_buffer("members", members, persistent=False)
        self.squeeze = nn.Sequential(nn.Linear(groups[appearance], bottleneck), nn.Dropout(0.2))
        rest = inputs - groups[appearance] + bottleneck + len(groups)
        self.lift = nn.Linear(rest, channels)
        self.blocks = nn.ModuleList(_Block(channels, d, dropout) for d in dilations)
        self.hidden = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Dropout(dropout))
        self.units = nn.Linear(channels, UNITS * (2 + PHASES))
        self.acts = nn.Linear(channels, ACTS)
        # Expressions are read from the step itself as well: a picture that stands still has one.
        self.look = nn.Sequential(nn.Linear(rest, channels), nn.ReLU(), nn.Dropout(0.3))
        self.expression = nn.Linear(2 * channels, EXPRESSIONS)
        self.unit_lift = nn.Conv1d(_UNIT_INPUTS, unit_channels, 1)
        self.unit_blocks = nn.ModuleList(_Block(unit_channels, d, 0.0) for d in dilations)
        self.unit_out = nn.Linear(unit_channels, 2 + PHASES)
        for layer in (self.units, self.unit_out):  # no correction yet
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.receptive_field = 1 + 2 * (_KERNEL - 1) * sum(dilations)

    @property
    def memory(self) -> int:
        """Length of the state: what all convolutions and delays keep."""
        wide, narrow = self.lift.out_features, self.unit_lift.out_channels
        kept = self.receptive_field - 1
        return kept * (wide + UNITS * narrow) + self.delay * (wide + UNITS)

    def first_state(self, count: int = 1) -> Tensor:
        """(count, memory) state before the first step."""
        return torch.zeros(count, self.memory)

    def heads(self, values: Tensor, known: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        """Raw answers, which training compares with the truth.

        Args:
            values: (n, t, inputs) in their own units; anything finite where unknown.
            known: (n, t, groups) 1 where a group of inputs was measured, 0 elsewhere.
            state: of the steps before (`first_state`).

        Returns:
            smooth (n, t, 22), velocity (n, t, 22), logits of phases (n, t, 22, 4), of acts
            (n, t, 4) and of expressions (n, t, 7); and the next state.
        """
        memory = _Memory(state)
        x = self._normal(values, known)
        joined = self._joined(x, known)
        flow = self.lift(joined).transpose(1, 2)
        for block in self.blocks:
            flow = block(flow, memory)
        flow = self.hidden(flow.transpose(1, 2))
        units = self.units(flow).unflatten(2, (UNITS, 2 + PHASES)) + self._each(x, known, memory)
        # Both are of the step that is answered for.
        look = memory.late(self.look(joined).transpose(1, 2), self.delay).transpose(1, 2)
        raw = (values[:, :, :UNITS] * known[:, :, :1]).transpose(1, 2)
        raw = memory.late(raw, self.delay).transpose(1, 2)
        return (
            raw + units[..., 0],
            units[..., 1],
            units[..., 2:],
            self.acts(flow),
            self.expression(torch.cat([flow, look], dim=2)),
            memory.next(),
        )

    def forward(self, values: Tensor, known: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        """As `heads`, with intensities within 0-5 and probabilities instead of logits."""
        smooth, velocity, phases, acts, expression, state = self.heads(values, known, state)
        return (
            smooth.clamp(0.0, _HIGHEST),
            velocity,
            phases.softmax(dim=3),
            acts.sigmoid(),
            expression.softmax(dim=2),
            state,
        )

    def _normal(self, values: Tensor, known: Tensor) -> Tensor:
        x = ((values - self.mean) / self.spread).clamp(-_FARTHEST, _FARTHEST)
        return x * (known @ self.members)

    def _joined(self, x: Tensor, known: Tensor) -> Tensor:
        first, end = self.feature.start, self.feature.stop
        squeezed = self.squeeze(x[:, :, first:end])
        return torch.cat([x[:, :, :first], squeezed, x[:, :, end:], known], dim=2)

    def _each(self, x: Tensor, known: Tensor, memory: "_Memory") -> Tensor:
        """(n, t, 22, 2 + phases) of every unit alone."""
        intensity = x[:, :, :UNITS]
        deviation = x[:, :, self.deviations : self.deviations + UNITS]
        there = known[:, :, :1].expand_as(intensity)
        alone = torch.stack([intensity, deviation, there], dim=3).permute(0, 2, 3, 1)
        flow = self.unit_lift(alone.flatten(0, 1))
        for block in self.unit_blocks:
            flow = block(flow, memory)
        out: Tensor = self.unit_out(flow.unflatten(0, (-1, UNITS)).permute(0, 3, 1, 2))
        return out


class _Memory:
    """What was seen last, handed out piece by piece and collected for the next time."""

    def __init__(self, state: Tensor) -> None:
        self._state, self._used = state, 0
        self._kept: list[Tensor] = []

    def before(self, x: Tensor, steps: int) -> Tensor:
        """(m, c, t) `x` behind the `steps` that came before it; m is a multiple of the batch."""
        size = x.shape[0] // self._state.shape[0] * x.shape[1] * steps
        piece = self._state[:, self._used : self._used + size]
        self._used += size
        seen = torch.cat([piece.reshape(x.shape[0], x.shape[1], steps), x], dim=2)
        last = seen[:, :, seen.shape[2] - steps :]
        self._kept.append(last.reshape(self._state.shape[0], size))
        return seen

    def late(self, x: Tensor, steps: int) -> Tensor:
        """(n, c, t) what `x` was `steps` earlier."""
        return self.before(x, steps)[:, :, : x.shape[2]] if steps else x

    def next(self) -> Tensor:
        """(n, memory) all pieces that were kept."""
        return torch.cat(self._kept, dim=1)


class _Block(nn.Module):
    """Two dilated causal convolutions beside a shortcut (Bai et al., figure 1b)."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, channels, _KERNEL, dilation=dilation) for _ in range(2)
        )
        self.reach = (_KERNEL - 1) * dilation
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: _Memory) -> Tensor:
        """(m, channels, t) to the same shape."""
        flow = x
        for convolution in self.convolutions:
            seen = memory.before(flow, self.reach)
            flow = self.drop(functional.relu(convolution(seen)))
        return functional.relu(x + flow)
