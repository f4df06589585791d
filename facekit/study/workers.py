"""Whole videos over processes of this machine, one process per slot.

Each worker is a process of its own with a pipe to its parent. A pool such as
`concurrent.futures.ProcessPoolExecutor` breaks as a whole when one of its processes dies; here
only the slot of the dead worker is filled again, and its job is done once more.
"""

import dataclasses
import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Self

from facekit.errors import FacekitError, OptionsError
from facekit.options import PipelineOptions
from facekit.runtime.device import cores
from facekit.study.job import Listener, Report
from facekit.study.plan import Job
from facekit.study.worker import Finish, Progress, Ready, Refused, Stop, serve

logger = logging.getLogger(__name__)

# On some systems a wait without a timeout cannot be interrupted by Ctrl-C.
_WAIT_S = 0.5
_END_S = 10.0
_MOST_ATTEMPTS = 2
_MOST_FALSE_STARTS = 3


def threads_per_worker(options: PipelineOptions, workers: int) -> int:
    """The threads of each of `workers` processes: as many as asked for, else one.

    Raises:
        OptionsError: together they are more than the cores.
    """
    threads = options.threads or 1
    if workers < 1 or workers * threads > cores():
        raise OptionsError(
            f"{workers} with {threads} thread{'s' * (threads > 1)} each is not possible: "
            f"this process may use {cores()} cores",
            where="workers",
            advice=f"Expected 1 to {max(1, cores() // threads)}",
        )
    return threads


@dataclass(slots=True)
class _Slot:
    """One worker: its process, the pipe to it, and the place of its job, if it has one."""

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    job: int | None = None


class Workers:
    """Processes that do jobs; a context manager that leaves none behind.

    Example:
        with Workers(options, count=2, overwrite=False) as workers:
            for place, report in workers.run(jobs, listener):
                print(jobs[place].name, report.status)
    """

    def __init__(self, options: PipelineOptions, count: int, overwrite: bool) -> None:
        """Prepare; the processes start with `run`.

        Args:
            options: with the threads of each worker.
            count: most processes.
            overwrite: do finished tables again.
        """
        self._options, self._count, self._overwrite = options, count, overwrite
        self._context = multiprocessing.get_context("spawn")
        self._slots: list[_Slot] = []
        self._false_starts, self._greeted = 0, False

    def __enter__(self) -> Self:
        """The workers themselves."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every process: after its job if all went well, else with the present frame."""
        message = Finish() if error is None else Stop()
        for slot in self._slots:
            with suppress(OSError):
                slot.connection.send(message)
        deadline = time.monotonic() + _END_S
        for slot in self._slots:
            slot.process.join(max(0.0, deadline - time.monotonic()))
            if slot.process.is_alive():
                slot.process.kill()
                slot.process.join()
            slot.connection.close()
        self._slots.clear()

    def run(self, jobs: Sequence[Job], listener: Listener) -> Iterator[tuple[int, Report]]:
        """Do `jobs`, in order as workers become free.

        Args:
            jobs: what to do.
            listener: told of everything as it happens.

        Yields:
            Place in `jobs` and report, in the order in which they end.

        Raises:
            FacekitError: the networks cannot be loaded, or no worker starts.
        """
        waiting = deque(range(len(jobs)))
        attempts = [0] * len(jobs)
        losses = [""] * len(jobs)
        left = len(jobs)
        while left:
            while len(self._slots) < min(self._count, left):
                self._start()
            for slot in self._slots:
                if slot.ready and slot.job is None and waiting:
                    self._give(slot, waiting.popleft(), jobs, listener)
            for slot in self._awake():
                place = slot.job
                message = self._receive(slot)
                if isinstance(message, Ready):
                    self._greet(message, listener)
                elif isinstance(message, Progress) and place is not None:
                    listener.frames(jobs[place].name, message.frames, message.expected)
                elif isinstance(message, Report) and place is not None:
                    slot.job = None
                    left -= 1
                    yield place, _ended(message, losses[place], listener)
                elif isinstance(message, str) and place is not None:
                    attempts[place] += 1
                    losses[place] = message
                    logger.info("%s: its worker died (%s)", jobs[place].name, message)
                    if attempts[place] < _MOST_ATTEMPTS:
                        waiting.appendleft(place)
                        continue
                    left -= 1
                    lost = Report(jobs[place].name, error=_lost(message))
                    yield place, _ended(lost, "", listener)

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve,
            args=(theirs, self._options, self._overwrite),
            name=f"facekit worker {len(self._slots) + 1}",
            daemon=True,
        )
        with _interrupts_held_back():
            process.start()
        # Only the worker may hold its end, so that ours tells when it is gone.
        theirs.close()
        self._slots.append(_Slot(process, ours))

    def _give(self, slot: _Slot, place: int, jobs: Sequence[Job], listener: Listener) -> None:
        slot.job = place
        listener.started(jobs[place].name)
        # A worker that has died meanwhile is noticed when its pipe is read.
        with suppress(OSError):
            slot.connection.send(jobs[place])

    def _awake(self) -> list[_Slot]:
        awake = wait([slot.connection for slot in self._slots], _WAIT_S)
        return [slot for slot in self._slots if slot.connection in awake]

    def _receive(self, slot: _Slot) -> object:
        """The next message; for a worker that has died what ended it, as text."""
        try:
            message = slot.connection.recv()
        except (EOFError, OSError):
            return self._bury(slot)
        if isinstance(message, Refused):
            raise message.error
        if isinstance(message, Ready):
            slot.ready, self._false_starts = True, 0
        return message

    def _greet(self, message: Ready, listener: Listener) -> None:
        if not self._greeted:
            self._greeted = True
            threads = self._options.threads or 1
            listener.placed(f"{message.device}; {self._count} x {threads} threads")

    def _bury(self, slot: _Slot) -> str:
        slot.process.join(_END_S)
        cause = _cause(slot.process.exitcode)
        slot.connection.close()
        self._slots.remove(slot)
        if not slot.ready:
            self._false_starts += 1
            if self._false_starts >= _MOST_FALSE_STARTS:
                raise FacekitError(
                    f"a worker ended before it could begin ({cause}), "
                    f"{self._false_starts} times in a row",
                    where="workers",
                    advice="Try fewer; facekit doctor says how much memory each one needs",
                )
        return cause


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Keep Ctrl-C from this thread for a moment, and for good from a process started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ended(report: Report, loss: str, listener: Listener) -> Report:
    if loss:
        remark = f"done again: its first worker died ({loss})"
        report = dataclasses.replace(report, remark=remark)
    listener.ended(report)
    return report


def _lost(cause: str) -> str:
    return (
        f"its worker died {_MOST_ATTEMPTS} times ({cause}). "
        "Run again with fewer workers if memory was short"
    )


def _cause(exit_code: int | None) -> str:
    """In words, what ended a process."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"{name}, perhaps out of memory" if name == "SIGKILL" else name
