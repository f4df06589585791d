"""``facekit gallery``: people to be named by ``facekit extract --gallery``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facekit.cli.common import say, show

if TYPE_CHECKING:
    from facekit.gallery import Entry, Gallery

_FILE = click.option(
    "--gallery",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The gallery's file.  [gallery.json in your data folder]",
)


@click.group("gallery")
def command() -> None:
    """Keep a gallery of people, whom facekit extract --gallery FILE then names.

    One file that only you can read holds each name with the mean of the person's embeddings: no
    pictures. That is biometric data: take in only people who have agreed (docs/identity.md).
    """


@command.command("add")
@click.argument("name")
@click.argument("inputs", nargs=-1, required=True, metavar="IMAGE|VIDEO...")
@click.option("--largest", is_flag=True, help="Only each picture's largest face counts.")
@_FILE
def add(name: str, inputs: tuple[str, ...], largest: bool, path: Path | None) -> None:
    """Take a person in, or more faces of one who is there.

    Each input shows this one person. Two or three pictures in different light are better than one.
    """
    from facekit.enrolment import enrol, enrolment_pipeline
    from facekit.estimate.identity import threshold
    from facekit.study.job import make_folder

    file = _file(path)
    gallery = _load(file, new=True)
    pipeline = enrolment_pipeline(largest=largest)
    try:
        for source in inputs:
            entry = enrol(source, pipeline)
            _warn(gallery, name, entry, source, threshold())
            gallery.add(name, entry)
    finally:
        pipeline.close()
    make_folder(file.parent)
    gallery.save(file)
    faces = dict(gallery)[name].faces
    say(f"{name}: known by {faces} face{'s' * (faces > 1)}; gallery: {file}")


@command.command("list")
@_FILE
def list_command(path: Path | None) -> None:
    """Everyone in the gallery, and how many faces each is known by."""
    from rich.table import Table

    file = _file(path)
    table = Table("name", "faces", box=None, pad_edge=False)
    for name, entry in _load(file, new=False):
        table.add_row(name, str(entry.faces))
    show(table)
    say(f"gallery: {file}")


@command.command("remove")
@click.argument("name")
@_FILE
def remove(name: str, path: Path | None) -> None:
    """Forget a person; nothing of the embeddings stays in the file."""
    file = _file(path)
    gallery = _load(file, new=False)
    gallery.remove(name)
    gallery.save(file)
    say(f"{name} is forgotten; {len(gallery)} left in {file}")


def _file(path: Path | None) -> Path:
    from facekit.gallery import default_path

    return path or default_path()


def _load(file: Path, *, new: bool) -> "Gallery":
    from facekit.estimate.identity import NETWORK
    from facekit.gallery import Gallery
    from facekit.runtime.weights import identity

    version = identity(NETWORK)
    return Gallery(version) if new and not file.exists() else Gallery.load(file, version)


def _warn(gallery: "Gallery", name: str, entry: "Entry", source: str, threshold: float) -> None:
    """Say what looks like a mistake: unlike the person of this name, or like another one."""
    for other, known in gallery:
        likeness = float(known.mean @ entry.mean)
        if other == name and likeness < threshold:
            say(f"{source} is not much like {name} so far ({likeness:.3f} < {threshold:.3f})")
        elif other != name and likeness >= threshold:
            say(f"{source} is also like {other} ({likeness:.3f}): the two may be mixed up")
