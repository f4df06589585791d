"""Action units over time, beside OpenFace's tables of the same clips: an opinion, not truth."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.options import PipelineOptions
from facekit.task import extract
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.scores import Array
from facekit.train.evaluation.unit_answers import Findings
from facekit.train.evaluation.unit_scores import mean_column_of, pearson

CLIPS = ("webcam_sway.wmv", "webcam_sad_brows.mp4", "talker_224px.mp4")
PEER_NAMES: Mapping[int, str] = {
    1: "AU01_r",
    2: "AU02_r",
    4: "AU04_r",
    6: "AU06_r",
    12: "AU12_r",
    25: "AU25_r",
    26: "AU26_r",
    43: "AU45_r",
}
"""FACS number to OpenFace's column; its blink AU45 is the closure AU43 over time."""

_MOVES = 0.3


def agreement(found: Findings, data: Path) -> None:
    """Pearson's r with OpenFace for each unit and clip."""
    options = PipelineOptions(head_pose="none", columns=("au",), device="cpu", largest=True)
    for clip in CLIPS:
        path = data / "videos" / clip
        peer = pd.read_csv(path.with_suffix(".openface.csv"), skipinitialspace=True)
        compare(found, clip, matched(extract(path, options), peer))


def matched(table: pd.DataFrame, peer: pd.DataFrame) -> pd.DataFrame:
    """OpenFace's rows with facekit's row of the same frame beside them.

    OpenFace's timestamps are made up from a constant rate; its `frame` counts decoded frames from
    1, and facekit's row of that frame holds its true time.

    Args:
        table: facekit's, one face a frame.
        peer: OpenFace's; frames where it failed are left out.

    Returns:
        One row per frame; facekit's columns are NaN where it found no face.
    """
    trusted = peer[peer["success"] == 1].assign(frame=lambda rows: rows["frame"] - 1)
    ours = table.drop_duplicates("frame").astype({"frame": "int64"})
    return trusted.merge(ours, on="frame", how="left", suffixes=("_peer", ""))


def compare(found: Findings, clip: str, rows: pd.DataFrame) -> None:
    """The rows of one clip: r where OpenFace moves enough for a bar, printed elsewhere."""
    face = rows["AU12"].notna().to_numpy()
    pictures = _as_set(clip, len(rows))
    for unit, column in PEER_NAMES.items():
        truth = rows[column].to_numpy(np.float64)
        # A frame without a face is charged as a face that shows nothing.
        ours = np.nan_to_num(rows[f"AU{unit:02d}"].to_numpy(np.float64))
        spread = float(truth.std())
        found.add(
            pictures,
            f"AU{unit:02d}: Pearson r with OpenFace's {column} (sd {spread:.2f})",
            mean_column_of(pearson, _column(ours), _column(truth)),
            face,
            key=f"openface_r_{Path(clip).stem}_AU{unit:02d}",
            bar="> 0.5" if spread > _MOVES else "",
        )


def _column(values: Array) -> NDArray[np.floating]:
    return values[:, None]


def _as_set(clip: str, count: int) -> PictureSet:
    """One person: frames of a clip have no interval by person."""

    def no_picture(number: int) -> NDArray[np.uint8]:
        raise IndexError(number)

    return PictureSet(clip, "opinion of OpenFace", np.zeros(count, np.int64), no_picture)
