"""Grad-CAM maps of networks without training: what holds whatever was learned."""

from pathlib import Path

import numpy as np
import pytest
import torch

from facekit.errors import OptionsError, SourceError
from facekit.estimate.crops import Square
from facekit.explain import Explanation, draw, grad_cam, parse_place, read_frame, row_of
from facekit.facs import ACTION_UNITS
from facekit.network.action_units import ActionUnitNetwork
from facekit.types import ActionUnits, Face, Frame, Region
from tests.cli.runner import Cli
from tests.media import write_video


@pytest.fixture(scope="module")
def network() -> ActionUnitNetwork:
    torch.manual_seed(0)
    return ActionUnitNetwork(mirror=range(478), points=range(8)).eval()


def _picture() -> torch.Tensor:
    return torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 255


POINTS = torch.zeros(1, 478, 2)


def test_maps_are_of_the_crop_and_between_0_and_1(network: ActionUnitNetwork) -> None:
    maps = [grad_cam(network, _picture(), POINTS, row) for row in range(len(ACTION_UNITS))]
    assert {heat.shape for heat in maps} == {(112, 112)}
    assert min(heat.min() for heat in maps) == 0
    # In some units of a network without training nothing speaks for them: no map at all.
    assert {float(heat.max()) for heat in maps} <= {0, 1}
    assert np.mean([heat.max() for heat in maps]) > 0.5


def test_every_unit_is_seen_in_its_own_part_of_the_face(network: ActionUnitNetwork) -> None:
    assert grad_cam(network, _picture(), POINTS, row_of(2))[64:].max() == 0
    assert grad_cam(network, _picture(), POINTS, row_of(15))[:52].max() == 0


def test_the_mirrored_picture_has_the_mirrored_map(network: ActionUnitNetwork) -> None:
    plain = grad_cam(network, _picture(), POINTS, row_of(12))
    mirrored = grad_cam(network, _picture().flip(3), POINTS, row_of(12))
    assert mirrored[:, ::-1] == pytest.approx(plain, abs=1e-4)


def test_the_map_follows_the_picture(network: ActionUnitNetwork) -> None:
    # A map that only repeats the layer's shape would not follow the picture.
    first = grad_cam(network, _picture(), POINTS, row_of(12))
    other = grad_cam(network, _picture().flip(2), POINTS, row_of(12))
    assert np.abs(first - other).max() > 0.2


def test_no_hook_and_no_gradient_stay(network: ActionUnitNetwork) -> None:
    grad_cam(network, _picture(), POINTS, row_of(12))
    assert all(not module._forward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_places() -> None:
    assert parse_place("clip.mp4@3.5") == (Path("clip.mp4"), 3.5)
    assert parse_place("photo.jpg") == (Path("photo.jpg"), None)
    for text in ("clip.mp4@soon", "clip.mp4@-1", "clip.mp4@"):
        with pytest.raises(OptionsError, match="is no time"):
            parse_place(text)


def test_a_file_may_have_an_at_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "me@home.png"
    path.touch()
    assert parse_place(str(path)) == (path, None)


def test_the_frame_of_the_moment_is_taken_as_a_still(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, count=5)
    frame = read_frame(clip, 0.05)
    assert frame.index == 2
    assert np.isnan(frame.time_s)
    with pytest.raises(SourceError, match="no frame from 99"):
        read_frame(clip, 99)
    with pytest.raises(OptionsError, match="of which moment"):
        read_frame(clip, None)


def test_an_unknown_unit_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionsError, match="no action unit 3.*1, 2, 4"):
        row_of(3)


def test_the_drawing_shows_the_face_twice_and_glows_where_it_is_hot() -> None:
    frame = Frame(0, float("nan"), np.full((60, 80, 3), 90, np.uint8))
    units = np.full(22, 2.5, np.float32)
    record = ActionUnits(units, units, units, units, units, np.zeros(64, np.float32))
    region = Region(None, np.zeros(4, np.float32), 1.0, np.zeros((5, 2), np.float32), True)
    heat = np.zeros((112, 112), np.float32)
    heat[20:40, 20:40] = 1
    square = Square(np.array([40.0, 30.0]), 40.0, 0.0)
    picture = draw(frame, Explanation(Face(region, "ok", action_units=record), square, heat), 12)
    assert picture.shape == (448, 896, 3)
    plain, hot = picture[:, :448], picture[:, 448:]
    assert (plain[50:400, 50:400] == 90).all()
    assert (hot[200:300, 200:300] == 90).all()
    assert hot[120, 120, 0] > 150
    assert (hot[430:, :200] != 90).any()  # the caption


def test_bad_calls_are_said_before_anything_runs(cli: Cli, tmp_path: Path) -> None:
    result = cli("explain", "no.jpg", "--au", "12", "-o", tmp_path / "look.jpg")
    assert (result.code, "is no PNG" in result.err) == (2, True)
    result = cli("explain", "no.jpg", "--au", "3", "-o", tmp_path / "look.png")
    assert (result.code, "no action unit 3" in result.err) == (2, True)
    result = cli("explain", tmp_path / "no.jpg", "--au", "12", "-o", tmp_path / "look.png")
    assert result.code == 3
