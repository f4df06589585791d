"""Weights as artefacts: the manifest, where files are looked for, and their hashes.

Search path, first hit wins: the folder that ``FACEKIT_WEIGHTS`` names, the package's own folder
(or, in a checkout, the folder ``weights`` next to the package), the user's data folder where
``facekit weights pull`` puts optional files.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from facekit.errors import WeightsError

MANIFEST = "manifest.json"
ENVIRONMENT = "FACEKIT_WEIGHTS"
Entry = TypeVar("Entry")
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of a network: its name, SHA-256 (hexadecimal) and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class NetworkEntry:
    """One shipped network in the manifest.

    Attributes:
        name: what code calls it.
        onnx: the graph for onnxruntime.
        torch: the same weights for torch (safetensors).
        architecture: ``module.Class`` below ``facekit.network``.
        arguments: its constructor's keyword arguments.
        inputs: input names, in order.
        outputs: output names, in order.
        details: everything else the manifest says: input size and normalisation, crop rule,
            training data with licences, seed, command, scores, licence, source.
    """

    name: str
    onnx: WeightsFile
    torch: WeightsFile
    architecture: str
    arguments: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OptionalEntry:
    """Third-party weights that facekit can fetch on request.

    Attributes:
        name: what ``facekit weights pull`` calls it.
        file: file name on disk.
        url: where it comes from.
        sha256: its hash; None when it is pinned at its first pull (in ``FILE.sha256``).
        licence: SPDX name, or the licence in words.
        description: one sentence.
    """

    name: str
    file: str
    url: str
    sha256: str | None
    licence: str
    description: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All networks and optional files by name."""

    networks: Mapping[str, NetworkEntry]
    optional: Mapping[str, OptionalEntry]

    def network(self, name: str) -> NetworkEntry:
        """The entry of a shipped network.

        Raises:
            WeightsError: no such name.
        """
        return _named(self.networks, name, "network")

    def third_party(self, name: str) -> OptionalEntry:
        """The entry of an optional file.

        Raises:
            WeightsError: no such name.
        """
        return _named(self.optional, name, "optional weights")


def search_path() -> tuple[Path, ...]:
    """Folders in which weights are looked for, in order; not all of them need to exist."""
    given = os.environ.get(ENVIRONMENT)
    first = [Path(given).expanduser()] if given else []
    return (*first, _PACKAGE / "weights", _PACKAGE.parent / "weights", _user_folder())


def pull_folder() -> Path:
    """Where `facekit.runtime.pull.pull` puts files: ``FACEKIT_WEIGHTS``, or the user's folder."""
    given = os.environ.get(ENVIRONMENT)
    return Path(given).expanduser() if given else _user_folder()


def load_manifest() -> Manifest:
    """The manifests of all folders of the search path; the first that has a name defines it.

    Raises:
        WeightsError: there is none, or one cannot be read.
    """
    networks: dict[str, NetworkEntry] = {}
    optional: dict[str, OptionalEntry] = {}
    found = [folder / MANIFEST for folder in search_path() if (folder / MANIFEST).is_file()]
    if not found:
        raise _missing(MANIFEST)
    for path in found:
        manifest = _read(path, path.stat().st_mtime_ns)
        networks = {**manifest.networks, **networks}
        optional = {**manifest.optional, **optional}
    return Manifest(networks, optional)


def find(file: str) -> Path:
    """The first file of that name on the search path.

    Raises:
        WeightsError: it is nowhere.
    """
    for folder in search_path():
        if (folder / file).is_file():
            return folder / file
    raise _missing(file)


def find_verified(file: WeightsFile) -> Path:
    """The file on the search path, after its hash has been checked (once per process).

    Raises:
        WeightsError: it is missing, or not the one the manifest names.
    """
    path = find(file.name)
    verify(path, file.sha256)
    return path


def find_optional(name: str) -> Path:
    """A pulled optional file, its hash checked.

    Raises:
        WeightsError: unknown, not pulled yet, or damaged.
    """
    entry = load_manifest().third_party(name)
    for folder in search_path():
        path = folder / entry.file
        if path.is_file():
            expected = entry.sha256 or read_pin(path)
            if expected is None:
                raise WeightsError(
                    "the manifest states no hash and no pull has pinned one",
                    where=path,
                    advice=f"Fetch it with: facekit weights pull {name}",
                )
            verify(path, expected, advice=f"Delete it, then: facekit weights pull {name}")
            return path
    raise WeightsError(
        f"{entry.file} has not been fetched",
        where=name,
        advice=f"Fetch it once with: facekit weights pull {name}",
    )


def identity(name: str) -> str:
    """SHA-256 that stands for a network, shipped or optional, in a sidecar.

    Raises:
        WeightsError: unknown, or an optional one that has not been fetched.
    """
    manifest = load_manifest()
    if name in manifest.networks:
        return manifest.networks[name].onnx.sha256
    return hash_file(find_optional(name))


def verify(path: Path, sha256: str, advice: str = "") -> None:
    """Check a file's SHA-256; an unchanged file is hashed once per process.

    Raises:
        WeightsError: the hash is another one.
    """
    status = path.stat()
    actual = _hash(path, status.st_mtime_ns, status.st_size)
    if actual != sha256:
        raise WeightsError(
            f"SHA-256 is {actual}, the manifest says {sha256}",
            where=path,
            advice=advice
            or f"Reinstall facekit, or correct the files in the folder {ENVIRONMENT} names",
        )


def pin_path(path: Path) -> Path:
    """The file beside `path` that holds the hash of its first pull."""
    return path.with_name(path.name + ".sha256")


def read_pin(path: Path) -> str | None:
    """The hash pinned for `path`, or None."""
    pin = pin_path(path)
    return pin.read_text(encoding="ascii").split()[0] if pin.is_file() else None


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.lru_cache(maxsize=256)
def _hash(path: Path, modified_ns: int, size: int) -> str:
    return hash_file(path)


def _user_folder() -> Path:
    return Path(platformdirs.user_data_dir("facekit")) / "weights"


@functools.lru_cache(maxsize=8)
def _read(path: Path, modified_ns: int) -> Manifest:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            {name: _network(name, entry) for name, entry in raw["networks"].items()},
            {name: OptionalEntry(name=name, **entry) for name, entry in raw["optional"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"not a facekit manifest ({type(error).__name__}: {error})",
            where=path,
            advice="Reinstall facekit, or correct the file",
        ) from error


def _network(name: str, raw: Mapping[str, Any]) -> NetworkEntry:
    known = ("files", "architecture", "arguments", "inputs", "outputs")
    return NetworkEntry(
        name=name,
        onnx=_file(f"{name}.onnx", raw["files"]),
        torch=_file(f"{name}.safetensors", raw["files"]),
        architecture=raw["architecture"],
        arguments=raw["arguments"],
        inputs=tuple(raw["inputs"]),
        outputs=tuple(raw["outputs"]),
        details={key: value for key, value in raw.items() if key not in known},
    )


def _file(name: str, files: Mapping[str, Any]) -> WeightsFile:
    return WeightsFile(name, files[name]["sha256"], files[name]["bytes"])


def _named(entries: Mapping[str, Entry], name: str, kind: str) -> Entry:
    if name not in entries:
        raise WeightsError(
            f"no {kind} of this name", where=name, advice=f"Known: {', '.join(sorted(entries))}"
        )
    return entries[name]


def _missing(file: str) -> WeightsError:
    places = ", ".join(str(folder) for folder in search_path())
    return WeightsError(
        f"not found in {places}",
        where=file,
        advice=f"Reinstall facekit, or point {ENVIRONMENT} at a folder that has it",
    )
