"""The cascade's first stage: P-Net over the pyramid, coarse levels first.

Nearly all work lies in the finest levels, which look for the smallest faces. A face that fits a
window of one level still shows in the next coarser one, so the finest levels are searched only
around places where that one sees a hint: half the work, the same faces (see tests).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from facekit.detect.boxes import STRIDE, WINDOW, decode, move, square, suppress
from facekit.detect.resample import AreaSampler, Level
from facekit.runtime.runner import Runner
from facekit.types import Floats

_NONE = np.zeros((0, 9), np.float32)
_OVERLAP_IN_LEVEL = 0.5
_OVERLAP = 0.7
_HINTED_LEVELS = 3
_HINT = 0.5
_BLOCK = (24, 16)
_LONGEST_RUN = 12
# Windows of neighbouring levels do not line up better than this many cells.
_SLACK = 2

Job = TypeVar("Job")
Result = TypeVar("Result")


class Mapper(Protocol):
    """Applies a function to all jobs, perhaps on several threads; results in order."""

    def __call__(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
        """Run all jobs."""
        ...


@dataclass(frozen=True, slots=True)
class Tile:
    """Some of P-Net's cells in one level: its rows and columns of cells."""

    level: Level
    rows: slice
    columns: slice


class Proposer:
    """Finds squares that may hold a face.

    Args:
        runner: P-Net.
        threshold: smallest probability of a proposal.
        tile: rows and columns of cells that are run at once.
        run_all: how jobs are run.
    """

    def __init__(
        self, runner: Runner, threshold: float, tile: tuple[int, int], run_all: Mapper
    ) -> None:
        """Keep what is needed."""
        self._runner = runner
        self._threshold = threshold
        self._hint = min(_HINT, threshold)
        self._tile = tile
        self._run_all = run_all

    def propose(self, sampler: AreaSampler, levels: Sequence[Level]) -> Floats:
        """(n, 4) left, top, right, bottom of squares that P-Net takes for faces, corrected."""
        hinted = min(_HINTED_LEVELS, max(0, len(levels) - 1))
        tiles = [tile for level in levels[hinted:] for tile in self._all_tiles(level)]
        found = self._search(sampler, levels[hinted:], tiles)
        for level in reversed(levels[:hinted]):
            found = self._search(sampler, [level], _hinted_tiles(level, found[0])) + found
        sure = [rows[rows[:, 4] >= self._threshold] for rows in found]
        rows = np.concatenate([_NONE, *(_suppressed_in_level(rows) for rows in sure)])
        rows = rows[suppress(rows[:, :4], rows[:, 4], _OVERLAP)]
        return square(move(rows[:, :4], rows[:, 5:], 0))

    def _search(
        self, sampler: AreaSampler, levels: Sequence[Level], tiles: Sequence[Tile]
    ) -> list[Floats]:
        """For each level the (n, 9) windows that are at least a hint (see `decode`)."""
        results = self._run_all(lambda tile: self._run(sampler, tile), tiles)
        parts: dict[Level, list[Floats]] = {level: [_NONE] for level in levels}
        for tile, rows in zip(tiles, results, strict=True):
            parts[tile.level].append(rows)
        return [np.concatenate(parts[level]) for level in levels]

    def _run(self, sampler: AreaSampler, tile: Tile) -> Floats:
        level = tile.level
        rows, columns = _pixels(tile.rows, level.height), _pixels(tile.columns, level.width)
        maps = self._runner.run(sampler.tile(level, rows, columns))[0][0]
        return decode(maps, level.scale, self._hint, (tile.rows.start, tile.columns.start))

    def _all_tiles(self, level: Level) -> list[Tile]:
        return [
            Tile(level, rows, columns)
            for rows in _cuts(_cells(level.height), self._tile[0])
            for columns in _cuts(_cells(level.width), self._tile[1])
        ]


def _hinted_tiles(level: Level, hints: Floats) -> list[Tile]:
    """Tiles around hints: runs of blocks of cells in which a hint's centre comes to lie.

    Args:
        level: the level to search.
        hints: (n, 9) windows of the next coarser level.
    """
    shape = np.array([_cells(level.height), _cells(level.width)])
    if len(hints) == 0 or shape.min() == 0:
        return []
    centres = (hints[:, [1, 0]] + hints[:, [3, 2]]) / 2
    cells = (centres * level.scale - WINDOW / 2) / STRIDE
    blocks = -(-shape // _BLOCK)
    marked = np.zeros(blocks, bool)
    for slack in product((-_SLACK, _SLACK), repeat=2):
        at = np.clip((cells + slack) // _BLOCK, 0, blocks - 1).astype(np.intp)
        marked[at[:, 0], at[:, 1]] = True
    return [
        Tile(
            level,
            slice(row * _BLOCK[0], min((row + 1) * _BLOCK[0], int(shape[0]))),
            slice(cut * _BLOCK[1], min(min(cut + _LONGEST_RUN, last) * _BLOCK[1], int(shape[1]))),
        )
        for row, first, last in _runs(marked)
        for cut in range(first, last, _LONGEST_RUN)
    ]


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Row, first and end column of every run of marks."""
    edges = np.diff(np.pad(marked.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, first = np.nonzero(edges == 1)
    _, last = np.nonzero(edges == -1)
    return list(zip(rows.tolist(), first.tolist(), last.tolist(), strict=True))


def _suppressed_in_level(rows: Floats) -> Floats:
    return rows[suppress(rows[:, :4], rows[:, 4], _OVERLAP_IN_LEVEL)]


def _cells(pixels: int) -> int:
    """P-Net's cells along a side: a window every two pixels, the last one may hang over."""
    return max(0, (pixels - 1) // STRIDE - 4)


def _cuts(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _pixels(cells: slice, size: int) -> slice:
    """The pixels that some of P-Net's cells see."""
    return slice(STRIDE * cells.start, min(STRIDE * cells.stop + WINDOW - STRIDE, size))
