"""Temporary folders that are removed even after a process was killed: by the next one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing tells whether the owner of a folder lives
    fcntl = None  # type: ignore[assignment]

_PREFIX = "facekit-"


@contextmanager
def scratch() -> Iterator[Path]:
    """A new temporary folder for as long as the block runs.

    The owner holds a lock on it, which the system releases when the process ends in whatever
    way; folders of this user without a lock are removed first.
    """
    root = Path(tempfile.gettempdir())
    _sweep(root)
    # It takes the name that others look for only when it is locked.
    fresh = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=root))
    lock = os.open(fresh, os.O_RDONLY) if fcntl is not None else None
    if lock is not None:
        fcntl.flock(lock, fcntl.LOCK_EX)
    folder = fresh.rename(root / fresh.name.removeprefix("."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _sweep(root: Path) -> None:
    if fcntl is None:
        return
    for folder in root.glob(f"{_PREFIX}*"):
        # Another process may be sweeping as well.
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
