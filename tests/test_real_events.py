"""Events with the shipped networks: the same at half the frame rate. Skips without them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from facekit.over_time import OverTime
from facekit.pipeline import Pipeline
from facekit.runtime import weights
from facekit.source import open_source
from facekit.temporal.events import Event
from facekit.temporal.tcn import NETWORKS
from facekit.types import Frame

pytestmark = pytest.mark.skipif(
    not set(NETWORKS.values()) <= set(weights.load_manifest().networks),
    reason="the temporal networks are not shipped yet",
)

LEAST_ALIKE = 0.6


def _events(pipeline: Pipeline, frames: Iterable[Frame], kind: str) -> list[Event]:
    over_time = OverTime(pipeline, kind)
    found: list[Event] = []
    for frame, faces in over_time.over(pipeline.run(frames, later=over_time.is_late)):
        found += over_time.events(frame, faces)
    return [event for event in found + over_time.last_events() if event.ended]


def _frames(path: Path, step: int, end: float | None = None) -> Iterator[Frame]:
    with open_source(path, end=end) as source:
        yield from islice(source, 0, None, step)


def _share_alike(pipeline: Pipeline, path: Path, rate: float, end: float | None = None) -> float:
    """Share of the events that half the frame rate tells as well, within one of its frames."""
    fast, slow = (_events(pipeline, _frames(path, step, end), "video") for step in (1, 2))
    assert len(fast) >= 3
    longest_s = 2 / rate + 1e-6
    alike = [
        any(
            (one.kind, one.side) == (other.kind, other.side)
            and abs(one.onset_s - other.onset_s) <= longest_s
            and abs(one.offset_s - other.offset_s) <= longest_s
            for other in slow
        )
        for one in fast
    ]
    return sum(alike) / len(alike)


def test_half_the_frame_rate_tells_the_same_of_the_example(example_clip: Path) -> None:
    # What is measured differs with the frames that are seen: faint events come and go.
    assert _share_alike(Pipeline(), example_clip, 25) >= LEAST_ALIKE


def test_half_the_frame_rate_tells_the_same_of_a_real_clip(shared_data: Path) -> None:
    clip = shared_data / "videos" / "winks.mp4"
    assert _share_alike(Pipeline(), clip, 30, end=8) >= LEAST_ALIKE
