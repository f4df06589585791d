"""Runs the command line as a user does: in-process where that is enough, else as a process."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from facekit.cli.main import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Cli:
    """``cli("extract", path, "-o", table)`` gives exit code, stdout and stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *arguments: object) -> Result:
        self._monkeypatch.setattr(sys, "argv", ["facekit", *map(str, arguments)])
        self._monkeypatch.setenv("COLUMNS", "200")
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = self._capfd.readouterr()
        assert isinstance(stop.value.code, int)
        return Result(stop.value.code, captured.out, captured.err)


def start(*arguments: object, file_size_limit: int | None = None) -> "subprocess.Popen[str]":
    """A process of its own, with a limit on the size of any file it writes if given."""
    prepare = ""
    if file_size_limit is not None:
        prepare = (
            "import resource, signal;"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({file_size_limit},) * 2);"
        )
    program = f"{prepare}from facekit.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
