"""``facekit webcam``: a camera, or a file played at its own pace, analysed live."""

import dataclasses
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facekit.cli.common import DONE, INPUT_FAILED, build_options, pipeline_flags, say
from facekit.cli.streams import parse_streams, stream_flag

if TYPE_CHECKING:
    from facekit.live.session import Session
    from facekit.live.targets import Target
    from facekit.options import PipelineOptions
    from facekit.source.camera import LiveSource


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
    help="Size of the screen, for the gaze calibration; the camera sits on its upper edge.",
)
@stream_flag
@pipeline_flags
def command(
    source_name: str,
    output: str | None,
    headless: bool,
    seconds: float | None,
    overlay: bool,
    calibrate: Path | None,
    screen_mm: tuple[float, float] | None,
    streams: tuple[str, ...],
    config: Path | None,
    **flags: Any,
) -> int:
    """Analyse a camera live. Press q in the window, or Ctrl-C, to end; the table is kept.

    Keys in the window: b baseline (rest your face for 3 s; AUxx_rel from then on), c gaze
    calibration (nine dots; needs --screen-mm), m marker, space pause, q or Esc end.

    Frames that come faster than they can be analysed are dropped, never queued: the table's
    frame column shows the gaps, its columns latency_ms and dropped say how late and how many.
    """
    targets = parse_streams(streams, output)
    if calibrate is not None:
        if headless or output is not None or streams or screen_mm is None:
            raise click.UsageError("--calibrate needs --screen-mm and a window; no table")
        return _calibrate(source_name, build_options(config, flags), calibrate, screen_mm)
    if headless and output is None and not targets:
        raise click.UsageError("--headless without -o would show and keep nothing")
    if overlay and output in (None, "-"):
        raise click.UsageError("--overlay needs a table file (-o) beside which to write")
    options = _with_baseline_key(build_options(config, flags), headless)
    place = _Place(output, headless, overlay, targets)
    return _run(source_name, options, place, seconds, screen_mm)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the rows go: table, window, annotated video, streams."""

    output: str | None
    headless: bool
    overlay: bool
    targets: "tuple[Target, ...]"

    def beside(self, suffix: str) -> Path | None:
        """A file beside the table's; None where that is no file."""
        return None if self.output in (None, "-") else Path(str(self.output)).with_suffix(suffix)


def _run(
    source_name: str,
    options: "PipelineOptions",
    place: _Place,
    seconds: float | None,
    screen_mm: tuple[float, float] | None,
) -> int:
    from facekit.live.session import GazeKey, Session
    from facekit.live.window import Window
    from facekit.pipeline import Pipeline
    from facekit.source.inputs import OVERLAY_SUFFIX
    from facekit.task import record

    pipeline = Pipeline(options)
    say(f"running on {pipeline.device.reason}")
    with ExitStack() as stack:
        stack.callback(pipeline.close)
        window = None if place.headless else stack.enter_context(Window())
        source = stack.enter_context(_open(source_name, options))
        session = Session(
            pipeline,
            window,
            seconds=seconds,
            only_streams=place.headless and place.output is None,
            gaze=GazeKey(screen_mm, place.beside(".gaze.json")) if screen_mm else None,
        )
        stack.enter_context(_listening(session))
        outcome = record(
            source,
            pipeline,
            place.output,
            overlay=place.beside(OVERLAY_SUFFIX) if place.overlay else None,
            steering=session,
            streams=place.targets,
        )
    where = "" if place.beside("") is None else f" in {place.output}"
    say(f"{outcome.frames} frames, {source.dropped} dropped, {outcome.rows} rows{where}")
    for remark in (*outcome.streams, *outcome.warnings):
        say(remark)
    failed = outcome.state == "damaged" or outcome.stream_failed
    return INPUT_FAILED if failed else DONE


def _with_baseline_key(options: "PipelineOptions", headless: bool) -> "PipelineOptions":
    """A window has a key for the baseline, where its columns are wanted and can be written."""
    from facekit.temporal.baseline import BY_KEY

    if headless:
        if options.baseline == BY_KEY:
            raise click.UsageError(f"--baseline {BY_KEY} needs the window: leave out --headless")
        return options
    measured = options.landmarks != "none" and options.action_units != "none"
    wanted = options.columns is None or {"au", "au_rel"} <= {*options.columns}
    if options.baseline is None and measured and wanted:
        return dataclasses.replace(options, baseline=BY_KEY)
    return options


@contextmanager
def _listening(session: "Session") -> Iterator[None]:
    """Ctrl-C ends the run at the next frame, so that the table is completed."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, session.stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
