"""Studies that are killed at some moment and started again: what they leave, and what comes out."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from facekit.errors import FacekitError, MissingExtraError

Victim: TypeAlias = Literal["worker", "parent", "interrupt"]
"""Who is killed with signal 9; or Ctrl-C, which reaches the whole group of processes."""
VICTIMS: tuple[Victim, ...] = ("worker", "parent", "interrupt")

_GONE_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.02
_LATER_S = 0.5
_FINISHED = (0, 3)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What a disturbed run and its resumption left.

    Attributes:
        what: what was done to it.
        share: when, as the share of the tables that were there.
        code: its exit code; negative for the signal that ended it.
        files: files below the output folder when it had ended.
        differences: paths that differ from the undisturbed run after resuming.
        left_behind: processes and temporary folders that should be gone.
    """

    what: str
    share: float
    code: int
    files: int
    differences: tuple[str, ...]
    left_behind: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the disturbance left no trace."""
        return not self.differences and not self.left_behind


def extract(study: Path, output: Path, *arguments: str) -> float:
    """Extract a whole study undisturbed; the seconds it took.

    Raises:
        FacekitError: it ended with an exit code other than those of a finished study.
    """
    started = time.monotonic()
    code = _start(study, output, arguments).wait()
    if code not in _FINISHED:
        raise FacekitError(f"extraction ended with exit code {code}", where=study)
    return time.monotonic() - started


def disturb(
    study: Path,
    output: Path,
    undisturbed: Path,
    share: float,
    what: Victim | Callable[[], str],
    arguments: Sequence[str],
) -> Disturbed:
    """Start extracting a study, strike, start again and look.

    Args:
        study: folder of inputs.
        output: folder to write to; new.
        undisturbed: output folder of the same run, left alone.
        share: when to strike: this share of the tables is there; 0 strikes while it starts.
        what: whom to strike, or what else to do then; gives its own name.
        arguments: further arguments of ``facekit extract``.

    Raises:
        MissingExtraError: psutil is not installed.
        FacekitError: the second start does not finish.
    """
    before = _temporary()
    process = _start(study, output, arguments)
    _wait_for(process, output, share * sum(1 for _ in undisturbed.rglob("*.schema.json")))
    family = _descendants(process.pid)
    done = _strike(process, family, what) if isinstance(what, str) else what()
    code = process.wait()
    processes = _survivors(family)
    files = sum(path.is_file() for path in output.rglob("*"))
    extract(study, output, *arguments)
    expected, found = contents(undisturbed), contents(output)
    differences = sorted(
        name for name in {*expected, *found} if expected.get(name) != found.get(name)
    )
    folders = sorted(_temporary() - before)
    return Disturbed(done, share, code, files, tuple(differences), (*processes, *folders))


def contents(folder: Path) -> dict[str, bytes]:
    """What must be equal from run to run: tables, and the summary but for its last column.

    Sidecars say when they were made: that they are there is all that counts.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".json":
                data = b""
            elif path.name.startswith("study.") and path.parent == folder:
                data = b"\n".join(line.rpartition(b",")[0] for line in data.splitlines())
            found[path.relative_to(folder).as_posix()] = data
    return found


def _start(study: Path, output: Path, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "facekit", "extract", str(study), "-o", str(output)]
    return subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell starts what runs in its background deaf to Ctrl-C.
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_for(process: "subprocess.Popen[bytes]", output: Path, tables: float) -> None:
    # By the clock it would depend on what else the machine does; a little later is in mid-file.
    while process.poll() is None and sum(1 for _ in output.rglob("*.schema.json")) < tables:
        time.sleep(_LOOK_EVERY_S)
    with suppress(subprocess.TimeoutExpired):
        process.wait(random.uniform(0, _LATER_S))


def _strike(process: "subprocess.Popen[bytes]", family: Sequence[Any], what: Victim) -> str:
    if process.poll() is not None:
        return f"{what} (over already)"
    workers = [member for member in family if _is_worker(member)]
    if what == "interrupt":
        os.killpg(process.pid, signal.SIGINT)
    elif what == "parent":
        process.kill()
    elif workers:
        workers[-1].kill()
    return what if what != "worker" or workers else "worker (none yet)"


def _is_worker(member: Any) -> bool:
    import psutil

    with suppress(psutil.Error):
        return "spawn_main" in " ".join(member.cmdline())
    return False


def _descendants(pid: int) -> list[Any]:
    try:
        import psutil
    except ImportError as error:
        raise MissingExtraError(
            "psutil is not installed", where="bench study", advice="pip install 'facekit[test]'"
        ) from error
    try:
        found: list[Any] = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def _survivors(family: Sequence[Any]) -> list[str]:
    import psutil

    _, alive = psutil.wait_procs(family, timeout=_GONE_WITHIN_S)
    return [f"process {member.pid}" for member in alive]


def _temporary() -> set[str]:
    root = Path(tempfile.gettempdir())
    return {path.name for path in root.iterdir() if path.name.lstrip(".").startswith("facekit-")}
