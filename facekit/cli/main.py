"""``facekit``: the group of commands, exit codes, and how errors are said."""

import importlib
import logging
import os
import sys
from typing import NoReturn

import click

from facekit._version import __version__
from facekit.cli.common import DONE, INPUT_FAILED, INTERRUPTED, USAGE
from facekit.errors import DeviceError, FacekitError, MissingExtraError, OptionsError

# Command name: (module, one-line help). The modules are imported only when a command runs.
_COMMANDS = {
    "extract": ("extract", "Turn videos and images of faces into tables."),
    "webcam": ("webcam", "Analyse a camera live, with a window or without."),
    "view": ("view", "Look at tables, their video and their events in the browser."),
    "summarise": ("summarise", "Write one row of statistics for everyone in every table."),
    "quality": ("quality", "Say what share of a table can be trusted, and why not the rest."),
    "report": ("report", "Write one page on the quality and content of tables."),
    "draw": ("draw", "Draw what a table says into a copy of its video."),
    "crops": ("crops", "Cut aligned faces out of a video."),
    "anonymise": ("anonymise", "Hide the faces of a video, and check the result."),
    "plot": ("plot", "Map the embeddings of a clip: who is like whom."),
    "events": ("events", "Give the events of a table, also for ELAN."),
    "gallery": ("gallery", "Keep people whom extract --gallery names."),
    "baseline": ("baseline", "Save a person's face at rest, for extract --baseline."),
    "explain": ("explain", "Draw what the network looked at for an action unit."),
    "import-openface": ("import_openface", "Turn OpenFace's tables into facekit's columns."),
    "train": ("train", "Fit a small head to your own FACS codes."),
    "gaze-calibrate": ("gaze_calibrate", "Fit a person's own correction of gaze."),
    "columns": ("columns", "List the columns of the table: unit, range, meaning."),
    "weights": ("weights", "List, verify or fetch the networks' files."),
    "doctor": ("doctor", "Say what a bug report needs: versions, device, decoder, weights."),
    "bench": ("bench", "Measure speed and memory on this machine, as ratios."),
}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command = importlib.import_module(f"facekit.cli.{module}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="facekit")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
def group(verbose: bool) -> None:
    """Facial behaviour analysis of video: tables whose every number has a unit and a source.

    Data goes to files or stdout, talk to stderr. Exit codes: 0 all done; 1 a defect of
    facekit; 2 wrong usage; 3 some input failed or was damaged (the others are complete);
    4 (anonymise) somebody is still recognisable; 130 interrupted.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="facekit: %(message)s",
        stream=sys.stderr,
    )


def main() -> NoReturn:
    """Run the command line and exit with facekit's exit codes."""
    try:
        code = group.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else DONE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("facekit: interrupted", err=True)
        sys.exit(INTERRUPTED)
    except (OptionsError, DeviceError, MissingExtraError) as error:
        click.echo(f"facekit: {error}", err=True)
        sys.exit(USAGE)
    except BrokenPipeError:
        # The reader of stdout (head, less) has seen enough; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(DONE)
    except FacekitError as error:
        click.echo(f"facekit: {error}", err=True)
        sys.exit(INPUT_FAILED)
