"""Fetching optional third-party weights: the only place where facekit uses the network."""

import contextlib
import hashlib
import http.client
import logging
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from facekit.errors import WeightsError
from facekit.runtime.weights import (
    OptionalEntry,
    load_manifest,
    pin_path,
    pull_folder,
    read_pin,
    verify,
)

_LOG = logging.getLogger(__name__)
_CHUNK = 1 << 20
_TIMEOUT_S = 60
_LOCAL = ("localhost", "127.0.0.1", "::1")


def pull(name: str, folder: Path | None = None) -> Path:
    """Fetch an optional file of the manifest and check it; nothing happens if it is there.

    The download goes to a temporary file in the same folder and takes its final name only when
    its hash is right. A file without a hash in the manifest is pinned: the hash of the first pull
    is written to ``FILE.sha256`` beside it, and every later pull and use must match that.

    Args:
        name: name of the optional entry.
        folder: where to put it; default `pull_folder`.

    Returns:
        The path of the file.

    Raises:
        WeightsError: unknown name, network failure, wrong hash or an unwritable folder.
    """
    entry = load_manifest().third_party(name)
    target = (folder or pull_folder()) / entry.file
    expected = entry.sha256 or read_pin(target)
    if target.is_file() and expected is not None:
        verify(target, expected, advice=f"Delete it, then: facekit weights pull {name}")
        return target
    _require_safe_url(entry.url)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        actual = _fetch(entry, target, expected)
        if entry.sha256 is None and read_pin(target) is None:
            pin_path(target).write_text(f"{actual}  {target.name}\n", encoding="ascii")
            _LOG.info("%s: pinned at SHA-256 %s", target, actual)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        raise WeightsError(
            f"cannot be fetched ({error})", where=entry.url, advice="Check the network, try again"
        ) from error
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(
            f"cannot be stored ({error})",
            where=target,
            advice="Make the folder writable, or set FACEKIT_WEIGHTS to one that is",
        ) from error
    return target


def _fetch(entry: OptionalEntry, target: Path, expected: str | None) -> str:
    """Download to a temporary file, check, rename; returns the hash."""
    handle, temporary_name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(temporary_name)
    try:
        with os.fdopen(handle, "wb") as stream:
            actual = _download(entry.url, stream)
        if expected is not None and actual != expected:
            raise WeightsError(
                f"the download's SHA-256 is {actual}, expected {expected}",
                where=entry.url,
                advice="Nothing was kept. Try again; if it stays so, the file there has changed",
            )
        # mkstemp makes files that only the owner can read.
        temporary.chmod(0o644)
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    return actual


def _download(url: str, stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "facekit"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        _require_safe_url(response.geturl())
        announced = response.headers.get("Content-Length")
        size = 0
        while chunk := response.read(_CHUNK):
            digest.update(chunk)
            stream.write(chunk)
            size += len(chunk)
    if announced is not None and size != int(announced):
        raise http.client.IncompleteRead(b"", int(announced) - size)
    return digest.hexdigest()


def _require_safe_url(url: str) -> None:
    """Https anywhere (also after redirects); http only from this machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return
    raise WeightsError("only https addresses are fetched", where=url, advice="Correct the manifest")
