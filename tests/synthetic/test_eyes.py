from pathlib import Path

import numpy as np
import pytest

from facekit.geometry import gaze_angles
from facekit.synthetic import eye_sampling, eye_shards
from facekit.synthetic.eye_sampling import look, random_session
from facekit.synthetic.eye_truth import EYE_POINTS
from facekit.synthetic.eyes import STRIP, EyeSample, EyeStudio, Wearer

STRAIGHT = np.zeros(3)


@pytest.fixture(scope="module")
def studio(data: Path) -> EyeStudio:
    return EyeStudio(data, "train", steady=1, glasses=0)


def _seen(
    studio: EyeStudio, wearer: Wearer, gaze: tuple[float, float], lids: dict[str, float]
) -> EyeSample:
    moment = look(wearer.session, STRAIGHT, np.array(gaze), lids)
    return studio.portrait(wearer, moment, np.random.default_rng(0), 240, 60.0, sharper=1.0)


@pytest.fixture(scope="module")
def wearer(studio: EyeStudio) -> Wearer:
    return studio.wearer(np.random.default_rng(3))


def test_a_strip_is_level_and_holds_both_eyes(studio: EyeStudio, wearer: Wearer) -> None:
    for seed in range(4):
        sample = studio.strip(wearer, np.random.default_rng(seed))
        assert sample.image.shape == (STRIP[1], STRIP[0], 3)
        centres = sample.points[EYE_POINTS[:, 8]]
        assert ((centres > 10) & (centres < np.array(STRIP) - 10)).all()
        corners = sample.points[EYE_POINTS[:, :2]].mean(axis=1)
        across = corners[0] - corners[1]
        assert across[0] > 20
        assert abs(np.degrees(np.arctan2(across[1], across[0]))) < 6


def test_the_iris_goes_where_the_eye_looks(studio: EyeStudio, wearer: Wearer) -> None:
    ahead, aside = _seen(studio, wearer, (0, 0), {}), _seen(studio, wearer, (20, 0), {})
    raised = _seen(studio, wearer, (0, 15), {})
    iris = EYE_POINTS[:, 8]
    right = (aside.points - ahead.points)[iris]
    assert (right[:, 0] > 3).all()
    assert np.abs(right[:, 1]).max() < 1
    assert ((raised.points - ahead.points)[iris][:, 1] < -2).all()
    assert gaze_angles(aside.optical) - gaze_angles(ahead.optical) == pytest.approx(
        np.array([[20, 0], [20, 0]]), abs=0.5
    )


def test_optical_axes_lie_outside_of_the_lines_of_sight(studio: EyeStudio, wearer: Wearer) -> None:
    sample = _seen(studio, wearer, (0, 0), {})
    apart = gaze_angles(sample.optical) - gaze_angles(sample.sight)
    assert apart == pytest.approx(wearer.session.kappa, abs=0.1)
    assert apart[0, 0] > 0 > apart[1, 0]


def test_openness_follows_the_lids_and_not_the_gaze(studio: EyeStudio, wearer: Wearer) -> None:
    shut = {"eyeBlink_L": 1.0, "eyeBlink_R": 1.0}
    assert _seen(studio, wearer, (0, 0), {"eyeWide_L": 1, "eyeWide_R": 1}).open.min() > 0.7
    closed = _seen(studio, wearer, (10, 0), shut)
    assert closed.open.max() < 0.3
    assert gaze_angles(closed.sight)[:, 0].mean() == pytest.approx(10, abs=0.1)
    wink = _seen(studio, wearer, (0, 0), {"eyeBlink_L": 1.0, "eyeWide_R": 1.0})
    assert wink.open[0] < 0.3 < wink.open[1]


def test_the_far_eye_of_a_turned_head_is_hidden_by_the_nose(
    studio: EyeStudio, wearer: Wearer
) -> None:
    moment = look(wearer.session, np.array([75.0, 0, 0]), np.zeros(2), {})
    sample = studio.portrait(wearer, moment, np.random.default_rng(0), 240, 60.0, sharper=1.0)
    assert sample.hidden[0] > 0.5  # the nose points to image right: the left eye is behind it
    assert sample.hidden[1] < 0.5


def test_a_session_keeps_its_pose_and_light() -> None:
    random = np.random.default_rng(0)
    session = random_session(random, steady_share=1)
    poses = np.array([eye_sampling.random_moment(random, session).pose for _ in range(40)])
    assert poses.std(axis=0).max() < 10
    loose = random_session(random, steady_share=0)
    poses = np.array([eye_sampling.random_moment(random, loose).pose for _ in range(40)])
    assert poses[:, 0].std() > 10


def test_a_shard_set_is_the_same_again_and_is_resumed(data: Path, tmp_path: Path) -> None:
    plan = eye_shards.EyePlan(data, "val", count=5, seed=4, shard=3)
    assert len(list(eye_shards.write(plan, tmp_path))) == 2
    first = eye_shards.read(tmp_path)
    (tmp_path / "00001.truth.npz").unlink()
    assert [path.name for path in eye_shards.write(plan, tmp_path)] == ["00001.truth.npz"]
    again = eye_shards.read(tmp_path)
    assert len(again) == 5
    assert (again.images == first.images).all()
    assert (again.truth["optical"] == first.truth["optical"]).all()
