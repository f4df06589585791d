"""``facekit webcam``: a camera, or a file played at its own pace, analysed live."""

import dataclasses
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facekit.cli.common import DONE, INPUT_FAILED, build_options, pipeline_flags, say

if TYPE_CHECKING:
    from facekit.live.window import Window
    from facekit.options import PipelineOptions
    from facekit.source.camera import LiveSource
    from facekit.types import Face, Frame


@click.command("webcam")
@click.option(
    "--source",
    "source_name",
    default="0",
    show_default=True,
    help="Number of the camera, or a video file to play at its own pace.",
)
@click.option("-o", "--output", help="Table file to write, or - for JSON lines on stdout.")
@click.option("--headless", is_flag=True, help="No window.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after this.")
@click.option("--overlay", is_flag=True, help="Also write an annotated video beside the table.")
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Show nine dots to look at, and write the person's gaze calibration.",
)
@click.option(
    "--screen-mm",
    type=(float, float),
    metavar="W H",
    help="Size of the screen with --calibrate; the camera sits on its upper edge.",
)
@pipeline_flags
def command(
    source_name: str,
    output: str | None,
    headless: bool,
    seconds: float | None,
    overlay: bool,
    calibrate: Path | None,
    screen_mm: tuple[float, float] | None,
    config: Path | None,
    **flags: Any,
) -> int:
    """Analyse a camera live. Press q in the window, or Ctrl-C, to end; the table is kept.

    Frames that come faster than they can be analysed are dropped, never queued: the table's
    frame column shows the gaps.
    """
    if calibrate is not None:
        if headless or output is not None or screen_mm is None:
            raise click.UsageError("--calibrate needs --screen-mm and a window; no table")
        return _calibrate(source_name, build_options(config, flags), calibrate, screen_mm)
    if headless and output is None:
        raise click.UsageError("--headless without -o would show and keep nothing")
    if overlay and output in (None, "-"):
        raise click.UsageError("--overlay needs a table file (-o) beside which to write")
    options = build_options(config, flags)
    from facekit.live.window import Window
    from facekit.pipeline import Pipeline
    from facekit.source.inputs import OVERLAY_SUFFIX
    from facekit.task import record

    pipeline = Pipeline(options)
    say(f"running on {pipeline.device.reason}")
    with ExitStack() as stack:
        stack.callback(pipeline.close)
        window = None if headless else stack.enter_context(Window())
        source = stack.enter_context(_open(source_name, options))
        watch = _Watch(window, seconds)
        stack.enter_context(watch.listening())
        overlay_path = Path(output).with_suffix(OVERLAY_SUFFIX) if overlay and output else None
        outcome = record(source, pipeline, output, overlay=overlay_path, watch=watch)
    place = f" in {output}" if output not in (None, "-") else ""
    say(f"{outcome.frames} frames, {source.dropped} dropped, {outcome.rows} rows{place}")
    for warning in outcome.warnings:
        say(warning)
    return INPUT_FAILED if outcome.state == "damaged" else DONE


def _open(name: str, options: "PipelineOptions") -> "LiveSource":
    from facekit.source.camera import CameraSource, PacedFile
    from facekit.source.selection import Selection

    selection = Selection(options.start, options.end, options.every)
    if name.isdigit():
        return CameraSource(int(name), selection=selection)
    return PacedFile(Path(name), selection=selection, threads=options.threads or 0)


def _calibrate(
    source_name: str, options: "PipelineOptions", path: Path, screen_mm: tuple[float, float]
) -> int:
    """Show the dots, then fit and save."""
    from facekit.estimate.gaze_calibration import save
    from facekit.live.dots import Dots
    from facekit.live.window import Window
    from facekit.pipeline import Pipeline

    pipeline = Pipeline(dataclasses.replace(options, gaze_calibration=None, columns=("gaze",)))
    pipeline.columns()
    dots = Dots(screen_mm)
    with ExitStack() as stack:
        stack.callback(pipeline.close)
        window = stack.enter_context(Window(full_screen=True))
        source = stack.enter_context(_open(source_name, options))
        say("look at each dot until it is gone; q ends")
        for frame in source:
            dots.take(frame.time_s, pipeline.process(frame))
            if dots.is_over(frame.time_s) or window.show(dots.picture(frame.time_s)) == "q":
                break
    found = dots.calibration()
    save(found, path)
    say(
        f"{path}: {found.targets} dots; median error {found.before_deg:.1f} deg before, "
        f"{found.after_deg:.1f} deg after (dots left out)"
    )
    return DONE


class _Watch:
    """Shows each frame and says whether to go on."""

    def __init__(self, window: "Window | None", seconds: float | None) -> None:
        self._window, self._seconds = window, seconds
        self._started = time.monotonic()
        self._stopped = False
        self._speed = 0.0
        self._shown_at = self._started

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C ends the run at the next frame, so that the table is completed."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def __call__(self, source: object, frame: "Frame", faces: "Sequence[Face]") -> bool:
        now = time.monotonic()
        over = self._seconds is not None and now - self._started >= self._seconds
        if self._window is not None:
            self._stopped |= self._window.show(self._picture(frame, faces, now)) in ("q", "\x1b")
        return not (over or self._stopped)

    def _stop(self, number: int, stack_frame: object) -> None:
        self._stopped = True

    def _picture(self, frame: "Frame", faces: "Sequence[Face]", now: float) -> Any:
        from facekit.output.drawing import draw, write_caption

        self._speed += 0.1 * (1 / max(now - self._shown_at, 1e-3) - self._speed)
        self._shown_at = now
        text = f"{frame.time_s:.1f} s   {self._speed:.0f} frames/s   q: end"
        picture = draw(frame.image, faces)
        write_caption(picture, text)
        return picture
