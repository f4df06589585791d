"""The rules between OpenFace's numbers and facekit's, and rows there and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit.columns import columns
from facekit.errors import OptionsError, OutputError, SourceError
from facekit.facs import ACTION_UNITS
from facekit.geometry import gaze_vectors, rotation
from facekit.options import PipelineOptions
from facekit.output import open_table, read_table
from facekit.output.rows import rows
from facekit.study.contents import subjects
from facekit.study.openface import (
    COLUMNS,
    LIDS,
    ORIGIN_MM,
    gaze_from_openface,
    gaze_to_openface,
    pose_from_openface,
    pose_to_openface,
)
from facekit.study.openface_in import import_table
from facekit.study.openface_out import OpenFaceLayout, measured_with
from facekit.types import ActionUnits, Face, Floats, Gaze, HeadPose, Landmarks
from tests.output.builders import face, frame, mesh

MEASURED = columns(("pose", "gaze", "au", "landmarks68", "landmarks3d"))


def _documented_header() -> list[str]:
    """The wiki's page "Output Format", written out anew."""
    eyes = [f"eye_lmk_{a}_{i}" for a in "xyXYZ" for i in range(56)]
    face = [f"{a}_{i}" for a in "xyXYZ" for i in range(68)]
    shape = [f"p_{n}" for n in ("scale", "rx", "ry", "rz", "tx", "ty", *range(34))]
    units = "01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45".split()
    leading = "frame face_id timestamp confidence success gaze_0_x gaze_0_y gaze_0_z gaze_1_x"
    leading += " gaze_1_y gaze_1_z gaze_angle_x gaze_angle_y"
    pose = "pose_Tx pose_Ty pose_Tz pose_Rx pose_Ry pose_Rz".split()
    strong = [f"AU{u}_r" for u in units]
    present = [f"AU{u}_c" for u in (*units[:-1], "28", "45")]
    return [*leading.split(), *eyes, *pose, *face, *shape, *strong, *present]


def _measured_face(track: int | None, seed: int, closed: bool = False) -> Face:
    """A face with everything measured, numbers at random but possible."""
    random = np.random.default_rng(seed)
    yaw, pitch, roll = random.uniform(-60, 60, 3)
    place = random.uniform((-300, -200, 300), (300, 200, 900)).astype(np.float32)
    pose = HeadPose(yaw, pitch, roll, 1.0, 1.0, 1.0, place)
    look = random.uniform(-40, 40, (3, 2))
    vectors = gaze_vectors(look).astype(np.float32)
    if closed:
        look, vectors = np.full((3, 2), np.nan), np.full((3, 3), np.nan, np.float32)
    gaze_yaw, gaze_pitch = look[0].tolist()
    gaze = Gaze(gaze_yaw, gaze_pitch, 2.0, 2.0, 0.0, 0.0, vectors[1], vectors[2], 0.1, 0.2)
    count = len(ACTION_UNITS)

    def unit(high: float) -> Floats:
        return random.uniform(0, high, count).astype(np.float32)

    units = ActionUnits(unit(5), unit(1), unit(1), unit(5), unit(5), np.zeros(64, np.float32))
    seen = face(track, score=float(random.uniform(0.5, 1)))
    return replace(
        seen,
        landmarks=Landmarks(mesh(seed)),
        head_pose=pose,
        gaze=gaze,
        action_units=units,
        landmarks_mm=mesh(seed + 1),
    )


def _frames() -> list[list[Face]]:
    """Two people, nobody, closed eyes, a face badly seen."""
    bad = replace(_measured_face(1, 5), status="low_quality")
    return [
        [_measured_face(0, 1), _measured_face(3, 2)],
        [],
        [_measured_face(3, 3, closed=True)],
        [_measured_face(0, 4), bad],
    ]


def _write(folder: Path, frames: list[list[Face]]) -> tuple[Path, Path]:
    """The same faces in facekit's columns and in OpenFace's."""
    layout = OpenFaceLayout(MEASURED)
    ours, theirs = folder / "ours.parquet", folder / "theirs.csv"
    with open_table(ours, MEASURED) as own, open_table(theirs, layout.columns) as other:
        for index, faces in enumerate(frames):
            new = rows(frame(index, index / 30), faces, MEASURED)
            own.append(new)
            other.append(layout.rows(new))
        own.finish()
        other.finish()
    return ours, theirs


def test_the_columns_are_the_documented_ones_in_their_order() -> None:
    assert [column.name for column in COLUMNS] == _documented_header()
    assert len(COLUMNS) == 714


def test_a_reader_of_the_documented_header_takes_the_table(tmp_path: Path) -> None:
    """As scripts do: by name and by place, numbers everywhere, failed rows by success."""
    _, path = _write(tmp_path, _frames())
    table = pd.read_csv(path, skipinitialspace=True)
    assert table.columns.tolist() == _documented_header()
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
    assert table.frame.tolist() == [1, 1, 2, 3, 4, 4]
    assert table.face_id.tolist() == [0, 3, 0, 3, 0, 1]
    assert table.success.tolist() == [1, 1, 0, 1, 1, 0]
    assert table.confidence[2] == 0
    good = table[table.success == 1]
    assert good.loc[:, "AU01_r":"AU45_r"].notna().all().all()
    assert set(good.loc[:, "AU01_c":"AU45_c"].to_numpy().ravel()) == {0.0, 1.0}
    assert good.loc[:, "x_0":"Z_67"].notna().all().all()
    first = path.read_text(encoding="utf-8").splitlines()[1].split(",")
    assert first[:3] == ["1", "0", "0.000000"]
    assert first[-1] in ("0.0", "1.0")


def test_there_and_back_are_the_same_numbers(tmp_path: Path) -> None:
    ours, theirs = _write(tmp_path, _frames())
    assert import_table(theirs, tmp_path / "back.parquet") == 6
    before, after = read_table(ours), read_table(tmp_path / "back.parquet")
    for name in ("frame", "track", "status"):
        assert before[name].equals(after[name]), name
    digits = {column.name: column.digits or 0 for column in MEASURED}
    compared = 0
    for name in map(str, after.columns):
        if name in ("frame", "track", "status") or name.startswith("box_"):
            continue
        wanted, found = before[name].to_numpy(float), after[name].to_numpy(float)
        if name.endswith("_prob"):
            wanted = np.where(np.isnan(wanted), np.nan, wanted >= 0.5)
        # A rounding may tip over when it is done twice.
        last = 1.01 * 10.0 ** -digits[name]
        assert np.allclose(wanted, found, rtol=0, atol=last, equal_nan=True), name
        compared += 1
    assert compared == 2 + 6 + 8 + 17 + 18 + 2 * 68 + 3 * 68
    assert "AU16" not in after
    assert "yaw_sd" not in after
    assert after.box_x.isna().all()


def test_small_turns_keep_their_signs() -> None:
    """Down is pose_Rx > 0, image left pose_Ry > 0, clockwise pose_Rz > 0."""
    for angles, wanted in (
        ((0, -10, 0), (10, 0, 0)),
        ((-10, 0, 0), (0, 10, 0)),
        ((0, 0, 10), (0, 0, 10)),
    ):
        _, turn = pose_to_openface(np.array([angles], float), np.zeros((1, 3)))
        assert np.rad2deg(turn[0]) == pytest.approx(wanted)


def test_the_matrix_is_openfaces() -> None:
    """Elements as RotationHelpers.h of OpenFace composes them."""
    yaw, pitch, roll = -35.0, 20.0, 50.0
    _, turn = pose_to_openface(np.array([[yaw, pitch, roll]]), np.zeros((1, 3)))
    (s1, s2, s3), (c1, c2, c3) = np.sin(turn[0]), np.cos(turn[0])
    theirs = [
        [c2 * c3, -c2 * s3, s2],
        [c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1],
        [s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2],
    ]
    assert rotation(yaw, pitch, roll) == pytest.approx(np.array(theirs))


def test_the_head_s_place_moves_with_its_turn() -> None:
    head = np.array([[10.0, -20.0, 500.0]])
    place, _ = pose_to_openface(np.zeros((1, 3)), head)
    assert place[0] == pytest.approx(head[0] + ORIGIN_MM)
    place, turn = pose_to_openface(np.array([[0.0, 0.0, 90.0]]), head)
    # Upside to image right: the chin, below the eyes, is at image left.
    assert place[0] - head[0] == pytest.approx([-ORIGIN_MM[1], 0, ORIGIN_MM[2]])
    angles, back = pose_from_openface(place, turn)
    assert angles[0] == pytest.approx([0, 0, 90])
    assert back[0] == pytest.approx(head[0])


def test_gaze_angles_are_those_of_the_vector() -> None:
    """As a row of a real table of OpenFace states both (its mean vector, its angles)."""
    vector = np.array([-0.0249, 0.2241, -0.9668])
    angles = np.array([[np.arctan2(vector[0], -vector[2]), np.arctan2(vector[1], -vector[2])]])
    assert angles[0] == pytest.approx([-0.026, 0.228], abs=5e-4)
    yaw, pitch = gaze_from_openface(angles)[0]
    assert gaze_vectors(np.array([yaw, pitch])) == pytest.approx(
        vector / np.linalg.norm(vector), abs=1e-6
    )
    for look in ((30.0, -25.0), (-70.0, 60.0), (120.0, 10.0)):
        back = gaze_from_openface(gaze_to_openface(np.array([look])))
        assert back[0] == pytest.approx(look)


def test_the_first_eye_is_on_image_left_and_lids_are_ibug_points() -> None:
    seen = _measured_face(0, 7)
    cells = OpenFaceLayout(MEASURED).rows(rows(frame(), [seen], MEASURED))[0]
    row = dict(zip(_documented_header(), cells, strict=True))
    assert seen.gaze is not None
    assert [row[f"gaze_0_{a}"] for a in "xyz"] == seen.gaze.right.tolist()
    assert [row[f"gaze_1_{a}"] for a in "xyz"] == seen.gaze.left.tolist()
    assert (row["eye_lmk_x_8"], row["eye_lmk_y_14"]) == (row["x_36"], row["y_39"])
    assert (row["eye_lmk_X_36"], row["eye_lmk_Z_46"]) == (row["X_42"], row["Z_47"])
    assert len(LIDS) == 12 * 5
    assert row["eye_lmk_x_0"] is None


def test_what_stays_empty_and_what_is_left_out_is_said() -> None:
    layout = OpenFaceLayout(columns(("pose", "landmarks68")))
    empty, dropped = layout.notes
    for name in ("gaze_0_x", "AU01_r", "p_0 ... p_33", "X_0 ... X_67", "eye_lmk_x_0 ... "):
        assert name in empty
    assert "pose_Tx" not in empty
    assert "yaw_sd" in dropped
    described = {column.name: column for column in layout.columns}
    assert described["AU01_r"].meaning.startswith("Empty")
    assert described["x_0"].stage == "landmarks"


def test_still_images_number_their_faces_and_have_no_time() -> None:
    measured = columns(("landmarks68",), images=True)
    two = [face(None, (1, 0, 2, 2)), face(None, (5, 0, 2, 2))]
    new = rows(frame(4, float("nan"), "a.png"), two, measured)
    found = OpenFaceLayout(measured).rows(new)
    assert [row[:3] for row in found] == [(5, 0, None), (5, 1, None)]


def test_facekits_own_columns_contradict_the_format() -> None:
    for options in (
        PipelineOptions(columns=("pose",)),
        PipelineOptions(baseline="auto"),
        PipelineOptions(identity=True),
    ):
        with pytest.raises(OptionsError, match="format openface"):
            measured_with(options)
    assert measured_with(PipelineOptions(head_pose="none")).columns == ("landmarks68", "au")
    assert measured_with(PipelineOptions(landmarks="none")).columns == ()


def _text(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "of.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


HEADER = "frame, face_id, timestamp, confidence, success, gaze_0_x, gaze_0_y, gaze_0_z, gaze_1_x"
HEADER += ", gaze_1_y, gaze_1_z, gaze_angle_x, gaze_angle_y, pose_Tx, pose_Ty, pose_Tz, pose_Rx"
HEADER += ", pose_Ry, pose_Rz, p_0, AU12_r, AU45_r, AU12_c, AU28_c"
GOOD = "0, 0, -1, 0, 0, -1, 0.1, -0.2, 1, 2, 500, 0.1, -0.2, 0.3, 7, 1.5, 0.5, 1, 0"
FAILED = "0, 0, -1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2, 0, 0, 0"


@pytest.mark.parametrize("blank", [True, False])
def test_a_table_of_openface_is_read_with_and_without_blanks(tmp_path: Path, blank: bool) -> None:
    lines = [HEADER, f"1, 0, 0.000, 0.98, 1, {GOOD}", f"2, 0, 0.033, 0.00, 0, {FAILED}"]
    source = _text(tmp_path, *(line if blank else line.replace(" ", "") for line in lines))
    assert import_table(source, tmp_path / "out.csv") == 2
    table = read_table(tmp_path / "out.csv")
    good, failed = table.iloc[0], table.iloc[1]
    assert table.status.tolist() == ["ok", "no_face"]
    assert (good.frame, good.track, good.score) == (0, 0, 0.98)
    assert (good.AU12, good.AU43, good.AU12_prob, good.AU28_prob) == (1.5, 0.5, 1, 0)
    assert good.gaze_yaw == pytest.approx(np.rad2deg(0.1), abs=0.01)
    assert good.gaze_pitch > 10
    assert good.yaw > 0 > good.pitch
    assert failed[["track", "score", "yaw", "gaze_yaw", "AU12"]].isna().all()
    described = table.attrs["facekit"]
    assert described["networks"] == {} and described["options"] == {}
    assert described["source"]["kind"] == "openface"
    assert len(described["source"]["sha256"]) == 64
    version = "OpenFace 2.0 to 2.2" if blank else "OpenFace 2.2"
    assert version in described["notes"][0]
    assert "p_0" in described["notes"][1]
    meanings = {column["name"]: column["meaning"] for column in described["columns"]}
    assert "decision" in meanings["AU12_prob"]


def test_older_and_partial_tables_are_read(tmp_path: Path) -> None:
    """Without face_id and angles: those of the mean vector."""
    source = _text(
        tmp_path,
        "frame,timestamp,confidence,success,gaze_0_x,gaze_0_y,gaze_0_z,gaze_1_x,gaze_1_y,gaze_1_z",
        "0,0.0,0.9,1,0.6,0,-0.8,0.6,0,-0.8",
        "1,0.1,0.0,0,0,0,-1,0,0,-1",
    )
    import_table(source, tmp_path / "out.csv")
    table = read_table(tmp_path / "out.csv")
    assert table.frame.tolist() == [0, 1]
    assert table.gaze_yaw[0] == pytest.approx(36.87)
    assert table.status.tolist() == ["ok", "no_face"]
    assert "2.0 or earlier" in table.attrs["facekit"]["notes"][0]


def test_failed_rows_with_numbers_are_of_low_quality_and_gaps_beside_faces_go(
    tmp_path: Path,
) -> None:
    header = (
        "frame,face_id,timestamp,confidence,success,pose_Tx,pose_Ty,pose_Tz,pose_Rx,pose_Ry,pose_Rz"
    )
    source = _text(
        tmp_path,
        header,
        "1,1,0,0.9,1,1,2,500,0,0,0",
        "1,0,0,0.0,0,0,0,0,0,0,0",
        "2,0,0.1,0.4,0,1,2,400,0.1,0,0",
        "3,0,0.2,0.0,0,0,0,0,0,0,0",
        "3,1,0.2,0.0,0,0,0,0,0,0,0",
    )
    import_table(source, tmp_path / "out.csv")
    table = read_table(tmp_path / "out.csv")
    assert table.frame.tolist() == [0, 1, 2]
    assert table.status.tolist() == ["ok", "low_quality", "no_face"]
    assert table.track.tolist()[:2] == [1, 0]
    assert table.pitch[1] < -5


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,b", "1,2"], "no column frame"),
        (["face,confidence,AU01_r", "0,0.9,1"], "FaceLandmarkImg"),
        (["frame;timestamp;confidence;success", "1;0;1;1"], "no column frame"),
        (["frame,timestamp,confidence,success", "1,0,1,1", "2,0,x,1"], "'x' in line 3"),
        (["frame,timestamp,confidence,success", "1,0,1,1", ",0,1,1"], "line 3 has no frame"),
        ([""], "not an OpenFace table"),
    ],
)
def test_what_is_no_such_table_is_refused_with_the_place(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        import_table(_text(tmp_path, *lines), tmp_path / "out.csv")
    assert not list(tmp_path.glob("out*"))


def test_an_import_replaces_only_an_import(tmp_path: Path) -> None:
    source = _text(tmp_path, "frame,timestamp,confidence,success", "1,0,1,1")
    import_table(source, tmp_path / "out.csv")
    import_table(source, tmp_path / "out.csv")
    with pytest.raises(OutputError, match="not imported from OpenFace"):
        import_table(source, source)
    with pytest.raises(SourceError, match="cannot be read"):
        import_table(tmp_path / "nowhere.csv", tmp_path / "new.csv")


def test_a_table_in_openfaces_columns_is_not_taken_for_facekits_own(tmp_path: Path) -> None:
    _, path = _write(tmp_path, _frames())
    with pytest.raises(OutputError, match="no time_s.*import-openface"):
        subjects(read_table(path))
