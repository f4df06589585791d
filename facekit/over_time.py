"""A run over time: frames wait until their faces are complete, and their events are found."""

from collections.abc import Iterable, Iterator, Sequence

from facekit.pipeline import Pipeline
from facekit.temporal.events import Event, EventFinder
from facekit.temporal.faces import Done
from facekit.temporal.tcn import NETWORKS
from facekit.types import Face, Frame


class OverTime:
    """What the temporal stage adds to the run of one source; without it, frames pass through.

    Args:
        pipeline: that analyses the source.
        kind: of the source.
    """

    def __init__(self, pipeline: Pipeline, kind: str) -> None:
        """Nothing seen yet.

        Raises:
            OptionsError: the chosen variant cannot be used for this kind of source.
        """
        self._variant = pipeline.variant(kind)
        self._ahead = pipeline.look_ahead(kind)
        self._finder = None if self._variant is None else EventFinder()

    @property
    def is_run(self) -> bool:
        """Whether there is anything over time."""
        return self._variant is not None

    @property
    def is_late(self) -> bool:
        """Whether frames wait."""
        return self._ahead is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the table should know, in sentences."""
        if self._variant is None:
            return ()
        seen = "looked up to 1 s ahead of each frame" if self.is_late else "knew no later frame"
        return (f"What happens over time comes from {NETWORKS[self._variant]}, which {seen}.",)

    def push(self, frame: Frame, faces: Sequence[Face]) -> list[Done]:
        """The next frame; those that are complete now, oldest first."""
        if self._ahead is None:
            return [(frame, list(faces))]
        return self._ahead.push(frame, faces)

    def finish(self) -> list[Done]:
        """The source has ended: the frames that still wait."""
        return [] if self._ahead is None else self._ahead.finish()

    def over(self, frames: Iterable[tuple[Frame, list[Face]]]) -> Iterator[Done]:
        """All frames of a source and their faces, as soon as they are complete."""
        for frame, faces in frames:
            yield from self.push(frame, faces)
        yield from self.finish()

    def events(self, frame: Frame, faces: Sequence[Face]) -> list[Event]:
        """Events that begin or end with a frame that is complete; see `EventFinder.push`."""
        return [] if self._finder is None else self._finder.push(frame.time_s, faces)

    def last_events(self) -> list[Event]:
        """Events that ended with the source."""
        return [] if self._finder is None else self._finder.end()
