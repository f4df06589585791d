"""Which inputs become which tables: names that mirror the inputs and never meet, and shards."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from facekit.errors import OptionsError
from facekit.live.targets import Target
from facekit.output.events import events_path
from facekit.output.table import Format
from facekit.source.inputs import OVERLAY_SUFFIX, Input

LayoutName: TypeAlias = Literal["openface"]
"""A program whose columns a table can have instead of facekit's own."""


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its table goes.

    Attributes:
        name: what people call the input: its path below the folder or pattern it was found by,
            with forward slashes; no other job of the plan has it.
        source: what `open_source` takes.
        table: the table's file, or ``-``.
        format: None where the table's suffix says it.
        overlay: the annotated video (for images: a folder) to write as well.
        error: why the input cannot be opened, if that is known already.
        layout: the program whose columns the table has; None for facekit's own.
        streams: where its rows are sent as well.
    """

    name: str
    source: Path | str
    table: str
    format: Format | None = None
    overlay: Path | None = None
    error: str = ""
    layout: LayoutName | None = None
    streams: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """The `index`-th of `count` fixed shares, counted from 1."""

    index: int
    count: int

    def __post_init__(self) -> None:
        """Refuse a share that is not one of them."""
        if not 1 <= self.index <= self.count:
            raise OptionsError(
                f"'{self.index}/{self.count}' is not a share",
                where="shard",
                advice="Expected I/N with 1 <= I <= N, such as 3/10",
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that ``I/N`` names.

        Raises:
            OptionsError: it names none.
        """
        given = re.fullmatch(r"(\d+)/(\d+)", text)
        if given is None:
            raise OptionsError(
                f"{text!r} is not a share", where="shard", advice="Expected I/N, such as 3/10"
            )
        return cls(int(given[1]), int(given[2]))

    def of(self, jobs: Sequence[Job]) -> list[Job]:
        """Every `count`-th job from the `index`-th: long recordings that lie together are shared.

        The shares depend only on the plan: as long as the inputs are the same, each job is in
        exactly one.
        """
        return list(jobs[self.index - 1 :: self.count])


def plan_one(
    found: Input,
    table: str,
    format: Format | None,
    overlay: bool,
    layout: LayoutName | None = None,
) -> Job:
    """The job of a single input whose table is named by the user, ``-`` included."""
    shown = _overlay_path(found, Path(table)) if overlay else None
    name, error = found.relative.as_posix(), _error(found)
    return Job(name, found.source, table, format, shown, error, layout)


def plan(
    found: Sequence[Input],
    folder: Path,
    format: Format = "csv",
    overlay: bool = False,
    layout: LayoutName | None = None,
) -> list[Job]:
    """A job for each input, tables below `folder` in the places of their inputs.

    Args:
        found: as `find_inputs` gives them.
        folder: of the output.
        format: of the tables.
        overlay: also write annotated videos.
        layout: the program whose columns the tables have; None for facekit's own.

    Returns:
        Jobs in the order of `found`. Inputs with the same relative path get as many folders in
        front as tell them apart; inputs that differ in their suffix keep it
        (``clip.mp4.csv``, ``clip.avi.csv``).
    """
    names = _names(found)
    jobs = []
    for entry, name, table in zip(found, names, _tables(names, f".{format}"), strict=True):
        path = folder / table
        shown = _overlay_path(entry, path) if overlay else None
        jobs.append(
            Job(name.as_posix(), entry.source, str(path), None, shown, _error(entry), layout)
        )
    return jobs


def summary_name(shard: Shard | None) -> str:
    """File name of the study's summary."""
    return "study.csv" if shard is None else f"study.{shard.index}-of-{shard.count}.csv"


_SUMMARY = re.compile(r"study(\.\d+-of-\d+)?\.csv", re.IGNORECASE)


def is_summary_name(name: str) -> bool:
    """Whether a file of this name is a study's summary, whole or of a shard."""
    return _SUMMARY.fullmatch(name) is not None


def _names(found: Sequence[Input]) -> list[Path]:
    """A relative path for each input that no other has."""
    depths = [0] * len(found)
    bases = [_base(entry) for entry in found]
    while True:
        names = [
            Path(*base[len(base) - depth :], entry.relative)
            for entry, base, depth in zip(found, bases, depths, strict=True)
        ]
        counts = Counter(names)
        grown = [
            i for i, name in enumerate(names) if counts[name] > 1 and depths[i] < len(bases[i])
        ]
        if not grown:
            return _numbered(names)
        for i in grown:
            depths[i] += 1


def _base(entry: Input) -> tuple[str, ...]:
    """The folders above the one that an input was found by; none for an address."""
    if not isinstance(entry.source, Path):
        return ()
    path = entry.source.absolute()
    above = len(path.parts) - len(entry.relative.parts)
    return path.parts[1:above]


def _numbered(names: Sequence[Path]) -> list[Path]:
    """Addresses can differ in nothing that a file name may hold: number those."""
    taken: set[Path] = set()
    unique = []
    for name in names:
        number, chosen = 1, name
        while chosen in taken:
            number += 1
            chosen = name.with_name(f"{name.stem}-{number}{name.suffix}")
        taken.add(chosen)
        unique.append(chosen)
    return unique


def _tables(names: Sequence[Path], suffix: str) -> list[Path]:
    """A table's path for each of `names`, which are all different."""
    styles = [0] * len(names)
    while True:
        tables = [_table(name, style, suffix) for name, style in zip(names, styles, strict=True)]
        counts = Counter(tables)
        events = {events_path(table) for table in tables}
        lowest: dict[Path, int] = {}
        for table, style in zip(tables, styles, strict=True):
            lowest[table] = min(style, lowest.get(table, style))
        again = [
            i
            for i, table in enumerate(tables)
            if _SUMMARY.fullmatch(str(table))
            or table in events
            or (counts[table] > 1 and styles[i] == lowest[table])
        ]
        if not again:
            return tables
        for i in again:
            styles[i] += 1


def _table(name: Path, style: int, suffix: str) -> Path:
    if style == 0:
        return name.with_suffix(suffix)
    # clip.mp4 and clip.avi side by side; or a recording that is called as the summary is
    # (study), or as the events of another (clip.events.mp4).
    return name.with_name(name.name + (suffix if style == 1 else f".table{suffix}"))


def _overlay_path(entry: Input, table: Path) -> Path:
    suffix = ".overlay" if entry.kind == "images" else OVERLAY_SUFFIX
    return table.with_name(table.stem + suffix)


def _error(entry: Input) -> str:
    return "" if entry.error is None else str(entry.error)
