"""A head for a user's own codes: read, fitted, measured on people left out, saved and run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from facekit.errors import OptionsError, SourceError
from facekit.estimate.own_units import FEATURES, OwnHead, OwnUnit, features_of
from facekit.facs import ACTION_UNITS
from facekit.train.au_head import (
    FOLDS,
    Examples,
    fit_head,
    folds,
    kind_of,
    report_lines,
)
from facekit.train.au_labels import Moments, examples_of, missing_files, read_labels
from facekit.types import ActionUnits

COUNT, PEOPLE = 200, 10
UNIT_12 = [unit.number for unit in ACTION_UNITS].index(12)


def _examples(noise: float = 0.2, seed: int = 0) -> Examples:
    """Codes that a direction of the features tells; facekit's own intensity hardly does."""
    random = np.random.default_rng(seed)
    features = random.normal(0, 1, (COUNT, FEATURES))
    person = np.repeat([f"p{n}" for n in range(PEOPLE)], COUNT // PEOPLE)
    score = features[:, 3] - features[:, 7] + noise * random.normal(0, 1, COUNT)
    features[:, 64 + UNIT_12] += 0.5 * score
    return Examples(
        features, person, {"AU12": np.clip(2 + score, 0, 5), "AU04": (score > 0).astype(float)}
    )


def test_a_head_beats_the_raw_intensity_on_people_left_out() -> None:
    head, (four, twelve) = fit_head(_examples(), "net")
    assert (four.code, four.kind, four.measure) == ("AU04", "presence", "AUC")
    assert (twelve.code, twelve.kind, twelve.measure) == ("AU12", "intensity", "Pearson r")
    assert twelve.before < 0.7 < 0.9 < twelve.after
    assert 0.8 < four.after <= 1 and four.before < 0.7
    assert (head.rows, head.people, head.network) == (COUNT, PEOPLE, "net")
    assert head.columns == {"AU04_own_prob", "AU12_own"}
    fresh = _examples(seed=5)
    answers = head.units[1].read(fresh.features)
    assert np.corrcoef(answers, fresh.codes["AU12"])[0, 1] > 0.9
    share = ((head.units[0].read(fresh.features) > 0.5) == fresh.codes["AU04"]).mean()
    assert share > 0.7  # of which half is chance


def test_knowing_the_person_is_not_knowing_the_unit() -> None:
    random = np.random.default_rng(1)
    looks = random.normal(0, 1, (PEOPLE, FEATURES))
    level = np.repeat(random.uniform(0, 5, PEOPLE), COUNT // PEOPLE)
    features = np.repeat(looks, COUNT // PEOPLE, axis=0) + random.normal(0, 0.05, (COUNT, FEATURES))
    person = np.repeat(np.arange(PEOPLE), COUNT // PEOPLE)
    _, (report,) = fit_head(Examples(features, person, {"AU12": level}), "net")
    # Every picture of a person tells the code of the others; of people left out nothing does.
    assert report.after < 0.6


def test_people_are_never_split_and_folds_are_even() -> None:
    person = np.array(["a"] * 50 + ["b"] * 10 + ["c"] * 10 + ["d"] * 10 + ["e"] * 10 + ["f"] * 10)
    parts = folds(person)
    assert len(parts) == FOLDS
    assert (np.sum(parts, axis=0) == 1).all()
    for part in parts:
        assert not {*person[part]} & {*person[~part]}
    assert sorted(int(part.sum()) for part in parts) == [10, 10, 10, 20, 50]
    assert len(folds(np.array(["a", "b"]))) == 2


def test_codes_of_0_and_1_are_presence() -> None:
    assert kind_of(np.array([0.0, 1, 1])) == "presence"
    assert kind_of(np.array([0.0, 1, 2])) == "intensity"


def test_units_without_enough_codes_are_left_out_and_none_is_an_error() -> None:
    examples = _examples()
    examples.codes["AU12"][5:] = np.nan
    examples.codes["AU06"] = np.zeros(COUNT)
    head, _ = fit_head(examples, "net")
    assert [unit.code for unit in head.units] == ["AU04"]
    alone = Examples(examples.features, np.zeros(COUNT), {"AU04": examples.codes["AU04"]})
    with pytest.raises(OptionsError, match="10 codes of 2 people"):
        fit_head(alone, "net")


def _face(seed: int) -> ActionUnits:
    random = np.random.default_rng(seed)
    units = random.uniform(0, 5, 22).astype(np.float32)
    feature = random.normal(0, 1, 64).astype(np.float32)
    return ActionUnits(units, units, units, units, units, feature)


def test_a_saved_head_says_the_same(tmp_path: Path) -> None:
    head, reports = fit_head(_examples(), "net")
    (tmp_path / "h.json").write_text(head.to_json())
    loaded = OwnHead.load(tmp_path / "h.json", "net")
    face = _face(2)
    assert loaded.read(face).tolist() == head.read(face).tolist()
    assert head.read(face)[0] == pytest.approx(head.units[0].read(features_of(face)[None])[0])
    assert np.isnan(loaded.read(None)).tolist() == [True, True]
    assert loaded.units[1].held_out["after"] == round(reports[1].after, 4)
    lines = report_lines(reports)
    assert lines[0].split() == ["unit", "codes", "people", "measure", "before", "after"]
    assert lines[2].split()[:4] == ["AU12", "200", "10", "Pearson"]


def test_answers_stay_within_their_range() -> None:
    weights: NDArray[np.float64] = np.ones(FEATURES)
    many = np.array([[-9.0] * FEATURES, [9.0] * FEATURES])
    assert OwnUnit("AU12", "intensity", weights, 0, {}).read(many).tolist() == [0, 5]
    probability = OwnUnit("AU12", "presence", weights, 0, {}).read(many)
    assert probability == pytest.approx([0, 1])


def test_heads_of_other_networks_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.json"
    with pytest.raises(OptionsError, match=r"h\.json: cannot be read .*facekit train au-head"):
        OwnHead.load(path, "net")
    head, _ = fit_head(_examples(), "net")
    path.write_text(head.to_json())
    with pytest.raises(OptionsError, match="was fitted to another network"):
        OwnHead.load(path, "other")
    broken = json.loads(head.to_json())
    broken["units"][0]["weights"].pop()
    for text in ("", "{}", json.dumps(broken)):
        path.write_text(text)
        with pytest.raises(OptionsError, match=r"h\.json: is not a head"):
            OwnHead.load(path, "net")


def test_labels_in_all_their_forms(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("file,person,frame,AU12,AU4,mood\na.mp4,x,3,B,0,sad\nb.mp4,y,4,,5,\n")
    table = read_labels(path)
    assert table.columns.tolist() == ["file", "person", "frame", "AU04", "AU12"] or (
        table.columns.tolist() == ["file", "person", "frame", "AU12", "AU04"]
    )
    assert table["AU12"].tolist()[:1] == [2]
    assert np.isnan(table["AU12"][1])
    assert table["AU04"].tolist() == [0, 5]
    path.write_text("file,AU12\na.mp4,1\n")
    assert read_labels(path)["person"].tolist() == ["a.mp4"]
    (tmp_path / "a.mp4").touch()
    labels = pd.DataFrame({"file": ["a.mp4", "b.mp4", "b.mp4"]})
    assert list(missing_files(labels, tmp_path)) == ["b.mp4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("AU12\n1\n", "not every row names its file"),
        ("file,AU99\na,1\n", "has no column of an action unit.*AU01"),
        ("file,AU12\na,6\n", "'6' is no code of AU12.*A-E"),
        ("file,AU12\na,strong\n", "'strong' is no code of AU12"),
        ("file,time_s,AU12\na,soon,1\n", "'soon' is no time_s"),
        ("file,time_s,frame,AU12\na,1,1,1\n", "both frame and time_s"),
    ],
)
def test_labels_that_make_no_sense_are_shown(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(OptionsError, match=message):
        read_labels(path)


def _moments(path: Path, codes: pd.DataFrame) -> Moments:
    """Three faces, in frames 0, 2 and 4; feature i of frame n is n."""
    if path.name == "broken.mp4":
        raise SourceError("is damaged", where=path)
    frames = np.array([0, 2, 4])
    return frames, frames / 10, np.repeat(frames[:, None], FEATURES, axis=1).astype(float)


def test_codes_meet_the_faces_of_their_moment() -> None:
    table = pd.DataFrame({"file": ["a", "a", "a"], "person": "p", "AU12": [1.0, 2.0, 3.0]})
    by_frame, remarks = examples_of(table.assign(frame=[2, 3, 4]), Path("."), _moments)
    assert by_frame.features[:, 0].tolist() == [2, 4]
    assert by_frame.codes["AU12"].tolist() == [1, 3]
    assert remarks == ["a: 1 of 3 codes left out: no face there"]
    by_time, _ = examples_of(table.assign(time_s=[0.21, 0.3, 0.39]), Path("."), _moments)
    assert by_time.features[:, 0].tolist() == [2, 4]
    whole, _ = examples_of(table, Path("."), _moments)
    assert whole.features[:, 0].tolist() == [2, 2, 2]


def test_a_clip_that_cannot_be_opened_is_said_and_left_out() -> None:
    table = pd.DataFrame({"file": ["broken.mp4", "a"], "person": "p", "AU12": [1.0, 2.0]})
    examples, remarks = examples_of(table, Path("."), _moments)
    assert len(examples.features) == 1
    assert remarks == ["broken.mp4: left out: is damaged"]
    with pytest.raises(OptionsError, match=r"no coded face .* is damaged"):
        examples_of(table[:1], Path("."), _moments)
