"""The events beside a table, ``NAME.events.csv``, and whose they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facekit.errors import OutputError
from facekit.output.events import events_path as events_path
from facekit.study.contents import Subject

_REQUIRED = ("kind", "onset_s", "offset_s")
_NUMBERS = ("onset_s", "apex_s", "offset_s", "peak", "mean", "asymmetry", "confidence")


def read_events(table: Path, everyone: Sequence[Subject]) -> list[dict[str, Any]] | None:
    """The events of a table in order of onset; None where no file of events is.

    Args:
        table: the table's path.
        everyone: the subjects of the table.

    Returns:
        For each event what its file states (missing numbers are None), and ``subject``, the
        place of its subject among `everyone`; None for those that are nobody's in the table.

    Raises:
        OutputError: damaged, or a column is missing.
    """
    path = events_path(table)
    if not path.is_file():
        return None
    try:
        found = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"is damaged ({error})", where=path, advice="Run the extraction again"
        ) from error
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise OutputError(
            f"has no column {', '.join(missing)}", where=path, advice="Run the extraction again"
        )
    places = {subject.label: place for place, subject in enumerate(everyone)}
    events = []
    for row in found.sort_values("onset_s", kind="stable").to_dict("records"):
        event = {str(name): _plain(str(name), value) for name, value in row.items()}
        event["subject"] = _whose(event, places)
        events.append(event)
    return events


def _plain(name: str, value: object) -> object:
    if value is None or value != value:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if name in ("track", "person") and isinstance(value, float) and value.is_integer():
        return int(value)
    return value if name in (*_NUMBERS, "track", "person") else str(value)


def _whose(event: dict[str, Any], places: dict[str, int]) -> int | None:
    for kind in ("person", "track"):
        if event.get(kind) is not None and f"{kind} {event[kind]}" in places:
            return places[f"{kind} {event[kind]}"]
    return None
