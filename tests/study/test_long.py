"""Two long videos at once: the growing tables can be read, and memory stays flat.

Eight seconds each, or as many as FACEKIT_LONG_S says (7200 for two hours); flatness is looked at
from two minutes on.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from facekit import read_table
from facekit.bench.material import make_clip
from facekit.runtime.device import cores
from tests.cli.runner import start

SECONDS = float(os.environ.get("FACEKIT_LONG_S", "8"))
LOOK_EVERY_S = 0.2 if SECONDS < 120 else 5.0
FLAT = 1.10


@pytest.mark.skipif(cores() < 2, reason="two workers need two cores")
def test_growing_tables_are_readable_and_memory_is_flat(example_clip: Path, tmp_path: Path) -> None:
    import psutil

    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        make_clip(tmp_path / "in" / f"{name}.mp4", SECONDS, example_clip)
    out = tmp_path / "out"
    process = start("extract", tmp_path / "in", "-o", out, "--workers", "2", "-q")
    family = psutil.Process(process.pid)
    seen: dict[str, list[int]] = {"a": [0], "b": [0]}
    memory: list[float] = []
    while process.poll() is None:
        for name, rows in seen.items():
            if (out / f"{name}.csv.partial").exists():
                rows.append(_rows(out / f"{name}.csv"))
        if all(len(rows) > 1 for rows in seen.values()):
            memory.append(_resident_mb(family))
        time.sleep(LOOK_EVERY_S)
    assert process.returncode == 0
    for name, rows in seen.items():
        assert len(rows) > 2, f"{name} was never seen growing"
        assert rows == sorted(rows)
        assert len(read_table(out / f"{name}.csv")) == round(SECONDS * 30)
    print(f"resident, MB: {[round(value) for value in memory[:: max(1, len(memory) // 40)]]}")
    if SECONDS >= 120:
        early = max(memory[: len(memory) // 10])
        # The second worker may end first.
        assert max(memory) <= FLAT * early


def _rows(table: Path) -> int:
    """Rows so far, of a table that may take its name at any moment."""
    return len(read_table(table))


def _resident_mb(family: Any) -> float:
    import psutil

    total = 0
    for member in [family, *family.children()]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return float(total / 1e6)
