from collections.abc import Mapping

import numpy as np
import pytest
import torch

from facekit.bench.material import average_face
from facekit.estimate.action_units import ActionUnitEstimator, points_in, unit_square
from facekit.estimate.crops import SIZE
from facekit.facs import ACTION_UNITS, SIDED
from facekit.geometry import apply, rotation
from facekit.network.action_units import ActionUnitNetwork
from facekit.options import PipelineOptions
from facekit.pipeline import Pipeline
from facekit.runtime.device import choose
from facekit.runtime.weights import Manifest, load_manifest
from facekit.types import Floats, Frame, Image, Landmarks

# Eye corners, bridge and root of the nose; the rest of the head is filled with noise around them.
STEADY = {
    33: (-45.8, 2.8, -7.9),
    133: (-17.3, 4.4, -14.5),
    362: (17.3, 4.4, -14.5),
    263: (45.8, 2.8, -7.9),
    9: (0.0, -19.3, -32.0),
    168: (0.0, -1.1, -31.6),
    6: (0.0, 6.6, -37.0),
    197: (0.0, 13.4, -41.9),
    2: (0.0, 47.7, -40.9),
}
# Every landmark's mirror image, for those whose places matter here.
PAIRS = ((33, 263), (133, 362))


def _mirror() -> list[int]:
    mirror = list(range(478))
    for one, other in PAIRS:
        mirror[one], mirror[other] = other, one
    return mirror


def _head(px_per_mm: float = 1.0, turn: tuple[float, float, float] = (0, 0, 0)) -> Floats:
    """(478, 3) landmarks of a head in the middle of a 300 px picture."""
    head = np.random.default_rng(0).uniform(-60, 60, (478, 3))
    for number, place in STEADY.items():
        head[number] = place
    return (px_per_mm * head @ rotation(*turn).T + [150, 150, 0]).astype(np.float32)


def _picture() -> Image:
    return np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)


class _Untrained:
    """A small network that was never trained, in the place of the shipped one."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        network = ActionUnitNetwork(_mirror(), stem=(8, 8), widths=(8, 8), hidden=(8, 8))
        # As if it were trained: scores that differ from face to face.
        for name, value in network.named_parameters():
            if name.endswith("out.weight"):
                torch.nn.init.normal_(value, std=20.0)
        self._network = network.eval()

    def run(self, inputs: Mapping[str, Floats]) -> tuple[Floats, ...]:
        with torch.inference_mode():
            image, points = (torch.from_numpy(inputs[name]) for name in ("image", "points"))
            return tuple(output.numpy() for output in self._network(image, points))


@pytest.fixture(autouse=True)
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _Untrained()
    monkeypatch.setattr("facekit.estimate.action_units.load", lambda name, device: network)


@pytest.fixture
def estimator() -> ActionUnitEstimator:
    return ActionUnitEstimator(choose("cpu"))


def test_the_square_shows_190_mm_upright_whatever_the_turn() -> None:
    for turn in ((0, 0, 0), (35, 0, 0), (80, 10, 0), (0, -25, 30), (-50, 15, -120)):
        square = unit_square(_head(0.8, turn))
        assert square is not None
        assert square.side == pytest.approx(0.8 * 190, rel=1e-3)
        if abs(turn[0]) < 1:
            assert square.roll_deg == pytest.approx(turn[2], abs=1)


def test_the_eyes_are_a_third_of_the_way_down_in_the_middle() -> None:
    head = _head(turn=(0, 0, 25))
    square = unit_square(head)
    assert square is not None
    eyes = points_in(head, square)[[33, 133, 362, 263]].mean(axis=0)
    assert eyes == pytest.approx([0, 0.34 - 0.5], abs=1e-3)
    pixels = apply(square.matrix(), head[:, :2])
    assert points_in(head, square) == pytest.approx((pixels - (SIZE - 1) / 2) / SIZE, abs=1e-6)


def test_a_mirrored_face_has_a_mirrored_square() -> None:
    head = _head(turn=(20, 10, 15))
    mirrored = head[_mirror()] * [-1, 1, 1] + [299, 0, 0]
    one, other = unit_square(head), unit_square(mirrored.astype(np.float32))
    assert one is not None and other is not None
    assert other.centre == pytest.approx([299 - one.centre[0], one.centre[1]], abs=1e-3)
    assert other.side == pytest.approx(one.side, rel=1e-5)
    assert other.roll_deg == pytest.approx(-one.roll_deg, abs=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_that_are_no_face_have_no_square(bad: float) -> None:
    head = _head()
    head[400, 1] = bad
    assert unit_square(head) is None
    assert unit_square(np.full((478, 3), 7, np.float32)) is None


def test_no_face_no_units(estimator: ActionUnitEstimator) -> None:
    assert estimator.estimate(_picture(), []) == []
    lost = Landmarks(np.full((478, 3), np.nan, np.float32))
    assert estimator.estimate(_picture(), [None, lost]) == [None, None]


def test_faces_are_measured_one_like_all_and_keep_their_places(
    estimator: ActionUnitEstimator,
) -> None:
    heads = [Landmarks(_head(scale)) for scale in (1.0, 0.08, 1.4)]
    found = estimator.estimate(_picture(), [heads[0], None, heads[1], heads[2]])
    assert found[1] is None
    for head, units in zip(heads, (found[0], found[2], found[3]), strict=True):
        (alone,) = estimator.estimate(_picture(), [head])
        assert alone is not None and units is not None
        assert units.intensity == pytest.approx(alone.intensity, abs=1e-4)
        assert units.feature.shape == (64,)
        assert np.isfinite(units.intensity).all() and (units.sd > 0).all()
        sided = np.isin(np.arange(len(ACTION_UNITS)), SIDED)
        assert np.array_equal(np.isfinite(units.left), sided)
        assert np.array_equal(np.isfinite(units.right), sided)


def test_a_face_half_outside_the_frame_is_measured(estimator: ActionUnitEstimator) -> None:
    outside = _head() - np.array([170, 0, 0], np.float32)
    (units,) = estimator.estimate(_picture(), [Landmarks(outside)])
    assert units is not None and np.isfinite(units.intensity).all()


def test_a_mirrored_picture_swaps_left_and_right(estimator: ActionUnitEstimator) -> None:
    head, picture = _head(turn=(10, 5, 8)), _picture()
    mirrored = (head[_mirror()] * [-1, 1, 1] + [299, 0, 0]).astype(np.float32)
    (one,) = estimator.estimate(picture, [Landmarks(head)])
    (other,) = estimator.estimate(np.ascontiguousarray(picture[:, ::-1]), [Landmarks(mirrored)])
    assert one is not None and other is not None
    # What is left is the rounding of warped pixels to whole gray levels.
    assert other.left == pytest.approx(one.right, abs=0.1, nan_ok=True)
    assert other.right == pytest.approx(one.left, abs=0.1, nan_ok=True)
    assert other.intensity == pytest.approx(one.intensity, abs=0.1)
    assert np.nanmax(np.abs(one.left - one.right)) > 0.2


def test_the_pipeline_measures_units_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load_manifest()
    newer = Manifest({"action_units": manifest.network("landmarks"), **manifest.networks}, {})
    monkeypatch.setattr("facekit.runtime.weights.load_manifest", lambda: newer)
    frame = Frame(0, float("nan"), average_face())
    pipeline = Pipeline(PipelineOptions(device="cpu"))
    (face,) = pipeline.process(frame)
    assert face.action_units is not None
    assert pipeline.networks["au"] == ("action_units",)
    assert "AU12_asym" in [column.name for column in pipeline.columns()]

    silent = Pipeline(PipelineOptions(device="cpu", action_units="none"))
    assert silent.process(frame)[0].action_units is None
    assert "au" not in silent.networks
    assert "au" not in {column.group for column in silent.columns()}


def test_a_folder_of_weights_without_the_network_leaves_the_units_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = load_manifest()
    networks = {name: e for name, e in manifest.networks.items() if name != "action_units"}
    older = Manifest(networks, manifest.optional)
    monkeypatch.setattr("facekit.runtime.weights.load_manifest", lambda: older)
    pipeline = Pipeline(PipelineOptions(device="cpu"))
    assert "au" not in {column.group for column in pipeline.columns()}
    (face,) = pipeline.process(Frame(0, float("nan"), average_face()))
    assert face.action_units is None
