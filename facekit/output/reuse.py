"""Whether a finished table can stand for a new run."""

import json
from collections.abc import Mapping
from typing import Any

from facekit.output.sidecar import Networks, Sidecar

_ONLY_SPEED = frozenset({"device", "threads"})
"""Options that do not change what a table holds."""


def matches(
    record: Sidecar,
    *,
    version: str,
    options: Mapping[str, Any],
    networks: Networks,
    source_bytes: int | None,
    source_sha256: str | None,
) -> str:
    """Why a finished table cannot stand for a new run, if it cannot.

    Args:
        record: the finished table's sidecar.
        version: facekit's, now.
        options: as `PipelineOptions.to_mapping` gives them; device and threads do not count.
        networks: that would run, by stage.
        source_bytes: size of the input.
        source_sha256: of the input.

    Returns:
        Empty when it can, or the first reason why not, as in
        ``made with other options: detect_every 10 -> 5``.
    """
    if record.state != "complete":
        return f"not complete ({record.state})"
    if record.facekit != version:
        return f"made with another version of facekit: {record.facekit} -> {version}"
    changed = _changes(record.options, options, _ONLY_SPEED)
    if changed:
        return f"made with other options: {changed}"
    stages = sorted({*record.networks, *networks})
    others = [s for s in stages if _by_name(record.networks, s) != _by_name(networks, s)]
    if others:
        return f"made with other networks: {', '.join(others)}"
    if record.source.bytes != source_bytes:
        return f"the input has changed: {record.source.bytes} -> {source_bytes} bytes"
    if record.source.sha256 != source_sha256:
        return "the input has changed: same size, other content"
    return ""


def _by_name(networks: Networks, stage: str) -> list[tuple[str, str]]:
    return sorted((network.name, network.sha256) for network in networks.get(stage, ()))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], ignored: frozenset[str]) -> str:
    # Through JSON, as the sidecar went: a tuple is a list then.
    now_values = json.loads(json.dumps(dict(after)))
    names = [name for name in {**before, **now_values} if name not in ignored]
    missing = object()
    return ", ".join(
        f"{name} {before.get(name)} -> {now_values.get(name)}"
        for name in names
        if before.get(name, missing) != now_values.get(name, missing)
    )
