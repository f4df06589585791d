"""Write a shard set: ``python -m facekit.synthetic --data DATA --out DIR --count N``."""

import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from facekit.errors import FacekitError
from facekit.synthetic import shards
from facekit.synthetic.people import Split
from facekit.synthetic.sampling import CLEAN, FACS, Distribution, Expressions


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data folder.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write.")
@click.option("--count", type=int, required=True, help="Pictures in all.")
@click.option("--size", type=int, default=192, show_default=True, help="Side, pixels.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test", "average"]),
    default="train",
    show_default=True,
    help="Whose textures.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=int, default=1, show_default=True, help="Processes.")
@click.option("--shard", type=int, default=2000, show_default=True, help="Pictures per file.")
@click.option(
    "--supersample", type=float, default=2, show_default=True, help="Drawn pixels per pixel."
)
@click.option(
    "--expressions",
    type=click.Choice(["general", "action_units"]),
    default="general",
    show_default=True,
    help="Shapes of the head at random, or action units drawn independently.",
)
@click.option(
    "--wrinkles",
    type=click.Path(path_type=Path),
    help="Library of real wrinkles, made if missing [default: wrinkles.npz in OUT].",
)
@click.option(
    "--blended",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of people with a skin blended out of two of the split's.",
)
@click.option("--clean", is_flag=True, help="Clean fronts only.")
def main(
    data: Path,
    out: Path,
    count: int,
    size: int,
    split: Split,
    seed: int,
    workers: int,
    shard: int,
    supersample: float,
    expressions: Expressions,
    wrinkles: Path | None,
    blended: float,
    clean: bool,
) -> None:
    """Render pictures of faces with exact truth; what is already complete is kept."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    started, done = time.monotonic(), 0
    try:
        plan = shards.ShardPlan(
            data=data,
            split=split,
            count=count,
            size=size,
            seed=seed,
            shard=shard,
            supersample=supersample,
            distribution=_distribution(expressions, clean),
            wrinkles=wrinkles,
            blended=blended,
        )
        for path in shards.write(plan, out, workers):
            done += len(plan.shards()[int(path.name[:5])])
            rate = done / (time.monotonic() - started)
            click.echo(f"{path.name}  {rate:.1f} pictures/s", err=True)
    except FacekitError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _distribution(expressions: Expressions, clean: bool) -> Distribution:
    if expressions == "general":
        return CLEAN if clean else Distribution()
    return replace(CLEAN, expression=expressions) if clean else FACS


if __name__ == "__main__":
    main()
