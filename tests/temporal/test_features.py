import numpy as np

from facekit.facs import SIDED
from facekit.temporal.features import GROUPS, SIZE, features_of, geometry, known_groups, places
from facekit.types import Landmarks
from tests.conftest import ROOT
from tests.temporal.builders import face

STILLS = ROOT / "tests" / "data" / "stills.npz"


def test_every_number_has_its_place() -> None:
    given = face(np.random.default_rng(0))
    row, where = features_of(given), places()
    assert row.shape == (SIZE,) and [*where] == [group.name for group in GROUPS]
    assert given.action_units is not None and given.gaze is not None
    np.testing.assert_array_equal(row[where["feature"]], given.action_units.feature)
    units = row[where["units"]]
    np.testing.assert_array_equal(units[:22], given.action_units.intensity)
    np.testing.assert_allclose(units[22:-22], given.action_units.intensity[list(SIDED)] / 2)
    assert row[where["left_open"]] == np.float32(given.gaze.left_open)
    assert np.isnan(row[where["interval"]]).all() and np.isfinite(row[:-1]).all()


def test_what_was_not_run_is_missing() -> None:
    random = np.random.default_rng(0)
    row = features_of(face(random, units=False, gaze=False, landmarks=False))
    known = dict(zip(places(), known_groups(row).tolist(), strict=True))
    assert [name for name, there in known.items() if there] == ["pose"]


def _still(name: str) -> np.ndarray:
    with np.load(STILLS) as file:
        flat = file["points"][file["name"].tolist().index(name)]
    # The stills tell no depth: that of any face does for the crop.
    depth = -0.3 * np.hypot(*(flat - flat.mean(0)).T)
    return geometry(Landmarks(np.column_stack([flat, -depth]).astype(np.float32)))


def test_geometry_sees_lids_brows_and_lips() -> None:
    front = _still("front")
    closed, smile, brow = _still("eyes_closed"), _still("smile"), _still("left_brow")
    assert (closed[:2] < 0.7 * front[:2]).all()  # lids
    assert brow[4] > 1.1 * front[4] and abs(brow[5] / front[5] - 1) < 0.05  # outer brows
    assert smile[7] > 1.05 * front[7]  # width of the mouth
    assert (smile[10:12] < front[10:12]).all()  # corners rise
    np.testing.assert_allclose(front[[0, 2, 4]], front[[1, 3, 5]], atol=0.01)  # symmetric


def test_no_face_has_no_geometry() -> None:
    assert np.isnan(geometry(Landmarks(np.zeros((478, 3), np.float32)))).all()
