"""Addresses: a stream over HTTP from this machine, and one where nobody answers."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from facekit.errors import SourceError
from facekit.source import open_source
from tests import media


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    media.write_video(tmp_path / "clip.mp4", count=20, faststart=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_video_over_http(address: str) -> None:
    with open_source(f"{address}/clip.mp4") as source:
        assert (source.kind, source.path) == ("video", None)
        frames = list(source)
    assert [media.read_index(frame.image) for frame in frames] == list(range(20))


def test_addresses_that_give_nothing(address: str) -> None:
    with pytest.raises(SourceError, match="cannot be opened") as caught:
        open_source(f"{address}/missing.mp4")
    assert caught.value.advice
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source("rtsp://127.0.0.1:9/live")


def test_passwords_are_not_in_the_name(address: str) -> None:
    with open_source(address.replace("http://", "http://user:secret@") + "/clip.mp4") as source:
        assert "secret" not in source.name


def test_passwords_are_not_in_the_error() -> None:
    with pytest.raises(SourceError) as caught:
        open_source("rtsp://user:secret@127.0.0.1:9/live")
    assert "secret" not in str(caught.value)
