"""``facekit plot``: figures of what facekit wrote."""

from pathlib import Path

import click

from facekit.cli.common import say


@click.group("plot")
def command() -> None:
    """Draw figures (those of tables: facekit.plot in Python)."""


@command.command("identities")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), metavar="TABLE|EMBEDDINGS")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Picture to write (.png, .pdf, .svg).",
)
@click.option(
    "--thumbnails",
    type=click.Path(path_type=Path),
    metavar="VIDEO",
    help="Show the faces themselves, cut from this video; PATH is then its table.",
)
def identities(path: Path, output: Path, thumbnails: Path | None) -> None:
    """Map the embeddings of facekit extract --embeddings: who lies close to whom.

    By t-SNE: faces that are alike lie close together; distances between groups mean little.
    """
    from facekit.errors import OutputError
    from facekit.identity_map import draw_map, identity_map, thumbnails_of
    from facekit.output.embeddings import SUFFIX

    if thumbnails is not None and path.name.endswith(SUFFIX):
        raise click.UsageError("--thumbnails needs the table, in which the faces' boxes are")
    found = identity_map(path)
    faces = None if thumbnails is None else thumbnails_of(path, thumbnails, found.faces)
    figure = draw_map(found, path.name, faces)
    try:
        figure.savefig(output, dpi=150)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"cannot be written ({error})", where=output, advice="Name a .png in another folder"
        ) from error
    say(f"{output}: {len(found.points)} faces")
