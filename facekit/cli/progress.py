"""What a batch shows on stderr: one progress line while it runs, a table of outcomes at the end."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from facekit.cli.common import say

if TYPE_CHECKING:
    from facekit.study.job import Report

_SPEED_OVER_S = 20.0
_LOG_EVERY_S = 60.0
_MOST_LINES = 30


class Display:
    """Progress of a batch: files, frames per second, time left, failures.

    Where stderr is not a terminal, such as in a scheduler's log, a line a minute; the summary at
    the end comes in any case.
    """

    def __init__(self, total: int, quiet: bool) -> None:
        """Prepare for `total` inputs."""
        self._console = Console(stderr=True)
        if not self._console.is_terminal:
            self._console.width = 1000  # a log file shall not have its messages folded
        self._total, self._quiet = total, quiet
        self._done = self._failed = 0
        self._running: dict[str, float] = {}
        self._frames: dict[str, int] = {}
        self._frames_before = 0
        now = time.monotonic()
        self._started = self._logged = now
        self._measured: deque[tuple[float, int]] = deque([(now, 0)])
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=max(1, total), told="")

    def __enter__(self) -> Self:
        """Show the line."""
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

    @property
    def running(self) -> tuple[str, ...]:
        """The inputs that have begun and not ended."""
        return tuple(self._running)

    def placed(self, where: str) -> None:
        """The networks are loaded."""
        if not self._quiet:
            say(f"running on {where}")

    def started(self, name: str) -> None:
        """An input begins, perhaps for the second time after its worker died."""
        self._running[name] = 0.0
        self._frames[name] = 0
        self._show()

    def frames(self, name: str, done: int, expected: int | None) -> None:
        """So many of its frames are done."""
        self._frames[name] = done
        if expected:
            self._running[name] = min(1.0, done / expected)
        self._show()

    def ended(self, report: "Report") -> None:
        """An input is done."""
        self._running.pop(report.name, None)
        last = self._frames.pop(report.name, 0)
        fresh = report.outcome is not None and report.outcome.state != "kept"
        self._frames_before += report.outcome.frames if fresh and report.outcome else last
        self._done += 1
        self._failed += report.outcome is None
        self._show()

    def summarise(self, reports: "Sequence[Report]", where: str) -> None:
        """What came of the inputs, then where the tables are.

        One line per input; of a large study only the inputs about which there is something to
        say, since its study.csv has a row for each.
        """
        table = Table(box=None, pad_edge=False)
        for header in ("input", "status", "frames", "with face", "frames/s", "remarks"):
            right = header in ("frames", "with face", "frames/s")
            table.add_column(header, justify="right" if right else "left", overflow="fold")
        shown = [r for r in reports if len(reports) <= _MOST_LINES or not r.outcome or _remarks(r)]
        for report in shown:
            table.add_row(*(Text(cell) for cell in _cells(report)))
        if shown:
            self._console.print(table)
        counts = Counter(_state(report) for report in reports)
        told = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no input"
        self._console.print(Text(f"{told}; output: {where}"), soft_wrap=True)

    def _show(self) -> None:
        speed = self._speed()
        files = "" if self._total == 1 else f"{self._done}/{self._total} files  "
        failed = f"  {self._failed} failed" if self._failed else ""
        told = f"{files}{speed:.0f} frames/s{failed}"
        completed = self._done + sum(self._running.values())
        names = ", ".join(self._running)
        self._progress.update(
            self._task,
            description=escape(names if len(names) <= 40 else f"{len(self._running)} running"),
            completed=completed,
            told=told,
        )
        now = time.monotonic()
        if not self._console.is_terminal and now - self._logged >= _LOG_EVERY_S:
            self._logged = now
            if not self._quiet:
                left = (now - self._started) * (self._total - completed) / max(completed, 1e-9)
                say(f"{told}, about {_duration(left)} left")

    def _speed(self) -> float:
        """Frames a second, over the last seconds."""
        now, frames = time.monotonic(), self._frames_before + sum(self._frames.values())
        if now - self._measured[-1][0] >= 1.0:
            self._measured.append((now, frames))
        while len(self._measured) > 1 and now - self._measured[0][0] > _SPEED_OVER_S:
            self._measured.popleft()
        since, before = self._measured[0]
        return max(0, frames - before) / max(now - since, 1e-3)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes >= 60 else f"{minutes} min"


def _state(report: "Report") -> str:
    if report.outcome is None:
        return report.status
    return report.outcome.state


def _remarks(report: "Report") -> list[str]:
    outcome = report.outcome
    remarks = [report.error] if outcome is None else list(outcome.warnings)
    if outcome is not None and outcome.redone:
        remarks.insert(0, f"done again: {outcome.redone}")
    if report.remark:
        remarks.insert(0, report.remark)
    return remarks


def _cells(report: "Report") -> list[str]:
    outcome, remarks = report.outcome, "; ".join(_remarks(report))
    if outcome is None:
        return [report.name, _state(report), "", "", "", remarks]
    share = f"{outcome.frames_with_face / outcome.frames:.0%}" if outcome.frames else ""
    speed = ""
    if outcome.state != "kept" and outcome.seconds > 0:
        speed = f"{outcome.frames / outcome.seconds:.0f}"
    return [report.name, _state(report), str(outcome.frames), share, speed, remarks]
