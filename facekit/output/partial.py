"""Files that are written to ``NAME.partial`` and take their name only when they are complete."""

import errno
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from facekit.errors import OutputError

SUFFIX = ".partial"

_log = logging.getLogger(__name__)

_CAUSES: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", "Free some space or choose another folder"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or choose another folder"),
    errno.EFBIG: ("the file is larger than allowed here", "Choose another folder or raise ulimit"),
    errno.ENOENT: ("the folder does not exist", "Create it or choose another folder"),
    errno.ENOTDIR: ("the folder is a file", "Choose another folder"),
    errno.EISDIR: ("is a folder", "Choose a file name"),
    errno.EACCES: ("may not be written", "Check the permissions or choose another folder"),
    errno.EPERM: ("may not be written", "Check the permissions or choose another folder"),
    errno.EROFS: ("the disk is read-only", "Choose another folder"),
}


def partial_path(path: Path) -> Path:
    """Where `path` is written while it is not complete."""
    return path.with_name(path.name + SUFFIX)


def output_error(path: Path, error: OSError, kept: Path | None = None) -> OutputError:
    """The error to raise for `error` at `path`: what happened, where, what to do.

    Args:
        path: what was to be written.
        error: why it was not.
        kept: the file that holds what was complete by then, if there is one.
    """
    cause = error.strerror or str(error)
    what, advice = _CAUSES.get(
        error.errno or 0, (f"cannot be written ({cause})", "Choose another folder")
    )
    if kept is not None:
        advice += f"; what was complete is in {kept.name}"
    return OutputError(what, where=path, advice=advice)


class PartialFile:
    """A binary file under construction: ``NAME.partial`` until `publish`.

    Every write names its offset, so that one cut short by an interrupt can simply be repeated.
    """

    def __init__(self, path: Path) -> None:
        """Create ``NAME.partial``, in place of an earlier one.

        Raises:
            OutputError: the folder is missing or cannot be written.
        """
        self.path = path
        self.partial = partial_path(path)
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self._file = open(self.partial, "wb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise output_error(path, error) from error

    def write(self, offset: int, pieces: Sequence[bytes]) -> int:
        """Write `pieces` at `offset`, to the disk's side of this process.

        Returns:
            The offset after the last piece.

        Raises:
            OutputError: not all fits; the file then ends with the last whole piece.
        """
        data = memoryview(b"".join(pieces))
        done = 0
        try:
            self._file.seek(offset)
            while done < len(data):
                done += self._file.write(data[done:]) or 0
        except OSError as error:
            self._cut(offset + whole_pieces(pieces, done)[1])
            raise output_error(self.path, error, self.partial) from error
        return offset + done

    def _cut(self, size: int) -> None:
        try:
            self._file.truncate(size)
        except OSError as error:
            _log.warning("%s: may end in the middle of a row (%s)", self.partial, error)

    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._file.fileno()).st_size

    def publish(self) -> None:
        """Bring everything to the disk and give the file its name, replacing an earlier one.

        Raises:
            OutputError: the disk refuses; the partial file stays.
        """
        self.sync()
        replace(self.partial, self.path)

    def sync(self) -> None:
        """Bring everything to the disk and close.

        Raises:
            OutputError: the disk refuses.
        """
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise output_error(self.path, error, self.partial) from error

    def close(self) -> None:
        """Close and leave the partial file where it is."""
        self._file.close()


def whole_pieces(pieces: Sequence[bytes], size: int) -> tuple[int, int]:
    """How many of `pieces` are whole within their first `size` bytes, and how long those are."""
    count = end = 0
    for piece in pieces:
        if end + len(piece) > size:
            break
        count, end = count + 1, end + len(piece)
    return count, end


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a small file so that it is either there whole or not at all.

    Args:
        path: the file.
        data: all that it holds.
        private: nobody but its owner may read it, at any moment.

    Raises:
        OutputError: it cannot be written; an earlier one stays.
    """
    unfinished = partial_path(path)
    try:
        if private:
            # One that was left behind keeps the permissions that it has.
            unfinished.unlink(missing_ok=True)
        with open(unfinished, "wb", opener=_open_private if private else None) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise output_error(path, error) from error


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def replace(source: Path, target: Path) -> None:
    """Rename `source` to `target` atomically, and make that last through a power cut.

    Raises:
        OutputError: the rename is refused.
    """
    try:
        os.replace(source, target)
    except OSError as error:
        raise output_error(target, error) from error
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        # Windows cannot open a folder; the rename itself is atomic there too.
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        _log.debug("%s: cannot be synchronised (%s)", folder, error)
    finally:
        os.close(descriptor)
