"""What the page may ask for: a fixed list of answers, none of which takes a path."""

import importlib.resources
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from facekit._version import __version__
from facekit.estimate.ibug import IBUG_PARTS
from facekit.facs import ACTION_UNITS
from facekit.output import text
from facekit.output.drawing import COLOURS
from facekit.study.happenings import read_events
from facekit.viewer import pyramid
from facekit.viewer.content import ROW_PIECE, TableContent
from facekit.viewer.film import Container, Film

STATIC = {
    "viewer.css": "text/css",
    "uPlot.min.css": "text/css",
    "uPlot.iife.min.js": "text/javascript",
    "main.js": "text/javascript",
    "page.js": "text/javascript",
    "data.js": "text/javascript",
    "plots.js": "text/javascript",
    "stage.js": "text/javascript",
    "face.js": "text/javascript",
    "events.js": "text/javascript",
    "strips.js": "text/javascript",
    "picker.js": "text/javascript",
    "keys.js": "text/javascript",
    "exports.js": "text/javascript",
    "measure.js": "text/javascript",
}
"""The files of the page and their types."""

_MEDIA = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
}
_EXPORTED_ROWS = 5000
"""Rows turned to text at once."""

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: `body`, or the file at `file` (in ranges where asked)."""

    kind: str
    body: bytes = b""
    file: Path | None = None
    download: str = ""


class NotServedError(LookupError):
    """There is no such thing here."""


def static_file(name: str) -> bytes:
    """A file of the page."""
    return importlib.resources.files("facekit.viewer").joinpath("static", name).read_bytes()


class Routes:
    """The viewer's answers about one or two tables and the video behind them."""

    def __init__(
        self,
        tables: Sequence[TableContent],
        film: Film | None,
        notes: Sequence[str] = (),
        at_s: float = 0.0,
    ) -> None:
        """Read the events beside the tables.

        Args:
            tables: one, or two to be compared.
            film: the video; None to look at the tables alone.
            notes: sentences that the page shows.
            at_s: the moment at which the page opens.

        Raises:
            OutputError: a file of events is damaged.
        """
        self._tables, self._film = tuple(tables), film
        self._notes, self._at_s = list(notes), at_s
        self._events = [read_events(table.path, table.subjects) for table in tables]
        self._answers: dict[str, Callable[[Query], Answer]] = {
            "": self._page,
            "about.json": self._about,
            "times": self._times,
            "frames": self._frames,
            "series": self._series,
            "quality": self._quality,
            "rows": self._rows,
            "events.json": self._event_list,
            "selection.csv": self._selection,
            "video": self._video,
            "video-copy": self._video_copy,
            "video-copy.json": self._copy_state,
        }

    def answer(self, name: str, query: Query) -> Answer:
        """The answer to a request.

        Args:
            name: what follows the token in the path.
            query: its parameters.

        Raises:
            NotServedError: there is no such thing.
        """
        if name in STATIC:
            return Answer(STATIC[name], static_file(name))
        if name not in self._answers:
            raise NotServedError(name)
        try:
            return self._answers[name](query)
        except (LookupError, ValueError, OverflowError) as error:
            raise NotServedError(f"{name}: {error}") from error

    def _page(self, query: Query) -> Answer:
        return Answer("text/html; charset=utf-8", static_file("index.html"))

    def _about(self, query: Query) -> Answer:
        film = self._film
        return _json(
            {
                "facekit": __version__,
                "tables": [
                    self._about_table(table, events)
                    for table, events in zip(self._tables, self._events, strict=True)
                ],
                "units": [
                    {"code": unit.code, "name": unit.name, "sided": unit.sided}
                    for unit in ACTION_UNITS
                ],
                "colours": COLOURS,
                "contours": [[part.start, part.stop, closed] for part, closed in IBUG_PARTS],
                "factor": pyramid.FACTOR,
                "piece": pyramid.PIECE,
                "row_piece": ROW_PIECE,
                "video": None if film is None else {"name": film.path.name},
                "notes": self._notes,
                "at_s": self._at_s,
            }
        )

    def _about_table(
        self, table: TableContent, events: Sequence[Mapping[str, Any]] | None
    ) -> dict[str, Any]:
        source = table.described.get("source", {})
        times = table.times
        return {
            "name": table.path.name,
            "frames": len(times),
            "levels": pyramid.level_count(len(times)),
            "unit": "s" if table.timed else "image",
            "start": float(times[0]) if len(times) else 0.0,
            "end": float(times[-1]) if len(times) else 0.0,
            # Where each piece of the finest level begins: enough to find any time.
            "piece_starts": times[:: pyramid.PIECE].tolist(),
            "subjects": [
                {
                    "label": who.label,
                    "colour": int(who.name) if who.name.isdecimal() else place,
                    "rows": len(who.rows),
                }
                for place, who in enumerate(table.subjects)
            ],
            "columns": [
                {
                    "name": column.name,
                    "group": column.group,
                    "unit": column.unit,
                    "meaning": column.meaning,
                    "low": column.low,
                    "high": column.high,
                    "digits": column.digits,
                    "band": f"{column.name}_sd" in table.columns,
                }
                for column in table.traces
            ],
            "row_columns": table.row_columns,
            "first_columns": table.first_columns,
            "first_subject": table.first_subject,
            "events": None if events is None else len(events),
            "source": {name: source.get(name) for name in ("name", "width", "height")},
            "start_time_s": source.get("start_time_s") or 0.0,
            "warnings": list(table.described.get("warnings", ())),
        }

    def _times(self, query: Query) -> Answer:
        bins = self._table(query).bin_times[_count(query, "level")]
        return _binary([pyramid.piece(bins, _count(query, "piece"))], "<f8")

    def _frames(self, query: Query) -> Answer:
        frames = self._table(query).frames.astype(np.float64)
        return _binary([pyramid.piece(frames, _count(query, "piece"))], "<f8")

    def _series(self, query: Query) -> Answer:
        table, subject = self._table(query), _count(query, "subject")
        level, piece = _count(query, "level"), _count(query, "piece")
        arrays = [
            pyramid.piece(array, piece)
            for name in query["columns"].split(",")
            for array in table.series(subject, name)[level].arrays()
        ]
        return _binary(arrays, "<f4")

    def _quality(self, query: Query) -> Answer:
        level, piece = _count(query, "level"), _count(query, "piece")
        low, absent = self._table(query).quality(_count(query, "subject"))
        return _binary([pyramid.piece(low[level], piece), pyramid.piece(absent[level], piece)])

    def _rows(self, query: Query) -> Answer:
        rows = self._table(query).rows(_count(query, "subject"), _count(query, "piece"))
        return _binary([rows], "<f4")

    def _event_list(self, query: Query) -> Answer:
        events = self._events[_count(query, "table")]
        if events is None:
            raise NotServedError("events")
        return _json(events)

    def _selection(self, query: Query) -> Answer:
        table = self._table(query)
        start, end = float(query["from"]), float(query["to"])
        if not (math.isfinite(start) and math.isfinite(end)):
            raise NotServedError("selection")
        chosen = [int(part) for part in query["subjects"].split(",")]
        rows = table.selected(start, end, [_checked(number) for number in chosen])
        encoder = text.LineEncoder(list(table.columns.values()), text.CSV)
        parts = [encoder.head]
        for first in range(0, len(rows), _EXPORTED_ROWS):
            block = rows.iloc[first : first + _EXPORTED_ROWS].astype(object)
            block = block.where(block.notna(), None)
            parts += encoder.encode(list(block.itertuples(index=False, name=None)))[0]
        name = f"{table.path.stem}_{start:.3f}-{end:.3f}.csv"
        return Answer("text/csv; charset=utf-8", b"".join(parts), download=name)

    def _video(self, query: Query) -> Answer:
        path = self._shown().path
        kind = _MEDIA.get(path.suffix.lower(), "application/octet-stream")
        return Answer(kind, file=path)

    def _video_copy(self, query: Query) -> Answer:
        container = _container(query)
        path = self._shown().copy_path(container)
        if not path.is_file():
            raise NotServedError("video-copy")
        return Answer(f"video/{container}", file=path)

    def _copy_state(self, query: Query) -> Answer:
        return _json(self._shown().start(_container(query)))

    def _shown(self) -> Film:
        if self._film is None:
            raise NotServedError("video")
        return self._film

    def _table(self, query: Query) -> TableContent:
        return self._tables[_count(query, "table")]


def _count(query: Query, name: str) -> int:
    return _checked(int(query[name]))


def _checked(number: int) -> int:
    # Python would count a negative one from the end.
    if number < 0:
        raise NotServedError(str(number))
    return number


def _container(query: Query) -> Container:
    if query["format"] not in get_args(Container):
        raise NotServedError(query["format"])
    return cast(Container, query["format"])


def _json(values: Any) -> Answer:
    return Answer("application/json", json.dumps(values, allow_nan=False).encode())


def _binary(arrays: Sequence[NDArray[np.floating]], kind: str = "<f4") -> Answer:
    body = b"".join(np.ascontiguousarray(array, kind).tobytes() for array in arrays)
    return Answer("application/octet-stream", body)
