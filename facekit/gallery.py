"""A gallery: people with names, by their embeddings, in one file that only its owner can read.

Of each person it keeps the mean embedding and how many faces that comes from: no pictures, no
file names. It belongs to one version of the embedder.
"""

import json
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from facekit.errors import OptionsError
from facekit.output.partial import write_whole
from facekit.track.clustering import Vectors
from facekit.track.persons import Known

_FORMAT = "facekit gallery 1"
_DIGITS = 6

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of a gallery.

    Attributes:
        mean: (d,) mean of the person's unit vectors, weighted by quality; not normalised.
        weight: sum of the qualities.
        faces: how many faces were embedded.
    """

    mean: Vectors
    weight: float
    faces: int

    def __add__(self, other: "Entry") -> "Entry":
        """All faces of both."""
        weight = self.weight + other.weight
        mean = (self.weight * self.mean + other.weight * other.mean) / weight
        return Entry(mean, weight, self.faces + other.faces)


class Gallery:
    """People with names; `load` or an empty one, then `add`, `remove`, `save`.

    Args:
        embedder: SHA-256 of the network whose embeddings it holds.
        people: entries by name.
    """

    def __init__(self, embedder: str, people: Mapping[str, Entry] | None = None) -> None:
        """An empty gallery, or one with `people`."""
        self.embedder = embedder
        self._people = dict(people or {})

    def __len__(self) -> int:
        """How many people it holds."""
        return len(self._people)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        """Names and entries, by name."""
        return iter(sorted(self._people.items()))

    def add(self, name: str, entry: Entry) -> None:
        """Faces of a person, together with those that are there already.

        Raises:
            OptionsError: no such name can be given.
        """
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise OptionsError(f"{name!r} is not a name", where="gallery", advice="Use letters")
        if name.lower() == "unknown":
            raise OptionsError(
                "'unknown' is what people are called whom the gallery does not hold",
                where="gallery",
                advice="Choose another name",
            )
        known = self._people.get(name)
        self._people[name] = entry if known is None else known + entry

    def remove(self, name: str) -> None:
        """Forget a person.

        Raises:
            OptionsError: nobody has this name.
        """
        if name not in self._people:
            raise OptionsError(
                f"nobody is called {name!r}",
                where="gallery",
                advice=f"It holds: {', '.join(sorted(self._people)) or 'nobody'}",
            )
        del self._people[name]

    def known(self) -> tuple[Known, ...]:
        """Its people, for `facekit.track.persons`."""
        return tuple(Known(name, entry.mean) for name, entry in self)

    def save(self, path: Path) -> None:
        """Write it to a file that only its owner can read, whole or not at all.

        Raises:
            OutputError: it cannot be written; an earlier file stays.
        """
        people = {
            name: {
                "faces": entry.faces,
                "weight": round(entry.weight, _DIGITS),
                "mean": np.round(entry.mean, _DIGITS).tolist(),
            }
            for name, entry in self
        }
        content = {"format": _FORMAT, "embedder": self.embedder, "people": people}
        write_whole(path, (json.dumps(content) + "\n").encode(), private=True)

    @classmethod
    def load(cls, path: Path, embedder: str) -> "Gallery":
        """The gallery in a file.

        Args:
            path: written by `save`.
            embedder: SHA-256 of the network that is run.

        Raises:
            OptionsError: missing, not a gallery, or one of another embedder.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise OptionsError(
                f"cannot be read ({error.strerror})",
                where=path,
                advice="Make one with: facekit gallery add NAME IMAGE --gallery FILE",
            ) from error
        except ValueError as error:
            raise _not_a_gallery(path, str(error)) from error
        if os.name == "posix" and mode & 0o077:
            logger.warning("%s: others can read this gallery; chmod 600 keeps it private", path)
        return cls._parsed(content, path, embedder)

    @classmethod
    def _parsed(cls, content: Any, path: Path, embedder: str) -> "Gallery":
        try:
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']!r}")
            people = {
                str(name): Entry(
                    np.array(entry["mean"], np.float64), float(entry["weight"]), int(entry["faces"])
                )
                for name, entry in content["people"].items()
            }
            usable = all(
                entry.mean.ndim == 1 and np.isfinite(entry.mean).all() and entry.weight > 0
                for entry in people.values()
            )
            if not usable or len({len(entry.mean) for entry in people.values()}) > 1:
                raise ValueError("damaged embeddings")
            made_by = str(content["embedder"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _not_a_gallery(path, f"{type(error).__name__}: {error}") from error
        if made_by != embedder:
            raise OptionsError(
                "holds embeddings of another network or another version of it",
                where=path,
                advice="Make it anew from the pictures with this version of facekit",
            )
        return cls(embedder, people)


def default_path() -> Path:
    """Where ``facekit gallery`` keeps it unless told otherwise: the user's own data folder."""
    return Path(platformdirs.user_data_dir("facekit")) / "gallery.json"


def _not_a_gallery(path: Path, cause: str) -> OptionsError:
    return OptionsError(
        f"is not a gallery ({cause})", where=path, advice="Make one with: facekit gallery add"
    )
