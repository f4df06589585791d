"""The limits from which on a row is not trusted, as flags of several commands."""

from collections.abc import Callable
from typing import Any

import click

from facekit.cli.common import Command

_FLAGS: tuple[Callable[[Command], Command], ...] = (
    click.option("--min-score", type=float, help="Least score.  [0.8]"),
    click.option(
        "--min-face", "min_face_px", type=float, help="Least shorter side of a face, px.  [48]"
    ),
    click.option("--max-yaw", type=float, help="Largest yaw to either side, degrees.  [45]"),
    click.option("--max-pitch", type=float, help="Largest pitch up or down, degrees.  [30]"),
    click.option("--max-pose-sd", type=float, help="Largest sd of head pose, degrees.  [10]"),
    click.option("--max-gaze-sd", type=float, help="Largest sd of gaze, degrees.  [20]"),
    click.option(
        "--max-au-sd", type=float, help="Largest mean sd of the action units, levels.  [1]"
    ),
    click.option(
        "--max-landmark-sd",
        type=float,
        help="Largest landmark_sd, as a share of the face's shorter side.  [0.04]",
    ),
    click.option(
        "--max-frozen",
        "max_frozen_s",
        type=float,
        help="How long a picture may stand still, seconds.  [0.5]",
    ),
)


def limit_flags(command: Command) -> Command:
    """Add a flag for every limit to a command."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def given(flags: dict[str, Any]) -> dict[str, float]:
    """The flags that were given, as `facekit.study.trust.Limits` takes them."""
    return {name: value for name, value in flags.items() if value is not None}
