"""Each sink read back by a real client of its protocol; receivers that stop or are absent."""

import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit import __version__
from facekit.columns import Column, columns
from facekit.errors import MissingExtraError, OptionsError, OutputError
from facekit.live.record import (
    EVENT_COLUMNS,
    STATUS_CODES,
    EventRecord,
    LostError,
    Record,
    StreamLayout,
)
from facekit.live.stream import Stream
from facekit.live.targets import Target, open_all, parse_all
from facekit.output.cells import to_frame
from facekit.output.events import row_of
from facekit.output.rows import Cell, Row
from facekit.temporal.events import Event
from tests.live.clients import MAKERS, PROBE, Client, Values

COLUMNS = columns(("pose", "gaze", "au", "live"))
CAPTURED_S = 0.01

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and ports of POSIX")


def _rows(count: int, start: int = 0) -> list[Row]:
    """Rows with numbers of every size, gaps, a frame without a face and two tracks."""
    random = np.random.default_rng(start)
    return [_row(number, random) for number in range(start, start + count)]


def _row(number: int, random: np.random.Generator) -> Row:
    found = number % 10 != 7
    cells: list[Cell] = []
    for column in COLUMNS:
        value: Cell = None
        if column.kind == "number" and found and random.random() > 0.1:
            low = -2000 if column.low is None else column.low
            value = float(random.uniform(low, 2000 if column.high is None else column.high))
        cells.append(value)
    known = {
        "frame": number,
        "time_s": 3600 + number / 30,
        "track": number % 2 if found else None,
        "status": "ok" if found else "no_face",
        "dropped": number // 3,
        "marker": 1 if number == 5 else None,
    }
    return tuple(known.get(c.name, v) for c, v in zip(COLUMNS, cells, strict=True))


@pytest.fixture
def layout() -> StreamLayout:
    return StreamLayout(COLUMNS, "clip.mp4", {"detect_every": 10, "columns": ["au"]}, True)


@pytest.fixture(params=sorted(MAKERS))
def client(
    request: pytest.FixtureRequest, layout: StreamLayout, tmp_path: Path
) -> Iterator[Client]:
    made = MAKERS[request.param](layout, tmp_path)
    yield made
    made.stop()


def _put(stream: Stream, rows: Sequence[Row]) -> None:
    for row in rows:
        stream.put(Record(row, time.monotonic() - CAPTURED_S, 17))


def _connect(stream: Stream, client: Client) -> None:
    """Start the client and try until it hears: publishers do not wait for subscribers."""
    before = len(client.heard)
    client.start()
    names = [column.name for column in COLUMNS]
    probe = list(_rows(1)[0])
    probe[names.index("track")] = PROBE
    end = time.monotonic() + 60
    while len(client.heard) == before and time.monotonic() < end:
        _put(stream, [tuple(probe)])
        time.sleep(0.05)
    assert len(client.heard) > before, "the client never hears anything"


def _same(heard: object, written: object, column: Column) -> bool:
    if pd.isna(written):  # type: ignore[call-overload]
        return heard is None or (isinstance(heard, float) and math.isnan(heard))
    if column.kind == "text":
        return heard == written or heard == STATUS_CODES.get(str(written))
    assert isinstance(heard, int | float)
    # OSC's floats have 32 bits, enough for every digit of the table's.
    return heard == written or round(heard, column.digits or 0) == written


def _check(heard: Sequence[Values], rows: Sequence[Row]) -> None:
    table = to_frame(rows, COLUMNS)  # what a table of these rows reads back as
    assert [row["frame"] for row in heard] == table.frame.tolist(), "every row once, in order"
    for row, written in zip(heard, table.to_dict("records"), strict=True):
        for column in COLUMNS:
            assert _same(row[column.name], written[column.name], column), column.name


def test_every_row_arrives_once_in_order_with_the_tables_values(
    client: Client, layout: StreamLayout
) -> None:
    rows = _rows(60)
    stream = open_all(parse_all([client.target]), layout)[0]
    _connect(stream, client)
    begun = time.time()
    _put(stream, rows)
    heard = client.wait(len(rows))
    tally = stream.close()
    _check(heard, rows)
    assert "lost" not in tally
    for row in heard:
        assert begun - 1 < row["capture_s"] < row["send_s"] < time.time() + 1
        assert row["send_s"] - row["capture_s"] >= CAPTURED_S - 1e-5


def test_a_receiver_that_stops_and_starts_again_slows_nothing(
    client: Client, layout: StreamLayout
) -> None:
    first, meanwhile, last = _rows(20), _rows(20, 20), _rows(20, 40)
    stream = open_all(parse_all([client.target]), layout)[0]
    _connect(stream, client)
    _put(stream, first)
    client.wait(len(first))
    client.stop()
    begun = time.monotonic()
    _put(stream, meanwhile)
    assert time.monotonic() - begun < 0.5
    time.sleep(0.5)
    _connect(stream, client)
    _put(stream, last)
    expected = {row[0] for row in (*first, *last)}
    end = time.monotonic() + 60
    while time.monotonic() < end and not expected <= {row["frame"] for row in client.rows}:
        time.sleep(0.02)
    stream.close()
    heard = client.rows
    frames = [row["frame"] for row in heard]
    assert frames == sorted(set(frames)), "in order, none twice"
    _check(heard, [row for row in (*first, *meanwhile, *last) if row[0] in frames])
    assert expected <= set(frames)


def test_events_are_sent_when_they_begin_and_when_they_have_ended(
    client: Client, layout: StreamLayout
) -> None:
    begun = Event(0, None, "AU12", "left", 3601.25, 3601.5, math.nan, 2.5, 1.5, 0.25, 0.875)
    ended = replace(begun, offset_s=3602.125, peak=3.0)
    stream = open_all(parse_all([client.target]), layout)[0]
    _connect(stream, client)
    for event in (begun, ended):
        stream.put(EventRecord(row_of(event), time.monotonic() - CAPTURED_S))
    end = time.monotonic() + 60
    while len(client.events) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    assert " rows and 2 of events sent" in stream.close()
    for heard, event in zip(client.events, (begun, ended), strict=True):
        assert list(heard) == [column.name for column in EVENT_COLUMNS]
        for name in ("track", "kind", "side", "onset_s", "apex_s", "peak", "confidence"):
            assert heard[name] == getattr(event, name), name
        assert heard["person"] is None
        assert heard["send_s"] - heard["capture_s"] >= CAPTURED_S - 1e-5
    offsets = [heard["offset_s"] for heard in client.events]
    assert offsets[0] is None or math.isnan(offsets[0]), "it is under way"
    assert offsets[1] == ended.offset_s


def test_lsl_describes_its_channels_and_stamps_the_capture(
    layout: StreamLayout, tmp_path: Path
) -> None:
    client = MAKERS["lsl"](layout, tmp_path)
    stream = open_all(parse_all([client.target]), layout)[0]
    _connect(stream, client)
    _put(stream, _rows(3))
    client.wait(3)
    client.stop()
    stream.close()
    from tests.live.clients import LslClient

    assert isinstance(client, LslClient)
    info = client.info
    assert info.nominal_srate() == 0
    units = dict(zip(info.get_channel_labels(), info.get_channel_units(), strict=True))
    assert (units["yaw"], units["head_z_mm"], units["latency_ms"]) == ("deg", "mm", "ms")
    assert list(units)[:4] == ["frame", "time_s", "track", "status"]
    assert list(units)[-3:] == ["marker", "capture_s", "send_s"]
    assert info.desc().child_value("facekit") == __version__
    assert json.loads(info.desc().child_value("options")) == layout.options
    for row, stamp in zip(client.rows, client.stamps, strict=True):
        # Both clocks run evenly: the age at sending is the same by either.
        age_s = row["send_s"] - row["capture_s"]
        assert age_s >= CAPTURED_S - 1e-5
        assert client._pylsl.local_clock() - stamp >= age_s
    assert np.diff(client.stamps) == pytest.approx(
        np.diff([row["capture_s"] for row in client.rows]), abs=1e-3
    )


def test_without_live_columns_records_still_count_dropped_frames(tmp_path: Path) -> None:
    layout = StreamLayout(columns(("pose",)), "clip.mp4", {})
    stream = open_all(parse_all([f"jsonl:{tmp_path / 'rows.jsonl'}"]), layout)[0]
    stream.put(Record((0, 0.0, None, "no_face", *[None] * 14), time.monotonic(), 17))
    assert stream.close() == f"jsonl:{tmp_path / 'rows.jsonl'}: 1 rows sent"
    row = json.loads((tmp_path / "rows.jsonl").read_text(encoding="utf-8"))
    assert list(row)[-3:] == ["dropped", "capture_s", "send_s"]
    assert row["dropped"] == 17


class _Stuck:
    """A sink that sends nothing until it is told to."""

    def __init__(self) -> None:
        self.go, self.sent = threading.Event(), []  # type: ignore[var-annotated]

    def send(self, record: Record | EventRecord) -> None:
        self.go.wait()
        if record.row[0] == 101:
            raise LostError("too large")
        self.sent.append(record.row[0])

    def close(self) -> None: ...

    def unheard(self) -> int:
        return 0


def test_the_oldest_rows_are_lost_and_counted_when_the_receiver_is_too_slow() -> None:
    sink = _Stuck()
    stream = Stream("stuck", sink, capacity=5)
    begun = time.monotonic()
    for number in range(100):
        stream.put(Record((number,), 0.0, 0))
        time.sleep(0 if number else 0.1)  # the thread has the first one in its hands
    assert time.monotonic() - begun < 1
    sink.go.set()
    stream.put(Record((101,), 0.0, 0))
    tally = stream.close()
    assert sink.sent == sorted(sink.sent) and sink.sent[-1] == 99
    assert f"{len(sink.sent)} rows sent, {101 - len(sink.sent)} lost" in tally
    assert "the receiver is slower than the analysis" in tally
    assert "too large" in tally


def test_a_receiver_that_never_takes_anything_does_not_hold_up_the_end() -> None:
    stream = Stream("stuck", _Stuck())
    for number in range(3):
        stream.put(Record((number,), 0.0, 0))
    begun = time.monotonic()
    assert stream.close().startswith("stuck: 0 rows sent, 3 lost (the receiver is slower")
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize("kind", ["udp", "osc", "zmq", "lsl"])
def test_nobody_listening_is_said(kind: str, layout: StreamLayout, tmp_path: Path) -> None:
    target = MAKERS[kind](layout, tmp_path).target
    stream = open_all(parse_all([target]), layout)[0]
    for row in _rows(10):
        _put(stream, [row])
        time.sleep(0.02)  # a refusal takes its time
    tally = stream.close()
    assert "10 rows sent" in tally
    assert "nobody listened to" in tally


def test_a_full_disk_ends_the_stream_alone_after_whole_rows(layout: StreamLayout) -> None:
    stream = open_all(parse_all(["jsonl:/dev/full"]), layout)[0]
    _put(stream, _rows(4))
    assert stream.close() == "jsonl:/dev/full: 0 rows sent, 4 lost (the disk is full)"
    assert stream.ended and stream.failed


def test_a_reader_that_goes_ends_the_stream_as_it_wants(
    layout: StreamLayout, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    stream = open_all(parse_all([f"jsonl:{pipe}"]), layout)[0]
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    _put(stream, _rows(2))
    time.sleep(0.3)
    os.close(reader)
    _put(stream, _rows(2, 2))
    assert "lost (the reader has gone)" in stream.close()
    assert stream.ended and not stream.failed


def test_a_port_that_is_taken_is_said_before_anything_begins(
    layout: StreamLayout, tmp_path: Path
) -> None:
    client = MAKERS["zmq"](layout, tmp_path)
    first = open_all(parse_all([client.target]), layout)[0]
    try:
        with pytest.raises(OutputError, match="cannot be bound .*in use.* Choose another port"):
            open_all(parse_all([f"jsonl:{tmp_path / 'x'}", client.target]), layout)
    finally:
        first.close()


def test_a_host_that_is_not_known_is_said(layout: StreamLayout) -> None:
    with pytest.raises(OutputError, match="udp://no.such.host.invalid:9: cannot be sent to"):
        Target.parse("udp://no.such.host.invalid:9").open(layout)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("jsonl:-", Target("jsonl:-", "jsonl", "-")),
        ("jsonl:C:/a.jsonl", Target("jsonl:C:/a.jsonl", "jsonl", "C:/a.jsonl")),
        ("udp://[::1]:9000", Target("udp://[::1]:9000", "udp", "::1", 9000)),
        ("zmq://*:5556", Target("zmq://*:5556", "zmq", "*", 5556)),
        ("lsl:my face", Target("lsl:my face", "lsl", "my face")),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert Target.parse(text) == target


@pytest.mark.parametrize(
    "text",
    ["udp:127.0.0.1:9", "udp://:9", "osc://h", "zmq://h:0", "http://h:9", "jsonl:", "lsl", ""],
)
def test_what_is_no_target_is_said(text: str) -> None:
    with pytest.raises(OptionsError, match="is not a target. Targets are jsonl:-"):
        Target.parse(text)


def test_a_target_twice_is_refused() -> None:
    with pytest.raises(OptionsError, match="stream lsl:a: is named twice"):
        parse_all(["lsl:a", "jsonl:-", "lsl:a"])


def test_a_missing_package_names_the_extra(
    layout: StreamLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    monkeypatch.delitem(sys.modules, "facekit.live.lsl", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'facekit\[live\]'"):
        Target.parse("lsl:a").open(layout)
