"""What became of one task: now, or in an earlier run whose table still holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facekit._version import __version__
from facekit.errors import OutputError
from facekit.options import PipelineOptions
from facekit.output import sidecar
from facekit.output.partial import partial_path, replace
from facekit.pipeline import Pipeline
from facekit.runtime import weights
from facekit.source.digest import Digest
from facekit.temporal.baseline import Baseline, BaselineChoice


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task.

    Attributes:
        state: complete; damaged: complete as far as the input could be decoded; kept: the
            finished table of an earlier run still holds.
        table: where it is, as it was asked for.
        frames: frames analysed.
        frames_with_face: those in which a face was found.
        rows: rows of the table.
        seconds: time taken; of a kept table: when it was made.
        warnings: what a reader of the table should know.
        redone: why an earlier table was not kept; empty without one.
        damaged: whether pictures of the input were lost, also of a kept table.
        duration_s: time from the first frame to the last; None without timestamps.
        mean_score: mean of ``score`` over the rows with a face; None without any.
        sha256: of the input; None for cameras and addresses.
    """

    state: Literal["complete", "damaged", "kept"]
    table: str
    frames: int
    frames_with_face: int
    rows: int
    seconds: float
    warnings: tuple[str, ...] = ()
    redone: str = ""
    damaged: bool = False
    duration_s: float | None = None
    mean_score: float | None = None
    sha256: str | None = None


def network_records(pipeline: Pipeline) -> dict[str, tuple[sidecar.NetworkRecord, ...]]:
    """The networks that each stage of `pipeline` runs, with the hashes of their files.

    A file of the user's own that decides numbers of the table counts like a network's.
    """
    records = {
        stage: tuple(sidecar.NetworkRecord(name, weights.identity(name)) for name in names)
        for stage, names in pipeline.networks.items()
    }
    for stage, path in own_files(pipeline.options).items():
        records[stage] = (sidecar.NetworkRecord(path.name, weights.hash_file(path)),)
    return records


def own_files(options: PipelineOptions) -> dict[str, Path]:
    """The user's own files that decide numbers of the table, by stage.

    Raises:
        OptionsError: one is missing or is not what it should be.
    """
    baseline = BaselineChoice.parse(options.baseline).file if options.baseline else None
    files = {} if options.au_head is None else {"au_own": Path(options.au_head)}
    if baseline is not None:
        Baseline.load(baseline)  # says what is wrong with it, if anything is
        files["baseline"] = baseline
    if options.gaze_calibration is not None:
        files["gaze_calibration"] = Path(options.gaze_calibration)
    return files


def find_kept(
    table: Path, pipeline: Pipeline, identity: Digest | None, overlay: Path | None
) -> tuple[Outcome | None, str]:
    """What an earlier run made, if it still holds.

    Args:
        table: the table's file.
        pipeline: loaded networks and options.
        identity: of the input; None for an address.
        overlay: the annotated video that belongs to it, if one is asked for.

    Returns:
        The outcome of a finished table of the same input, options and networks; or None and why
        there is work to do, empty where nothing is there yet.
    """
    described = sidecar.find(table) if table.exists() else None
    if described is None:
        if table.exists():
            return None, "no sidecar beside it"
        return None, "an earlier run was stopped" if partial_path(table).exists() else ""
    if overlay is not None and not overlay.exists():
        return None, f"no {overlay.name} yet"
    try:
        record = sidecar.read(described)
    except OutputError as error:
        return None, error.what
    reason = sidecar.matches(
        record,
        version=__version__,
        options=pipeline.options.to_mapping(),
        networks=network_records(pipeline),
        source_bytes=identity.size if identity else None,
        source_sha256=identity.sha256 if identity else None,
    )
    if reason:
        return None, reason
    if described != sidecar.schema_path(table):
        # Killed just before the sidecar took its name.
        replace(described, sidecar.schema_path(table))
    return _outcome(record, str(table)), ""


def _outcome(record: sidecar.Sidecar, table: str) -> Outcome:
    return Outcome(
        state="kept",
        table=table,
        frames=record.source.frames or 0,
        frames_with_face=record.source.frames_with_face or 0,
        rows=record.rows,
        seconds=math.nan if record.seconds_taken is None else record.seconds_taken,
        warnings=warnings_of(record.warnings, record.source.frames or 0),
        damaged=record.source.damaged,
        duration_s=record.source.duration_s,
        mean_score=record.mean_score,
        sha256=record.source.sha256,
    )


def warnings_of(of_source: Sequence[str], frames: int) -> tuple[str, ...]:
    """What a reader of the table should know: the source's warnings, and if it has no rows."""
    return tuple(of_source) or (() if frames else ("no frame lies between start and end",))
