"""``facekit draw``, ``crops`` and ``anonymise``."""

import dataclasses
import json
from pathlib import Path

import pytest

from facekit.privacy import run
from facekit.privacy.check import Findings, Likeness
from facekit.privacy.run import Report
from tests.cli.runner import Cli

CLEAN = Report(
    frames=10,
    faces_before=200,
    covered=250,
    kept=0,
    findings=Findings(1, 0, 0, None),
    damaged=False,
    warnings=(),
)


def test_draw_and_crops(cli: Cli, short_clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "short.csv"
    assert cli("extract", short_clip, "-o", table, "-q", "--action-units", "none").code == 0
    drawn = cli("draw", short_clip, table, "-o", tmp_path / "drawn.mp4")
    assert drawn.code == 0
    assert "10 frames, faces of 10 of 10 times" in drawn.err
    cut = cli("crops", short_clip, "-o", tmp_path / "crops", "--table", table, "--format", "png")
    assert cut.code == 0
    assert "10 crops of 1 tracks in 10 frames" in cut.err
    assert (tmp_path / "crops" / "crops.zip").exists()
    missing = cli("draw", short_clip, tmp_path / "no.csv", "-o", tmp_path / "b.mp4")
    assert missing.code == 3
    assert "there is no such table" in missing.err
    odd = cli("crops", short_clip, "-o", tmp_path / "crops", "--size", "111")
    assert odd.code == 2
    assert "size: 111 is not valid" in odd.err


@pytest.mark.parametrize(
    ("findings", "code", "line"),
    [
        (Findings(1, 0, 0, None), 0, "embedder not available: similarity not checked"),
        (Findings(3, 2, 2, None), 4, "faces still found: 3 (1.50%), of them where nothing"),
        (Findings(0, 0, 0, Likeness(9, 0.8, 0.4, 0.7, 1)), 4, "one person from 0.700 on: 1"),
        (Findings(0, 0, 0, Likeness(9, 0.6, 0.4, 0.7, 0)), 0, "highest 0.600, mean 0.400 of 9"),
    ],
)
def test_anonymise_says_whether_somebody_is_recognisable(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    findings: Findings,
    code: int,
    line: str,
) -> None:
    report = dataclasses.replace(CLEAN, findings=findings)
    monkeypatch.setattr(run, "anonymise", lambda *args, **named: report)
    result = cli("anonymise", "a.mp4", "-o", tmp_path / "b.mp4", "--json", tmp_path / "r.json")
    assert result.code == code
    assert line in result.out
    stored = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert stored["recognisable"] == findings.recognisable
    assert stored["faces_before"] == 200


def test_a_damaged_original_ends_with_3(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = dataclasses.replace(CLEAN, damaged=True, warnings=("from 1 s: gone",))
    monkeypatch.setattr(run, "anonymise", lambda *args, **named: report)
    result = cli("anonymise", "a.mp4", "-o", tmp_path / "b.mp4")
    assert result.code == 3
    assert "from 1 s: gone" in result.err
    missing = cli("anonymise", tmp_path / "no.mp4", "-o", tmp_path / "b.mp4", "--keep", "ann")
    assert missing.code in (2, 3)
