"""The gaze network against renders, measured screen targets, photos, clips, and its peers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.estimate import gaze_calibration
from facekit.geometry import gaze_angles, gaze_vectors, rotation
from facekit.train.evaluation import gaze_clips, gaze_dots, gaze_renders
from facekit.train.evaluation.bootstrap import Estimate, Statistic, bootstrap, mean_of
from facekit.train.evaluation.gaze_answers import Array, GazeReader, answers_of
from facekit.train.evaluation.gaze_renders import Portraits
from facekit.train.evaluation.report import Report, Row, beside, measured
from facekit.train.evaluation.settings import Settings
from facekit.train.evaluation.unit_scores import auc_of, median_of

_PICTURES = 450
_PEOPLE = 16
_YAW_BINS = ((0, 20), (20, 40), (40, 61))
_PEERS = {"openvino": "OpenVINO", "iris": "MediaPipe iris"}
_DOTS_BAR = "< .125, goal .10"


class _Table:
    """Rows and metrics in the making."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.metrics: dict[str, float] = {}

    def add(self, metric: str, estimate: Estimate, key: str = "", **fields: Any) -> None:
        self.rows.append(Row(metric=metric, **measured(estimate), **fields))
        if key:
            self.metrics[key] = estimate.value


def evaluate(settings: Settings) -> Report:
    """Everything the README says of the gaze network."""
    table = _Table()
    reader = GazeReader(settings.teachers)
    alone = GazeReader(None)
    try:
        _on_renders(settings, table, reader)
        _on_dots(settings, table, reader)
        _on_london(settings, table, reader)
        _on_clips(settings, table, reader)
        _on_offsets(settings, table, alone)
    finally:
        alone.close()
        reader.close()
    _on_lone_eyes(settings, table)
    return Report(table.rows, table.metrics)


def _on_renders(settings: Settings, table: _Table, reader: GazeReader) -> None:
    """Angle to the exact gaze, small eyes and large, beside OpenVINO and the head's direction."""
    for key, name, eyes, bar in (
        ("render_deg_30px", "eyes of 30 px and more", gaze_renders.LARGE, "< 4.5, goal 3.5"),
        ("render_deg_20px", "eyes of 20 px", gaze_renders.SMALL, "< 5.5, goal 4.5"),
    ):
        made = gaze_renders.portraits(settings.data, settings.renders, _PICTURES, eyes)
        rows = np.flatnonzero(made.judged)
        found = _ask(made, rows, reader)
        person, truth = made.person[rows], made.gaze[rows]
        ours = charged(found["gaze"], truth)
        common: dict[str, Any] = {
            "set": f"rendered test people, {name}",
            "truth": "exact",
            "faces": len(rows),
            "not_found": _missing(found["gaze"]),
        }
        for peer, label in (("openvino", "OpenVINO"), ("head", "gaze = head direction")):
            theirs = charged(found[peer][:, :2], truth)
            other = bootstrap(mean_of(theirs), person)
            table.add(
                "mean angle, degrees",
                bootstrap(mean_of(ours), person),
                key,
                bar=bar,
                peer_not_found=_missing(found[peer]),
                **beside(label, other),
                **common,
            )
            table.metrics[f"{key}_{peer}"] = other.value
        _details(table, made, rows, found, ours, common, key)


def _ask(made: Portraits, rows: NDArray[np.intp], reader: GazeReader) -> dict[str, Array]:
    """Answers on rows; a face that the detector misses is shown to the networks behind it."""
    regions = made.regions(reader.finder)
    return answers_of(
        [reader.read(made.image(r), float(made.focal[r]), regions[r]) for r in rows.tolist()]
    )


def _details(
    table: _Table,
    made: Portraits,
    rows: NDArray[np.intp],
    found: dict[str, Array],
    ours: Array,
    common: dict[str, Any],
    key: str,
) -> None:
    """Bins of head yaw, glasses, slope of pitch."""
    person = made.person[rows]
    yaw = np.abs(made.head[rows, 0])
    parts = [(f"head yaw {low}-{high}", (yaw >= low) & (yaw < high)) for low, high in _YAW_BINS]
    worn = made.glasses[rows]
    for name, part in [*parts, ("with glasses", worn), ("without glasses", ~worn)]:
        if part.any():
            estimate = bootstrap(mean_of(ours[part]), person[part])
            table.add(
                f"mean angle, degrees: {name}", estimate, **{**common, "faces": int(part.sum())}
            )
    known = np.isfinite(found["gaze"]).all(axis=1)
    slope = bootstrap(_slope_of(found["gaze"][known, 1], made.gaze[rows][known, 1]), person[known])
    table.add(
        "slope of pitch on truth",
        slope,
        "render_pitch_slope" if key == "render_deg_30px" else "",
        bar="> .9",
        **common,
    )


def charged(answers: Array, truth: Array) -> Array:
    """(n,) angles in degrees; an answer that is missing is charged as a gaze along the axis."""
    return gaze_calibration.angle_between(np.nan_to_num(answers), truth)


def _slope_of(answers: Array, truth: Array) -> Statistic:
    def slope(rows: NDArray[np.intp]) -> float:
        centred = truth[rows] - truth[rows].mean()
        return float((centred * answers[rows]).sum() / (centred**2).sum())

    return slope


def _missing(answers: Array) -> float:
    return float(1 - np.isfinite(answers).all(axis=-1).mean())


def _on_dots(settings: Settings, table: _Table, reader: GazeReader) -> None:
    """Median error of the clicked place, beside every peer, and paired differences."""
    dots = gaze_dots.read_dots(settings.data, reader)
    error = {name: gaze_dots.errors(dots, name) for name in ("gaze", *_PEERS)}
    error["head"] = gaze_dots.errors(dots, None)
    ours = bootstrap(median_of(error["gaze"]), dots.session)
    common: dict[str, Any] = {
        "set": "screen_dots",
        "truth": "measured",
        "faces": len(dots.target),
        "not_found": _missing(dots.answers["gaze"]),
    }
    table.metrics["dots_error"] = ours.value
    for name, label in {**_PEERS, "head": "head alone"}.items():
        theirs = bootstrap(median_of(error[name]), dots.session)
        table.metrics[f"dots_error_{name}"] = theirs.value
        table.add(
            "median error, share of the screen",
            ours,
            bar=_DOTS_BAR,
            peer_not_found=_missing(dots.answers[name]),
            **beside(label, theirs),
            **common,
        )
        apart = _paired(error["gaze"], error[name])
        table.add(f"the same, less that of {label}", bootstrap(apart, dots.session), **common)
    for person in np.unique(dots.person):
        part = dots.person == person
        estimate = bootstrap(median_of(error["gaze"][part]), dots.session[part])
        table.add(f"median error of {person}", estimate, **{**common, "faces": int(part.sum())})
    columns = np.column_stack([dots.answers["gaze"], dots.head])
    found = gaze_dots.predictions(columns, dots.target, dots.session)
    for axis, name in enumerate("xy"):
        r = bootstrap(_pearson_of(found[:, axis], dots.target[:, axis]), dots.session)
        table.add(f"Pearson's r, {name}", r, f"dots_r_{name}", **common)


def _paired(one: Array, other: Array) -> Statistic:
    return lambda rows: float(np.median(one[rows]) - np.median(other[rows]))


def _pearson_of(one: Array, other: Array) -> Statistic:
    return lambda rows: float(np.corrcoef(one[rows], other[rows])[0, 1])


def _on_london(settings: Settings, table: _Table, reader: GazeReader) -> None:
    """Photos of people who look into a far camera: how far off the axis, and the bias."""
    for part, name in gaze_clips.LONDON_SETS.items():
        _on_london_part(settings, table, reader, part, name)


def _on_london_part(
    settings: Settings, table: _Table, reader: GazeReader, part: str, title: str
) -> None:
    found, person = gaze_clips.london_gaze(settings.data, part, reader)
    common: dict[str, Any] = {
        "set": title,
        "truth": "looks into the camera",
        "faces": len(person),
        "not_found": _missing(found["gaze"]),
    }
    known = np.isfinite(found["gaze"]).all(axis=1)
    for axis, (name, bar) in enumerate((("yaw", "< 1.5"), ("pitch", "< 3"))):
        ours, theirs = found["gaze"][known, axis], found["openvino"][known, axis]
        other = beside("OpenVINO", bootstrap(median_of(np.abs(theirs)), person[known]))
        estimate = bootstrap(median_of(np.abs(ours)), person[known])
        metric = f"median |{name}| to the axis, degrees"
        key = f"london_{name}" if part == "neutral_front" else ""
        table.add(metric, estimate, key, bar=bar, **other, **common)
        other = beside("OpenVINO", bootstrap(median_of(theirs), person[known]))
        bias = bootstrap(median_of(ours), person[known])
        table.add(f"bias of {name}, degrees", bias, **other, **common)


def _on_clips(settings: Settings, table: _Table, reader: GazeReader) -> None:
    """Agreement over time with OpenVINO and OpenFace; pitch around blinks; a figure."""
    folder = settings.data / "videos"
    clips = {
        clip: gaze_clips.clip_answers(folder / clip, reader) for clip in gaze_clips.TEACHER_CLIPS
    }
    gaze_clips.trace_figure(clips[gaze_clips.EYE_MOVES], settings.figure)
    everything = list(clips.values())
    frames = sum(len(answers["time_s"]) for answers in everything)
    r = gaze_clips.clip_correlation(everything)
    nothing = float("nan")
    for axis, (name, bar) in enumerate((("yaw", "> .8"), ("pitch", "> .6"))):
        table.add(
            f"Pearson's r with OpenVINO, {name}, clips' means taken off",
            Estimate(float(r[axis]), nothing, nothing),
            f"clips_r_{name}",
            set="webcam_sway, gaze_then_head, winks",
            truth="opinion of OpenVINO",
            faces=frames,
            bar=bar,
        )
    table.add(
        "fall of pitch beside a blink, median, degrees",
        Estimate(gaze_clips.blink_dive(everything), nothing, nothing),
        "blink_dive",
        set="webcam_sway, gaze_then_head, winks",
        truth="the second around",
        faces=frames,
    )
    for clip in gaze_clips.OPENFACE_CLIPS:
        r = gaze_clips.openface_correlation(settings.data, clip)
        for axis, name in enumerate(("yaw", "pitch")):
            table.add(
                f"Pearson's r with OpenFace, {name}",
                Estimate(float(r[axis]), nothing, nothing),
                set=clip,
                truth="opinion of OpenFace",
                faces=0,
            )


def _on_lone_eyes(settings: Settings, table: _Table) -> None:
    for (name, (score, truth)), bar in zip(
        gaze_clips.eye_state(settings.data).items(), ("> .97", "> .95"), strict=True
    ):
        key = "eye_auc" if "test" in name else "eye_auc_cew"
        everyone = np.arange(len(truth))
        estimate = bootstrap(auc_of(score, truth), everyone)
        table.add(
            "area under the ROC curve, open against closed",
            estimate,
            key,
            set=name,
            truth="by hand",
            faces=len(truth),
            bar=bar,
        )


def _on_offsets(settings: Settings, table: _Table, reader: GazeReader) -> None:
    """What nine places of calibration bring unseen people with an offset of their own."""
    made = gaze_renders.offset_people(settings.data, settings.renders, _PEOPLE)
    found = _ask(made, np.arange(len(made)), reader)
    before, after, kept = [], [], []
    for person in np.unique(made.wearer):
        rows = np.flatnonzero(made.wearer == person)
        fitted, tested = np.split(rows, [gaze_renders.CALIBRATION_PLACES])
        measured_deg, truth_deg = (
            _in_head(angles, found["head"]) for angles in (found["gaze"], made.gaze)
        )
        calibration = gaze_calibration.fit(
            measured_deg[fitted], truth_deg[fitted], np.arange(len(fitted))
        )
        tested = tested[np.isfinite(measured_deg[tested]).all(axis=1)]
        plain, wanted = measured_deg[tested], truth_deg[tested]
        before.append(gaze_calibration.angle_between(plain, wanted))
        after.append(gaze_calibration.angle_between(calibration.correct(plain), wanted))
        kept.append(np.full(len(tested), person))
    one, other, who = np.concatenate(before), np.concatenate(after), np.concatenate(kept)

    def gain(rows: NDArray[np.intp]) -> float:
        return float(1 - other[rows].mean() / one[rows].mean())

    common: dict[str, Any] = {"set": "rendered people with an offset", "truth": "exact"}
    table.add(
        "mean angle after 9 places, degrees",
        bootstrap(mean_of(other), who),
        faces=len(who),
        **beside("without calibration", bootstrap(mean_of(one), who)),
        **common,
    )
    table.add(
        "share of the error that calibration takes away",
        bootstrap(gain, who),
        "calibration_gain",
        faces=len(who),
        bar=">= .5",
        **common,
    )


def _in_head(gaze: Array, head: Array) -> Array:
    """(n, 2) yaw and pitch in heads of (n, 3) yaw, pitch and roll, of (n, 2) in camera axes."""
    turned = [
        vector @ rotation(*turn) for vector, turn in zip(gaze_vectors(gaze), head, strict=True)
    ]
    return gaze_angles(np.array(turned))
