"""``facekit weights``: list, verify and fetch the networks' files."""

from collections.abc import Callable
from functools import partial

import click

from facekit.cli.common import DONE, INPUT_FAILED, say, show
from facekit.errors import WeightsError


@click.group("weights")
def command() -> None:
    """List, verify or fetch the networks' files.

    Files are looked for in the folder that FACEKIT_WEIGHTS names, in the package, and in your
    data folder, where pull puts them.
    """


@command.command("list")
def list_command() -> None:
    """Every network: where its files are, its licence and origin."""
    from rich.table import Table

    from facekit.runtime.weights import find, load_manifest

    manifest = load_manifest()
    table = Table(box=None, pad_edge=False)
    for header in ("name", "MB", "licence", "file"):
        table.add_column(header, justify="right" if header == "MB" else "left", overflow="fold")
    for name, entry in manifest.networks.items():
        licence = str(entry.details.get("licence", ""))
        for file in (entry.onnx, entry.torch):
            table.add_row(name, f"{file.size / 1e6:.2f}", licence, str(find(file.name)))
    for name, optional in manifest.optional.items():
        try:
            path = find(optional.file)
            size, place = f"{path.stat().st_size / 1e6:.2f}", str(path)
        except WeightsError:
            size, place = "", f"not fetched; facekit weights pull {name}"
        table.add_row(name, size, optional.licence, place)
    show(table)


@command.command("verify")
def verify_command() -> int:
    """Compare every file with the hash that the manifest states."""
    from facekit.runtime.weights import find, find_optional, find_verified, load_manifest

    manifest = load_manifest()
    sound = True
    for entry in manifest.networks.values():
        for file in (entry.onnx, entry.torch):
            sound &= _say_whether_sound(file.name, partial(find_verified, file))
    for name, optional in manifest.optional.items():
        try:
            find(optional.file)
        except WeightsError:
            click.echo(f"absent   {optional.file} (optional; facekit weights pull {name})")
            continue
        sound &= _say_whether_sound(optional.file, partial(find_optional, name))
    return DONE if sound else INPUT_FAILED


@command.command("pull")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def pull_command(names: tuple[str, ...]) -> None:
    """Fetch optional third-party weights over https, checked by hash.

    They go to the folder that FACEKIT_WEIGHTS names, or to your data folder. Names and licences:
    facekit weights list.
    """
    from facekit.runtime.pull import pull
    from facekit.runtime.weights import load_manifest, read_pin

    manifest = load_manifest()
    try:
        entries = [manifest.third_party(name) for name in names]
    except WeightsError as error:
        raise click.UsageError(str(error)) from error
    for name, entry in zip(names, entries, strict=True):
        say(f"{name}: {entry.description} Licence: {entry.licence}. From {entry.url}")
        path = pull(name)
        if entry.sha256 is None:
            say(f"no hash is known for it here: pinned at what was fetched now, {read_pin(path)}")
        click.echo(path)


def _say_whether_sound(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except WeightsError as error:
        click.echo(f"DAMAGED  {name}: {error}")
        return False
    click.echo(f"sound    {name}")
    return True
