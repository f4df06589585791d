"""Where an evaluation reads and writes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders and files of one evaluation.

    Attributes:
        data: the project's data folder.
        renders: cache of rendered test people.
        figure: where a figure goes; people are in it, so never into the repository.
        workers: processes that render.
    """

    data: Path
    renders: Path
    figure: Path
    workers: int = 1

    @property
    def teachers(self) -> Path:
        """The folder of other people's networks."""
        return self.data / "teachers"

    @property
    def faces(self) -> Path:
        """Cache of places of faces (`facekit.train.identity_faces`), beside that of renders."""
        return self.renders.parent / "identity-faces"
