"""``facekit train``: fit to your own codes what facekit lets you fit."""

from pathlib import Path

import click

from facekit.cli.common import say


@click.group("train")
def command() -> None:
    """Fit facekit to your own codes (its networks: python -m facekit.train)."""


@command.command("au-head")
@click.option(
    "--table",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="CSV: file; frame or time_s (neither: the row codes the clip); person; AU01, AU12, ...",
)
@click.option(
    "--video-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Where the files are.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON."
)
def au_head_command(table: Path, video_dir: Path, output: Path) -> None:
    """Fit a small head to your own FACS codes, and say what it gains on people left out.

    Codes are 0-5 or A-E (intensity), or only 0 and 1 (presence); an empty cell was not coded.
    Without a column person every file is taken for a person of its own.
    Then: facekit extract CLIPS --au-head FILE.json
    """
    from facekit.errors import OptionsError
    from facekit.estimate.action_units import NETWORK
    from facekit.output.partial import write_whole
    from facekit.runtime.weights import identity
    from facekit.train.au_head import fit_head, report_lines
    from facekit.train.au_labels import code_faces, missing_files, read_labels

    labels = read_labels(table)
    missing = list(missing_files(labels, video_dir))
    if missing:
        raise OptionsError(
            f"holds no {', '.join(missing[:3])}{' ...' if missing[3:] else ''}", where=video_dir
        )
    examples, remarks = code_faces(labels, video_dir)
    for remark in remarks:
        say(remark)
    head, reports = fit_head(examples, identity(NETWORK))
    click.echo("\n".join(report_lines(reports)))
    write_whole(output, head.to_json().encode())
    say(f"{output}: {len(head.units)} action units, {head.rows} codes of {head.people} people")
