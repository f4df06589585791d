"""A video without recognisable faces: two passes over it, and a third over the result.

1. every face is found and followed; gaps and ends are filled in (boxes only are kept);
2. every frame is written again with its faces hidden; what the detector still finds in it is
   flattened;
3. detector and embedder look at what was written.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from facekit.detect.cascade import Detector
from facekit.draw import open_film
from facekit.errors import OptionsError
from facekit.options import DeviceRequest
from facekit.output.film import FilmWriter, form_of
from facekit.privacy.check import Checker, Findings, lies_on
from facekit.privacy.covers import Covers
from facekit.privacy.finding import SMALLEST_PX, Finder
from facekit.privacy.keep import keep
from facekit.privacy.mesh import FaceReader
from facekit.privacy.styles import Style, flatten, hide
from facekit.runtime.device import Device, choose
from facekit.source import VideoSource
from facekit.types import Frame, Image

_THRESHOLDS = (0.6, 0.7, 0.55)
"""Of the detector that looks at each picture before it is encoded, which changes it a little."""

_ROUNDS = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymiseOptions:
    """How faces are hidden.

    Attributes:
        style: ``blur``, ``pixelate``, ``mask`` or ``mesh``.
        keep: the person whose face stays, by number or name in `table`; None hides everyone.
        table: made from the same video, with the column ``person``; only for `keep`.
        mute: leave the sound out.
        min_face: smallest face searched for, pixels.
        device: where networks run.
        threads: CPU threads for networks and decoding; None for one per core.
    """

    style: Style = "blur"
    keep: str | None = None
    table: Path | None = None
    mute: bool = False
    min_face: float = SMALLEST_PX
    device: DeviceRequest = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.style not in get_args(Style):
            raise OptionsError(
                f"{self.style!r} is not valid",
                where="style",
                advice=f"Expected one of {', '.join(get_args(Style))}",
            )
        if (self.keep is None) != (self.table is None):
            raise OptionsError(
                "a person is kept by a table that says where this person is",
                where="keep",
                advice="Give both --keep PERSON and --table TABLE, or neither",
            )
        if not 12 <= self.min_face <= 1000:
            raise OptionsError(
                f"{self.min_face!r} is not valid",
                where="min_face",
                advice="Expected 12 to 1000 pixels",
            )


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an anonymised video.

    Attributes:
        frames: of the video.
        faces_before: detections in all its frames.
        covered: faces hidden, over all frames, with those filled in.
        kept: faces that stay, over all frames.
        findings: what is left in the result.
        damaged: whether pictures of the original were lost.
        warnings: what was odd or damaged in the original, each with its place.
    """

    frames: int
    faces_before: int
    covered: int
    kept: int
    findings: Findings
    damaged: bool
    warnings: tuple[str, ...]


def anonymise(
    video: Path,
    output: Path,
    options: AnonymiseOptions | None = None,
    *,
    tell: Callable[[str], None] = _log.info,
) -> Report:
    """Write a copy of a video in which nobody can be recognised by the face.

    The copy has the same frames at the same times and, unless muted, the same sound, bit by bit;
    of the file's metadata and other streams (place, date, names, telemetry) it has nothing.
    Voices, clothes, gait and surroundings stay as they are.

    Args:
        video: a video file.
        output: the video to write (.mp4 or .mov).
        options: see `AnonymiseOptions`; None for the defaults.
        tell: called with a sentence when a pass begins.

    Raises:
        SourceError: the video cannot be read.
        OptionsError: an option is not usable.
        OutputError: the output cannot be written, or the table cannot be read.

    Example:
        >>> from facekit.privacy.run import AnonymiseOptions, anonymise
        >>> report = anonymise(                                   # doctest: +SKIP
        ...     Path("clip.mp4"), Path("hidden.mp4"), AnonymiseOptions(style="mesh")
        ... )
        >>> report.findings.recognisable                          # doctest: +SKIP
        0
    """
    chosen = options or AnonymiseOptions()
    device = choose(chosen.device, threads=chosen.threads)
    tell("1 of 3: finding faces")
    finder = _find(video, output, chosen, device)
    covers = Covers(finder)
    kept = 0
    if chosen.keep is not None and chosen.table is not None:
        kept = keep(covers, chosen.table, chosen.keep, len(finder.times))
    tell("2 of 3: hiding them")
    source = _render(video, output, chosen, device, covers)
    tell("3 of 3: looking for them in the result")
    findings = _check(video, output, chosen, device, covers)
    return Report(
        frames=len(finder.times),
        faces_before=finder.found,
        covered=len(covers.frames) - kept,
        kept=kept,
        findings=findings,
        damaged=source.damaged,
        warnings=tuple(source.warnings),
    )


def _find(video: Path, output: Path, options: AnonymiseOptions, device: Device) -> Finder:
    finder = Finder(device, options.min_face)
    try:
        with open_film(video, output, threads=options.threads) as source:
            for frame in source:
                finder.take(frame)
    finally:
        finder.close()
    return finder


def _render(
    video: Path, output: Path, options: AnonymiseOptions, device: Device, covers: Covers
) -> VideoSource:
    hider = _Hider(device, options.style, covers)
    try:
        with open_film(video, output, threads=options.threads) as source:
            form = form_of(video, source.start_time_s, turned=source.turned)
            with FilmWriter(output, form, sound=None if options.mute else video) as film:
                for frame in source:
                    film.append(hider.hide(frame), frame.time_s)
                film.finish()
    finally:
        hider.close()
    return source


class _Hider:
    """Hides the faces of one frame after the other."""

    def __init__(self, device: Device, style: Style, covers: Covers) -> None:
        self._style, self._covers = style, covers
        self._detector = Detector(device, thresholds=_THRESHOLDS)
        self._reader = FaceReader(device) if style == "mesh" else None

    def hide(self, frame: Frame) -> Image:
        """The frame without its faces."""
        covers = self._covers.at(frame.index)
        looks = self._reader.read(frame.image, covers) if self._reader else []
        picture = hide(frame.image, covers, self._style, looks)
        # A drawn face is meant to be found; anything else that is found is one too many.
        expected = self._covers.kept_at(frame.index) + (covers if self._reader else [])
        for _ in range(_ROUNDS):
            left = [
                detection.box
                for detection in self._detector.detect(picture)
                if not any(lies_on(detection, cover) for cover in expected)
            ]
            if not left:
                break
            flatten(picture, left)
        return picture

    def close(self) -> None:
        """End the detector's threads."""
        self._detector.close()


def _check(
    video: Path, output: Path, options: AnonymiseOptions, device: Device, covers: Covers
) -> Findings:
    checker = Checker(device, covers)
    try:
        with (
            VideoSource(video, threads=options.threads or 0) as before,
            VideoSource(output, threads=options.threads or 0) as after,
        ):
            for one, other in zip(before, after, strict=False):
                checker.take(one, other)
    finally:
        checker.close()
    return checker.findings()
