import json
from pathlib import Path

import pytest

from facekit.bench.live import run, summary


def test_the_age_of_rows_is_summarised_by_frame(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    lines = []
    for number in range(10):
        age_s = 0.020 + 0.001 * number
        row = {"frame": 2 * number, "dropped": number, "capture_s": 5.0, "send_s": 5.0 + age_s}
        lines += [json.dumps(row)] * (1 + number % 2)  # of some frames a second face
    rows.write_text("\n".join(lines), encoding="utf-8")
    found = summary(rows)
    assert found["latency_ms_median"] == pytest.approx(24.5)
    assert found["latency_ms_p95"] == pytest.approx(28.55)
    assert found["dropped_share"] == pytest.approx(9 / 19)
    assert found["latency_ms_growth"] == pytest.approx(8.0)


def test_a_clip_is_played_live(example_clip: Path) -> None:
    found = run(example_clip, minutes=0.05)
    assert set(found) == {
        "latency_ms_median",
        "latency_ms_p95",
        "dropped_share",
        "latency_ms_growth",
    }
    assert 0 < found["latency_ms_median"] <= found["latency_ms_p95"]
    assert 0 <= found["dropped_share"] < 1
