"""Who is answered, with what, and who is not."""

import http.client
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facekit.errors import OptionsError, OutputError, SourceError
from facekit.geometry import rotation
from facekit.output import read_table
from facekit.viewer.beside import find_video
from facekit.viewer.content import AXES, ROW_PIECE, TableContent
from facekit.viewer.routes import Routes
from facekit.viewer.server import ViewerServer, byte_range
from tests.viewer.conftest import Serve
from tests.viewer.tables import table_frame, write_table


class Reply:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()


def ask(server: ViewerServer, path: str, method: str = "GET", **headers: str) -> Reply:
    """A request with exactly this path and these headers (``Host_`` for another host)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host="Host_" in headers)
        for name, value in headers.items():
            connection.putheader(name.rstrip("_"), value)
        connection.endheaders()
        return Reply(connection.getresponse())
    finally:
        connection.close()


def test_it_listens_on_this_machine_alone(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32
    assert serve(study / "clip.csv").token != server.token


def test_the_link_opens_the_page_and_its_files(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    answer = ask(server, f"/{server.token}/")
    assert answer.status == 200 and b"main.js" in answer.body
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    for name in ("main.js", "uPlot.iife.min.js", "viewer.css"):
        assert ask(server, f"/{server.token}/{name}").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/about.json",
        "/wrong/",
        "/wrong/about.json",
        "/{head}/about.json",
        "{token}/",
    ],
)
def test_a_wrong_token_is_refused(study: Path, serve: Serve, path: str) -> None:
    server = serve(study / "clip.csv")
    path = path.format(head=server.token[:-1], token=server.token)
    answer = ask(server, path)
    assert answer.status in (400, 403)
    assert b"clip" not in answer.body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_another_host_is_refused(study: Path, serve: Serve, host: str) -> None:
    server = serve(study / "clip.csv")
    host = host.format(port=server.server_port)
    assert ask(server, f"/{server.token}/about.json", Host_=host).status == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"]
)
def test_another_origin_is_refused(study: Path, serve: Serve, origin: str) -> None:
    server = serve(study / "clip.csv")
    origin = origin.format(port=server.server_port)
    assert ask(server, f"/{server.token}/about.json", Origin=origin).status == 403
    own = f"http://127.0.0.1:{server.server_port}"
    assert ask(server, f"/{server.token}/about.json", Origin=own).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_is_read_only(study: Path, serve: Serve, method: str) -> None:
    server = serve(study / "clip.csv")
    assert ask(server, f"/{server.token}/about.json", method).status == 405


@pytest.mark.parametrize(
    "name",
    [
        "../clip.csv",
        "..%2Fclip.csv",
        "%2e%2e/%2e%2e/etc/passwd",
        "static/../../errors.py",
        "/etc/passwd",
        "clip.csv",
        "index.html",
        "main.js/../viewer.css",
        "__init__.py",
        "video?path=/etc/passwd",
        "times?table=0&level=-1&piece=0",
        "times?table=7&level=0&piece=0",
        "rows?table=0&subject=99&piece=0",
        "series?table=0&subject=0&level=0&piece=0&columns=status",
        "series?table=0&subject=0&level=0&piece=0&columns=../x",
        "series",
        "selection.csv?table=0&from=nan&to=inf&subjects=0",
        "video-copy.json?format=../x",
    ],
)
def test_nothing_but_the_given_files_is_to_be_had(tmp_path: Path, serve: Serve, name: str) -> None:
    table = write_table(tmp_path / "clip.csv", table_frame([0.0, 0.1, 0.2]))
    server = serve(table)
    answer = ask(server, f"/{server.token}/{name}")
    assert answer.status == 404, answer.body
    assert b"root:" not in answer.body and b"frame," not in answer.body


def test_the_video_comes_in_ranges(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    data = (study / "clip.mp4").read_bytes()
    path = f"/{server.token}/video"
    whole = ask(server, path)
    assert (whole.status, whole.body) == (200, data)
    part = ask(server, path, Range="bytes=100-199")
    assert (part.status, part.body) == (206, data[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(data)}"
    assert ask(server, path, Range="bytes=-10").body == data[-10:]
    assert ask(server, path, Range=f"bytes={len(data) - 3}-").body == data[-3:]
    beyond = ask(server, path, Range=f"bytes={len(data)}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    head = ask(server, path, "HEAD")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(data)))


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-", (0, 50)),
        ("bytes=0-0", (0, 1)),
        ("bytes=40-99", (40, 50)),
        ("bytes=-99", (0, 50)),
        ("bytes=-0", None),
        ("bytes=50-60", None),
        ("bytes=9-8", None),
        ("bytes=0-1,4-5", (0, 50)),
        ("lines=1-2", (0, 50)),
    ],
)
def test_ranges(asked: str, span: tuple[int, int] | None) -> None:
    assert byte_range(asked, 50) == span


def test_series_rows_and_times_are_the_tables(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    base = f"/{server.token}"
    about = json.loads(ask(server, f"{base}/about.json").body)["tables"][0]
    assert [who["label"] for who in about["subjects"]] == ["track 0", "track 1"]
    table = read_table(study / "clip.csv")
    mine = table[table["track"] == 1].set_index("frame")["yaw"]
    answer = ask(server, f"{base}/series?table=0&subject=1&level=0&piece=0&columns=yaw")
    low, high, band_low, band_high = np.frombuffer(answer.body, "<f4").reshape(4, -1)
    expected = mine.reindex(range(500)).to_numpy(np.float32)
    np.testing.assert_array_equal(low, expected)
    np.testing.assert_array_equal(high, expected)
    np.testing.assert_allclose(band_high - band_low, np.where(np.isnan(expected), np.nan, 6), 1e-5)
    times = np.frombuffer(ask(server, f"{base}/times?table=0&level=0&piece=0").body, "<f8")
    np.testing.assert_allclose(times, np.arange(500) / 25)
    rows = np.frombuffer(ask(server, f"{base}/rows?table=0&subject=1&piece=1").body, "<f4")
    rows = rows.reshape(-1, len(about["row_columns"]) + 1)
    place = 1 + about["row_columns"].index("yaw")
    found = dict(zip(rows[:, 0].astype(int) + ROW_PIECE, rows[:, place].tolist(), strict=True))
    there = mine.loc[ROW_PIECE : 2 * ROW_PIECE - 1]
    assert found == pytest.approx(there.to_dict(), abs=1e-5)


def test_axes_are_the_turn_of_the_head(study: Path) -> None:
    content = TableContent(study / "clip.csv")
    rows = content.rows(0, 2)
    names = list(content.row_columns)
    found = rows[:, 1 + names.index(AXES[0]) :][:, : len(AXES)].reshape(-1, 3, 3)
    pose = rows[:, [1 + names.index(name) for name in ("yaw", "pitch", "roll")]]
    assert len(rows) > 50
    for axes, (yaw, pitch, roll) in zip(found, pose, strict=True):
        turn = rotation(float(yaw), float(pitch), float(roll))
        expected = [turn @ (1, 0, 0), turn @ (0, 1, 0), turn @ (0, 0, -1)]
        np.testing.assert_allclose(axes, expected, atol=1e-5)


def test_a_selection_is_the_tables_own_lines(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    query = "table=0&from=2&to=2.5&subjects=1"
    answer = ask(server, f"/{server.token}/selection.csv?{query}")
    assert "attachment" in answer.headers["Content-Disposition"]
    found = pd.read_csv(io.BytesIO(answer.body))
    table = pd.read_csv(study / "clip.csv")
    wanted = (table["track"] == 1) & (table["time_s"] >= 2) & (table["time_s"] <= 2.5)
    expected = table[wanted].reset_index(drop=True)
    assert len(found) == 13
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_events_know_whose_they_are(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    events = json.loads(ask(server, f"/{server.token}/events.json?table=0").body)
    assert len(events) == 9
    assert events[1]["kind"] == "AU12" and events[1]["side"] == "left"
    assert {event["subject"] for event in events} == {0}
    assert events[0]["side"] is None


def test_without_events_there_are_none(tmp_path: Path, serve: Serve) -> None:
    server = serve(write_table(tmp_path / "a.csv", table_frame([0.0, 0.1])))
    about = json.loads(ask(server, f"/{server.token}/about.json").body)
    assert about["tables"][0]["events"] is None
    assert ask(server, f"/{server.token}/events.json?table=0").status == 404


def test_damaged_events_are_an_error(tmp_path: Path) -> None:
    table = write_table(tmp_path / "a.csv", table_frame([0.0, 0.1]))
    (tmp_path / "a.events.csv").write_text("kind,when\nblink,1\n", encoding="utf-8")
    with pytest.raises(OutputError, match="onset_s, offset_s"):
        Routes([TableContent(table)], None)


def test_still_images_are_numbered_instead_of_timed(tmp_path: Path, serve: Serve) -> None:
    frame = table_frame([0.0, 0.1, 0.2]).assign(time_s=float("nan"))
    frame["track"] = pd.array([None] * 3, "Int64")
    server = serve(write_table(tmp_path / "a.csv", frame))
    about = json.loads(ask(server, f"/{server.token}/about.json").body)["tables"][0]
    assert (about["unit"], about["end"]) == ("image", 2)
    assert about["subjects"][0]["label"] == "face 0"


def test_an_empty_table_is_served(tmp_path: Path, serve: Serve) -> None:
    server = serve(write_table(tmp_path / "a.csv", table_frame([0.0, 0.1]).iloc[:0]))
    about = json.loads(ask(server, f"/{server.token}/about.json").body)["tables"][0]
    assert (about["frames"], about["subjects"]) == (0, [])


def test_the_video_beside_the_table_is_found_by_name_and_size(study: Path, tmp_path: Path) -> None:
    content = TableContent(study / "clip.csv")
    assert find_video(content, None) == (study / "clip.mp4", [])
    other = tmp_path / "other.mp4"
    other.write_bytes(b"123")
    shown, notes = find_video(content, other)
    assert shown == other and "times may not fit" in notes[0]
    with pytest.raises(SourceError, match="cannot be read"):
        find_video(content, tmp_path / "missing.mp4")


def test_a_sidecar_cannot_name_a_file_elsewhere(study: Path, tmp_path: Path) -> None:
    table = write_table(tmp_path / "a.csv", table_frame([0.0, 0.1]), study / "clip.mp4")
    content = TableContent(table)
    content.table.attrs["facekit"]["source"]["name"] = str(study / "clip.mp4")
    assert find_video(content, None)[0] is None


def test_a_port_that_is_taken_is_said(study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    with pytest.raises(OptionsError, match=str(server.server_port)):
        ViewerServer(server.routes, server.server_port)
