"""The shipped action units with a baseline, a head of one's own, and a look at what they saw."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from facekit import read_table
from facekit.estimate.own_units import FEATURES, OwnHead, OwnUnit
from facekit.runtime.weights import identity, load_manifest
from tests.cli.runner import Cli

pytestmark = pytest.mark.skipif(
    "action_units" not in load_manifest().networks, reason="needs the action-unit network"
)


def _head(path: Path) -> Path:
    """A head that repeats facekit's AU04 and says .5 of AU12."""
    weights = np.zeros(FEATURES)
    weights[64 + 2] = 1
    units = [
        OwnUnit("AU04", "intensity", weights, 0.0, {}),
        OwnUnit("AU12", "presence", np.zeros(FEATURES), 0.0, {}),
    ]
    path.write_text(OwnHead(units, identity("action_units"), 20, 2).to_json())
    return path


def test_baseline_and_head_stand_beside_the_raw_numbers(
    cli: Cli, example_clip: Path, tmp_path: Path
) -> None:
    plain, both = tmp_path / "plain.csv", tmp_path / "both.csv"
    head = _head(tmp_path / "my.json")
    assert cli("extract", example_clip, "-o", plain, "--end", "0.6").code == 0
    arguments = ("extract", example_clip, "-o", both, "--end", "0.6")
    added = ("--baseline", "auto", "--au-head", head)
    assert cli(*arguments, *added).code == 0
    raw, table = read_table(plain), read_table(both)
    pd.testing.assert_frame_equal(table[list(raw.columns)], raw, check_flags=False)
    new = [name for name in table.columns if name not in raw.columns]
    assert new[:2] == ["AU01_rel", "AU02_rel"]
    assert new[22:] == ["AU04_own", "AU12_own_prob"]
    at_rest = (table["AU12"] - table["AU12_rel"]).dropna()
    assert at_rest.max() - at_rest.min() < 0.01
    assert table["AU04_own"].to_numpy() == pytest.approx(table["AU04"].to_numpy(), abs=0.002)
    assert (table["AU12_own_prob"] == 0.5).all()
    described = json.loads((tmp_path / "both.schema.json").read_text())
    (own,) = described["networks"]["au_own"]
    assert own["name"] == "my.json"
    assert "1 kept" in cli(*arguments, *added).err
    assert "other options: baseline" in cli(*arguments, "--au-head", head).err


def test_a_saved_baseline_serves_other_clips(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    saved = tmp_path / "me.json"
    result = cli("baseline", example_clip, "-o", saved, "--end", "0.5")
    assert result.code == 0, result.err
    result = cli("extract", example_clip, "-o", "-", "--end", "0.2", "--baseline", saved)
    assert result.code == 0, result.err
    rest = json.loads(saved.read_text())["intensity"]["AU12"]
    for row in map(json.loads, result.out.splitlines()):
        assert row["AU12"] - row["AU12_rel"] == pytest.approx(rest, abs=0.002)


def test_a_head_is_fitted_to_codes(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    codes = pd.DataFrame({"file": example_clip.name, "frame": range(0, 12)})
    codes["person"] = np.where(codes["frame"] < 6, "a", "b")
    codes["AU12"] = codes["frame"] % 3
    codes.to_csv(tmp_path / "labels.csv", index=False)
    result = cli(
        *("train", "au-head", "--table", tmp_path / "labels.csv"),
        *("--video-dir", example_clip.parent, "-o", tmp_path / "my.json"),
    )
    assert result.code == 0, result.err
    assert result.out.splitlines()[1].split()[:3] == ["AU12", "12", "2"]
    head = OwnHead.load(tmp_path / "my.json", identity("action_units"))
    assert head.columns == {"AU12_own"}


def test_what_it_looked_at_is_drawn(cli: Cli, example_clip: Path, tmp_path: Path) -> None:
    result = cli("explain", f"{example_clip}@0.5", "--au", "12", "-o", tmp_path / "look.png")
    assert result.code == 0, result.err
    picture = cv2.imread(str(tmp_path / "look.png"))
    assert picture is not None and picture.shape == (448, 896, 3)
    assert np.abs(picture[:, :448].astype(int) - picture[:, 448:]).max() > 60
