"""``facekit report``: one page on the quality and content of tables."""

from pathlib import Path

import click

from facekit.cli.common import DONE, INPUT_FAILED, say

_FILE = click.Path(path_type=Path)


@click.command("report")
@click.argument("tables", nargs=-1, required=True, type=_FILE, metavar="TABLE...")
@click.option(
    "-o",
    "--output",
    type=_FILE,
    default=Path("report.html"),
    show_default=True,
    help="The page to write.",
)
def command(tables: tuple[Path, ...], output: Path) -> int:
    """Write one page on tables or a folder of them: quality, coverage, statistics, traces.

    The page is one file that opens in any browser, without a network.
    """
    from facekit.output.partial import write_whole
    from facekit.study.found import find_tables
    from facekit.viewer.report import MOST_PLOTTED, page, section

    found = find_tables(tables)
    sections = []
    for number, table in enumerate(found.tables):
        sections.append(section(table.path, plotted=number < MOST_PLOTTED))
        if sections[-1].error:
            say(sections[-1].error)
    for note in (*found.left_out, *found.errors):
        say(note)
    write_whole(output, page(sections).encode("utf-8", "backslashreplace"))
    good = sum(1 for one in sections if not one.error)
    failed = len(sections) - good + len(found.errors)
    say(f"{output}: {good} of {good + failed} tables")
    return INPUT_FAILED if failed else DONE
