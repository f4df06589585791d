"""Records as JSON lines, to a file, a named pipe or standard output."""

import contextlib
import os
import stat
from pathlib import Path

from facekit.live.record import EndedError, EventRecord, Lines, Record, StreamLayout
from facekit.output.partial import output_error


class JsonLines:
    """One line for each record; an earlier file is overwritten.

    Args:
        path: ``-`` for standard output.
        layout: of the records.
    """

    def __init__(self, path: str, layout: StreamLayout) -> None:
        """Open it.

        Raises:
            OutputError: the file cannot be written.
        """
        self._lines = Lines(layout)
        self._path, self._file = Path(path), -1
        if path == "-":
            self._file = os.dup(1)
        elif not _is_pipe(self._path):
            self._open()

    def send(self, record: Record | EventRecord) -> None:
        """Write its line.

        Raises:
            EndedError: the disk is full, or the reader has gone.
        """
        try:
            if self._file < 0:
                # A named pipe opens when somebody reads it, which may take a while.
                self._open()
            _write_line(self._file, self._lines.of(record))
        except BrokenPipeError as error:
            raise EndedError("the reader has gone", wanted=True) from error
        except OSError as error:
            raise EndedError(output_error(self._path, error).what) from error

    def close(self) -> None:
        """Close it."""
        if self._file >= 0:
            os.close(self._file)

    def unheard(self) -> int:
        """None: a file is there, and a pipe waits for its reader."""
        return 0

    def _open(self) -> None:
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        except OSError as error:
            raise output_error(self._path, error) from error


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def _write_line(file: int, line: bytes) -> None:
    """All of it or, on a disk that is full, nothing of it."""
    rest = memoryview(line)
    try:
        while rest:
            rest = rest[os.write(file, rest) :]
    except OSError:
        if len(rest) < len(line):
            with contextlib.suppress(OSError):  # a pipe has no length
                os.ftruncate(file, os.fstat(file).st_size - (len(line) - len(rest)))
        raise
