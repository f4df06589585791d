"""Doing one job, wherever it runs: here, in a worker process or on a cluster."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facekit.errors import FacekitError, OutputError
from facekit.outcome import Outcome
from facekit.output.layout import MakeLayout
from facekit.pipeline import Pipeline
from facekit.source import Source
from facekit.study.plan import Job
from facekit.task import extract_to
from facekit.types import Face, Frame

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """How one job ended.

    Attributes:
        name: the job's.
        outcome: what came of it; None when it failed.
        error: what ended it; empty when it did not fail.
        defect: whether that is facekit's own fault.
        remark: what else happened on the way, such as a worker that died.
    """

    name: str
    outcome: Outcome | None = None
    error: str = ""
    defect: bool = False
    remark: str = ""

    @property
    def status(self) -> str:
        """complete, damaged, failed or defect: what holds, whenever it was done."""
        if self.outcome is None:
            return "defect" if self.defect else "failed"
        return "damaged" if self.outcome.damaged else "complete"


class Listener(Protocol):
    """Whoever wants to know how a run goes, such as a progress display."""

    def placed(self, where: str) -> None:
        """The networks are loaded; where they run, and why there."""

    def started(self, name: str) -> None:
        """The job called `name` begins, perhaps again."""

    def frames(self, name: str, done: int, expected: int | None) -> None:
        """So many of its frames are done, out of so many if the header says."""

    def ended(self, report: Report) -> None:
        """A job has ended."""


def run_here(
    jobs: Sequence[Job], pipeline: Pipeline, overwrite: bool, listener: Listener
) -> Iterator[tuple[int, Report]]:
    """Do `jobs` one after the other in this process.

    Yields:
        Place in `jobs` and report.
    """
    for place, job in enumerate(jobs):
        listener.started(job.name)
        report = run_job(job, pipeline, overwrite, listener.frames)
        listener.ended(report)
        yield place, report


def run_job(
    job: Job,
    pipeline: Pipeline,
    overwrite: bool,
    frames: Callable[[str, int, int | None], None] | None = None,
) -> Report:
    """One input to its table; whatever is wrong with it becomes part of the report.

    Args:
        job: what to do.
        pipeline: loaded networks and options.
        overwrite: do it again even if a finished table of the same is there.
        frames: called after each frame, as `Listener.frames`; what it raises ends the run.

    Raises:
        BrokenPipeError: the table goes to standard output, which nobody reads any more.
    """
    if job.error:
        return Report(job.name, error=job.error)

    def watch(source: Source, frame: Frame, faces: Sequence[Face]) -> bool:
        if frames is not None:
            frames(job.name, frame.index + 1, source.frame_count)
        return True

    try:
        if job.table != "-":
            make_folder(Path(job.table).parent)
        outcome = extract_to(
            job.source,
            job.table,
            pipeline,
            format=job.format,
            overlay=job.overlay,
            overwrite=overwrite,
            layout=_layout(job),
            watch=watch,
            streams=job.streams,
        )
    except BrokenPipeError:
        raise
    except FacekitError as error:
        return Report(job.name, error=message_of(error, job))
    except Exception as error:  # a defect in one file must not lose a night's batch
        logger.exception("%s: a defect of facekit", job.name)
        return Report(job.name, error=f"{type(error).__name__}: {error}", defect=True)
    return Report(job.name, outcome)


def _layout(job: Job) -> MakeLayout | None:
    if job.layout is None:
        return None
    from facekit.study.openface_out import OpenFaceLayout  # scipy, only where it is needed

    return OpenFaceLayout


def message_of(error: FacekitError, job: Job) -> str:
    """The error; where it is the input's own path, the job's name stands beside it already.

    So a summary reads the same wherever the study lies, also in a folder that Ray shipped to.
    """
    text = str(error)
    for place in (str(job.source), Path(job.source).name):
        text = text.removeprefix(f"{place}: ")
    return text


def make_folder(folder: Path) -> None:
    """Create a folder for outputs, with those above it.

    Raises:
        OutputError: it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot be created ({error.strerror})",
            where=folder,
            advice="Choose a folder that can be written",
        ) from error
