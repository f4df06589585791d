"""Persons shared by the files of one run: decided when all are done, from their embeddings.

Every table is read and, where its numbers change, written anew: ``person``, and intensities less
the baseline, which then is the person's own over all files. The outcome depends only on the
finished tables and their order, not on who made them when.
"""

import dataclasses
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facekit.columns import GROUPS, Column, columns
from facekit.estimate import identity
from facekit.facs import ACTION_UNITS
from facekit.gallery import Gallery
from facekit.options import PipelineOptions
from facekit.output import sidecar
from facekit.output.embeddings import embeddings_path, read_tracks, renumber
from facekit.output.events import renumber_events
from facekit.output.relative import GROUP as RELATIVE
from facekit.output.rows import Row
from facekit.output.second_pass import SecondPass, read_finished
from facekit.personal import NO_BASELINE, described, without_baseline
from facekit.runtime import weights
from facekit.temporal.baseline import Baseline, BaselineChoice, BaselineEstimator
from facekit.track.persons import Decision, Thresholds, decide
from facekit.types import Floats
from facekit.whole_clip import PersonCells, persons_record

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Table:
    """A finished table: its number in the run, file, sidecar and columns."""

    number: int
    path: Path
    record: sidecar.Sidecar
    columns: tuple[Column, ...]


def share_people(tables: Sequence[Path], options: PipelineOptions) -> int:
    """Number the persons of finished tables anew, so that everyone has one number in all of them.

    Args:
        tables: in the order of the run, each with its embeddings beside it.
        options: that they were made with.

    Returns:
        How many of the tables were written anew.

    Raises:
        FacekitError: a table or its embeddings cannot be read or written. Those that are done are
            whole, and another run goes on from there.
    """
    version = weights.identity(identity.NETWORK)
    tracks = [
        track
        for number, path in enumerate(tables)
        for track in read_tracks(embeddings_path(path), number, version)
    ]
    known = Gallery.load(Path(options.gallery), version).known() if options.gallery else ()
    alike = identity.threshold()
    decision = decide(tracks, Thresholds(alike, alike), known)
    opened = [_open(number, path) for number, path in enumerate(tables)]
    rest = _AtRest.of(opened, decision, options)
    changed = 0
    for table in opened:
        renewed = _renewed(table, decision, rest)
        if renewed != table.record:
            logger.info("%s: persons numbered anew", table.path)
            _rewrite(table, renewed, decision, rest)
            changed += 1
    return changed


def _open(number: int, path: Path) -> _Table:
    record = sidecar.read(sidecar.schema_path(path))
    known = {column.name: column for column in columns(GROUPS, images=True)}
    return _Table(number, path, record, tuple(known[column.name] for column in record.columns))


class _AtRest:
    """How each person's face is at rest, over all files; nothing where no baseline was asked for.

    Args:
        choice: what was asked for.
        option: the same as it was written.
        decision: who is who.
    """

    def __init__(self, choice: BaselineChoice, option: str, decision: Decision) -> None:
        self._choice, self.option, self._decision = choice, option, decision
        self._seen = BaselineEstimator.of(choice)
        self._numbers: dict[tuple[int, int | None, int | None], int] = {}
        self._found: dict[int, Baseline | None] = {}

    @classmethod
    def of(
        cls, tables: Sequence[_Table], decision: Decision, options: PipelineOptions
    ) -> "_AtRest | None":
        if options.baseline is None:
            return None
        choice = BaselineChoice.parse(options.baseline)
        if not choice.needs_whole_clip:
            return None
        rest = cls(choice, options.baseline, decision)
        for table in tables:
            rest._look(table)
        return rest

    def _look(self, table: _Table) -> None:
        places = _Places(table.columns)
        start_s: float | None = None
        for row in _rows(table):
            time_s, track = row[places.time], row[places.track]
            if time_s is None or track is None:
                continue
            start_s = float(time_s) if start_s is None else start_s
            number = self._number(table.number, int(track))
            if row[places.status] == "ok":
                self._seen.add(number, float(time_s) - start_s, places.intensity(row))

    def _number(self, file: int, track: int) -> int:
        """One number for all tracks of a person; one of its own for a track without."""
        person = self._decision.persons.get((file, track))
        key = (-1, person, None) if person is not None else (file, None, track)
        return self._numbers.setdefault(key, len(self._numbers))

    def baseline(self, file: int, track: int) -> Baseline | None:
        """Of a track's person, or of the track itself where nobody knows whose it is."""
        number = self._number(file, track)
        if number not in self._found:
            self._found[number] = self._seen.baseline(number)
        return self._found[number]

    def record(self, table: _Table) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """What was taken off in a table, and what is to be warned of."""
        places = _Places(table.columns)
        tracks = sorted({int(t) for row in _rows(table) if (t := row[places.track]) is not None})
        found = {track: self.baseline(table.number, track) for track in tracks}
        kept = {str(track): described(one) for track, one in found.items() if one is not None}
        missing = [track for track, one in found.items() if one is None]
        return {"option": self.option, "tracks": kept}, without_baseline(missing)


class _Places:
    """Where cells of rows are."""

    def __init__(self, listed: Sequence[Column]) -> None:
        names = [column.name for column in listed]
        self.track, self.time = names.index("track"), names.index("time_s")
        self.status = names.index("status")
        units = [unit.code for unit in ACTION_UNITS]
        self._units = [names.index(code) for code in units] if units[0] in names else []
        self.relative = [i for i, column in enumerate(listed) if column.group == RELATIVE]

    def intensity(self, row: Row) -> Floats:
        cells = [row[place] for place in self._units]
        return np.array([math.nan if cell is None else cell for cell in cells], np.float32)


def _rows(table: _Table) -> Iterator[Row]:
    for rows in read_finished(table.path, table.columns):
        yield from rows


def _renewed(table: _Table, decision: Decision, rest: _AtRest | None) -> sidecar.Sidecar:
    """The sidecar that the table should have."""
    told = dict(table.record.identity or {})
    told["persons"] = persons_record(decision, table.number)
    renewed = dataclasses.replace(table.record, identity=told)
    if rest is None or not _Places(table.columns).relative:
        return renewed
    taken_off, warnings = rest.record(table)
    kept = tuple(w for w in table.record.warnings if not w.startswith(NO_BASELINE))
    return dataclasses.replace(renewed, baseline=taken_off, warnings=(*kept, *warnings))


def _rewrite(
    table: _Table, renewed: sidecar.Sidecar, decision: Decision, rest: _AtRest | None
) -> None:
    """The table, its events and embeddings with the persons of `decision`, each whole or not."""
    persons, places = PersonCells(table.columns), _Places(table.columns)
    persons.begin(decision, table.number)

    def change(row: Row) -> Row:
        cells = list(persons.fill(row))
        track = row[places.track]
        if rest is not None and track is not None and places.relative:
            known = rest.baseline(table.number, int(track))
            less = places.intensity(row) - (math.nan if known is None else known.intensity)
            for place, value in zip(places.relative, less.tolist(), strict=True):
                cells[place] = value if math.isfinite(value) else None
        return tuple(cells)

    renumber(embeddings_path(table.path), decision, table.number)
    renumber_events(table.path, lambda track: decision.persons.get((table.number, track)))
    with SecondPass.of_finished(table.path, table.columns) as second:
        second.run(change)
        sidecar.finish(second, renewed)
