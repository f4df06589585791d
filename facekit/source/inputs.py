"""Finds the inputs that a command line names: files, folders, patterns and addresses."""

import glob
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facekit.errors import SourceError

VIDEO_SUFFIXES = frozenset(
    ".3g2 .3gp .asf .avi .divx .dv .f4v .flv .h264 .h265 .hevc .m2ts .m2v .m4v .mjpeg .mjpg .mkv"
    " .mov .mp4 .mpeg .mpg .mts .mxf .ogv .qt .ts .vob .webm .wmv .y4m".split()
)
IMAGE_SUFFIXES = frozenset(".png .jpg .jpeg .bmp .webp .tif .tiff".split())

OVERLAY_SUFFIX = ".overlay.mp4"
"""How annotated videos are called: folders of inputs may hold them from an earlier run."""

_log = logging.getLogger(__name__)
_MEDIA = "Give videos, images, or folders that hold some"


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to process: it becomes one table.

    Attributes:
        source: what `open_source` takes: a path or an address.
        relative: where its outputs belong below the output folder: its path relative to the
            folder or pattern it was found by, or its name; still with its suffix.
        kind: ``video`` (a file or address), ``images`` (one image or a folder of them), or
            ``none`` where there is nothing to open.
        error: why it cannot be opened, if that is known already.
    """

    source: Path | str
    relative: Path
    kind: Literal["video", "images", "none"]
    error: SourceError | None = None


def is_video(path: Path | str) -> bool:
    """Whether the suffix is a video's."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def is_image(path: Path | str) -> bool:
    """Whether the suffix is a still image's."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def is_address(text: str) -> bool:
    """Whether `text` has a scheme such as rtsp:// (of two letters or more: C:// is a drive)."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sort key that puts img2 before img10, folder by folder, without regard to case."""
    return tuple(
        tuple(
            (0, int(piece), "") if piece.isascii() and piece.isdigit() else (1, 0, piece)
            for piece in re.split(r"([0-9]+)", part.casefold())
            if piece
        )
        for part in path.parts
    )


def find_inputs(paths: Iterable[str | Path]) -> list[Input]:
    """Everything that `paths` name, each once, in the order given and natural order within.

    Args:
        paths: files, folders (searched with their subfolders), patterns such as ``*.mp4`` or
            ``**/*.mov`` that the shell left alone, and addresses such as ``rtsp://...``. In a
            folder every video is an input, and every folder that holds images but no videos is
            one. Hidden files are left out.

    Returns:
        The inputs; what is missing or holds no media is one with an `error`.
    """
    found: list[Input] = []
    seen: set[str] = set()
    for path in paths:
        for item in _expand(path):
            key = os.path.realpath(item.source) if isinstance(item.source, Path) else item.source
            if key not in seen:
                seen.add(key)
                found.append(item)
    return found


def _expand(given: str | Path) -> Iterator[Input]:
    text = str(given)
    if isinstance(given, str) and is_address(given):
        # A name that every file system takes.
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", re.sub(r"^.*?://([^/@]*@)?", "", given))
        yield Input(given, Path(name.strip("_") or "stream"), "video")
        return
    path = Path(text).expanduser()
    # A file whose name holds brackets is that file, not a pattern.
    if path.is_dir():
        yield from _in_folder(path)
    elif path.exists():
        yield Input(path, Path(path.name), "images" if is_image(path) else "video")
    elif glob.has_magic(text):
        yield from _by_pattern(path)
    else:
        yield _failed(path, "does not exist", "Check the path")


def _in_folder(folder: Path) -> Iterator[Input]:
    videos, image_folders = _walk(folder)
    for path in sorted(videos + image_folders, key=natural_key):
        relative = path.relative_to(folder)
        if path == folder:
            relative = Path(folder.resolve().name)
        yield Input(path, relative, "images" if path in image_folders else "video")
    if not videos and not image_folders:
        yield _failed(folder, "is a folder without videos or images", _MEDIA)


def _walk(folder: Path) -> tuple[list[Path], list[Path]]:
    """Videos below `folder`, and folders that hold images but no videos."""
    videos: list[Path] = []
    image_folders: list[Path] = []
    visited: set[str] = set()
    for name, folders, files in os.walk(folder, followlinks=True):
        place = os.path.realpath(name)
        if place in visited:  # links can lead in circles
            folders.clear()
            continue
        visited.add(place)
        folders[:] = [
            sub for sub in folders if not sub.startswith(".") and not sub.endswith(".overlay")
        ]
        # Hidden files hold no pictures of their own (macOS leaves "._clip.mp4" beside a clip).
        shown = [Path(name) / file for file in files if not file.startswith(".")]
        # What facekit drew is not what a study recorded.
        shown = [file for file in shown if not file.name.endswith(OVERLAY_SUFFIX)]
        here = [file for file in shown if is_video(file)]
        images = sum(is_image(file) for file in shown)
        videos += here
        if images and not here:
            image_folders.append(Path(name))
        elif images:
            _log.warning(
                "%s: %d images beside videos are left out; name them by a pattern such as %s",
                name,
                images,
                Path(name) / "*.jpg",
            )
    return videos, image_folders


def _by_pattern(pattern: Path) -> Iterator[Input]:
    fixed = Path(*_fixed_parts(pattern))
    matches = sorted(
        (Path(match) for match in glob.iglob(str(pattern), recursive=True)), key=natural_key
    )
    count = 0
    for path in matches:
        if path.is_dir():
            # `**` names every folder on the way, whose files it names as well.
            if "**" in pattern.parts:
                continue
            inside = [item for item in _in_folder(path) if item.error is None]
        elif is_video(path) or is_image(path):
            inside = [Input(path, Path(path.name), "images" if is_image(path) else "video")]
        else:
            continue
        for item in inside:
            count += 1
            whole = Path(item.source)
            relative = whole.relative_to(fixed) if fixed.parts else whole
            yield Input(whole, relative, item.kind)
    if not count:
        yield _failed(pattern, "matches no video or image", "Check the pattern")


def _fixed_parts(pattern: Path) -> tuple[str, ...]:
    """The folders of a pattern before its first wildcard."""
    parts = pattern.parts
    magic = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return parts[:magic]


def _failed(path: Path, what: str, advice: str) -> Input:
    error = SourceError(what, where=path, advice=advice)
    return Input(path, Path(path.name or "input"), "none", error)
