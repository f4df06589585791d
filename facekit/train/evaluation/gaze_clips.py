"""Gaze of real people: photos into the camera, clips beside others' opinions, shut eyes."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facekit.estimate.gaze import eye_openness
from facekit.options import PipelineOptions
from facekit.source import open_source
from facekit.task import extract
from facekit.train.evaluation.gaze_answers import Array, GazeReader, answers_of
from facekit.train.evaluation.pictures import load, packed
from facekit.train.evaluation.unit_clips import matched
from facekit.train.eye_data import lone_eyes

_LOG = logging.getLogger(__name__)
TEACHER_CLIPS = ("webcam_sway.wmv", "gaze_then_head.avi", "winks.mp4")
OPENFACE_CLIPS = ("webcam_sad_brows.mp4", "talker_224px.mp4")
EYE_MOVES = "gaze_then_head.avi"
EYES_ALONE_S = 12.0
_BESIDE_BLINK_S = 0.35
_SHUT = 0.3


LONDON_SETS = {
    "neutral_front": "London test, neutral",
    "canada": "Canada test",
    "3dsk": "3D.sk test",
}
"""Parts of the London file and how a table calls them."""


def london_gaze(
    data: Path, part: str, reader: GazeReader
) -> tuple[dict[str, Array], NDArray[np.generic]]:
    """Answers on test people of a part of the London file, and who they are.

    The camera is far: a face in the middle of a photo that looks into it looks along the axis.
    """
    columns = load(data / "london/london.npz")
    rows = np.flatnonzero((columns["split"] == "test") & (columns["set"] == part))
    image = packed(columns, rows)
    found = [reader.read(image(row)) for row in range(len(rows))]
    return answers_of(found), columns["person"][rows]


def clip_answers(path: Path, reader: GazeReader) -> dict[str, Array]:
    """Answers on every frame of a clip, with ``time_s``; each frame stands for itself."""
    found, times = [], []
    with open_source(path) as source:
        for frame in source:
            times.append(frame.time_s)
            found.append(reader.read(frame.image))
    return {**answers_of(found), "time_s": np.array(times)}


def clip_correlation(clips: list[dict[str, Array]]) -> Array:
    """(2,) Pearson's r of facekit's yaw and pitch with OpenVINO's, all frames of clips together.

    Each clip's own mean is taken off: a teacher's bias is no agreement, nor are clips' means.
    """
    ours: list[Array] = []
    theirs: list[Array] = []
    for answers in clips:
        known = np.isfinite(answers["gaze"]).all(axis=1) & np.isfinite(answers["openvino"]).all(
            axis=1
        )
        for kept, name in ((ours, "gaze"), (theirs, "openvino")):
            values = answers[name][known]
            kept.append(values - values.mean(axis=0))
    one, other = np.concatenate(ours), np.concatenate(theirs)
    spread = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return np.asarray((one * other).sum(axis=0) / spread)


def openface_correlation(data: Path, clip: str) -> Array:
    """(2,) Pearson's r of yaw and pitch with OpenFace's gaze_angle on a clip."""
    path = data / "videos" / clip
    table = extract(path, PipelineOptions(columns=("gaze",), device="cpu", largest=True))
    peer = pd.read_csv(path.with_suffix(".openface.csv"), skipinitialspace=True)
    rows = matched(table, peer)
    ours = rows[["gaze_yaw", "gaze_pitch"]].to_numpy(np.float64, na_value=np.nan)
    # OpenFace: x to image right, y down; radians.
    theirs = np.degrees(rows[["gaze_angle_x", "gaze_angle_y"]].to_numpy(np.float64)) * [1, -1]
    known = np.isfinite(ours).all(axis=1)
    return np.array([np.corrcoef(ours[known, k], theirs[known, k])[0, 1] for k in (0, 1)])


def blink_dive(clips: list[dict[str, Array]]) -> float:
    """Median over blinks of how far gaze pitch falls just before and after the eyes are shut.

    Against the median of the second around; degrees, > 0 is down. NaN without blinks.
    """
    falls = []
    for answers in clips:
        time_s, pitch = answers["time_s"], answers["gaze"][:, 1]
        shut = np.nanmin(np.nan_to_num(answers["open"], nan=1.0), axis=1) < _SHUT
        starts = np.flatnonzero(shut & ~np.roll(shut, 1))
        for start in starts:
            near = np.abs(time_s - time_s[start]) < _BESIDE_BLINK_S
            around = (np.abs(time_s - time_s[start]) < 1.0) & ~near
            if np.isfinite(pitch[near]).any() and np.isfinite(pitch[around]).any():
                falls.append(float(np.nanmedian(pitch[around]) - np.nanmin(pitch[near])))
    return float(np.median(falls)) if falls else float("nan")


def eye_state(data: Path) -> dict[str, tuple[Array, NDArray[np.bool_]]]:
    """Openness and truth on the two sets of lone eyes, by name."""
    test = lone_eyes(data, "test")
    cew = load(data / "photos/cew_eyes.npz")
    return {
        "eye_open_closed test": (
            np.asarray(eye_openness(test.images), np.float64),
            np.asarray(test.open, bool),
        ),
        "cew_eyes": (
            np.asarray(eye_openness(list(cew["image"])), np.float64),
            np.asarray(cew["open"], bool),
        ),
    }


def trace_figure(answers: dict[str, Array], path: Path) -> None:
    """Gaze and head of a clip over time, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 1, figsize=(12, 8), sharex=True)
    time_s = answers["time_s"]
    for axis, name in enumerate(("yaw", "pitch")):
        axes[axis].plot(time_s, answers["gaze"][:, axis], label="gaze")
        axes[axis].plot(time_s, answers["head"][:, axis], label="head")
        axes[axis].plot(time_s, answers["openvino"][:, axis], lw=0.6, label="OpenVINO gaze")
        axes[axis].set_ylabel(f"{name}, degrees")
        axes[axis].axvline(EYES_ALONE_S, color="grey", lw=0.5)
    axes[2].plot(time_s, answers["open"])
    axes[2].set_ylabel("openness (left, right)")
    axes[2].set_xlabel("time, s")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    _LOG.info("%s: the trace of %s", path, EYE_MOVES)
