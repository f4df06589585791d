"""The viewer's server: threads of the standard library, on 127.0.0.1 alone, read only."""

import logging
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from facekit.errors import OptionsError
from facekit.viewer.access import ADDRESS, PAGE_HEADERS, new_token, refusal, split_path
from facekit.viewer.routes import Answer, NotServedError, Routes

_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

_log = logging.getLogger(__name__)


class ViewerServer(ThreadingHTTPServer):
    """Serves one page and what it asks for.

    Attributes:
        token: the secret part of the link.
        routes: the answers.
    """

    daemon_threads = True

    def __init__(self, routes: Routes, port: int = 0) -> None:
        """Take a port of 127.0.0.1.

        Args:
            routes: the answers.
            port: 0 takes a free one.

        Raises:
            OptionsError: the port cannot be had.
        """
        self.token, self.routes = new_token(), routes
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise OptionsError(
                f"port {port} cannot be used ({error})",
                where="--port",
                advice="Leave it out to take a free one",
            ) from error

    @property
    def link(self) -> str:
        """The address to open."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ViewerServer
    protocol_version = "HTTP/1.1"
    server_version = "facekit"
    sys_version = ""
    # Small answers leave at once, head and body in one piece.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self._respond()

    def do_HEAD(self) -> None:  # noqa: N802
        self._respond()

    def __getattr__(self, name: str) -> object:
        # Every other method is answered too, with a refusal.
        if name.startswith("do_"):
            return self._respond
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)

    def _respond(self) -> None:
        try:
            refused = refusal(
                self.command,
                self.headers.get("Host"),
                self.headers.get("Origin"),
                self.server.server_port,
            )
            if refused is not None:
                # A body that was sent along would be taken for the next request.
                self.close_connection = True
                self._refuse(*refused)
                return
            address = urlsplit(self.path)
            name = split_path(address.path, self.server.token)
            if name is None:
                self._refuse(HTTPStatus.FORBIDDEN, "open the link that facekit view printed")
                return
            try:
                query = dict(parse_qsl(address.query))
                self._send(self.server.routes.answer(unquote(name), query))
            except NotServedError:
                self._refuse(HTTPStatus.NOT_FOUND, "there is no such thing here")
        except (BrokenPipeError, ConnectionResetError):
            # A browser that seeks drops what it asked for before.
            self.close_connection = True

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        body = f"facekit: {reason}\n".encode()
        self._start(status, "text/plain; charset=utf-8", len(body))
        self.end_headers()
        self._write(body)

    def _send(self, answer: Answer) -> None:
        if answer.file is not None:
            self._send_file(answer.file, answer.kind)
            return
        self._start(HTTPStatus.OK, answer.kind, len(answer.body))
        if answer.download:
            safe = re.sub(r"[^\w.,+-]", "_", answer.download, flags=re.ASCII)
            self.send_header("Content-Disposition", f'attachment; filename="{safe}"')
        self.end_headers()
        self._write(answer.body)

    def _send_file(self, path: Path, kind: str) -> None:
        try:
            file = path.open("rb")
        except OSError as error:
            raise NotServedError(path.name) from error
        with file:
            size = file.seek(0, 2)
            asked = self.headers.get("Range")
            span = byte_range(asked, size) if asked else (0, size)
            if span is None:
                self._start(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, kind, 0)
                self.send_header("Content-Range", f"bytes */{size}")
                self.end_headers()
                return
            first, end = span
            self._start(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK, kind, end - first)
            self.send_header("Accept-Ranges", "bytes")
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{end - 1}/{size}")
            self.end_headers()
            file.seek(first)
            while first < end and self.command != "HEAD":
                part = file.read(min(_CHUNK, end - first))
                if not part:
                    # Shorter than it was: the browser must not wait for the rest.
                    self.close_connection = True
                    return
                self.wfile.write(part)
                first += len(part)

    def _start(self, status: HTTPStatus, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        # The next session's tables may be others under the same port.
        self.send_header("Cache-Control", "no-store")
        for name, value in PAGE_HEADERS.items():
            self.send_header(name, value)

    def _write(self, data: bytes) -> None:
        if self.command != "HEAD":
            self.wfile.write(data)


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and end of the one range that a request asks for (RFC 9110, 14.1.2).

    Args:
        asked: the header ``Range``.
        size: of the file, bytes.

    Returns:
        None where it cannot be satisfied; the whole file for what is no single range of bytes.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        # The last so many bytes.
        return (max(0, size - int(last)), size) if int(last) and size else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return int(first), min(size, int(last) + 1) if last else size
