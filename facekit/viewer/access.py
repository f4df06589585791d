"""Who may ask the viewer's server: this machine's browser, with the link that was printed."""

import hmac
import secrets
from http import HTTPStatus

ADDRESS = "127.0.0.1"

PAGE_HEADERS = {
    # The page may load from its own server alone, and no other page may hold it in a frame.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer."""


def new_token() -> str:
    """A token that cannot be guessed, for the path of the link."""
    return secrets.token_urlsafe(24)


def refusal(
    method: str, host: str | None, origin: str | None, port: int
) -> tuple[HTTPStatus, str] | None:
    """Why a request is refused whatever it asks for; None if it is not.

    Host must be this server's, else a name that was pointed at 127.0.0.1 could read the page
    (DNS rebinding); Origin, where a browser sends one, must be the page's own.

    Args:
        method: of the request.
        host: the request's header.
        origin: the request's header, if it has one.
        port: of the server.
    """
    if method not in ("GET", "HEAD"):
        return HTTPStatus.METHOD_NOT_ALLOWED, "the viewer is read only"
    hosts = {f"{ADDRESS}:{port}", f"localhost:{port}"}
    if host not in hosts:
        return HTTPStatus.FORBIDDEN, "this host is not served here"
    if origin is not None and origin not in {f"http://{name}" for name in hosts}:
        return HTTPStatus.FORBIDDEN, "pages from elsewhere may not ask"
    return None


def split_path(path: str, token: str) -> str | None:
    """What a path asks for below ``/TOKEN/``; None if the token is not the right one."""
    parts = path.split("/", 2)
    if len(parts) != 3 or parts[0] or not hmac.compare_digest(parts[1].encode(), token.encode()):
        return None
    return parts[2]
