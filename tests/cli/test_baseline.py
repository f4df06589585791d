"""Baselines out of tables, and the command that saves them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.personal import baseline_of_table
from facekit.temporal.baseline import QUANTILE
from tests.cli.runner import Cli


def _table() -> pd.DataFrame:
    """Track 2 rests at .5 and smiles for as long; track 7 is shorter."""
    values = np.array([0.5] * 40 + [3.0] * 40 + [1.5] * 30)
    frame = pd.DataFrame({unit.code: values for unit in ACTION_UNITS})
    track = pd.Series([2] * 80 + [7] * 30, dtype="Int64")
    return frame.assign(time_s=np.arange(len(frame)) / 10, track=track, status="ok")


def test_the_longest_track_is_taken_or_the_one_that_is_named() -> None:
    longest = baseline_of_table(_table(), "a.csv", quantile=QUANTILE)
    assert longest.intensity == pytest.approx(np.full(22, 0.5))
    assert (longest.frames, longest.source) == (80, "a.csv")
    assert baseline_of_table(_table(), "a.csv", track=7).intensity[0] == pytest.approx(1.5)


def test_too_few_faces_are_refused_with_the_tracks_there_are() -> None:
    with pytest.raises(OptionsError, match=r"0 faces .* tracks seen: 2, 7"):
        baseline_of_table(_table(), "a.csv", track=3)
    bad = _table().assign(status="low_quality")
    with pytest.raises(OptionsError, match="tracks seen: none"):
        baseline_of_table(bad, "a.csv")
    with pytest.raises(OptionsError, match=r"a\.csv: there is no column AU04"):
        baseline_of_table(_table().drop(columns="AU04"), "a.csv")


def test_still_images_are_all_of_one_person() -> None:
    table = _table().assign(time_s=np.nan)
    table["track"] = pd.Series([None] * len(table), dtype="Int64")
    assert baseline_of_table(table, "photos").frames == 110


def test_the_command_saves_a_table_s_baseline(cli: Cli, tmp_path: Path) -> None:
    _table().to_csv(tmp_path / "a.csv", index=False)
    result = cli("baseline", tmp_path / "a.csv", "-o", tmp_path / "me.json", "--end", "3.95")
    assert result.code == 0, result.err
    assert "out of 40 faces in a.csv" in result.err
    assert json.loads((tmp_path / "me.json").read_text())["intensity"]["AU12"] == 0.5
    result = cli("baseline", tmp_path / "a.csv", "-o", tmp_path / "no.json", "--track", "5")
    assert result.code == 2
    assert not (tmp_path / "no.json").exists()
