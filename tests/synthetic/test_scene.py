"""Promises of whole pictures; they need the project's data folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facekit.synthetic.camera import FORWARD, Camera
from facekit.synthetic.light import studio_lights
from facekit.synthetic.mesh import FACE, LEFT, RIGHT
from facekit.synthetic.people import AVERAGE, People
from facekit.synthetic.sampling import CLEAN
from facekit.synthetic.scene import Sample, Setting, Studio

SETTING = Setting(
    expression={},
    gaze=np.zeros((2, 2)),
    pose=np.zeros(3),
    direction=np.array([0.0, 0.0, 1.0]),
    distance=90.0,
    extent=0.6,
    middle=(0.5, 0.5),
    lights=studio_lights(),
)
NOSE, CHIN, FOREHEAD, RIGHT_IRIS, LEFT_IRIS = 4, 152, 10, 468, 473


def draw(studio: Studio, **changes: object) -> Sample:
    random = np.random.default_rng(0)
    return studio.sample(
        studio.people.draw(random, row=int(studio.people.rows[0])),
        random,
        replace(SETTING, **changes),  # type: ignore[arg-type]
    )


def test_a_straight_face_has_no_angles(studio: Studio) -> None:
    sample = draw(studio)
    np.testing.assert_allclose(sample.rotation, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(sample.gaze, [FORWARD, FORWARD], atol=1e-9)
    assert sample.points[RIGHT_IRIS, 0] < sample.points[LEFT_IRIS, 0]  # subject's left: image right
    assert sample.points[FOREHEAD, 1] < sample.points[CHIN, 1]


@pytest.mark.parametrize(
    ("pose", "axis", "sign"), [((30, 0, 0), 0, 1), ((-30, 0, 0), 0, -1), ((0, 20, 0), 1, -1)]
)
def test_nose_follows_yaw_and_pitch(
    studio: Studio, pose: tuple[float, float, float], axis: int, sign: int
) -> None:
    sample = draw(studio, pose=np.array(pose, float))
    eyes = sample.points[[RIGHT_IRIS, LEFT_IRIS]].mean(0)
    straight = draw(studio)
    still = straight.points[NOSE] - straight.points[[RIGHT_IRIS, LEFT_IRIS]].mean(0)
    assert np.sign((sample.points[NOSE] - eyes - still)[axis]) == sign


def test_irises_move_with_the_gaze(studio: Studio) -> None:
    sample = draw(studio, gaze=np.array([[20.0, 10.0], [20.0, 10.0]]))
    moved = sample.points[[RIGHT_IRIS, LEFT_IRIS]] - draw(studio).points[[RIGHT_IRIS, LEFT_IRIS]]
    assert (moved[:, 0] > 0).all()  # to image right
    assert sample.gaze[LEFT, 0] > 0.3 and sample.gaze[RIGHT, 1] < -0.1


def test_points_are_the_projection_of_the_points_in_space(studio: Studio) -> None:
    sample = draw(
        studio,
        pose=np.array([25.0, -10.0, 15.0]),
        direction=np.array([0.3, 0.1, 1.0]) / np.linalg.norm([0.3, 0.1, 1.0]),
    )
    np.testing.assert_allclose(sample.camera.project(sample.points_mm), sample.points, atol=1e-2)
    extent = sample.points[:468].max(0) - sample.points[:468].min(0)
    assert extent.max() == pytest.approx(0.6 * 96, abs=0.01)


def test_pixels_agree_with_points_whatever_the_supersampling(data: Path) -> None:
    # The centre of gravity of the drawn face must not move with the resolution.
    centres = []
    for factor in (1, 1.5, 2, 4):
        studio = Studio(data, "train", size=64, distribution=CLEAN, supersample=factor)
        draw(studio)
        triangle = studio._buffers.triangle
        rows, columns = np.nonzero((triangle >= 0) & (studio.model.layers[triangle] == FACE))
        centres.append((np.array([columns.mean(), rows.mean()]) + 0.5) / factor - 0.5)
    for centre in centres[:-1]:  # forgetting half a pixel would be off by 0.25
        np.testing.assert_allclose(centre, centres[-1], atol=0.05)


def test_the_far_side_of_a_profile_is_hidden(studio: Studio) -> None:
    left_cheek, right_cheek = 345, 116
    sample = draw(studio, pose=np.array([75.0, 0.0, 0.0]))  # nose to image right
    assert sample.visible[right_cheek] and not sample.visible[left_cheek]
    assert draw(studio).visible[:468].mean() > 0.9


def test_closed_eyes_hide_the_irises(studio: Studio) -> None:
    sample = draw(studio, expression={"eyeBlink_L": 1.0, "eyeBlink_R": 1.0})
    assert not sample.visible[[RIGHT_IRIS, LEFT_IRIS]].any()
    assert draw(studio).visible[[RIGHT_IRIS, LEFT_IRIS]].all()


def test_mirrored_head_has_mirrored_points(studio: Studio) -> None:
    model = studio.model
    person = replace(studio.people.average())
    named = {"mouthSmile_L": 1.0, "browOuterUp_R": 0.7}
    other = {"mouthSmile_R": 1.0, "browOuterUp_L": 0.7}
    gaze = np.array([[12.0, 5.0], [15.0, 5.0]])
    pictures = []
    for weights, eyes in ((named, gaze), (other, gaze[::-1] * [-1, 1])):
        vertices = model.posed(
            model.neutral(person.identity), model.weights_of(weights), person.eyeballs, eyes
        )
        pictures.append(model.points(vertices, person.eyeballs, eyes, 0.395))
    mirrored = pictures[1][model.point_mirror] * [-1, 1, 1]
    # The head itself is symmetric to about a millimetre.
    assert np.abs(mirrored - pictures[0]).mean() < 0.05
    assert np.abs(mirrored[468:] - pictures[0][468:]).max() < 0.05


def test_the_same_seed_gives_the_same_picture(data: Path) -> None:
    pictures = []
    for _ in range(2):
        studio = Studio(data, "val", size=64)
        random = np.random.default_rng(3)
        pictures.append(studio.sample(studio.people.draw(random), random))
    np.testing.assert_array_equal(pictures[0].image, pictures[1].image)
    np.testing.assert_array_equal(pictures[0].points, pictures[1].points)


def test_splits_share_nobody(data: Path, studio: Studio) -> None:
    rows = [set(People(data, studio.model, split).rows) for split in ("train", "val", "test")]
    assert all(rows) and not rows[0] & rows[1] and not rows[0] & rows[2] and not rows[1] & rows[2]


def test_the_average_face_is_nobody(studio: Studio) -> None:
    person = studio.people.average()
    assert person.index == AVERAGE and not person.identity.any()


def test_camera_record_is_the_optical_centre_of_an_on_axis_face(studio: Studio) -> None:
    sample = draw(studio)
    assert isinstance(sample.camera, Camera)
    eyes = sample.camera.project(sample.translation_mm[None])[0]
    np.testing.assert_allclose(eyes, [sample.camera.centre_x, sample.camera.centre_y], atol=1e-3)
