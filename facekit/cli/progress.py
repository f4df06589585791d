"""What a batch shows on stderr: a progress bar while it runs, a table of outcomes at the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from facekit.source import Source
    from facekit.task import Outcome
    from facekit.types import Face, Frame


@dataclass(frozen=True, slots=True)
class Report:
    """How one job ended: an outcome, or the error that ended it."""

    name: str
    outcome: "Outcome | None" = None
    error: str = ""
    defect: bool = False


class _Speed(ProgressColumn):
    """Frames a second, as measured lately."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.0f} frames/s")


class Display:
    """Progress of a batch; silent where stderr is not a terminal, but for the summary."""

    def __init__(self, total: int, quiet: bool) -> None:
        """Prepare for `total` inputs."""
        self._console = Console(stderr=True)
        if not self._console.is_terminal:
            self._console.width = 1000  # a log file shall not have its messages folded
        self._total, self._done = total, 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} frames"),
            _Speed(),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        self._progress.stop()

    def start(self, name: str) -> None:
        """A new input begins."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        place = f"[{self._done + 1}/{self._total}] " if self._total > 1 else ""
        self._task = self._progress.add_task(Text(f"{place}{name}").plain, total=None)

    def frame(self, source: "Source", frame: "Frame", faces: Sequence["Face"]) -> bool:
        """A frame is done; the batch always goes on."""
        if self._task is not None:
            expected = source.frame_count
            done = frame.index + 1
            total = None if expected is None else max(expected, done)
            self._progress.update(self._task, completed=done, total=total)
        return True

    def advance(self, report: Report) -> None:
        """An input is done."""
        self._done += 1

    def summarise(self, reports: Sequence[Report], where: str) -> None:
        """One line per input: what came of it; then where the tables are."""
        table = Table(box=None, pad_edge=False)
        for header in ("input", "status", "frames", "with face", "frames/s", "remarks"):
            right = header in ("frames", "with face", "frames/s")
            table.add_column(header, justify="right" if right else "left", overflow="fold")
        for report in reports:
            table.add_row(*(Text(cell) for cell in _cells(report)))
        self._console.print(table)
        counts = Counter(_status(report) for report in reports)
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        self._console.print(Text(f"{told}; output: {where}"), soft_wrap=True)


def _status(report: Report) -> str:
    if report.outcome is None:
        return "defect" if report.defect else "failed"
    return report.outcome.state


def _cells(report: Report) -> list[str]:
    outcome = report.outcome
    if outcome is None:
        return [report.name, _status(report), "", "", "", report.error]
    share = f"{outcome.frames_with_face / outcome.frames:.0%}" if outcome.frames else ""
    speed = ""
    if outcome.state != "kept" and outcome.seconds > 0:
        speed = f"{outcome.frames / outcome.seconds:.0f}"
    remarks = list(outcome.warnings)
    if outcome.redone:
        remarks.insert(0, f"done again: {outcome.redone}")
    frames = str(outcome.frames)
    return [report.name, outcome.state, frames, share, speed, "; ".join(remarks)]
