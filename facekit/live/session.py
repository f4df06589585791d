"""A live run as it is steered: the window, its keys, and what they do to the table."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from facekit.errors import OptionsError
from facekit.estimate.gaze_calibration import GazeCalibration, save
from facekit.live.dots import Dots
from facekit.live.panel import Readings, compose, largest
from facekit.live.window import Window
from facekit.personal import REST_S, KeyBaseline, PersonalBaseline
from facekit.pipeline import Pipeline
from facekit.source import Source
from facekit.types import Face, Floats, Frame

_MESSAGE_S = 4.0
_SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class GazeKey:
    """What the key for the gaze calibration needs.

    Attributes:
        screen_mm: width and height of the screen, whose upper edge's middle holds the camera.
        path: where the calibration is written; None keeps it for this run alone.
    """

    screen_mm: tuple[float, float]
    path: Path | None


class Session:
    """Shows each frame, does what the keys say, and says when the run is over.

    Keys: b baseline (the faces rest for 3 s), c gaze calibration (nine dots), m marker, space
    pause, q or Esc end. Without a window there are none, and the run ends by time or by `stop`.

    Attributes:
        notes: what was done by hand, for the sidecar.
        has_keys: whether there is a window.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        window: Window | None = None,
        *,
        seconds: float | None = None,
        only_streams: bool = False,
        gaze: GazeKey | None = None,
    ) -> None:
        """Nothing happened yet.

        Args:
            pipeline: of the run; a gaze calibration is set there.
            window: open; None shows nothing.
            seconds: end after this long.
            only_streams: nothing is kept or shown: end when no stream can be sent to any more.
            gaze: None where the key is not available.
        """
        self.notes: list[str] = []
        self.has_keys = window is not None
        self._pipeline, self._window, self._gaze = pipeline, window, gaze
        self._seconds, self._only_streams = seconds, only_streams
        self._started = self._shown_at = time.monotonic()
        self._stopped = self._paused = False
        self._personal: PersonalBaseline | None = None
        self._streams_ended: Callable[[], bool] = lambda: False
        self._dots: Dots | None = None
        self._corrected_before: GazeCalibration | None = None
        self._fps, self._latency_ms, self._dropped = 0.0, math.nan, 0
        self._markers = self._markers_written = 0
        self._message, self._message_until = "", 0.0

    def stop(self, *_: object) -> None:
        """End the run at the next frame; fits a signal's handler."""
        self._stopped = True

    def joined(self, personal: PersonalBaseline | None, ended: Callable[[], bool]) -> None:
        """See `facekit.live.feed.Steering`."""
        self._personal, self._streams_ended = personal, ended

    def awake(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """`frames` without those that come while the run is paused: they are only shown."""
        for frame in frames:
            if self._paused:
                self._show(frame, ())
                if self._is_over():
                    return
            # Asked again: the key that ends a pause lets this very frame through.
            if not self._paused:
                yield frame

    def marked(self, latency_ms: float, dropped: int) -> int | None:
        """The number of the last marker, the first time after it was set."""
        self._latency_ms, self._dropped = latency_ms, dropped
        if self._markers == self._markers_written:
            return None
        self._markers_written = self._markers
        return self._markers

    def __call__(self, source: Source, frame: Frame, faces: Sequence[Face]) -> bool:
        """Show a frame that is done; whether to go on."""
        now = time.monotonic()
        self._fps += _SMOOTHING * (1 / max(now - self._shown_at, 1e-3) - self._fps)
        self._shown_at = now
        if self._dots is not None:
            self._look_at(self._dots, frame, faces)
        else:
            self._show(frame, faces)
        return not self._is_over()

    def _is_over(self) -> bool:
        late = self._seconds is not None and time.monotonic() - self._started >= self._seconds
        return self._stopped or late or (self._only_streams and self._streams_ended())

    def _show(self, frame: Frame, faces: Sequence[Face]) -> None:
        if self._window is not None:
            picture = compose(frame, faces, self._readings(frame, faces))
            self._press(self._window.show(picture), frame)

    def _press(self, key: str, frame: Frame) -> None:
        if key in ("q", "\x1b"):
            self._stopped = True
        elif key == " ":
            self._paused = not self._paused
            self.notes.append(f"{'Paused' if self._paused else 'Resumed'} at {frame.time_s:.3f} s.")
        elif key == "m":
            self._markers += 1
            self._say(f"marker {self._markers}")
        elif key == "b" and not self._paused:
            self._take_baseline(frame)
        elif key == "c" and not self._paused:
            self._begin_dots(frame)

    def _say(self, message: str) -> None:
        self._message, self._message_until = message, time.monotonic() + _MESSAGE_S

    def _readings(self, frame: Frame, faces: Sequence[Face]) -> Readings:
        message = self._message if time.monotonic() < self._message_until else ""
        rest: Floats | None = None
        if isinstance(self._personal, KeyBaseline):
            left_s = self._personal.left_s(frame.time_s)
            if left_s is not None:
                message = f"baseline: rest your face, {left_s:.1f} s"
            face = largest(faces)
            known = None if face is None else self._personal.of(face.region.track)
            rest = None if known is None else known.intensity
        return Readings(
            self._fps, self._latency_ms, self._dropped, self._markers, message, self._paused, rest
        )

    def _take_baseline(self, frame: Frame) -> None:
        if not isinstance(self._personal, KeyBaseline):
            self._say("no baseline by key: AUxx_rel is not written, or a baseline was given")
            return
        self._personal.begin(frame.time_s)
        self.notes.append(f"Baseline from {frame.time_s:.3f} s on, for {REST_S:g} s.")

    def _begin_dots(self, frame: Frame) -> None:
        if self._gaze is None or self._window is None:
            self._say("the gaze calibration needs --screen-mm")
            return
        try:
            # The dots measure what is to be corrected: without an earlier correction.
            self._corrected_before = self._pipeline.calibrate_gaze(None)
        except OptionsError as error:
            self._say(error.what)
            return
        self._dots = Dots(self._gaze.screen_mm)
        self._window.fill_screen(True)
        self.notes.append(f"Gaze calibration from {frame.time_s:.3f} s on: gaze uncorrected.")

    def _look_at(self, dots: Dots, frame: Frame, faces: Sequence[Face]) -> None:
        assert self._window is not None and self._gaze is not None  # see _begin_dots
        dots.take(frame.time_s, faces)
        key = self._window.show(dots.picture(frame.time_s))
        if key in ("q", "\x1b"):
            self._fail_dots(frame, "given up")
        elif not dots.is_over(frame.time_s):
            return
        else:
            self._finish_dots(dots, self._gaze.path, frame)
        self._dots = None
        self._window.fill_screen(False)

    def _fail_dots(self, frame: Frame, why: str) -> None:
        self._pipeline.calibrate_gaze(self._corrected_before)
        self._say(f"gaze not calibrated: {why}")
        self.notes.append(f"Gaze not calibrated ({why}): from {frame.time_s:.3f} s on as before.")

    def _finish_dots(self, dots: Dots, path: Path | None, frame: Frame) -> None:
        try:
            found = dots.calibration()
        except OptionsError as error:
            self._fail_dots(frame, error.what)
            return
        self._pipeline.calibrate_gaze(found)
        kept = ""
        if path is not None:
            save(found, path)
            kept = f", kept in {path.name}"
        self._say(f"gaze calibrated, {found.after_deg:.1f} deg")
        self.notes.append(
            f"Gaze calibrated from {frame.time_s:.3f} s on{kept}: {found.targets} dots, median "
            f"error {found.before_deg:.1f} deg before, {found.after_deg:.1f} deg after."
        )
