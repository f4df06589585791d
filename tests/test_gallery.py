import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from facekit.errors import OptionsError, OutputError
from facekit.gallery import Entry, Gallery


def _entry(seed: int = 0, weight: float = 1.5, faces: int = 2) -> Entry:
    vector = np.random.default_rng(seed).normal(size=8)
    return Entry(0.9 * vector / np.linalg.norm(vector), weight, faces)


def test_what_was_saved_is_read_and_only_its_owner_can(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.with_name("people.json.partial").write_text("left behind, for all to read")
    before = os.umask(0)
    try:
        gallery = Gallery("abc")
        gallery.add("Ann", _entry(1))
        gallery.add("Bob Øst", _entry(2))
        gallery.save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = Gallery.load(path, "abc")
    assert [name for name, _ in read] == ["Ann", "Bob Øst"]
    assert [known.name for known in read.known()] == ["Ann", "Bob Øst"]
    assert read.known()[0].mean == pytest.approx(_entry(1).mean, abs=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == ["people.json"]


def test_more_faces_of_a_person_weigh_as_they_are_seen() -> None:
    gallery = Gallery("abc")
    gallery.add("Ann", _entry(1, 1.0, 1))
    gallery.add("Ann", _entry(2, 3.0, 4))
    ann = dict(gallery)["Ann"]
    assert ann.mean == pytest.approx((_entry(1).mean + 3 * _entry(2).mean) / 4)
    assert (ann.weight, ann.faces) == (4.0, 5)


def test_a_person_is_forgotten(tmp_path: Path) -> None:
    gallery = Gallery("abc", {"Ann": _entry(1), "Bob": _entry(2)})
    gallery.remove("Ann")
    gallery.save(tmp_path / "g.json")
    assert list(json.loads((tmp_path / "g.json").read_text())["people"]) == ["Bob"]
    with pytest.raises(OptionsError, match="nobody is called 'Ann'. It holds: Bob"):
        gallery.remove("Ann")


@pytest.mark.parametrize("name", ["", " Ann", "a\nb", "unknown", "Unknown"])
def test_names_that_would_confuse_are_refused(name: str) -> None:
    with pytest.raises(OptionsError):
        Gallery("abc").add(name, _entry())


def test_others_are_not_galleries(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "g.json"
    with pytest.raises(OptionsError, match="cannot be read"):
        Gallery.load(path, "abc")
    Gallery("abc", {"Ann": _entry()}).save(path)
    with pytest.raises(OptionsError, match="another network"):
        Gallery.load(path, "def")
    good = path.read_text()
    for bad in ("[]", "{", good.replace("gallery 1", "gallery 9"), good.replace('"mean"', '"m"')):
        path.write_text(bad)
        with pytest.raises(OptionsError, match="is not a gallery"):
            Gallery.load(path, "abc")
    path.write_text(good)
    path.chmod(0o644)
    Gallery.load(path, "abc")
    assert "others can read" in caplog.text


def test_a_failed_save_keeps_the_earlier_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        Gallery("abc").save(tmp_path / "no such folder" / "g.json")
