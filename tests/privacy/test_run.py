"""A video without its face, from the file to the report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit.errors import OptionsError
from facekit.estimate import identity
from facekit.privacy import check
from facekit.privacy.check import Checker
from facekit.privacy.covers import Covers
from facekit.privacy.finding import Finder
from facekit.privacy.keep import keep
from facekit.privacy.run import AnonymiseOptions, anonymise
from facekit.runtime import weights
from facekit.runtime.device import choose
from facekit.source import VideoSource
from facekit.types import Floats, Image
from tests.output.test_film import packets

WITH_EMBEDDER = identity.NETWORK in weights.load_manifest().networks


@pytest.fixture(scope="module")
def covers(short_clip: Path) -> Covers:
    finder = Finder(choose("cpu"))
    with VideoSource(short_clip) as source:
        for frame in source:
            finder.take(frame)
    finder.close()
    return Covers(finder)


@pytest.mark.parametrize("style", ["blur", "mesh"])
def test_a_video_keeps_everything_but_its_face(
    short_clip: Path, tmp_path: Path, style: str
) -> None:
    made = tmp_path / "hidden.mp4"
    options = AnonymiseOptions(style="mesh" if style == "mesh" else "blur")
    report = anonymise(short_clip, made, options)
    assert report.frames == 10
    assert report.faces_before >= 10
    assert report.covered >= 10
    assert report.findings.uncovered == report.findings.recognisable == 0
    if style == "blur":
        assert report.findings.faces_after == 0
    assert (report.findings.likeness is not None) == WITH_EMBEDDER
    assert [t for t, _ in packets(made, "video")] == [t for t, _ in packets(short_clip, "video")]
    assert packets(made, "audio") == packets(short_clip, "audio")
    with VideoSource(short_clip) as before, VideoSource(made) as after:
        for one, other in zip(before, after, strict=True):
            difference = np.abs(one.image.astype(int) - other.image)
            assert difference[:40, :40].mean() < 4
            assert difference[160:320, 160:320].mean() > 8


class OneForAll:
    """An embedder to whom everybody is the same."""

    def __init__(self, device: object) -> None:
        pass

    def estimate(self, image: Image, points: list[Floats]) -> Floats:
        return np.full((len(points), 128), 128**-0.5, np.float32)


def compare(clip: Path, covers: Covers) -> check.Findings:
    checker = Checker(choose("cpu"), covers)
    with VideoSource(clip) as before, VideoSource(clip) as after:
        for one, other in zip(before, after, strict=True):
            checker.take(one, other)
    checker.close()
    return checker.findings()


def test_a_face_that_nothing_covers_is_told(
    short_clip: Path, covers: Covers, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Covers(Finder(choose("cpu")))
    findings = compare(short_clip, none)
    assert findings.uncovered == findings.faces_after >= 10
    assert findings.recognisable >= 10
    # Covered, but not changed: only the embedder knows that this is still the same face.
    monkeypatch.setattr(check, "IdentityEstimator", OneForAll)
    monkeypatch.setattr(identity, "NETWORK", "landmarks")
    monkeypatch.setattr(identity, "threshold", lambda: 0.5)
    findings = compare(short_clip, covers)
    assert findings.uncovered == 0
    assert findings.likeness is not None
    assert findings.likeness.highest == pytest.approx(1.0)
    assert findings.recognisable == findings.likeness.alike == findings.likeness.pairs >= 10


def write_people(path: Path, covers: Covers, people: list[int | None]) -> Path:
    """A table with a person for each frame, where the first cover of the frame is."""
    names = {0: "ann", 1: "unknown", None: None}
    rows = []
    for frame, person in enumerate(people):
        x, y, width, height = covers.at(frame)[0].box.tolist()
        rows.append((frame, frame / 25, x, y, width, height, person, names[person]))
    columns = ["frame", "time_s", "box_x", "box_y", "box_w", "box_h", "person", "person_name"]
    table = pd.DataFrame(rows, columns=columns)
    table["person"] = table["person"].astype("Int64")
    table.to_csv(path, index=False)
    return path


def test_a_person_stays_where_the_table_says_so(
    short_clip: Path, covers: Covers, tmp_path: Path
) -> None:
    said = [None, 0, None, 0, 1, 0, None, None, 0, None]
    table = write_people(tmp_path / "people.csv", covers, said)
    try:
        # The first and the last are not known, and the other is not to be seen.
        assert keep(covers, table, "ann", 10) >= 7
        assert keep(covers, table, "0", 10) >= 7
        tracks = {cover.track for cover in covers.kept_at(1)}
        kept = [i for i in range(10) if tracks & {cover.track for cover in covers.kept_at(i)}]
        assert kept == [1, 2, 3, 5, 6, 7, 8]
        for nobody in ("eve", "unknown"):
            with pytest.raises(OptionsError, match=f"has no person '{nobody}'.*It has: 0, 1, ann"):
                keep(covers, table, nobody, 10)
        with pytest.raises(OptionsError, match="has a frame 8; the video has only 5"):
            keep(covers, table, "ann", 5)
    finally:
        covers.kept[:] = False


def test_a_table_without_persons_keeps_nobody(covers: Covers, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("frame,time_s\n0,0.0\n", encoding="utf-8")
    with pytest.raises(OptionsError, match=r"has no column person.*--identity"):
        keep(covers, tmp_path / "plain.csv", "ann", 10)


def test_options_that_make_no_sense_are_refused(short_clip: Path) -> None:
    with pytest.raises(OptionsError, match="Give both --keep PERSON and --table TABLE"):
        AnonymiseOptions(keep="ann")
    with pytest.raises(OptionsError, match="min_face: 3 is not valid"):
        AnonymiseOptions(min_face=3)
    with pytest.raises(OptionsError, match="is the video itself"):
        anonymise(short_clip, short_clip)
