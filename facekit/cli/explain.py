"""``facekit explain``: what the network looked at for an action unit."""

from pathlib import Path

import click

from facekit.cli.common import say


@click.command("explain")
@click.argument("place", metavar="IMAGE|VIDEO@TIME")
@click.option("--au", "number", type=int, required=True, help="Action unit, by its FACS number.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="PNG."
)
def command(place: str, number: int, output: Path) -> None:
    """Draw which parts of the largest face spoke for an action unit (Grad-CAM).

    TIME is in seconds, as in the table's time_s: facekit explain clip.mp4@3.5 --au 12 -o look.png
    """
    import cv2

    from facekit.errors import OptionsError
    from facekit.explain import draw, explain, parse_place, read_frame, row_of
    from facekit.output.partial import write_whole

    if output.suffix.lower() != ".png":
        raise OptionsError("is no PNG", where=output, advice="Name a file that ends in .png")
    row_of(number)  # a wrong number is said before anything is decoded
    frame = read_frame(*parse_place(place))
    found = explain(frame, number)
    _, data = cv2.imencode(".png", draw(frame, found, number)[..., ::-1])
    write_whole(output, data.tobytes())
    say(f"{output}: what spoke for AU{number:02d}, bright where it spoke most")
