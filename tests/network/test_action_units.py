import pytest
import torch
from torch import Tensor

from facekit.facs import ACTION_UNITS, SIDED
from facekit.network import build
from facekit.network.action_units import ActionUnitNetwork, whole_face

MIRROR = list(range(477, -1, -1))
NUMBERS = [unit.number for unit in ACTION_UNITS]


@pytest.fixture(scope="module")
def network() -> ActionUnitNetwork:
    torch.manual_seed(0)
    made = build("action_units.ActionUnitNetwork", {"mirror": MIRROR}).eval()
    assert isinstance(made, ActionUnitNetwork)
    return made


def _faces(count: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(count, 3, 112, 112, generator=generator) * 255
    return image, torch.rand(count, 478, 2, generator=generator) - 0.5


def test_outputs_have_the_stated_shapes_and_ranges(network: ActionUnitNetwork) -> None:
    intensity, probability, sd, sides, feature = network(*_faces())
    assert intensity.shape == probability.shape == sd.shape == (2, 22)
    assert sides.shape == (2, 2, 22)
    assert feature.shape == (2, 64)
    assert ((intensity >= 0) & (intensity <= 5)).all()
    assert ((sides >= 0) & (sides <= 5)).all()
    assert ((probability > 0) & (probability < 1)).all()
    assert (sd > 0).all()


def test_a_mirrored_face_swaps_its_sides_and_changes_nothing_else(
    network: ActionUnitNetwork,
) -> None:
    image, points = _faces()
    plain = network(image, points)
    mirrored = network(image.flip(3), points[:, MIRROR] * torch.tensor([-1.0, 1.0]))
    for one, other in zip(plain[:3], mirrored[:3], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    torch.testing.assert_close(plain[3], mirrored[3].flip(1), rtol=0, atol=1e-5)
    torch.testing.assert_close(plain[4], mirrored[4], rtol=0, atol=1e-5)
    sided = list(SIDED)
    assert (plain[3][:, 0, sided] - plain[3][:, 1, sided]).abs().min() > 1e-5


def test_units_without_sides_are_alike_on_both(network: ActionUnitNetwork) -> None:
    sides = network(*_faces())[3]
    unsided = [row for row in range(22) if row not in SIDED]
    assert torch.equal(sides[:, 0, unsided], sides[:, 1, unsided])


def test_light_contrast_and_colour_do_not_matter(network: ActionUnitNetwork) -> None:
    image, points = _faces()
    gray = (image * torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    expected = network(image, points)[0]
    dim = network(gray.expand(-1, 3, -1, -1) * 0.6 + 20, points)[0]
    torch.testing.assert_close(dim, expected, rtol=0, atol=1e-3)


def test_the_mouth_does_not_speak_for_the_brows(network: ActionUnitNetwork) -> None:
    image, points = _faces()
    other = image.clone()
    other[:, :, 98:] = other[:, :, 98:].flip(2)  # below where the light is measured
    before, after = network.scores(image, points), network.scores(other, points)
    upper = [NUMBERS.index(number) for number in (1, 2, 4, 5, 7, 43)]
    lower = [NUMBERS.index(number) for number in (15, 17, 25, 26)]
    assert (before.picture[..., upper] - after.picture[..., upper]).abs().max() < 1e-6
    assert (before.picture[..., lower] - after.picture[..., lower]).abs().max() > 1e-4


def test_a_face_does_not_depend_on_the_others_in_the_batch(network: ActionUnitNetwork) -> None:
    image, points = _faces(3)
    for whole, one in zip(network(image, points), network(image[1:2], points[1:2]), strict=True):
        torch.testing.assert_close(whole[1:2], one, rtol=1e-4, atol=1e-4)


def test_intensity_follows_its_corners_and_stays_level_beyond_them() -> None:
    network = ActionUnitNetwork(MIRROR)
    network.knots.copy_(torch.linspace(-1, 1, 24).repeat(22, 1))
    network.levels.copy_((torch.linspace(-1, 1, 24) + 1).repeat(22, 1))
    scores = torch.tensor([-9.0, -1.0, -0.31, 0.5, 1.0, 9.0])[:, None].repeat(1, 22)
    expected = torch.tensor([0.0, 0.0, 0.69, 1.5, 2.0, 2.0])[:, None].repeat(1, 22)
    torch.testing.assert_close(network.intensity(scores), expected, rtol=0, atol=1e-5)


def test_probability_is_a_half_where_a_unit_becomes_present(network: ActionUnitNetwork) -> None:
    image, points = _faces()
    intensity, probability, *_ = network(image, points)
    assert torch.equal(probability > 0.5, intensity > network.present)


def test_the_whole_face_is_the_mean_of_like_sides_and_the_stronger_of_unlike_ones() -> None:
    sides = torch.tensor([[2.0, 2.0], [4.0, 0.0], [1.0, 1.2]])
    whole = whole_face(sides[:, :, None])[:, 0]
    assert whole[0] == 2
    assert 3.99 < whole[1] <= 4
    assert 1.1 < whole[2] < 1.13
