import numpy as np
import pytest
import torch
from torch import Tensor

from facekit.estimate.eye_crops import HEIGHT, WIDTH
from facekit.network.gaze import POINTS, GazeNetwork

SIDES = torch.tensor([-1.0, 1.0])


def _inputs(count: int = 3) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(0)
    eyes = random.uniform(0, 255, (count, 2, HEIGHT, WIDTH)).astype(np.float32)
    head = random.normal(0, 20, (count, 3)).astype(np.float32)
    return torch.from_numpy(eyes), torch.from_numpy(head)


def _network() -> GazeNetwork:
    torch.manual_seed(0)
    return GazeNetwork().eval()


def test_shapes() -> None:
    gaze, log_sd, each, opened, hidden, points = _network()(*_inputs(3))
    assert gaze.shape == log_sd.shape == (3, 2)
    assert each.shape == (3, 2, 2)
    assert opened.shape == hidden.shape == (3, 2)
    assert points.shape == (3, 2, POINTS, 2)


def test_a_mirrored_face_gives_exactly_the_mirrored_answer() -> None:
    network = _network()
    eyes, head = _inputs()
    mirrored = torch.stack([eyes[:, 1].flip(2), eyes[:, 0].flip(2)], dim=1)
    plain = network(eyes, head)
    other = network(mirrored, head * torch.tensor([-1.0, 1.0, -1.0]))
    with torch.no_grad():
        for one, two in (
            (plain[0], other[0] * SIDES),
            (plain[1], other[1]),
            (plain[2], other[2].flip(1) * SIDES),
            (plain[3], other[3].flip(1)),
            (plain[4], other[4].flip(1)),
            (plain[5], other[5].flip(1) * SIDES),
        ):
            torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_brightness_and_contrast_of_an_eye_barely_matter() -> None:
    network = _network()
    eyes, head = _inputs()
    with torch.no_grad():
        plain, other = network(eyes, head)[0], network(eyes * 0.5 + 60, head)[0]
        swapped = network(eyes.flip(1), head)[0]
    assert float((plain - other).abs().max()) < 0.1 * float((plain - swapped).abs().max())


def test_the_surer_eye_counts_more_and_a_shut_one_next_to_nothing() -> None:
    network = _network()
    heads = {
        "look": torch.tensor([[[1.0, 0, -2, -2], [-1.0, 0, 0, 0]]]),
        "iris": torch.tensor([[[1.0, 0, -2, -2], [-1.0, 0, 0, 0]]]),
        "both": torch.zeros(1, 4),
        "lids": torch.tensor([[[8.0, -8.0], [8.0, -8.0]]]),
    }
    surer = float(network.combined(heads)[0, 0])
    assert surer == pytest.approx(0.5 * np.tanh(1.0), abs=1e-3)
    heads["lids"] = torch.tensor([[[-8.0, -8.0], [8.0, -8.0]]])
    assert float(network.combined(heads)[0, 0]) == pytest.approx(-0.5, abs=0.02)
