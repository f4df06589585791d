"""The jobs of a study as tasks of a Ray cluster; nodes, retries and places are Ray's own."""

import functools
import logging
import os
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from facekit.errors import FacekitError, MissingExtraError
from facekit.options import PipelineOptions
from facekit.outcome import find_kept
from facekit.output.partial import write_whole
from facekit.output.sidecar import schema_path
from facekit.pipeline import Pipeline
from facekit.runtime.device import cores
from facekit.source.digest import digest
from facekit.source.images import images_in
from facekit.study.job import Listener, Report, make_folder, message_of, run_job
from facekit.study.plan import Job
from facekit.study.scratch import scratch

Files: TypeAlias = dict[str, bytes]
"""Files by their path below some folder, with forward slashes."""

LOCAL = "local"
_QUEUED_PER_CPU = 2
_WAIT_S = 1.0
_CONNECT_S = 10.0
_LOOK_EVERY_S = 0.1


class Cluster:
    """A connection to a Ray cluster that does jobs; a context manager.

    One job is one task, which asks for as many CPUs as it has threads (one, unless told
    otherwise) and, with ``device="cuda"``, for one GPU. Inputs and tables lie on storage that
    every node sees; with `ship` they travel through Ray's object store instead. A task whose
    worker or node is lost is done again by Ray, three times at most.
    """

    def __init__(self, options: PipelineOptions, address: str, ship: bool, overwrite: bool) -> None:
        """Prepare; entering connects.

        Args:
            options: of the pipeline.
            address: of the cluster, or ``local`` to start one on this machine.
            ship: send inputs and fetch tables.
            overwrite: do finished tables again.

        Raises:
            MissingExtraError: ray is not installed.
        """
        # Nothing is told to anybody outside.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError(
                "ray is not installed", where="--ray", advice="pip install 'facekit[ray]'"
            ) from error
        self._ray: Any = ray
        device = "cpu" if options.device == "auto" else options.device
        self._options = replace(options, threads=options.threads or 1, device=device)
        self._address, self._ship, self._overwrite = address, ship, overwrite
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Connect, or start a cluster.

        Raises:
            FacekitError: there is no cluster at the address.
        """
        with ExitStack() as stack:
            self._connect(stack)
            self._stack = stack.pop_all()
        return self

    def _connect(self, stack: ExitStack) -> None:
        quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
        if self._address == LOCAL:
            folder = stack.enter_context(scratch())
            # Workers that are killed leave their temporary files in there as well.
            self._ray.init(
                address=LOCAL,
                num_cpus=cores(),
                include_dashboard=False,
                _temp_dir=str(folder),
                runtime_env={"env_vars": {"TMPDIR": str(folder)}},
                **quiet,
            )
        else:
            _check_answers(self._address)
            try:
                self._ray.init(address=self._address, **quiet)
            except (ConnectionError, ValueError) as error:
                raise _no_cluster(self._address, error) from error
        stack.callback(self._ray.shutdown)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect; Ray ends the tasks that still run, and a local cluster altogether."""
        self._stack.close()

    def run(self, jobs: Sequence[Job], listener: Listener) -> Iterator[tuple[int, Report]]:
        """Do `jobs`, in order as the cluster has room.

        Args:
            jobs: what to do.
            listener: told when jobs are handed to Ray and when they end.

        Yields:
            Place in `jobs` and report, in the order in which they end.

        Raises:
            FacekitError: the networks cannot be loaded on a node.
        """
        ray = self._ray
        gpus = 1 if self._options.device == "cuda" else 0
        remote = ray.remote(num_cpus=self._options.threads, num_gpus=gpus)(_shipped)
        if not self._ship:
            remote = ray.remote(num_cpus=self._options.threads, num_gpus=gpus)(_by_path)
        listener.placed(f"Ray at {self._address}: {ray.cluster_resources().get('CPU', 0):g} CPUs")
        waiting = deque(range(len(jobs)))
        pending: dict[Any, tuple[int, str]] = {}
        while waiting or pending:
            room = _QUEUED_PER_CPU * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while waiting and len(pending) < room:
                place = waiting.popleft()
                listener.started(jobs[place].name)
                kept, arguments, redone = self._prepare(jobs[place])
                if kept is not None:
                    listener.ended(kept)
                    yield place, kept
                    continue
                pending[remote.remote(*arguments)] = (place, redone)
            done, _ = (
                ray.wait(list(pending), num_returns=1, timeout=_WAIT_S) if pending else ([], [])
            )
            for reference in done:
                place, redone = pending.pop(reference)
                report = self._fetch(reference, jobs[place], redone)
                listener.ended(report)
                yield place, report

    def _prepare(self, job: Job) -> tuple[Report | None, tuple[Any, ...], str]:
        """A report if there is nothing to do; else the task's arguments, and why it is done."""
        if not self._ship:
            absolute = replace(
                job,
                source=job.source.absolute() if isinstance(job.source, Path) else job.source,
                table=str(Path(job.table).absolute()),
                overlay=job.overlay and job.overlay.absolute(),
            )
            return None, (absolute, self._options, self._overwrite), ""
        if job.error:
            return Report(job.name, error=job.error), (), ""
        if not isinstance(job.source, Path):
            return None, (job, self._options, None), ""
        redone = ""
        try:
            if not self._overwrite:
                name = job.source.name or job.source.resolve().name
                kept, redone = find_kept(
                    Path(job.table),
                    self._pipeline,
                    name,
                    digest(job.source),
                    job.overlay,
                    job.layout or job.format,
                )
                if kept is not None:
                    return Report(job.name, kept), (), ""
            files = _input(job.source)
        except FacekitError as error:
            return Report(job.name, error=message_of(error, job)), (), ""
        return None, (job, self._options, self._ray.put(files)), redone

    @functools.cached_property
    def _pipeline(self) -> Pipeline:
        """Only to know whether finished tables hold; the driver may have no GPU."""
        return Pipeline(replace(self._options, device="cpu"))

    def _fetch(self, reference: Any, job: Job, redone: str) -> Report:
        errors = self._ray.exceptions
        try:
            report: Report
            report, files = self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, FacekitError):
                raise error.cause from error
            return Report(job.name, error=str(error.cause), defect=True)
        except errors.RayError as error:
            cause = str(error).strip().splitlines()[0]
            return Report(job.name, error=f"lost by Ray: {type(error).__name__}: {cause}")
        try:
            _store(files, Path(job.table))
        except FacekitError as error:
            return Report(job.name, error=str(error))
        if report.outcome is not None and self._ship:
            outcome = replace(report.outcome, table=job.table, redone=redone)
            report = replace(report, outcome=outcome)
        return report


def _check_answers(address: str) -> None:
    """Ray itself would go on trying for minutes."""
    given = re.fullmatch(r"(?:ray://)?(.+):(\d+)", address)
    if given is None:
        return
    try:
        socket.create_connection((given[1], int(given[2])), _CONNECT_S).close()
    except OSError as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> FacekitError:
    return FacekitError(
        f"no Ray cluster answers ({error})",
        where=address,
        advice="Start one with: ray start --head, or use --ray local",
    )


def _by_path(job: Job, options: PipelineOptions, overwrite: bool) -> tuple[Report, Files]:
    """The task where inputs and outputs lie on shared storage."""
    return run_job(job, _pipeline(options), overwrite), {}


def _shipped(job: Job, options: PipelineOptions, files: Files | None) -> tuple[Report, Files]:
    """The task whose input is given as bytes (or as an address) and whose outputs come back."""
    with scratch() as folder:
        source = job.source
        if files is not None:
            source = folder / "input" / Path(job.source).name
            _write(files, source)
        table = folder / "output" / Path(job.table).name
        overlay = None if job.overlay is None else table.with_name(job.overlay.name)
        moved = replace(job, source=source, table=str(table), overlay=overlay)
        report = run_job(moved, _pipeline(options), overwrite=True)
        return report, {} if report.outcome is None else _outputs(table.parent)


@functools.lru_cache(maxsize=1)
def _pipeline(options: PipelineOptions) -> Pipeline:
    """The networks, loaded once in each of Ray's worker processes."""
    import cv2

    if hasattr(os, "getppid"):
        threading.Thread(target=_follow, args=(os.getppid(),), name="raylet", daemon=True).start()
    cv2.setNumThreads(options.threads or 1)
    pipeline = Pipeline(options)
    pipeline.columns()
    return pipeline


def _follow(raylet: int) -> None:
    # When a node is lost Ray does its tasks elsewhere: two must not write one table.
    while os.getppid() == raylet:
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)


def _input(path: Path) -> Files:
    """A video, or the images of a folder."""
    if not path.is_dir():
        return {"": path.read_bytes()}
    return {file.name: file.read_bytes() for file in images_in(path)}


def _outputs(folder: Path) -> Files:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _write(files: Mapping[str, bytes], path: Path) -> None:
    for name, data in files.items():
        file = path / name if name else path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def _store(files: Files, table: Path) -> None:
    """Write what a task sent back; the sidecar last, since it says that the table is whole."""
    if not files:
        return
    sidecar = schema_path(table)
    make_folder(table.parent)
    sidecar.unlink(missing_ok=True)
    for name in sorted(files, key=lambda name: name == sidecar.name):
        path = table.parent / name
        make_folder(path.parent)
        write_whole(path, files[name])
