"""The personal baseline: how strongly a face at rest already shows each action unit.

Some people's brows are low or their lip corners turned up while they do nothing. The baseline is
what they show at rest; an intensity less the baseline (`AUxx_rel`) is what they do. OpenFace
(Baltrusaitis, Robinson and Morency, "Cross-dataset learning and person-specific normalisation for
automatic Action Unit detection", FG 2015) takes a quantile of the whole video off in the same way
and cuts at 0; here what lies below the baseline stays negative, so that nothing is hidden
(``clip(lower=0)`` gives OpenFace's).
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.types import Floats

QUANTILE = 0.1
"""Of a clip's intensities: rest, if the face rests in a tenth of the frames at least.

Lower ones follow the noise, higher ones take a long smile for rest."""

MEDIAN = 0.5
BY_KEY = "key"
LEAST_FRAMES = 10
"""Fewer faces than this say nothing of a person at rest."""

_HIGHEST = 5.0
_BINS = 500
_FORMAT = "facekit baseline 1"


@dataclass(frozen=True, slots=True)
class BaselineChoice:
    """What ``--baseline`` asks for.

    Attributes:
        seconds: the face rests for this long from the beginning of the clip; None without.
        file: a saved baseline; None without. With none of the three, each clip is its own.
        by_key: each face rests when a key of the live window is pressed.
    """

    seconds: float | None = None
    file: Path | None = None
    by_key: bool = False

    @classmethod
    def parse(cls, text: str) -> "BaselineChoice":
        """The choice that ``auto``, ``first:SECONDS``, ``key`` or a file's name says.

        Raises:
            OptionsError: a number of seconds that makes no sense.
        """
        if text == "auto":
            return cls()
        if text == BY_KEY:
            return cls(by_key=True)
        if not text.startswith("first:"):
            return cls(file=Path(text))
        try:
            seconds = float(text.removeprefix("first:"))
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds > 0):
            raise OptionsError(
                f"{text!r} is not valid",
                where="baseline",
                advice="Expected auto, first:SECONDS with seconds > 0, or a file",
            )
        return cls(seconds=seconds)

    @property
    def needs_whole_clip(self) -> bool:
        """Whether the baseline is known only once the clip has been seen."""
        return self.file is None and not self.by_key


@dataclass(frozen=True, slots=True)
class Baseline:
    """One person's face at rest.

    Attributes:
        intensity: (22,) float32 in the order of ``facekit.facs.ACTION_UNITS``, 0-5.
        frames: faces it was estimated from.
        source: file name of the clip or table.
        quantile: of their intensities.
    """

    intensity: Floats
    frames: int
    source: str
    quantile: float

    def to_json(self) -> str:
        """The text of a baseline file, which `load` reads."""
        units = {
            unit.code: round(float(value), 4)
            for unit, value in zip(ACTION_UNITS, self.intensity, strict=True)
        }
        content = {
            "format": _FORMAT,
            "source": self.source,
            "frames": self.frames,
            "quantile": self.quantile,
            "intensity": units,
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def load(cls, path: Path) -> "Baseline":
        """The baseline in a file that holds the text of `to_json`.

        Raises:
            OptionsError: missing, or not such a file.
        """
        try:
            content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']!r}")
            values = [float(content["intensity"][unit.code]) for unit in ACTION_UNITS]
            frames, quantile = int(content["frames"]), float(content["quantile"])
            source = str(content["source"])
        except OSError as error:
            raise OptionsError(
                f"cannot be read ({error.strerror})",
                where=path,
                advice="--baseline takes auto, first:SECONDS or a file of: facekit baseline",
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise OptionsError(
                f"is not a baseline ({type(error).__name__}: {error})",
                where=path,
                advice="Make one with: facekit baseline NEUTRAL_CLIP -o FILE.json",
            ) from error
        if not all(0 <= value <= _HIGHEST for value in values):
            raise OptionsError("holds an intensity outside 0-5", where=path)
        return cls(np.array(values, np.float32), frames, source, quantile)


class BaselineEstimator:
    """Baselines of the tracks of a clip, in one pass and in constant memory per track.

    Intensities are counted in steps of .01: a quantile is right to half of that.
    """

    def __init__(self, quantile: float = QUANTILE, until_s: float = math.inf) -> None:
        """Nothing seen yet.

        Args:
            quantile: of the intensities, 0-1.
            until_s: only faces up to this `time_s` count.
        """
        self._quantile, self._until_s = quantile, until_s
        self._counts: dict[int, NDArray[np.uint32]] = {}

    @classmethod
    def of(cls, choice: BaselineChoice) -> "BaselineEstimator":
        """The estimator that a choice without a file asks for.

        At the beginning of a clip whose subject was told to rest, the median is rest; over a
        whole clip a low quantile is.
        """
        return cls() if choice.seconds is None else cls(MEDIAN, choice.seconds)

    def reset(self) -> None:
        """Forget everything, as before another clip."""
        self._counts.clear()

    def add(self, track: int, time_s: float, intensity: Floats) -> None:
        """A face.

        Args:
            track: whose.
            time_s: when.
            intensity: (22,) 0-5; a face with a NaN says nothing.
        """
        if time_s > self._until_s or not np.isfinite(intensity).all():
            return
        counts = self._counts.get(track)
        if counts is None:
            counts = np.zeros((len(ACTION_UNITS), _BINS + 1), np.uint32)
            self._counts[track] = counts
        steps = np.rint(np.asarray(intensity, np.float64) / _HIGHEST * _BINS).astype(np.intp)
        counts[np.arange(len(steps)), steps.clip(0, _BINS)] += 1

    def share(self, groups: Iterable[Collection[int]]) -> None:
        """Let all faces of a group count for each of its tracks: they are one person's.

        Args:
            groups: of track numbers; no track is in two of them.
        """
        for group in groups:
            counts = [self._counts[track] for track in group if track in self._counts]
            if counts:
                together = np.asarray(np.sum(counts, axis=0), np.uint32)
                self._counts |= dict.fromkeys(group, together)

    def frames(self, track: int) -> int:
        """How many faces of a track counted."""
        counts = self._counts.get(track)
        return 0 if counts is None else int(counts[0].sum())

    def longest(self) -> int | None:
        """The track with the most faces, the first of equals; None when there was no face."""
        return max(self._counts, key=lambda track: (self.frames(track), -track), default=None)

    def tracks(self) -> tuple[int, ...]:
        """The tracks seen, in order."""
        return tuple(sorted(self._counts))

    def baseline(self, track: int, source: str = "") -> Baseline | None:
        """The baseline of a track; None where fewer than `LEAST_FRAMES` faces counted."""
        frames = self.frames(track)
        if frames < LEAST_FRAMES:
            return None
        # The smallest step below which (or at) the quantile's share of the faces lies.
        reached = self._counts[track].cumsum(axis=1) >= max(1.0, self._quantile * frames)
        intensity = reached.argmax(axis=1) * (_HIGHEST / _BINS)
        return Baseline(intensity.astype(np.float32), frames, source, self._quantile)
