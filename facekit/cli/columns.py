"""``facekit columns``: what each column of the table means."""

import json
from dataclasses import asdict

import click

from facekit.cli.common import say, show
from facekit.columns import GROUPS, OFF_BY_DEFAULT, Column, columns, families


@click.command("columns")
@click.option(
    "--format", "style", type=click.Choice(["table", "markdown", "json"]), default="table"
)
@click.option("--all", "every", is_flag=True, help="Every column, not one line per family.")
def command(style: str, every: bool) -> None:
    """List the columns of the table: group, unit, range and meaning."""
    listed = columns(GROUPS, images=True)
    if style == "json":
        click.echo(json.dumps([asdict(column) for column in listed], indent=1))
        return
    lines = listed if every else families(listed)
    if style == "markdown":
        click.echo(markdown(lines))
        return
    _show(lines, every)


def markdown(lines: tuple[Column, ...]) -> str:
    """The README's table of columns, one line per family."""
    head = "| column | group | unit | range | meaning |\n|---|---|---|---|---|"
    body = [f"| `{c.family}` | {c.group} | {c.unit} | {_range(c)} | {c.meaning} |" for c in lines]
    return "\n".join([head, *body])


def _show(lines: tuple[Column, ...], every: bool) -> None:
    from rich.table import Table

    table = Table("column", "group", "unit", "range", "meaning", box=None, pad_edge=False)
    for column in lines:
        name = column.name if every else column.family
        table.add_row(name, column.group, column.unit, _range(column), column.meaning)
    show(table)
    asked = ", ".join(name for name in GROUPS if name in OFF_BY_DEFAULT)
    say(f"only with --columns, which then names every group wanted: {asked}")


def _range(column: Column) -> str:
    if column.low is None and column.high is None:
        return ""
    if column.high is None:
        return f">= {column.low:g}"
    if column.low is None:
        return f"<= {column.high:g}"
    return f"{column.low:g} to {column.high:g}"
