import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from facekit.study.scratch import scratch

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="needs locks that end with a process"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_afterwards(root: Path) -> None:
    with scratch() as folder:
        (folder / "file").write_text("x", encoding="utf-8")
        assert [path.name for path in root.iterdir()] == [folder.name]
    assert not list(root.iterdir())


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(root: Path) -> None:
    program = (
        "import tempfile, sys, os, signal\n"
        f"tempfile.tempdir = {str(root)!r}\n"
        "from facekit.study.scratch import scratch\n"
        "with scratch(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert len(list(root.iterdir())) == 1
    with scratch() as first:
        with scratch() as second:
            assert {path.name for path in root.iterdir()} == {first.name, second.name}
    assert not list(root.iterdir())
