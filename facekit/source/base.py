"""What all sources share: they are context managers, iterated once, that tell of damage."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from facekit.source.damage import DamageLog
from facekit.types import Frame


class BaseSource(ABC):
    """Keeps the log of damage and sees to it that a source is iterated once and closed."""

    def __init__(self, damage: DamageLog | None = None) -> None:
        """Start with an undamaged source, or share the log of another."""
        self._damage = damage or DamageLog()
        self._iterated = False

    @property
    def warnings(self) -> list[str]:
        """What was odd or damaged so far, each with its place."""
        return self._damage.warnings

    @property
    def damaged(self) -> bool:
        """Whether pictures were lost or damaged so far."""
        return self._damage.damaged

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order.

        Raises:
            RuntimeError: the source was iterated before.
        """
        if self._iterated:
            raise RuntimeError("a source is iterated once; open it again")
        self._iterated = True
        return self._iterate()

    @abstractmethod
    def close(self) -> None:
        """Stop and free everything; may be called twice."""

    @abstractmethod
    def _iterate(self) -> Iterator[Frame]:
        """The frames in order; called once."""

    def __enter__(self) -> Self:
        """The source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
