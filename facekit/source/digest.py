"""What an input is, byte for byte: how a finished table knows that its video has not changed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from facekit.errors import SourceError
from facekit.source.images import images_in


@dataclass(frozen=True, slots=True)
class Digest:
    """Identity of an input.

    Attributes:
        size: bytes, all files together.
        sha256: of the file; for several files, of their names and hashes in order.
    """

    size: int
    sha256: str


def digest(path: Path) -> Digest:
    """Size and sha256 of a file, or of a folder's images taken together.

    Raises:
        SourceError: a file cannot be read, or the folder holds no image.
    """
    files = images_in(path) if path.is_dir() else [path]
    try:
        parts = [(path.name, path.stat().st_size, _sha256(path)) for path in files]
    except OSError as error:
        raise SourceError(
            f"cannot be read ({error.strerror})", where=error.filename, advice="Check the path"
        ) from error
    if not path.is_dir():
        return Digest(parts[0][1], parts[0][2])
    together = hashlib.sha256("".join(f"{name}\0{sha}\n" for name, _, sha in parts).encode())
    return Digest(sum(size for _, size, _ in parts), together.hexdigest())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
