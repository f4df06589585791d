"""Which video a table is shown with."""

from pathlib import Path

from facekit.errors import SourceError
from facekit.viewer.content import TableContent


def find_video(content: TableContent, given: Path | None) -> tuple[Path | None, list[str]]:
    """The video to show a table with, and what is to be said about it.

    Args:
        content: the table.
        given: the video that was named; None looks for the table's source beside the table.

    Returns:
        The video or None, and sentences.

    Raises:
        SourceError: the named video cannot be read.
    """
    source = content.described.get("source", {})
    if given is not None:
        size = _size(given)
        stated = source.get("bytes")
        if stated is not None and size != stated:
            return given, [
                f"{given.name} has {size} bytes, but {content.path.name} was made from "
                f"{source.get('name')} with {stated}: times may not fit"
            ]
        return given, []
    name = source.get("name", "")
    if source.get("kind") != "video" or not name or Path(name).name != name:
        return None, []
    beside = content.path.parent / name
    if beside.is_file() and beside.stat().st_size == source.get("bytes"):
        return beside, []
    return None, [f"{name} is not beside the table; name it with --video to see it"]


def _size(path: Path) -> int:
    try:
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise SourceError(
            f"cannot be read ({error.strerror})", where=path, advice="Check the path"
        ) from error
