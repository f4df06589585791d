"""``facekit gaze-calibrate``: a person's own correction of gaze, from known targets."""

from pathlib import Path

import click

from facekit.cli.common import say


@click.command("gaze-calibrate")
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="CLIP|TABLE")
@click.argument(
    "targets", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="TARGETS.csv"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON."
)
@click.option("--track", type=click.IntRange(min=0), help="Whose.  [the track with most faces]")
@click.option(
    "--window",
    type=click.FloatRange(min=0, min_open=True),
    default=0.25,
    show_default=True,
    help="Frames within this many seconds of a target's time count.",
)
def command(source: Path, targets: Path, output: Path, track: int | None, window: float) -> None:
    """Fit a person's own correction of gaze from moments when the target is known.

    CLIP is a video of the person; TABLE one that facekit made of it, with the columns pose and
    gaze. TARGETS.csv has the columns time_s, and target_yaw, target_pitch (degrees, camera axes)
    or screen_x_mm, screen_y_mm (from the lens, right as the viewer sees it, and down). Nine
    places make a good calibration. Then: facekit extract CLIPS --gaze-calibration FILE.json
    """
    from facekit.estimate.gaze_calibration import save
    from facekit.gaze_targets import calibrate, read_targets
    from facekit.output.reading import read_table
    from facekit.output.table import SUFFIXES
    from facekit.task import extract

    wanted = read_targets(targets)
    if source.suffix.lower() in SUFFIXES:
        table = read_table(source)
    else:
        table = extract(source, columns=("pose", "gaze"))
    found = calibrate(table, wanted, track=track, window_s=window)
    save(found, output)
    say(
        f"{output}: {found.moments} moments at {found.targets} places; median error "
        f"{found.before_deg:.1f} deg before, {found.after_deg:.1f} deg after (places left out)"
    )
