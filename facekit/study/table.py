"""``study.csv``: one row per input of a study, in the order of the inputs."""

import math
from collections.abc import Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Self

from facekit.columns import Column, Kind
from facekit.output.rows import Row
from facekit.output.table import open_table
from facekit.study.job import Report
from facekit.study.plan import Job


def _column(name: str, kind: Kind, unit: str, digits: int | None, meaning: str) -> Column:
    low = None if kind == "text" else 0.0
    high = 1.0 if name in ("face_share", "mean_score") else None
    return Column(name, "study", kind, unit, low, high, digits, meaning, "study", name)


COLUMNS = (
    _column("input", "text", "", None, "Path below the folder that was named."),
    _column("table", "text", "", None, "Its table, below the output folder."),
    _column("status", "text", "", None, "complete, damaged, failed, or defect (facekit's own)."),
    _column("frames", "integer", "", None, "Frames analysed."),
    _column("seconds", "number", "s", 6, "time_s of the last frame; empty for still images."),
    _column("face_share", "number", "", 4, "Share of the frames in which a face was found."),
    _column("mean_score", "number", "", 4, "Mean of score over the rows with a face."),
    _column("warnings", "text", "", None, "What was odd or damaged, or why it failed."),
    _column("sha256", "text", "", None, "Of the input."),
    _column("taken_s", "number", "s", 3, "How long it took; differs from run to run."),
)


class StudyTable:
    """The summary while it grows; a context manager.

    Rows are held back until it is their turn, so that the file is in the order of the jobs
    whoever finishes first. `finish` gives it its name; without it the partial file stays.
    """

    def __init__(self, path: Path, jobs: Sequence[Job]) -> None:
        """Begin the file.

        Raises:
            OutputError: it cannot be written.
        """
        self._folder, self._jobs = path.parent, jobs
        self._table = open_table(path, COLUMNS)
        self._early: dict[int, Row] = {}
        self._next = 0

    def append(self, place: int, report: Report) -> None:
        """The job at `place` has ended.

        Raises:
            OutputError: the file cannot be written.
        """
        self._early[place] = _row(self._jobs[place], report, self._folder)
        while self._next in self._early:
            self._table.append([self._early.pop(self._next)])
            self._next += 1

    def finish(self) -> None:
        """Every row is there: give the file its name.

        Raises:
            OutputError: the disk refuses.
        """
        self._table.finish()

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; what was not finished stays partial."""
        self._table.__exit__(kind, error, trace)


def _row(job: Job, report: Report, folder: Path) -> Row:
    outcome = report.outcome
    table = PurePath(job.table).relative_to(folder).as_posix()
    if outcome is None:
        return (job.name, None, report.status, None, None, None, None, report.error, None, None)
    share = outcome.frames_with_face / outcome.frames if outcome.frames else math.nan
    return (
        job.name,
        table,
        report.status,
        outcome.frames,
        outcome.duration_s,
        share,
        outcome.mean_score,
        "; ".join(outcome.warnings),
        outcome.sha256,
        outcome.seconds,
    )
