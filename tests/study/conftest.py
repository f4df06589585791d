from pathlib import Path

import pytest

from facekit.bench.kills import extract
from facekit.bench.study_inputs import make_study
from tests.cli.runner import Cli


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capfd)


class Heard:
    """A listener that keeps what it hears, and may do something on frames."""

    def __init__(self) -> None:
        self.places: list[str] = []
        self.begun: list[str] = []
        self.done: list[str] = []

    def placed(self, where: str) -> None:
        self.places.append(where)

    def started(self, name: str) -> None:
        self.begun.append(name)

    def frames(self, name: str, done: int, expected: int | None) -> None:
        pass

    def ended(self, report: object) -> None:
        self.done.append(getattr(report, "name", ""))


@pytest.fixture(scope="session")
def study(example_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty inputs: two with equal names, one empty, one without faces, two damaged."""
    folder = tmp_path_factory.mktemp("study")
    make_study(folder, example_clip, count=40, frames=4)
    return folder


@pytest.fixture(scope="session")
def undisturbed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process with one thread makes of `study`."""
    folder = tmp_path_factory.mktemp("undisturbed") / "out"
    extract(study, folder, "--threads", "1", "-q")
    return folder


@pytest.fixture(scope="session")
def small(example_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A smaller study and what one process makes of it."""
    folder = tmp_path_factory.mktemp("small")
    make_study(folder / "study", example_clip, count=16, frames=6)
    extract(folder / "study", folder / "out", "--threads", "1", "-q")
    return folder / "study", folder / "out"
