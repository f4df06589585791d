from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit.errors import OptionsError, OutputError
from facekit.identity_map import draw_map, identity_map, thumbnails_of
from facekit.output.embeddings import Embeddings, embeddings_path
from facekit.track.persons import Persons, Thresholds
from facekit.types import Face, Frame, Identity, Region
from tests.media import write_video


def _write(table: Path, looks: int) -> None:
    """Two people, seen in turn, each a track."""
    random = np.random.default_rng(0)
    kept, persons = Embeddings(), Persons(Thresholds(0.6, 0.6))
    for index in range(looks):
        vector = np.eye(8)[index % 2] + 0.05 * random.normal(size=8)
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        box, five = np.array([4, 4, 20, 20], np.float32), np.zeros((5, 2), np.float32)
        face = Face(Region(index % 2, box, 0.9, five, True), "ok", identity=Identity(vector, 0.9))
        persons.observe(index / 10, [index % 2])
        persons.add(index % 2, vector, 0.9)
        kept.take(Frame(index, index / 10, np.zeros((4, 4, 3), np.uint8)), [face])
    kept.write(embeddings_path(table), "v1", persons)


def test_people_lie_apart_and_the_map_stays_the_same(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="extra plot")
    _write(tmp_path / "t.csv", 40)
    found = identity_map(tmp_path / "t.csv")
    assert found.person.tolist() == [0, 1] * 20
    assert found.faces.tolist() == [[index, 0] for index in range(40)]
    again = identity_map(tmp_path / "t.embeddings.parquet")
    assert np.array_equal(found.points, again.points)
    centres = [found.points[found.person == person].mean(axis=0) for person in (0, 1)]
    spread = max(found.points[found.person == person].std() for person in (0, 1))
    assert np.linalg.norm(centres[0] - centres[1]) > spread


def test_too_few_or_none_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "t.csv", 3)
    with pytest.raises(OptionsError, match="3 embeddings: too few"):
        identity_map(tmp_path / "t.csv")
    with pytest.raises(OutputError, match="no such file.*--embeddings"):
        identity_map(tmp_path / "other.csv")
    (tmp_path / "x.embeddings.parquet").write_bytes(b"no")
    with pytest.raises(OutputError, match="holds no embeddings"):
        identity_map(tmp_path / "x.csv")


def test_faces_are_shown_only_when_they_are_given(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="extra plot")
    pytest.importorskip("matplotlib", reason="extra plot")
    table, video = tmp_path / "t.csv", write_video(tmp_path / "v.mp4", count=20)
    _write(table, 20)
    boxes = {"box_x": 4.0, "box_y": 4.0, "box_w": 20.0, "box_h": 20.0}
    pd.DataFrame({"frame": range(20), **boxes}).to_csv(table, index=False)
    found = identity_map(table)
    faces = thumbnails_of(table, video, found.faces)
    assert len(faces) == 20 and faces[3, 0].shape == (40, 40, 3)
    dots = draw_map(found, "t")
    pictures = draw_map(found, "t", faces)
    assert len(dots.axes[0].artists) == 0 and len(pictures.axes[0].artists) == 20
    pictures.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 5000
