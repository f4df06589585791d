"""How evaluation finds faces, puts pictures into frames and reports; no network is run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facekit.pipeline import Pipeline
from facekit.train.evaluation.bootstrap import Estimate
from facekit.train.evaluation.figure import Panel, draw
from facekit.train.evaluation.head_pose import centred
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.places import fill_in, find_faces, shifted
from facekit.train.evaluation.report import Report, Row, beside, measured, to_markdown, write
from facekit.types import Face, Frame, Image, Region
from tests.conftest import ROOT

BLACK = np.zeros((40, 60, 3), np.uint8)


class _Finder(Pipeline):
    """Says what it was told to find, whatever the picture."""

    def __init__(self, boxes: Sequence[tuple[float, ...]]) -> None:
        self._boxes = boxes

    def process(
        self,
        frame: Frame,
        regions: Sequence[Region] | None = None,
        *,
        focal_px: float | None = None,
    ) -> list[Face]:
        return [Face(_region(box), "ok") for box in self._boxes]


def _region(box: Sequence[float]) -> Region:
    return Region(None, np.array(box, np.float32), 1.0, np.zeros((5, 2), np.float32), True)


def _set(**labels: NDArray[Any]) -> PictureSet:
    count = len(next(iter(labels.values()))) if labels else 1
    return PictureSet("s", "exact", np.arange(count), lambda _: BLACK, labels)


def test_the_detection_on_the_face_is_taken() -> None:
    finder = _Finder([(0, 0, 30, 30), (30, 0, 10, 10)])
    around = np.array([[[31.0, 1], [39, 1], [39, 9], [31, 9], [35, 5], [35, 6]]])
    on, largest = find_faces(_set(place=around), finder)[0], find_faces(_set(), finder)[0]
    assert on is not None
    assert largest is not None
    assert (on.box[0], largest.box[0]) == (30, 0)
    assert find_faces(_set(place=around + 100), finder) == [None]
    assert find_faces(_set(), _Finder([])) == [None]


def test_missing_regions_stand_to_the_points_as_the_found_ones_do() -> None:
    points = np.zeros((2, 478, 2))
    points[:, 0], points[:, 1] = [10, 10], [20, 30]
    points[1] += 100
    first, second = fill_in(_set(points478=points), [_region((8, 8, 12, 24)), None])
    assert first.box.tolist() == [8, 8, 12, 24]
    # The second face's box spans 100 ... 120, 100 ... 130.
    assert second.box == pytest.approx(np.array([100 + (8 - 0) / 20 * 20, 108, 12, 24]), abs=1e-4)


def test_a_window_is_put_where_the_optical_axis_is_the_middle() -> None:
    picture = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6, 1).repeat(3, 2)
    labels = {"camera": np.array([[100.0, 9.5, -2.5]])}
    pictures = PictureSet("s", "exact", np.arange(1), lambda _: picture, labels)
    frame, region = centred(pictures, 0, _region((1, 2, 3, 4)))
    height, width = frame.shape[:2]
    # 9.5 is right of the picture (columns are added there), -2.5 above it (rows on top).
    assert ((width - 1) / 2, (height - 1) / 2) == (9.5, -2.5 + 8)
    assert region.box.tolist() == [1, 2 + 8, 3, 4]
    assert np.array_equal(frame[8:12, :6], picture)
    assert shifted(region, 0, -8).box.tolist() == [1, 2, 3, 4]


def _row(value: Estimate) -> Row:
    fields = measured(value) | beside("MediaPipe", Estimate(0.05, 0.04, float("nan")))
    return Row(
        set="human68",
        metric="error",
        bar="at most 1.05 x peer",
        truth="by hand",
        faces=28,
        not_found=0.25,
        **fields,
    )


def test_the_report_is_json_with_the_promised_fields(tmp_path: Path) -> None:
    rows = [_row(Estimate(0.0481, 0.04, 0.06))]
    write(Report(rows, {"human68_error": 0.0481, "nothing": float("nan")}), tmp_path / "r.json")
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["metrics"] == {"human68_error": 0.0481, "nothing": None}
    wanted = {"set", "metric", "value", "low", "high", "peer", "peer_value", "bar", "truth"}
    assert wanted <= set(content["rows"][0])
    assert content["rows"][0]["peer_high"] is None


def test_the_table_states_interval_and_share_not_found() -> None:
    line = to_markdown([_row(Estimate(0.0481, 0.04, 0.06))]).splitlines()[2]
    assert "human68 (28, 25.0% not found)" in line
    assert "0.0481 [0.0400, 0.0600]" in line
    assert "| 0.0500 |" in line


def test_no_picture_of_a_person_is_drawn_into_the_checkout(tmp_path: Path) -> None:
    image: Image = BLACK
    points = np.array([[1.0, 2.0]], np.float32)
    panels = [Panel("a face", image, points, points)] * 6
    draw(panels, ROOT / "worst.png")
    assert not (ROOT / "worst.png").exists()
    draw(panels, tmp_path / "worst.png")
    assert (tmp_path / "worst.png").stat().st_size > 1000
