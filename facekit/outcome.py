"""What became of one task: now, or in an earlier run whose table still holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facekit._version import __version__
from facekit.detect.cascade import smallest_face
from facekit.errors import OutputError
from facekit.options import PipelineOptions
from facekit.output import reuse, sidecar
from facekit.output.embeddings import embeddings_path
from facekit.output.events import events_path
from facekit.output.partial import partial_path, replace
from facekit.output.table import format_of
from facekit.pipeline import Pipeline
from facekit.runtime import weights
from facekit.source.digest import Digest
from facekit.temporal.baseline import Baseline, BaselineChoice
from facekit.temporal.tcn import NETWORKS as TEMPORAL_NETWORKS


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
        streams: what became of the rows sent to each stream.
        stream_failed: whether a stream ended early though its receiver did not want that.
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
    streams: tuple[str, ...] = ()
    stream_failed: bool = False


def network_records(pipeline: Pipeline, kind: str) -> dict[str, tuple[sidecar.NetworkRecord, ...]]:
    """The networks that each stage of `pipeline` runs, with the hashes of their files.

    A file of the user's own that decides numbers of the table counts like a network's.

    Args:
        pipeline: loaded networks and options.
        kind: of the source, which decides on the temporal network.
    """
    records = {
        stage: tuple(sidecar.NetworkRecord(name, weights.identity(name)) for name in names)
        for stage, names in pipeline.networks.items()
    }
    variant = pipeline.variant(kind)
    if variant is not None:
        name = TEMPORAL_NETWORKS[variant]
        records["temporal"] = (sidecar.NetworkRecord(name, weights.identity(name)),)
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
    if options.gallery is not None:
        files["gallery"] = Path(options.gallery)
    if options.gaze_calibration is not None:
        files["gaze_calibration"] = Path(options.gaze_calibration)
    return files


def find_kept(
    table: Path,
    pipeline: Pipeline,
    name: str,
    identity: Digest | None,
    overlay: Path | None,
    format: str | None = None,
) -> tuple[Outcome | None, str]:
    """What an earlier run made, if it still holds.

    Args:
        table: the table's file.
        pipeline: loaded networks and options.
        name: of the input, without folder.
        identity: of the input; None for an address.
        overlay: the annotated video that belongs to it, if one is asked for.
        format: as its sidecar calls it; None goes by the table's suffix.

    Returns:
        The outcome of a finished table of the same input, options and networks; or None and why
        there is work to do, empty where nothing is there yet.

    Raises:
        OutputError: the table is that of another input.
    """
    described = sidecar.find(table) if table.exists() else None
    if described is None:
        if table.exists():
            return None, "no sidecar beside it"
        return None, "an earlier run was stopped" if partial_path(table).exists() else ""
    if overlay is not None and not overlay.exists():
        return None, f"no {overlay.name} yet"
    embedded = embeddings_path(table)
    if pipeline.options.keeps_embeddings and not embedded.exists():
        return None, f"no {embedded.name} yet"
    try:
        record = sidecar.read(described)
    except OutputError as error:
        return None, error.what
    _refuse_another(record, table, name, identity)
    if pipeline.variant(record.source.kind) is not None and not events_path(table).exists():
        return None, f"no {events_path(table).name} yet"
    wanted = format or format_of(table)
    reason = "" if record.format == wanted else f"made as {record.format}, not {wanted}"
    reason = reason or reuse.matches(
        record,
        version=__version__,
        options=pipeline.options.to_mapping(),
        networks=network_records(pipeline, record.source.kind),
        source_bytes=identity.size if identity else None,
        source_sha256=identity.sha256 if identity else None,
    )
    if reason:
        return None, reason
    if described != sidecar.schema_path(table):
        # Killed just before the sidecar took its name.
        replace(described, sidecar.schema_path(table))
    return _outcome(record, str(table)), ""


def _refuse_another(
    record: sidecar.Sidecar, table: Path, name: str, identity: Digest | None
) -> None:
    """An input that has changed keeps its name, one that was renamed its content."""
    made_from = record.source
    if made_from.name == name or (identity and made_from.sha256 == identity.sha256):
        return
    raise OutputError(
        f"holds the table of another input ({made_from.name}, not {name})",
        where=table,
        advice="Name another file, or replace it with --overwrite",
    )


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


def too_small_for(options: PipelineOptions, size: tuple[int, int] | None) -> tuple[str, ...]:
    """A warning where pictures cannot hold the smallest face that is searched for.

    Args:
        options: of the run.
        size: (width, height) of the pictures, pixels; None where they differ.
    """
    if size is None or smallest_face(options.min_face, *size) <= min(size):
        return ()
    smallest = smallest_face(options.min_face, *size)
    return (
        f"no face can be found: the smallest that is searched for (min_face {options.min_face:g}) "
        f"has {smallest:g} px, the pictures are {size[0]}x{size[1]}",
    )


def warnings_of(of_source: Sequence[str], frames: int) -> tuple[str, ...]:
    """What a reader of the table should know: the source's warnings, and if it has no rows."""
    return tuple(of_source) or (() if frames else ("no frame lies between start and end",))
