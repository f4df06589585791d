"""The protocol of persons on made-up answers, and the real clips where they are."""

from pathlib import Path

import numpy as np
import pytest

from facekit.runtime.weights import load_manifest
from facekit.train.evaluation.persons import CLIPS, JOINED, LABELS, SHOTS, agreement, compare, join


def test_pairs_are_counted() -> None:
    truth = np.array(["a", "a", "a", "b", "b"])
    perfect = compare(np.array([4, 4, 4, 1, 1]), truth)
    assert (perfect.precision, perfect.recall, perfect.found) == (1, 1, 1)
    assert (perfect.both, perfect.told, perfect.true) == (4, 4, 4)
    merged = compare(np.array([0, 0, 0, 0, 0]), truth)
    assert (merged.precision, merged.recall) == (0.4, 1)
    split = compare(np.array([0, 0, 2, 1, 1]), truth)
    assert (split.precision, split.recall) == (1, 0.5)


def test_a_box_without_a_person_is_missed_not_joined() -> None:
    truth = np.array(["a", "a", "a", "a"])
    result = compare(np.array([0, 0, -1, -1]), truth)
    assert (result.precision, result.found) == (1, 0.5)
    assert result.recall == pytest.approx(1 / 6)
    nobody = compare(np.array([-1, -1, -1, -1]), truth)
    assert (nobody.precision, nobody.recall) == (0, 0)


def test_labels_are_there_for_every_clip() -> None:
    for clip in (*CLIPS, JOINED):
        assert (LABELS / f"{Path(clip).stem}.csv").is_file()
    assert len({shot.clip for shot in SHOTS}) == 4 and len(SHOTS) == 8


def test_people_who_come_back_after_cuts_keep_their_number(
    shared_data: Path, tmp_path: Path
) -> None:
    if "identity" not in load_manifest().networks:
        pytest.skip("needs the embedder")
    result = agreement(join(shared_data / "videos", tmp_path / JOINED))
    assert result.boxes >= 24
    assert result.precision >= 0.95 and result.recall >= 0.95


@pytest.mark.parametrize("clip", CLIPS)
def test_people_who_pass_each_other_keep_their_number(shared_data: Path, clip: str) -> None:
    if "identity" not in load_manifest().networks:
        pytest.skip("needs the embedder")
    result = agreement(shared_data / "videos" / clip)
    assert result.precision >= 0.95 and result.recall >= 0.95
