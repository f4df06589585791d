import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facekit.errors import WeightsError
from facekit.runtime import weights
from facekit.runtime.pull import pull

CONTENT = b"weights of a third party" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
Declare = Callable[..., Path]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        extra = 10 if self.path == "/short" else 0
        self.send_header("Content-Length", str(len(CONTENT) + extra))
        self.end_headers()
        self.wfile.write(b"x" + CONTENT[1:] if self.path == "/other" else CONTENT)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Writes a manifest with one optional entry; returns the folder."""

    def write(url: str, sha256: str | None) -> Path:
        entry = {"file": "a.bin", "url": url, "sha256": sha256, "licence": "X", "description": "Y"}
        manifest = {"networks": {}, "optional": {"a": entry}}
        (tmp_path / weights.MANIFEST).write_text(json.dumps(manifest))
        monkeypatch.setenv(weights.ENVIRONMENT, str(tmp_path))
        return tmp_path

    return write


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {weights.MANIFEST}


def test_a_file_is_fetched_once_and_checked(server: str, declare: Declare) -> None:
    folder = declare(f"{server}/good", SHA256)
    with pytest.raises(WeightsError, match="facekit weights pull a"):
        weights.find_optional("a")
    path = pull("a")
    assert path.read_bytes() == CONTENT
    assert _files(folder) == {"a.bin"}
    assert weights.find_optional("a") == path
    declare("http://127.0.0.1:9/unreachable", SHA256)
    assert pull("a") == path


def test_another_content_leaves_nothing_behind(server: str, declare: Declare) -> None:
    folder = declare(f"{server}/other", SHA256)
    with pytest.raises(WeightsError, match=SHA256):
        pull("a")
    assert _files(folder) == set()


@pytest.mark.parametrize("path", ["/missing", "/short"])
def test_a_failing_server_leaves_nothing_behind(path: str, server: str, declare: Declare) -> None:
    folder = declare(server + path, SHA256)
    with pytest.raises(WeightsError, match="cannot be fetched"):
        pull("a")
    assert _files(folder) == set()


def test_a_file_without_hash_is_pinned_at_its_first_pull(server: str, declare: Declare) -> None:
    folder = declare(f"{server}/good", None)
    path = pull("a")
    assert weights.read_pin(path) == SHA256
    path.unlink()
    declare(f"{server}/other", None)
    with pytest.raises(WeightsError, match=SHA256):
        pull("a")
    assert _files(folder) == {"a.bin.sha256"}


def test_a_pinned_file_that_changed_is_refused(server: str, declare: Declare) -> None:
    declare(f"{server}/good", None)
    path = pull("a")
    path.write_bytes(b"tampered")
    with pytest.raises(WeightsError, match=SHA256):
        weights.find_optional("a")


@pytest.mark.parametrize("url", ["http://example.org/a", "file:///etc/hostname", "ftp://x/a"])
def test_only_https_leaves_this_machine(url: str, declare: Declare) -> None:
    declare(url, SHA256)
    with pytest.raises(WeightsError, match="only https"):
        pull("a")


def test_a_folder_that_cannot_be_written_is_named(
    server: str, declare: Declare, tmp_path: Path
) -> None:
    declare(f"{server}/good", SHA256)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(WeightsError, match="cannot be stored"):
        pull("a", blocked)
