"""What several commands share: the pipeline's options as flags, the terminal's voice."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from facekit.options import (
    ActionUnitBackend,
    DeviceRequest,
    GazeBackend,
    HeadPoseBackend,
    LandmarkBackend,
    PipelineOptions,
    TemporalChoice,
    read_toml,
)

if TYPE_CHECKING:
    from rich.table import Table

DONE, DEFECT, USAGE, INPUT_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; see ``facekit --help``."""

RECOGNISABLE = 4
"""Exit code of ``facekit anonymise``: somebody can still be recognised."""

Command = TypeVar("Command", bound=Callable[..., Any])


def _numbers(text: str) -> tuple[float, ...]:
    """Comma-separated numbers, such as ``10,20,300,200``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a list like 10,20,300,200") from error


def list_of_names(text: str) -> tuple[str, ...]:
    """Comma-separated names."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


_FLAGS: tuple[Callable[[Command], Command], ...] = (
    click.option("--detect-every", type=int, help="Search whole frames every N frames.  [10]"),
    click.option(
        "--min-face",
        type=float,
        help="Smallest face: < 1 a share of the shorter side, else pixels.  [0.05]",
    ),
    click.option("--max-faces", type=int, help="Follow at most N faces, the largest first."),
    click.option("--largest", is_flag=True, default=None, help="Only each frame's largest face."),
    click.option(
        "--roi", type=_numbers, metavar="X,Y,W,H", help="Only faces centred in this part, pixels."
    ),
    click.option(
        "--landmarks",
        type=click.Choice(get_args(LandmarkBackend)),
        help="Network for dense landmarks.  [facekit]",
    ),
    click.option(
        "--head-pose",
        type=click.Choice(get_args(HeadPoseBackend)),
        help="Network for head pose; needs landmarks.  [facekit]",
    ),
    click.option(
        "--gaze", type=click.Choice(get_args(GazeBackend)), help="Network for gaze.  [facekit]"
    ),
    click.option(
        "--gaze-calibration", metavar="FILE", help="The person's own (facekit gaze-calibrate)."
    ),
    click.option(
        "--action-units",
        type=click.Choice(get_args(ActionUnitBackend)),
        help="Network for facial action units; needs landmarks.  [facekit]",
    ),
    click.option(
        "--temporal",
        type=click.Choice(get_args(TemporalChoice)),
        help="Network for dynamics: looking up to 1 s ahead, or not.  [auto: ahead in files]",
    ),
    click.option("--focal", type=float, help="Focal length, px.  [the frame's longer side]"),
    click.option("--fov", type=float, help="Horizontal field of view, degrees; or --focal."),
    click.option(
        "--baseline",
        metavar="auto|first:S|FILE",
        help="Add AUxx_rel: intensities less the person's own at rest.",
    ),
    click.option(
        "--au-head",
        metavar="FILE",
        help="Add AUxx_own by a head of your own; see: facekit train au-head.",
    ),
    click.option(
        "--identity", is_flag=True, default=None, help="Tell people apart: adds person.  [off]"
    ),
    click.option(
        "--embeddings",
        is_flag=True,
        default=None,
        help="With --identity: also NAME.embeddings.parquet, biometric data.",
    ),
    click.option("--gallery", metavar="FILE", help="Name people; see: facekit gallery."),
    click.option(
        "--columns",
        type=list_of_names,
        metavar="GROUP,...",
        help="Column groups; see: facekit columns.",
    ),
    click.option("--start", type=float, help="Leave out frames before this time_s."),
    click.option("--end", type=float, help="Leave out frames after this time_s."),
    click.option("--every", type=float, help="Keep one frame per this many seconds."),
    click.option(
        "--device", type=click.Choice(get_args(DeviceRequest)), help="Where networks run.  [auto]"
    ),
    click.option("--threads", type=int, help="CPU threads.  [one per core]"),
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="TOML file with any of these options; flags win over it.",
    ),
)


def pipeline_flags(command: Command) -> Command:
    """Add a flag for every pipeline option, and ``--config``, to a command."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def build_options(config: Path | None, flags: dict[str, Any]) -> PipelineOptions:
    """Options out of a TOML file and the flags that were given, which win.

    Raises:
        OptionsError: the file or a value is not usable.
    """
    values: dict[str, Any] = {}
    if config is not None:
        # Checked on their own first, so that an error in the file names the file.
        values = read_toml(config)
        PipelineOptions.from_mapping(values, where=config)
    values = {name.replace("-", "_"): value for name, value in values.items()}
    given = {name: value for name, value in flags.items() if value is not None}
    return PipelineOptions.from_mapping({**values, **given}, where="command line")


def say(message: str) -> None:
    """One line of talk, on stderr."""
    click.echo(f"facekit: {message}", err=True)


def show(table: "Table") -> None:
    """A table on stdout: folded to the terminal's width, whole lines where a program reads it."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 1000
    console.print(table)
