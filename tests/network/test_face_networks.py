import pytest
import torch

from facekit.network import build
from facekit.network.blocks import FlatHead, Residual, Trunk
from facekit.train.losses import rotation_matrix


@pytest.mark.parametrize(
    ("architecture", "shapes"),
    [
        ("landmarks.LandmarkNetwork", [(2, 478, 3), (2, 478), (2, 1)]),
        ("head_pose.HeadPoseNetwork", [(2, 6), (2, 3)]),
    ],
)
def test_outputs_have_the_stated_shapes(architecture: str, shapes: list[tuple[int, ...]]) -> None:
    network = build(architecture, {}).eval()
    outputs = network(torch.rand(2, 3, 112, 112) * 255)
    assert [tuple(output.shape) for output in outputs] == shapes


@pytest.mark.parametrize("architecture", ["landmarks.LandmarkNetwork", "head_pose.HeadPoseNetwork"])
def test_a_crop_does_not_depend_on_the_others_in_the_batch(architecture: str) -> None:
    network = build(architecture, {}).eval()
    images = torch.rand(3, 3, 112, 112) * 255
    for whole, one in zip(network(images), network(images[1:2]), strict=True):
        torch.testing.assert_close(whole[1:2], one, rtol=1e-4, atol=1e-4)


def test_head_pose_has_the_landmark_trunk_without_its_last_block() -> None:
    first = build("landmarks.LandmarkNetwork", {}).trunk
    second = build("head_pose.HeadPoseNetwork", {}).trunk
    assert isinstance(first, Trunk) and isinstance(second, Trunk)
    assert len(second) == len(first) - 1
    longer = first.state_dict()
    second.load_state_dict({name: longer[name] for name in second.state_dict()})


def test_blocks_keep_or_halve_the_map() -> None:
    x = torch.rand(2, 8, 12, 12)
    assert Residual(8, 8)(x).shape == (2, 8, 12, 12)
    assert Residual(8, 16, stride=2)(x).shape == (2, 16, 6, 6)
    assert Trunk((8, 16), (1, 1))(torch.rand(2, 3, 32, 32)).shape == (2, 16, 4, 4)
    assert FlatHead(8, 12, 4, 32, 5)(x).shape == (2, 5)


def _mirrored(rotation: torch.Tensor) -> torch.Tensor:
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    return flip @ rotation @ flip


def test_a_symmetric_network_answers_mirrored_pictures_mirrored() -> None:
    image = torch.rand(2, 3, 112, 112) * 255
    mirror = list(range(477, -1, -1))
    landmarks = build("landmarks.LandmarkNetwork", {"mirror": mirror}).eval()
    points, log_sd, presence = landmarks(image)
    other_points, other_sd, other_presence = landmarks(image.flip(3))
    expected = points[:, mirror] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(other_points, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(other_sd, log_sd[:, mirror], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(other_presence, presence, rtol=1e-4, atol=1e-4)

    pose = build("head_pose.HeadPoseNetwork", {"symmetric": True}).eval()
    six, other_six = pose(image)[0], pose(image.flip(3))[0]
    expected = _mirrored(rotation_matrix(six))
    torch.testing.assert_close(rotation_matrix(other_six), expected, rtol=1e-3, atol=1e-3)
