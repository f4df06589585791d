"""``--stream``, which extract and webcam share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from facekit.live.targets import Target

Command = TypeVar("Command", bound=Callable[..., Any])


def stream_flag(command: Command) -> Command:
    """Add ``--stream`` to a command, as its parameter `streams`."""
    return click.option(
        "--stream",
        "streams",
        multiple=True,
        metavar="TARGET",
        help="Send every row as it is made, too: jsonl:-, jsonl:PATH, udp://HOST:PORT, "
        "osc://HOST:PORT, zmq://HOST:PORT or lsl:NAME; may be given several times.",
    )(command)


def parse_streams(texts: Sequence[str], output: str | None) -> "tuple[Target, ...]":
    """The targets that were named.

    Args:
        texts: as given.
        output: where the table goes.

    Raises:
        OptionsError: one is no target.
        UsageError: the table and a stream share standard output.
    """
    if not texts:
        return ()
    from facekit.live.targets import parse_all

    targets = parse_all(texts)
    if output == "-" and any(target.text == "jsonl:-" for target in targets):
        raise click.UsageError("-o - and --stream jsonl:- share standard output: leave one out")
    return targets
