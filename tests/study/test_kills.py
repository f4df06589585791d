"""Kill -9 of a worker and of the parent, Ctrl-C, a lost Ray node, at random moments.

Three moments, or as many as FACEKIT_KILLS says: each prints what was left and what came out.
"""

import os
import random
import signal
import sys
from pathlib import Path

import pytest

from facekit.bench.kills import VICTIMS, disturb
from facekit.runtime.device import cores

MOMENTS = int(os.environ.get("FACEKIT_KILLS", "3"))

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="kills with POSIX signals"),
    pytest.mark.skipif(cores() < 2, reason="two workers need two cores"),
]


@pytest.mark.parametrize("number", range(MOMENTS))
def test_what_was_killed_resumes_to_the_same(
    small: tuple[Path, Path], tmp_path: Path, number: int
) -> None:
    study, undisturbed = small
    what = VICTIMS[number % len(VICTIMS)]
    share = random.Random(number).random()
    arguments = ("--workers", "2", "-q")
    result = disturb(study, tmp_path / "out", undisturbed, share, what, arguments)
    print(result)
    # Where the blow fell after the end, or a worker was struck, the run itself has finished.
    struck = {"parent": (-signal.SIGKILL,), "interrupt": (130, -signal.SIGINT)}.get(result.what)
    assert struck is None or result.code in struck
    assert result.differences == ()
    assert result.left_behind == ()
