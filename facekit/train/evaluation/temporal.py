"""The temporal network beside thresholds on a median-smoothed signal.

Rendered people of the test split go through the real per-frame networks, so that their true noise
is in the numbers; simulated faces through the noise model; clips beside blinks counted by eye;
FER+ ``valid_public`` beside its votes.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekit.facs import ACTION_UNITS
from facekit.synthetic.action_units import ROW
from facekit.temporal.features import SIZE
from facekit.temporal.resample import RATE as GRID_RATE
from facekit.temporal.spans import Span
from facekit.temporal.tcn import NETWORKS, Network, Variant, load_network, run_whole
from facekit.train.evaluation import temporal_clips
from facekit.train.evaluation.bootstrap import Statistic, mean_of
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.report import Report
from facekit.train.evaluation.settings import Settings
from facekit.train.evaluation.temporal_scores import (
    UNITS,
    Matches,
    Truth,
    as_set,
    f1_of,
    matched,
    onset_of,
    probable,
    threshold_events,
    total,
    true_spans,
    unit_events,
)
from facekit.train.evaluation.unit_answers import Beside, Findings
from facekit.train.evaluation.unit_scores import icc31
from facekit.train.temporal_data import (
    FITTING,
    TESTING,
    Clip,
    answers,
    clips,
    ferplus,
    photo_cache,
    reader,
)
from facekit.train.temporal_dynamics import RATE, UNJUDGED, phases_of, simulate
from facekit.train.temporal_noise import NoiseModel, as_clip, fit
from facekit.types import EXPRESSIONS, Floats

_LOG = logging.getLogger(__name__)
BASELINE = "thresholds"
_HIGHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
_LOWS = (0.3, 0.4, 0.5, 0.6, 0.7)
_RATES = (15, 25, 30, 60)
_STILL_S = 1.5
_DRAWS = 500
_SIMULATED, _SIMULATED_S, _SEED = 16, 10.0, 31
_TIMED_FRAMES = 600
_SLOW_FRAME_S = 1 / 15 + 1e-6
_BLINK_OVERLAP = 0.3  # a blink of four frames is not told to the frame

Cut = tuple[NDArray[np.float64], Floats, NDArray[np.intp]]
"""Times, rows and moments of a clip at some frame rate."""


def evaluate(settings: Settings) -> Report:
    """Everything that documentation says of the temporal network."""
    found = Findings(_DRAWS)
    cache = settings.renders.with_name(settings.renders.name + "-temporal")
    pipeline = reader()
    fitting = list(clips(settings.data, cache, FITTING, pipeline))
    testing = list(clips(settings.data, cache, TESTING, pipeline))
    networks = {variant: load_network(variant) for variant in NETWORKS}
    high, low = chosen_thresholds(fitting)
    _LOG.info("baseline: events above %.2f, blinks below %.1f", high, low)
    made = simulated(fit(fitting))
    for variant, network in networks.items():
        events = on_events(found, f"rendered clips, test people, {variant}", testing, network, high)
        if variant == "lookahead":
            found.metrics.update(events)
        on_events(found, f"simulated faces, {variant}", made, network, high)
        on_blinks(found, testing, network, variant, low)
    on_rates(found, testing, networks["lookahead"])
    on_votes(found, settings, cache, networks)
    temporal_clips.on_clips(found, settings.data / "videos", networks, pipeline, low)
    found.metrics["ms_per_frame"] = max(speed(network) for network in networks.values())
    return found.report()


def chosen_thresholds(fitting: Sequence[Clip]) -> tuple[float, float]:
    """The baseline's best thresholds, for events and for blinks, on clips it is not tested on."""
    cuts = [cut(clip, 30) for clip in fitting]

    def events(high: float) -> float:
        pairs = zip(fitting, cuts, strict=True)
        return total(_threshold_matches(clip, one, high) for clip, one in pairs).f1

    def blinks(low: float) -> float:
        pairs = zip(fitting, cuts, strict=True)
        return total(_closure_matches(clip, one, low) for clip, one in pairs).f1

    return max(_HIGHS, key=events), max(_LOWS, key=blinks)


def cut(clip: Clip, rate: int) -> Cut:
    """A clip's frames at a lower rate: those that come nearest."""
    last = clip.time_s[-1]
    wanted = np.arange(0, last + 1e-6, 1 / rate)
    rows = np.unique(np.abs(clip.time_s[None] - wanted[:, None]).argmin(axis=1))
    seen = rows[np.isfinite(clip.rows[rows]).any(axis=1)]
    return clip.time_s[seen], clip.rows[seen], clip.moment[seen]


def true_phases(clip: Clip) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """(n,) times and (n, 22) phases of a clip, `RATE` moments a second."""
    moments = np.arange(clip.moment[0], clip.moment[-1] + 1)
    phase = clip.truth.phase[moments].copy()
    lips = np.interp(moments, clip.moment, clip.shown[:, 0, ROW[25]])
    speaking = clip.truth.speaking[moments]
    phase[:, ROW[25]] = np.where(speaking, UNJUDGED, phases_of(lips))
    return (moments - moments[0]) / RATE, phase


def simulated(noise: NoiseModel) -> list[Clip]:
    """Faces that were never trained on, as the model of the networks' noise sees them."""
    random = np.random.default_rng(_SEED)
    return [as_clip(noise, simulate(random, _SIMULATED_S), random) for _ in range(_SIMULATED)]


def on_events(
    found: Findings, name: str, testing: Sequence[Clip], network: Network, high: float
) -> dict[str, float]:
    """Events, onsets, phases and intensities at 30 frames a second; the numbers by key."""
    pictures = as_set(name, "exact", len(testing))
    everywhere = np.ones(len(testing), bool)
    cuts = [cut(clip, 30) for clip in testing]
    said = [run_whole(network, one[0].tolist(), one[1]) for one in cuts]
    ours, theirs, right, judged, smooth = [], [], [], [], []
    for clip, one, now in zip(testing, cuts, said, strict=True):
        time_s, phase = true_phases(clip)
        truths = [true_spans(time_s, phase[:, row]) for row in range(UNITS)]
        events = [unit_events(one[0].tolist(), now, row) for row in range(UNITS)]
        ours.append(total(matched(e, t) for e, t in zip(events, truths, strict=True)))
        theirs.append(_threshold_matches(clip, one, high))
        at = phase[one[2] - clip.moment[0]]
        answer = np.stack([moment.phase for moment in now])
        active = at > 0
        right.append(float(((at == answer) & active).sum()))
        judged.append(float(active.sum()))
        smooth.append(np.stack([moment.smooth for moment in now]))
    peer = Beside(BASELINE, f1_of(theirs), 0.0)
    f1 = found.add(
        pictures, "event F1, all units", f1_of(ours), everywhere, bar=">= 0.85", peer=peer
    )
    onset = Beside(BASELINE, onset_of(theirs), 0.0)
    metric = "median onset error, frames at 30/s"
    late = found.add(pictures, metric, onset_of(ours), everywhere, bar="<= 2", peer=onset)
    metric = "right phase of those under way"
    found.add(pictures, metric, _share(right, judged), everywhere)
    return {
        "event_f1": f1,
        "event_f1_baseline": total(theirs).f1,
        "onset_frames_median": late,
        "icc_smooth_minus_raw_worst": _iccs(found, pictures, testing, cuts, smooth),
    }


def _iccs(
    found: Findings,
    pictures: PictureSet,
    testing: Sequence[Clip],
    cuts: Sequence[Cut],
    smooth: Sequence[Floats],
) -> float:
    """Smooth against raw intensity of each unit; the smallest gain."""
    owner = np.concatenate([np.full(len(one[0]), i) for i, one in enumerate(cuts)])
    shown = [
        clip.shown[np.searchsorted(clip.moment, one[2])].max(axis=1)
        for clip, one in zip(testing, cuts, strict=True)
    ]
    truth, raw = np.concatenate(shown), np.concatenate([one[1][:, :UNITS] for one in cuts])
    ours = np.concatenate(smooth)
    gains = []
    frames = PictureSet(pictures.name, pictures.truth, owner, pictures.image)
    for row, unit in enumerate(ACTION_UNITS):
        value = found.add(
            frames,
            f"{unit.code}: ICC(3,1) of the smooth intensity",
            _icc_of(ours[:, row], truth[:, row]),
            np.ones(len(owner), bool),
            peer=Beside("raw", _icc_of(raw[:, row], truth[:, row]), 0.0),
        )
        base = _icc_of(raw[:, row], truth[:, row])(np.arange(len(owner)))
        gains.append(value - base)
    return float(np.nanmin(gains))


def on_blinks(
    found: Findings, testing: Sequence[Clip], network: Network, variant: Variant, low: float
) -> None:
    """Blinks at several frame rates; the worst of them is the key."""
    worst = 1.0
    for rate in _RATES:
        cuts = [cut(clip, rate) for clip in testing]
        ours = []
        for clip, one in zip(testing, cuts, strict=True):
            time_s = one[0].tolist()
            now = [moment.blink for moment in run_whole(network, time_s, one[1])]
            ours.append(matched(probable(time_s, now), _true_blinks(clip), _BLINK_OVERLAP))
        theirs = [_closure_matches(c, one, low) for c, one in zip(testing, cuts, strict=True)]
        pictures = as_set(f"rendered clips, {rate} frames/s, {variant}", "exact", len(testing))
        value = found.add(
            pictures,
            "blink F1",
            f1_of(ours),
            np.ones(len(testing), bool),
            bar=">= 0.95",
            peer=Beside(BASELINE, f1_of(theirs), 0.0),
        )
        worst = min(worst, value)
    if variant == "lookahead":
        found.metrics["blink_f1_render"] = worst


def on_rates(found: Findings, testing: Sequence[Clip], network: Network) -> None:
    """Whether 15 frames a second tell the same events as 30, within a frame of the slower."""
    same, all_events = [], []
    for clip in testing:
        fast, slow = (
            [
                unit_events(one[0].tolist(), run_whole(network, one[0].tolist(), one[1]), row)
                for row in range(UNITS)
            ]
            for one in (cut(clip, 30), cut(clip, 15))
        )
        hits = [
            any(_same_moments(e, o) for o in others)
            for events, others in zip(fast, slow, strict=True)
            for e in events
        ]
        same.append(float(sum(hits)))
        all_events.append(float(len(hits)))
    pictures = as_set("rendered clips, 15 against 30 frames/s", "facekit itself", len(testing))
    metric = "events that begin and end within 1/15 s of each other"
    found.add(pictures, metric, _share(same, all_events), np.ones(len(testing), bool), bar="1")


def on_votes(
    found: Findings, settings: Settings, cache: Path, networks: Mapping[Variant, Network]
) -> None:
    """Expressions of still pictures, each as a clip of its own."""
    pictures = ferplus(settings.data, "valid_public")
    rows = answers(pictures, photo_cache(cache), reader())
    count = round(_STILL_S * GRID_RATE)
    time_s = (np.arange(count) / GRID_RATE).tolist()
    winner = pictures.labels["winner"]
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(rows).any(axis=1), bool)
    for variant, network in networks.items():
        chosen = np.full(len(rows), -1, np.intp)
        for number in np.flatnonzero(seen):
            now = run_whole(network, time_s, np.repeat(rows[number][None], count, axis=0))
            chosen[number] = np.mean([one.expression for one in now], axis=0).argmax()
        named = PictureSet(
            f"{pictures.name}, {variant}", pictures.truth, pictures.person, pictures.image
        )
        metric = "winner of the votes, 7 expressions"
        value = found.add(named, metric, mean_of(chosen == winner), seen, bar=">= 0.70")
        for column, name in enumerate(EXPRESSIONS):
            part = winner == column
            found.add(named, f"{name}: right", mean_of((chosen == winner)[part]), seen, part=part)
        if variant == "lookahead":
            found.metrics["ferplus_accuracy"] = value


def speed(network: Network) -> float:
    """Milliseconds a frame and track at 30 frames a second, on one CPU thread."""
    rows = np.random.default_rng(0).normal(1, 1, (_TIMED_FRAMES, SIZE)).astype(np.float32)
    time_s = (np.arange(_TIMED_FRAMES) / 30).tolist()
    begun = time.process_time()
    run_whole(network, time_s, rows)
    return 1000 * (time.process_time() - begun) / _TIMED_FRAMES


def _same_moments(one: Span, other: Span) -> bool:
    late = abs(one.onset_s - other.onset_s), abs(one.offset_s - other.offset_s)
    return max(late) <= _SLOW_FRAME_S


def _threshold_matches(clip: Clip, one: Cut, high: float) -> Matches:
    time_s, phase = true_phases(clip)
    return total(
        matched(
            threshold_events(one[0].tolist(), one[1][:, row], high),
            true_spans(time_s, phase[:, row]),
        )
        for row in range(UNITS)
    )


def _true_blinks(clip: Clip) -> Truth:
    moments = np.arange(clip.moment[0], clip.moment[-1] + 1)
    return true_spans((moments - moments[0]) / RATE, clip.truth.blink[moments].astype(np.int8))


def _closure_matches(clip: Clip, one: Cut, low: float) -> Matches:
    found = temporal_clips.by_threshold(one[0].tolist(), one[1], low)
    return matched(found, _true_blinks(clip), _BLINK_OVERLAP)


def _share(part: Sequence[float], whole: Sequence[float]) -> Statistic:
    some, every = np.array(part), np.array(whole)
    return lambda rows: float(some[rows].sum() / max(every[rows].sum(), 1))


def _icc_of(said: NDArray[np.floating], truth: NDArray[np.floating]) -> Statistic:
    def statistic(rows: NDArray[np.intp]) -> float:
        return float(icc31(said[rows, None], truth[rows, None])[0])

    return statistic
