"""The three networks of MTCNN, and a form of them that runs faster.

Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded
convolutional networks", IEEE Signal Processing Letters 23 (2016).

The bare networks take (n, 3, height, width) float RGB values 0-255; the paper's normalisation
``(x - 127.5) / 128`` is part of the first convolution's weights. Scores are logits of "face":
the two-class softmax of the paper is the sigmoid of their difference.
"""

import torch
from torch import Tensor, nn


def _stage(inputs: int, outputs: int, kernel: int, pool: int = 0) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel), nn.PReLU(outputs)]
    if pool:
        # Rounded up, as in the Caffe that the weights were trained in.
        layers.append(nn.MaxPool2d(pool, 2, ceil_mode=True))
    return nn.Sequential(*layers)


class ProposalNetwork(nn.Module):
    """P-Net: for every 12 x 12 window, two pixels apart, is it a face, and how to move the box."""

    def __init__(self) -> None:
        """Make an untrained network."""
        super().__init__()
        self.stages = nn.Sequential(_stage(3, 10, 3, 2), _stage(10, 16, 3), _stage(16, 32, 3))
        self.head = nn.Conv2d(32, 5, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 5, h', w'): logit, offsets of left, top, right, bottom edge."""
        result: Tensor = self.head(self.stages(image))
        return result


class CropNetwork(nn.Module):
    """R-Net (24 x 24 crops) and O-Net (48 x 48 crops, which adds five points).

    Args:
        size: side of the crops, 24 or 48.
    """

    def __init__(self, size: int) -> None:
        """Make an untrained network for crops of `size` pixels."""
        super().__init__()
        if size == 24:
            stages = [_stage(3, 28, 3, 3), _stage(28, 48, 3, 3), _stage(48, 64, 2)]
            features, hidden, outputs = 576, 128, 5
        elif size == 48:
            stages = [
                _stage(3, 32, 3, 3),
                _stage(32, 64, 3, 3),
                _stage(64, 64, 3, 2),
                _stage(64, 128, 2),
            ]
            features, hidden, outputs = 1152, 256, 15
        else:
            raise ValueError(f"crops are 24 or 48 pixels wide, not {size}")
        self.stages = nn.Sequential(*stages)
        self.dense = nn.Linear(features, hidden)
        self.slope = nn.PReLU(hidden)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, crops: Tensor) -> Tensor:
        """(n, 3, size, size) -> (n, 5 or 15): logit, 4 box offsets, then 5 x and 5 y."""
        result: Tensor = self.head(self.slope(self.dense(self.stages(crops).flatten(1))))
        return result


class TileNetwork(nn.Module):
    """P-Net on a tile of a pyramid level, sampled from the frame's summed-area table.

    Args:
        network: what runs on the (1, 3, h, w) tile; P-Net by default.
    """

    def __init__(self, network: nn.Module | None = None) -> None:
        """Make an untrained network, or wrap one."""
        super().__init__()
        self.network = ProposalNetwork() if network is None else network

    def forward(
        self,
        table: Tensor,
        blocks: Tensor,
        top: Tensor,
        bottom: Tensor,
        left: Tensor,
        right: Tensor,
        row_shares: Tensor,
        column_shares: Tensor,
    ) -> Tensor:
        """The network's maps (see `ProposalNetwork`).

        Args:
            table: (r, b, 3) int32 sums in blocks of b pixels, a whole number of blocks per row.
            blocks: (k,) int64 blocks of every row that are copied.
            top: (h,) int64 number of the first block of the row where each mean begins.
            bottom: (h,) int64 the same of the row where it ends.
            left: (w,) int64 column where each mean begins, within `blocks`.
            right: (w,) int64 column where it ends.
            row_shares: (h,) float32, 1 / rows of each mean.
            column_shares: (w,) float32, 1 / columns of each mean.
        """

        def band(rows: Tensor) -> Tensor:
            places = (rows[:, None] + blocks).reshape(-1)
            return table.index_select(0, places).reshape(rows.shape[0], -1, 3)

        rows = band(bottom) - band(top)
        sums = rows.index_select(1, right) - rows.index_select(1, left)
        tile = sums.permute(2, 0, 1).float() * (row_shares[:, None] * column_shares)
        result: Tensor = self.network(tile[None])
        return result


class SquareNetwork(nn.Module):
    """R- or O-Net on square crops, sampled from the frame's summed-area table.

    Args:
        size: side of the crops, 24 or 48.
        network: what runs on the (n, 3, size, size) crops; R- or O-Net by default.
    """

    def __init__(self, size: int, network: nn.Module | None = None) -> None:
        """Make an untrained network, or wrap one."""
        super().__init__()
        self.size = size
        self.network = CropNetwork(size) if network is None else network

    def forward(self, table: Tensor, first: Tensor, last: Tensor, shares: Tensor) -> Tensor:
        """The network's rows (see `CropNetwork`).

        Args:
            table: (p, 3) int32 sums.
            first: (n, 2, size) int64 column and row (as the number of its first pixel) where
                each mean begins.
            last: (n, 2, size) int64 where it ends.
            shares: (n, 2, size) float32, 1 / columns and 1 / rows of each mean.
        """
        left, right = first[:, 0, None, :], last[:, 0, None, :]
        top, bottom = first[:, 1, :, None], last[:, 1, :, None]

        def sums(places: Tensor) -> Tensor:
            return table.index_select(0, places.reshape(-1))

        means = sums(bottom + right) - sums(bottom + left) - sums(top + right) + sums(top + left)
        crops = means.reshape(-1, self.size, self.size, 3).permute(0, 3, 1, 2).float()
        area_shares = shares[:, 1, :, None] * shares[:, 0, None, :]
        result: Tensor = self.network(crops * area_shares[:, None])
        return result


class TwoSlope(nn.Module):
    """A PReLU written as ``A x + relu(B x)`` with pointwise convolutions.

    onnxruntime keeps convolutions, ReLU and sums in its blocked layout, but leaves it for every
    PReLU, which costs more than the convolutions themselves.

    Max pooling in front of the PReLU instead of behind it leaves a quarter of the work. A falling
    slope does not commute with the maximum, but ``prelu(x) = max(x, a x)`` does: the convolution
    in front delivers both. A slope above 1 makes a minimum: that channel leaves with its sign
    turned, which the next layer undoes (`signs`). Where nothing comes twice A and B are diagonal.
    """

    def __init__(self, slope: Tensor, doubled: Tensor) -> None:
        """Make the layer.

        Args:
            slope: (c,) slopes of the PReLU for negative inputs.
            doubled: indices of the channels that come again, times their slope, after the c-th.
        """
        super().__init__()
        count = len(slope)
        self.signs = torch.where(slope > 1, -1.0, 1.0)
        linear = torch.zeros(count, count + len(doubled))
        bent = torch.zeros(count, count + len(doubled))
        rows = torch.arange(count)
        linear[rows, rows] = torch.where(slope > 1, -1.0, slope)
        bent[rows, rows] = 1 - slope
        twins = count + torch.arange(len(doubled))
        linear[doubled, doubled] = 1.0
        bent[doubled, doubled] = -1.0
        bent[doubled, twins] = 1.0
        self.matrices = linear, bent
        make = _scaling if len(doubled) == 0 else _pointwise
        self.linear, self.bent = make(linear), make(bent)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c + doubled, h, w) -> (n, c, h, w), both counts padded by `_padded`."""
        result: Tensor = self.linear(x) + torch.relu(self.bent(x))
        return result


class _BentHead(nn.Module):
    """A `TwoSlope` and the 1x1 convolution behind it, multiplied out: fewer channels to sum."""

    def __init__(self, two_slope: TwoSlope, head: nn.Conv2d) -> None:
        super().__init__()
        assert head.bias is not None
        weight = head.weight.detach()[:, :, 0, 0]
        linear, bent = (weight @ matrix for matrix in two_slope.matrices)
        self.linear = _convolution(linear[:, :, None, None], head.bias.detach())
        self.bent = _pointwise(bent)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.linear(x) + self.bent(torch.relu(x))
        return result


def fast_form(network: ProposalNetwork | CropNetwork) -> nn.Module:
    """The same function as `network`, laid out for onnxruntime (see `TwoSlope`)."""
    layers: list[nn.Module] = []
    signs = torch.ones(3)
    for stage in network.stages:
        assert isinstance(stage, nn.Sequential)
        added = _fast_stage(stage, signs)
        signs = next(layer.signs for layer in added if isinstance(layer, TwoSlope))
        layers += added
    last = layers[-1]
    if not bool((signs > 0).all()) or not isinstance(last, TwoSlope):
        raise ValueError("the last stage has a slope above 1")
    if isinstance(network, ProposalNetwork):
        return nn.Sequential(*layers[:-1], _BentHead(last, network.head))
    return nn.Sequential(*layers, nn.Flatten(1), network.dense, network.slope, network.head)


def _fast_stage(stage: nn.Sequential, signs: Tensor) -> list[nn.Module]:
    """Convolution, `TwoSlope` and pooling for one stage, in the cheaper order.

    Args:
        stage: convolution, PReLU and perhaps pooling.
        signs: (c,) signs with which the stage's input arrives.
    """
    convolution, prelu = stage[0], stage[1]
    assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
    assert isinstance(prelu, nn.PReLU)
    slope = prelu.weight.detach()
    early_pool = _pools_early(stage)
    doubled = torch.nonzero((slope < 0) & torch.tensor(early_pool))[:, 0]
    weight = convolution.weight.detach() * signs[None, :, None, None]
    bias = convolution.bias.detach()
    scale = slope[doubled]
    weight = torch.cat([weight, weight[doubled] * scale[:, None, None, None]])
    bias = torch.cat([bias, bias[doubled] * scale])
    two_slope = TwoSlope(slope, doubled)
    rest = [*stage[2:], two_slope] if early_pool else [two_slope, *stage[2:]]
    return [_convolution(weight, bias), *rest]


def _pools_early(stage: nn.Sequential) -> bool:
    """Whether pooling before the PReLU saves more products than the doubled channels add."""
    convolution, prelu = stage[0], stage[1]
    assert isinstance(convolution, nn.Conv2d) and isinstance(prelu, nn.PReLU)
    if len(stage) == 2:
        return False
    if bool((prelu.weight > 1).any()):
        return True  # a turned sign must not meet the maximum of the pooling
    count = convolution.out_channels
    falling = int((prelu.weight < 0).sum())
    per_channel = convolution.in_channels * convolution.kernel_size[0] ** 2
    added = (_padded(count + falling) - _padded(count)) * per_channel
    # Pooling leaves a quarter of the pixels to the layer's two pointwise convolutions.
    return added <= 2 * _padded(count) ** 2 * 3 / 4


def _convolution(weight: Tensor, bias: Tensor | None = None) -> nn.Conv2d:
    """A convolution with given weights, its channels padded with zeros."""
    outputs, inputs = weight.shape[:2]
    layer = nn.Conv2d(_padded(inputs), _padded(outputs), weight.shape[2], bias=bias is not None)
    layer.weight.data.zero_()
    layer.weight.data[:outputs, :inputs] = weight
    if bias is not None and layer.bias is not None:
        layer.bias.data.zero_()
        layer.bias.data[:outputs] = bias
    return layer


def _pointwise(matrix: Tensor) -> nn.Conv2d:
    return _convolution(matrix[:, :, None, None])


def _scaling(matrix: Tensor) -> nn.Conv2d:
    """A diagonal matrix as a depthwise convolution, its channels padded with zeros."""
    count = _padded(len(matrix))
    layer = nn.Conv2d(count, count, 1, groups=count, bias=False)
    layer.weight.data.zero_()
    layer.weight.data[: len(matrix), 0, 0, 0] = matrix.diagonal()
    return layer


def _padded(channels: int) -> int:
    """Whole blocks of 16 channels: with others onnxruntime leaves its blocked layout.

    The image's three channels and the head's five maps stay as they are.
    """
    return channels if channels <= 5 else -(-channels // 16) * 16
