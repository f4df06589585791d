"""A study: every job done, here, in processes or on a cluster, and its summary written."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from facekit.errors import OptionsError
from facekit.options import PipelineOptions
from facekit.study.job import Listener, Report, make_folder, run_here
from facekit.study.plan import Job
from facekit.study.table import StudyTable


@dataclass(frozen=True, slots=True)
class Place:
    """Where the jobs of a study are done; by default one after the other in this process.

    Attributes:
        workers: so many processes of this machine.
        ray: address of a Ray cluster; ``local`` starts one on this machine.
        ship: with `ray`, inputs and tables travel through Ray's object store rather than lying
            on storage that every machine sees.
    """

    workers: int | None = None
    ray: str | None = None
    ship: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.workers is not None and self.ray is not None:
            raise OptionsError("workers and ray contradict each other", advice="Give one of them")
        if self.ship and self.ray is None:
            raise OptionsError("ship needs a Ray cluster", advice="Add --ray ADDRESS")


def run_study(
    jobs: Sequence[Job],
    options: PipelineOptions,
    place: Place,
    listener: Listener,
    *,
    overwrite: bool = False,
    summary: Path | None = None,
) -> list[Report]:
    """Do every job; finished tables of the same are kept.

    Args:
        jobs: as `facekit.study.plan.plan` gives them.
        options: of the pipeline.
        place: where.
        listener: told of everything as it happens.
        overwrite: do finished tables again.
        summary: the study's table, one row per job; None writes none.

    Returns:
        A report for each of `jobs`, in their order.

    Raises:
        OptionsError: more workers than cores, or columns of what is not run.
        FacekitError: the networks cannot be loaded, the summary cannot be written, or no worker
            starts. What is wrong with single inputs is in the reports.
        KeyboardInterrupt: interrupted; everything that was started has ended.
    """
    reports: dict[int, Report] = {}
    with ExitStack() as stack:
        running = stack.enter_context(_running(jobs, options, place, overwrite, listener))
        table: StudyTable | None = None
        for number, report in running:
            if summary is not None:
                table = table or stack.enter_context(_begin(summary, jobs))
                table.append(number, report)
            reports[number] = report
        if summary is not None:
            table = table or stack.enter_context(_begin(summary, jobs))
            table.finish()
    return [reports[number] for number in range(len(jobs))]


def _begin(summary: Path, jobs: Sequence[Job]) -> StudyTable:
    # Not before the first report: options that cannot be used leave no file.
    make_folder(summary.parent)
    return StudyTable(summary, jobs)


@contextmanager
def _running(
    jobs: Sequence[Job],
    options: PipelineOptions,
    place: Place,
    overwrite: bool,
    listener: Listener,
) -> Iterator[Iterator[tuple[int, Report]]]:
    if place.ray is not None:
        from facekit.study.cluster import Cluster

        with Cluster(options, place.ray, place.ship, overwrite) as cluster:
            yield cluster.run(jobs, listener)
    elif place.workers is not None:
        from facekit.study.workers import Workers, threads_per_worker

        threads = threads_per_worker(options, place.workers)
        with Workers(replace(options, threads=threads), place.workers, overwrite) as workers:
            yield workers.run(jobs, listener)
    else:
        from facekit.pipeline import Pipeline

        pipeline = Pipeline(options)
        pipeline.columns()  # a group that is not run is wrong usage, before any file is touched
        listener.placed(pipeline.device.reason)
        try:
            yield run_here(jobs, pipeline, overwrite, listener)
        finally:
            pipeline.close()
