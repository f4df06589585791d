"""The personal baseline within one run: what is seen of each track at rest, and taken off again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from facekit.columns import Column
from facekit.errors import OptionsError
from facekit.facs import ACTION_UNITS
from facekit.options import PipelineOptions
from facekit.output.relative import GROUP, Relative
from facekit.output.rows import Row
from facekit.temporal.baseline import (
    LEAST_FRAMES,
    MEDIAN,
    Baseline,
    BaselineChoice,
    BaselineEstimator,
)
from facekit.types import Floats

NO_BASELINE = "no baseline for track"
"""How the warning of `without_baseline` begins."""

REST_S = 3.0
"""How long a face rests after the key for its baseline was pressed."""


class PersonalBaseline:
    """Baselines of one clip's tracks, from its rows to its rows.

    A saved baseline is taken off while rows are written. One that the clip itself gives is known
    at its end: `take` then only looks, and `complete` does it in a second pass.

    Args:
        choice: what was asked for.
        columns: of the finished table, ``au`` and ``au_rel`` among them.
    """

    def __init__(self, choice: BaselineChoice, columns: Sequence[Column]) -> None:
        """Load the saved baseline, if there is one.

        Raises:
            OptionsError: the file is missing or is no baseline.
        """
        self._choice = choice
        self._relative = Relative(columns)
        names = [column.name for column in self._relative.before]
        self._track, self._time = names.index("track"), names.index("time_s")
        self._status = names.index("status")
        self._saved = None if choice.file is None else Baseline.load(choice.file)
        self._seen = BaselineEstimator.of(choice)
        self._known: dict[int, Baseline | None] = {}
        self._met: set[int] = set()
        self._start_s: float | None = None

    @property
    def needs_second_pass(self) -> bool:
        """Whether rows are complete only after `complete`."""
        return self._choice.needs_whole_clip

    @property
    def before(self) -> tuple[Column, ...]:
        """Columns of the rows that `take` expects."""
        return self._relative.before

    @property
    def after(self) -> tuple[Column, ...]:
        """Columns of complete rows."""
        return self._relative.after

    def take(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows of a frame: completed if that can be done now, else looked at and given back."""
        if not self.needs_second_pass:
            return [self.complete(row) for row in rows]
        for row in rows:
            self._look(row)
        return rows

    def _look(self, row: Row) -> None:
        track, time_s = row[self._track], row[self._time]
        if time_s is None:
            return
        self._start_s = float(time_s) if self._start_s is None else self._start_s
        if track is None:
            return
        self._met.add(int(track))
        if row[self._status] == "ok":
            since_s = float(time_s) - self._start_s
            self._seen.add(int(track), since_s, self._relative.intensity(row))

    def share(self, groups: Iterable[Collection[int]]) -> None:
        """Let the tracks of each group have one baseline: they are one person's.

        Args:
            groups: of track numbers, once every row was taken.
        """
        self._seen.share(groups)

    def complete(self, row: Row) -> Row:
        """A row with the columns of the group."""
        return self._relative.add(row, self._intensity_at_rest)

    def _intensity_at_rest(self, track: int | None) -> Floats | None:
        if self._saved is not None:
            return self._saved.intensity
        if track is None:
            return None
        if track not in self._known:
            self._known[track] = self._seen.baseline(track)
        known = self._known[track]
        return None if known is None else known.intensity

    def warnings(self) -> tuple[str, ...]:
        """Which tracks have no baseline; complete once every row was taken."""
        if self._saved is not None:
            return ()
        return without_baseline([t for t in sorted(self._met) if self._seen.baseline(t) is None])

    def record(self, option: str) -> dict[str, Any]:
        """What was taken off, for the sidecar; complete once every row was taken.

        Args:
            option: as it was given.
        """
        if self._saved is not None:
            return {"option": option, **described(self._saved), "source": self._saved.source}
        found = {str(track): self._seen.baseline(track) for track in self._seen.tracks()}
        tracks: Mapping[str, Any] = {t: described(b) for t, b in found.items() if b is not None}
        return {"option": option, "tracks": tracks}


class KeyBaseline(PersonalBaseline):
    """Baselines of whoever is seen in the seconds after a key was pressed, until the next time.

    Rows have the columns of the group from then on; before, and of tracks that were not seen
    then, they are empty.
    """

    def __init__(self, choice: BaselineChoice, columns: Sequence[Column]) -> None:
        """Nothing seen yet."""
        super().__init__(choice, columns)
        self._until_s: float | None = None
        self._taken: list[dict[str, Any]] = []

    def begin(self, time_s: float) -> None:
        """The faces rest from `time_s` on, for `REST_S`."""
        self._seen = BaselineEstimator(MEDIAN)
        self._until_s = time_s + REST_S

    def left_s(self, time_s: float) -> float | None:
        """How long the faces still have to rest; None when no key was pressed."""
        return None if self._until_s is None else max(0.0, self._until_s - time_s)

    def of(self, track: int | None) -> Baseline | None:
        """The baseline of a track that holds now."""
        return None if track is None else self._known.get(track)

    def take(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows of a frame, completed as far as baselines are known."""
        if self._until_s is not None:
            for row in rows:
                self._look(row)
            times = [row[self._time] for row in rows if row[self._time] is not None]
            if times and float(times[0] or 0) >= self._until_s:
                self._end(self._until_s)
        return [self.complete(row) for row in rows]

    def _end(self, until_s: float) -> None:
        found = {track: self._seen.baseline(track) for track in self._seen.tracks()}
        known = {track: one for track, one in found.items() if one is not None}
        # A second time replaces the first only for those who are there.
        self._known |= known
        self._until_s = None
        tracks = {str(track): described(one) for track, one in known.items()}
        self._taken.append({"from_s": until_s - REST_S, "to_s": until_s, "tracks": tracks})

    def _intensity_at_rest(self, track: int | None) -> Floats | None:
        known = self.of(track)
        return None if known is None else known.intensity

    def warnings(self) -> tuple[str, ...]:
        """Nothing: a track without a baseline is as asked for."""
        return ()

    def record(self, option: str) -> dict[str, Any]:
        """Each baseline that was taken and when; rows from ``to_s`` on have it taken off."""
        return {"option": option, "taken": self._taken}


def personal_baseline(
    options: PipelineOptions, columns: Sequence[Column], *, whole: bool, keys: bool = False
) -> PersonalBaseline | None:
    """What takes the baseline off in a run; None where none was asked for.

    Args:
        options: of the run.
        columns: of its table.
        whole: whether all rows can be gone through again once the clip has ended: it has tracks
            and times, and its table is a file.
        keys: whether there is a window whose keys can ask for it.

    Raises:
        OptionsError: the clip itself cannot give its baseline, or a saved one is no such file.
    """
    if options.baseline is None or GROUP not in {column.group for column in columns}:
        return None
    choice = BaselineChoice.parse(options.baseline)
    if choice.needs_whole_clip and not whole:
        raise OptionsError(
            f"{options.baseline!r} needs a video and a table in a file: it is known when the "
            "video has ended",
            where="baseline",
            advice="Name a file with -o, or give a saved baseline (facekit baseline)",
        )
    if not choice.by_key:
        return PersonalBaseline(choice, columns)
    if not keys:
        raise OptionsError(
            f"{options.baseline!r} needs the window of facekit webcam",
            where="baseline",
            advice="Use auto or first:SECONDS, or name a file",
        )
    return KeyBaseline(choice, columns)


def without_baseline(tracks: Sequence[int]) -> tuple[str, ...]:
    """The warning that tracks have no baseline, if there are any."""
    if not tracks:
        return ()
    named = ", ".join(str(track) for track in tracks)
    return (f"{NO_BASELINE} {named}: fewer than {LEAST_FRAMES} faces to take it from",)


def described(baseline: Baseline) -> dict[str, Any]:
    """A baseline for the sidecar."""
    units = zip(ACTION_UNITS, baseline.intensity.tolist(), strict=True)
    return {
        "frames": baseline.frames,
        "quantile": baseline.quantile,
        "intensity": {unit.code: round(value, 3) for unit, value in units},
    }


def baseline_of_table(
    table: pd.DataFrame, source: str, *, quantile: float = MEDIAN, track: int | None = None
) -> Baseline:
    """A person's baseline out of a table.

    Args:
        table: with ``au``, of a video or of still images.
        source: what the table was made of, noted in the baseline.
        quantile: of the intensities: the median of a clip at rest, a low one of any other.
        track: whose; None for the track with the most faces. Still images are all of one person.

    Raises:
        OptionsError: no intensities, or not enough faces.
    """
    missing = [unit.code for unit in ACTION_UNITS if unit.code not in table.columns]
    if missing:
        raise OptionsError(
            f"there is no column {missing[0]}", where=source, advice="Extract with the group au"
        )
    good = table[table["status"] == "ok"]
    tracks = good["track"].fillna(0).to_numpy(np.int64)
    values = good[[unit.code for unit in ACTION_UNITS]].to_numpy(np.float64)
    seen = BaselineEstimator(quantile)
    for number, row in zip(tracks.tolist(), values, strict=True):
        seen.add(number, 0.0, row.astype(np.float32))
    chosen = seen.longest() if track is None else track
    found = None if chosen is None else seen.baseline(chosen, source)
    if found is None:
        count = 0 if chosen is None else seen.frames(chosen)
        raise OptionsError(
            f"{count} faces of the person are not enough for a baseline",
            where=source,
            advice=f"It takes {LEAST_FRAMES}; tracks seen: "
            f"{', '.join(map(str, seen.tracks())) or 'none'}",
        )
    return found
