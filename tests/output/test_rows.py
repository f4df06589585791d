from dataclasses import replace

import numpy as np
import pytest

from facekit.columns import columns
from facekit.estimate.ibug import IBUG_68, IBUG_PARTS, subset68
from facekit.facs import ACTION_UNITS, SIDED
from facekit.output.rows import Row, rows
from facekit.types import ActionUnits, Face, Frame, Gaze, HeadPose, Landmarks
from tests.output.builders import NAN, face, frame, mesh

WITHOUT_FACE: tuple[None, ...] = (None,) * 5


@pytest.mark.parametrize(
    ("picture", "faces", "images", "expected"),
    [
        pytest.param(
            frame(7, 0.25), [], False, [(7, 0.25, None, "no_face", *WITHOUT_FACE)], id="no face"
        ),
        pytest.param(
            frame(7, 0.25),
            [face(3, (1.5, 2.25, 30, 40), 0.75)],
            False,
            [(7, 0.25, 3, "ok", 0.75, 1.5, 2.25, 30.0, 40.0)],
            id="one face",
        ),
        pytest.param(
            frame(),
            [face(2), face(0, status="low_quality"), face(1)],
            False,
            [
                (0, 0.0, 0, "low_quality", 0.5, 1.0, 2.0, 3.0, 4.0),
                (0, 0.0, 1, "ok", 0.5, 1.0, 2.0, 3.0, 4.0),
                (0, 0.0, 2, "ok", 0.5, 1.0, 2.0, 3.0, 4.0),
            ],
            id="order of track",
        ),
        pytest.param(
            frame(4, NAN, "b, c.png"),
            [face(None, (9, 2, 3, 4)), face(None, (-5, 2, 3, 4))],
            True,
            [
                (4, "b, c.png", None, None, "ok", 0.5, -5.0, 2.0, 3.0, 4.0),
                (4, "b, c.png", None, None, "ok", 0.5, 9.0, 2.0, 3.0, 4.0),
            ],
            id="images: by left edge, no time",
        ),
        pytest.param(
            frame(4, NAN, "d.png"),
            [],
            True,
            [(4, "d.png", None, None, "no_face", *WITHOUT_FACE)],
            id="image without face",
        ),
        pytest.param(
            frame(),
            [face(0, (NAN, 2, float("inf"), 4), NAN)],
            False,
            [(0, 0.0, 0, "ok", None, None, 2.0, None, 4.0)],
            id="not finite is missing",
        ),
    ],
)
def test_rows(picture: Frame, faces: list[Face], images: bool, expected: list[Row]) -> None:
    assert rows(picture, faces, columns(images=images)) == expected


def test_landmarks_follow_their_columns() -> None:
    points = mesh()
    points[5, 1] = np.nan
    table = columns(["landmarks68", "landmarks478"])
    found, without = rows(frame(), [face(0, points=points), face(1)], table)
    names = [column.name for column in table]
    row = dict(zip(names, found, strict=True))
    assert (row["x_30"], row["y_30"]) == (points[4, 0], points[4, 1])  # the tip of the nose
    assert (row["lx_477"], row["ly_477"], row["lz_477"]) == tuple(points[477])
    assert row["ly_5"] is None
    assert row["lx_5"] == points[5, 0]
    assert without[len(columns()) :] == (None,) * (len(table) - len(columns()))
    (nobody,) = rows(frame(), [], table)
    assert len(nobody) == len(table)


def test_columns_out_of_part_of_a_group_are_refused() -> None:
    with pytest.raises(ValueError, match="whole groups"):
        rows(frame(), [face(0, points=mesh())], columns(["landmarks68"])[:-3])


def test_ibug_points_are_68_different_ones_and_the_parts_cover_them() -> None:
    assert len(set(IBUG_68.tolist())) == 68
    assert subset68(mesh()).shape == (68, 3)
    covered = [i for part, _ in IBUG_PARTS for i in range(68)[part]]
    assert covered == list(range(68))


def test_pose_and_uncertainty_follow_their_columns() -> None:
    place = np.array([10, -20, 600], np.float32)
    pose = HeadPose(12.5, -3.25, 1.5, 2.0, 2.5, 1.0, place)
    marks = Landmarks(mesh(), np.full(478, 0.5, np.float32), 0.9)
    there = Face(face(0).region, "ok", marks, pose, mesh(1))
    blind = HeadPose(1.0, 2.0, 3.0, 1.0, 1.0, 1.0, np.full(3, np.nan, np.float32))
    table = columns(["pose", "landmark_sd", "landmarks3d"])
    names = [column.name for column in table]
    found, unplaced, without = (
        dict(zip(names, row, strict=True))
        for row in rows(frame(), [there, Face(face(1).region, "ok", None, blind), face(2)], table)
    )
    assert [found[name] for name in ("yaw", "pitch", "roll")] == [12.5, -3.25, 1.5]
    assert [found[name] for name in ("yaw_sd", "pitch_sd", "roll_sd")] == [2.0, 2.5, 1.0]
    assert [found[f"head_{axis}_mm"] for axis in "xyz"] == [10, -20, 600]
    assert found["landmark_sd"] == 0.5
    assert (found["mx_477"], found["my_477"], found["mz_477"]) == tuple(mesh(1)[477])
    assert unplaced["pitch"] == 2.0
    assert unplaced["head_x_mm"] is None
    assert [without[name] for name in names[9:]] == [None] * (len(names) - 9)


def test_action_units_follow_their_columns() -> None:
    left = np.linspace(0, 2.1, 22, dtype=np.float32)
    right = left[::-1].copy()
    unsided = [row for row in range(22) if row not in SIDED]
    left[unsided] = right[unsided] = np.nan
    intensity, probability, sd = np.random.default_rng(0).random((3, 22)).astype(np.float32)
    units = ActionUnits(intensity, probability, sd, left, right, np.zeros(64, np.float32))
    there = Face(face(0).region, "ok", action_units=units)
    table = columns(["au"])
    names = [column.name for column in table]
    found, without = (
        dict(zip(names, r, strict=True)) for r in rows(frame(), [there, face(1)], table)
    )
    for row, unit in enumerate(ACTION_UNITS):
        assert found[unit.code] == intensity[row]
        assert found[f"{unit.code}_prob"] == probability[row]
        assert found[f"{unit.code}_sd"] == sd[row]
        assert (f"{unit.code}_left" in found) == unit.sided
        if unit.sided:
            assert found[f"{unit.code}_left"] == left[row]
            assert found[f"{unit.code}_right"] == right[row]
            assert found[f"{unit.code}_asym"] == left[row] - right[row]
    assert {without[name] for name in names[9:]} == {None}


def test_gaze_follows_its_columns_and_a_shut_eye_is_empty() -> None:
    left, right = np.array([0.1, -0.2, -0.97], np.float32), np.full(3, np.nan, np.float32)
    gaze = Gaze(12.5, -3.25, 2.0, 2.5, 4.0, 1.5, left, right, 0.75, 0.125)
    table = columns(["gaze"])
    names = [column.name for column in table]
    seen, without = (
        dict(zip(names, row, strict=True))
        for row in rows(frame(), [replace(face(0), gaze=gaze), face(1)], table)
    )
    angles = ("gaze_yaw", "gaze_pitch", "gaze_yaw_sd", "gaze_pitch_sd")
    assert [seen[name] for name in angles] == [12.5, -3.25, 2.0, 2.5]
    assert (seen["gaze_head_yaw"], seen["gaze_head_pitch"]) == (4.0, 1.5)
    assert [seen[f"gaze_left_{axis}"] for axis in "xyz"] == pytest.approx(left.tolist())
    assert [seen[f"gaze_right_{axis}"] for axis in "xyz"] == [None] * 3
    assert (seen["eye_open_left"], seen["eye_open_right"]) == (0.75, 0.125)
    assert {without[name] for name in names if "gaze" in name or "eye_" in name} == {None}
