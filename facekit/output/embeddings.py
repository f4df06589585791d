"""The embeddings of a clip's faces, ``clip.embeddings.parquet``: biometric data, only when asked.

Its owner alone can read it. Columns: ``frame``, ``face`` (place among the frame's rows of the
table, from 0), ``track`` (empty for still images), ``person``, ``time_s``, ``quality`` (0-1),
``vector`` (unit length). Beside them, in the schema's metadata, the tracks: when each was first
seen, and which of them were seen side by side.
"""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from facekit.errors import OutputError
from facekit.output.partial import write_whole
from facekit.output.rows import row_order
from facekit.output.sidecar import final_path
from facekit.track.persons import Decision, Persons, TrackFaces, face_number
from facekit.types import Face, Frame

SUFFIX = ".embeddings.parquet"
_FORMAT = "facekit embeddings 1"
_KEY = b"facekit"
_NONE: tuple[tuple[()], ...] = ((),) * 5


def embeddings_path(table: Path) -> Path:
    """The embeddings that belong to a table: ``clip.embeddings.parquet`` for ``clip.csv``."""
    named = final_path(table)
    return named.with_name(named.stem + SUFFIX)


class Embeddings:
    """Collects the embeddings of a clip while it runs."""

    def __init__(self) -> None:
        """None yet."""
        self._rows: list[tuple[int, int, int | None, float | None, float]] = []
        self._vectors: list[NDArray[np.float32]] = []

    def take(self, frame: Frame, faces: Sequence[Face]) -> None:
        """The faces of a frame, in any order; those that were embedded are kept."""
        if all(face.identity is None for face in faces):
            return
        time_s = float(frame.time_s) if math.isfinite(frame.time_s) else None
        for place, face in enumerate(sorted(faces, key=row_order)):
            if face.identity is not None:
                quality = face.identity.quality
                self._rows.append((frame.index, place, face.region.track, time_s, quality))
                self._vectors.append(face.identity.vector)

    def write(self, path: Path, embedder: str, persons: Persons) -> None:
        """Write them, whole or not at all.

        Args:
            path: of the file.
            embedder: SHA-256 of the network.
            persons: everything seen in the clip.

        Raises:
            OutputError: it cannot be written.
        """
        told = persons.decide().persons
        frame, face, track, time_s, quality = zip(*self._rows, strict=True) if self._rows else _NONE
        person = [told.get((0, face_number(t, f, p))) for f, p, t, _, _ in self._rows]
        vectors = np.stack(self._vectors) if self._vectors else np.zeros((0, 1), np.float32)
        columns: dict[str, Any] = {
            "frame": pa.array(frame, pa.int64()),
            "face": pa.array(face, pa.int64()),
            "track": pa.array(track, pa.int64()),
            "person": pa.array(person, pa.int64()),
            "time_s": pa.array(time_s, pa.float64()),
            "quality": pa.array(quality, pa.float64()),
            "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1]),
        }
        notes = {
            "format": _FORMAT,
            "embedder": embedder,
            "tracks": [
                {
                    "number": seen.key[1],
                    "first_s": seen.first_s,
                    "apart": sorted(number for _, number in seen.apart),
                }
                for seen in persons.tracks()
            ],
        }
        _write(pa.table(columns).replace_schema_metadata({_KEY: json.dumps(notes).encode()}), path)


def renumber(path: Path, decision: Decision, file: int) -> None:
    """Give the embeddings of a file the persons that were decided later.

    Args:
        path: of the file of embeddings.
        decision: who is who.
        file: its number in `decision`.

    Raises:
        OutputError: it cannot be read or written; it stays as it was.
    """
    table, _ = read_embeddings(path)
    faces = table.select(["track", "frame", "face"]).to_pylist()
    numbers = [face_number(row["track"], row["frame"], row["face"]) for row in faces]
    person = pa.array([decision.persons.get((file, n)) for n in numbers], pa.int64())
    place = table.schema.get_field_index("person")
    _write(table.set_column(place, "person", person), path)


def read_tracks(path: Path, file: int, embedder: str) -> list[TrackFaces]:
    """The tracks in a file of embeddings.

    Args:
        path: of the file.
        file: number that their keys get.
        embedder: SHA-256 of the network that is run.

    Raises:
        OutputError: it is missing, damaged, or of another embedder.
    """
    table, notes = read_embeddings(path)
    if notes["embedder"] != embedder:
        raise OutputError(
            "holds embeddings of another network or another version of it",
            where=path,
            advice="Do it again with --overwrite",
        )
    tracks = {
        entry["number"]: TrackFaces(
            (file, entry["number"]),
            entry["first_s"],
            apart={(file, number) for number in entry["apart"]},
        )
        for entry in notes["tracks"]
    }
    rows = table.select(["track", "frame", "face", "quality"]).to_pylist()
    for row, vector in zip(rows, vectors_of(table), strict=True):
        number = face_number(row["track"], row["frame"], row["face"])
        tracks[number].add(vector, row["quality"])
    return list(tracks.values())


def read_embeddings(path: Path) -> tuple[Any, dict[str, Any]]:
    """A file of embeddings: its Arrow table, and the notes in its metadata.

    Raises:
        OutputError: it is missing, or is no such file.
    """
    try:
        table = pq.read_table(path)
        notes = json.loads(table.schema.metadata[_KEY])
        if notes["format"] != _FORMAT:
            raise ValueError(f"format {notes['format']!r}")
    except FileNotFoundError as error:
        raise OutputError(
            "there is no such file", where=path, advice="Extract with --embeddings"
        ) from error
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"holds no embeddings ({type(error).__name__}: {error})",
            where=path,
            advice="Extract with --embeddings",
        ) from error
    return table, notes


def _write(table: Any, path: Path) -> None:
    data = io.BytesIO()
    pq.write_table(table, data, compression="zstd")
    write_whole(path, data.getvalue(), private=True)


def vectors_of(table: Any) -> NDArray[np.float32]:
    """(n, d) the vectors of a table that `read_embeddings` gave."""
    column = table.column("vector").combine_chunks()
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32)
    return flat.reshape(len(table), -1) if len(table) else np.zeros((0, 1), np.float32)
