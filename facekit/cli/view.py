"""``facekit view``: a page to look at a table, its video and its events."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facekit.cli.common import DONE, say

if TYPE_CHECKING:
    from facekit.viewer.routes import Routes

_FILE = click.Path(path_type=Path)


@click.command("view")
@click.argument("tables", nargs=-1, required=True, type=_FILE, metavar="TABLE [TABLE]")
@click.option("--video", type=_FILE, help="The video.  [the table's source, if it lies beside it]")
@click.option("--at", "at_s", type=float, default=0.0, help="Open at this time_s.")
@click.option("--port", type=int, default=0, help="Port of 127.0.0.1.  [a free one]")
@click.option("--no-browser", is_flag=True, help="Only print the link.")
def command(
    tables: tuple[Path, ...], video: Path | None, at_s: float, port: int, no_browser: bool
) -> int:
    """Look at a table, or at two side by side, in the browser.

    The page is served on 127.0.0.1 until Ctrl-C, to nobody without the link, and asks no other
    host for anything. Press ? in it for its keys.
    """
    if len(tables) > 2:
        raise click.UsageError(f"{len(tables)} tables; the viewer shows one, or two side by side")
    from facekit.viewer.server import ViewerServer

    with ViewerServer(_routes(tables, video, at_s), port) as server:
        click.echo(server.link)
        say("serving until Ctrl-C; open the link above in a browser of this machine")
        if not no_browser:
            click.launch(server.link)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("the viewer has ended")
    return DONE


def _routes(tables: tuple[Path, ...], video: Path | None, at_s: float) -> "Routes":
    from facekit.viewer.beside import find_video
    from facekit.viewer.content import TableContent
    from facekit.viewer.film import Film
    from facekit.viewer.routes import Routes

    contents = []
    for path in tables:
        say(f"reading {path}")
        contents.append(TableContent(path))
        contents[-1].prepare()
    shown, notes = find_video(contents[0], video)
    for note in notes:
        say(note)
    return Routes(contents, Film(shown) if shown else None, notes, at_s)
