"""Command-line settings that the trainers share."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are and how long to train.

    Attributes:
        data: the project's data folder.
        shards: folder with the sets ``train`` and ``val`` of renders.
        photos: cache of labelled photos; None trains on renders only.
        out: folder of the run.
        minutes: of training in all; 0 only publishes.
        steps: end after so many steps.
        seed: of everything random.
        batch: crops in a batch.
        threads: torch's threads; they wait spinning, so that on a busy machine one is fastest.
        limit: at most so many renders.
        validation: at most so many validation faces per source.
        validate_every_s: seconds between validations.
        resume: continue the run in `out`.
        start: checkpoint that the network, or as much of it as fits, starts from.
        publish: weights folder to publish the best network into.
        command: the command line that trains the run.
    """

    data: Path
    shards: Path
    photos: Path | None
    out: Path
    minutes: float
    steps: int
    seed: int
    batch: int
    threads: int
    limit: int | None
    validation: int
    validate_every_s: float
    resume: bool
    start: Path | None
    publish: Path | None
    command: str


def parse(name: str, about: str | None, arguments: list[str]) -> Settings:
    """Settings out of a trainer's arguments.

    Args:
        name: of the trainer.
        about: its help text.
        arguments: what follows the name on the command line.
    """
    parser = argparse.ArgumentParser(prog=f"python -m facekit.train {name}", description=about)
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--shards", type=Path, required=True, help="renders: sets train and val")
    parser.add_argument("--photos", type=Path, help="cache of python -m facekit.train photos")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=60, help="of training; 0: only publish")
    parser.add_argument("--steps", type=int, default=10**9, help="end after so many steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=96, help="crops in a batch")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads")
    parser.add_argument("--limit", type=int, help="at most so many renders")
    parser.add_argument("--validation", type=int, default=400, help="faces per source")
    parser.add_argument("--validate-every-s", type=float, default=240)
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    parser.add_argument("--start", type=Path, help="checkpoint to start from")
    parser.add_argument("--publish", type=Path, help="weights folder to publish into")
    options = parser.parse_args(arguments)
    command = command_of(name, arguments, options.out, options.minutes > 0)
    return Settings(**vars(options), command=command)


def command_of(name: str, arguments: list[str], out: Path, trains: bool) -> str:
    """The command that trained the run in a folder, noted there: a later one may only publish it.

    Args:
        name: of the trainer.
        arguments: what follows the name on the command line.
        out: folder of the run.
        trains: whether this command trains.
    """
    path = out / "command.txt"
    if trains or not path.is_file():
        given = " ".join(["python -m facekit.train", name, *map(_portable, arguments)])
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(given + "\n", encoding="utf-8")
        return given
    return path.read_text(encoding="utf-8").strip()


def _portable(argument: str) -> str:
    """An argument without the folders that only this machine has: the manifest travels."""
    path = Path(argument)
    if not path.is_absolute():
        return argument
    return f"{path.parent.name}/{path.name}" if path.suffix else path.name
