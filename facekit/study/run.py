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
        FacekitError: the networks cannot be loaded, the summary cannot be written, no worker
            starts, or with `same_people` a table cannot be written anew. What is wrong with single
            inputs is in the reports.
        KeyboardInterrupt: interrupted; everything that was started has ended.
    """
    _check_embeddings(jobs, options, place)
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
    ordered = [reports[number] for number in range(len(jobs))]
    if options.same_people:
        from facekit.study.same_people import share_people

        done = zip(jobs, ordered, strict=True)
        share_people([Path(job.table) for job, report in done if report.outcome], options)
    return ordered


def _check_embeddings(jobs: Sequence[Job], options: PipelineOptions, place: Place) -> None:
    """Embeddings lie beside facekit's own tables, and travel nowhere."""
    elsewhere = place.ship or any(job.table == "-" or job.layout is not None for job in jobs)
    if options.keeps_embeddings and elsewhere:
        raise OptionsError(
            "needs facekit's own tables in files on this machine or on storage that it shares",
            where="same_people" if options.same_people else "embeddings",
            advice="Leave out --ship, -o - and --format openface",
        )


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
