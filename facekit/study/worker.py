"""The inside of a worker process: takes jobs from a pipe, one after the other, and reports.

A worker never outlives the process that started it: when the other end of the pipe closes, for
whatever reason, it is gone at once, in the middle of a frame if need be.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from facekit.errors import FacekitError
from facekit.options import PipelineOptions
from facekit.study.job import Report, run_job
from facekit.study.plan import Job

_TELL_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Ready:
    """The networks are loaded."""

    device: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The networks cannot be loaded, or the options ask for what is not run."""

    error: FacekitError


@dataclass(frozen=True, slots=True)
class Progress:
    """Frames of the present job that are done, and how many the header promises."""

    frames: int
    expected: int | None


@dataclass(frozen=True, slots=True)
class Finish:
    """End after the present job."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End with the present frame; what is written says that it is not whole."""


def serve(connection: Connection, options: PipelineOptions, overwrite: bool) -> None:
    """Do the jobs that arrive until told to finish; the body of a worker process.

    Args:
        connection: receives `Job`, `Finish` and `Stop`; is sent `Ready` or `Refused`, then
            `Progress` and a `Report` for each job.
        options: of the pipeline; `threads` is set.
        overwrite: do finished tables again.
    """
    # Ctrl-C reaches every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="facekit: %(message)s")
    stopping = threading.Event()
    jobs: SimpleQueue[Job | None] = SimpleQueue()
    threading.Thread(
        target=_listen, args=(connection, jobs, stopping), name="parent", daemon=True
    ).start()
    try:
        _work(connection, options, overwrite, jobs, stopping)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # The parent has gone in between; the listening thread ends this process.
        return


def _listen(
    connection: Connection, jobs: "SimpleQueue[Job | None]", stopping: threading.Event
) -> None:
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(1)
        if isinstance(message, Job):
            jobs.put(message)
            continue
        if isinstance(message, Stop):
            stopping.set()
        jobs.put(None)


def _work(
    connection: Connection,
    options: PipelineOptions,
    overwrite: bool,
    jobs: "SimpleQueue[Job | None]",
    stopping: threading.Event,
) -> None:
    import cv2

    from facekit.pipeline import Pipeline

    cv2.setNumThreads(options.threads or 1)
    try:
        pipeline = Pipeline(options)
        pipeline.columns()
    except FacekitError as error:
        connection.send(Refused(error))
        return
    connection.send(Ready(pipeline.device.reason))
    watch = _watch(connection, stopping)
    while (job := jobs.get()) is not None:
        report: Report = run_job(job, pipeline, overwrite, watch)
        connection.send(report)
    pipeline.close()


def _watch(
    connection: Connection, stopping: threading.Event
) -> Callable[[str, int, int | None], None]:
    """Tells the parent of frames, now and then, and ends a job when the worker is to stop."""
    told_at = 0.0

    def watch(name: str, done: int, expected: int | None) -> None:
        nonlocal told_at
        if stopping.is_set():
            raise KeyboardInterrupt
        if time.monotonic() - told_at >= _TELL_EVERY_S:
            told_at = time.monotonic()
            connection.send(Progress(done, expected))

    return watch
