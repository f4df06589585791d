"""Opens a video file or address with PyAV and says what is wrong with those that do not open."""

import re
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from facekit.errors import SourceError

OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0

# A file may not make FFmpeg fetch others over the network (playlists can name any address).
_LOCAL_OPTIONS = {"protocol_whitelist": "file,crypto,data"}
_COPY_AGAIN = "Copy it again from where it came from"


def without_password(address: Path | str) -> str:
    """The address as it may be shown."""
    return re.sub(r"(://)[^/@]*@", r"\1", str(address))


def open_container(address: Path | str, threads: int) -> tuple[InputContainer, VideoStream]:
    """Open `address` and choose its video stream.

    Args:
        address: a file's path, or an address with a scheme such as rtsp://.
        threads: threads for the decoder; 0 lets FFmpeg choose.

    Raises:
        SourceError: with what is wrong and what to do.
    """
    container = _open_file(address) if isinstance(address, Path) else _open_stream(address)
    try:
        stream = _choose_stream(container, address)
    except SourceError:
        container.close()
        raise
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    if stream.codec_context.name == "hevc":
        # FFmpeg's HEVC decoder hides damage unless told not to; it gives the pictures all the same.
        stream.codec_context.options = {"err_detect": "explode"}
    return container, stream


def no_picture(address: Path | str) -> SourceError:
    """The error for what opens, but holds nothing that decodes."""
    if isinstance(address, Path):
        return _unreadable(address, "no picture of it can be decoded")
    return SourceError(
        "sent no picture that can be decoded",
        where=without_password(address),
        advice="Check the sender",
    )


def _open_file(path: Path) -> InputContainer:
    try:
        if path.is_dir():
            raise SourceError("is a folder, not a video", where=path)
        size = path.stat().st_size
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        raise _missing(path, error) from error
    if size == 0:
        raise SourceError("is empty (0 bytes)", where=path, advice=_COPY_AGAIN)
    try:
        # With "file:" a colon in the name is not taken for a scheme.
        return av.open(
            f"file:{path}", mode="r", options=dict(_LOCAL_OPTIONS), metadata_errors="replace"
        )
    except av.FFmpegError as error:
        raise _unreadable(path, error.strerror or "unknown error") from error


def _open_stream(address: str) -> InputContainer:
    # Over UDP, RTSP loses packets on any busy network.
    options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
    try:
        return av.open(
            address,
            mode="r",
            options=options,
            metadata_errors="replace",
            timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S),
        )
    except av.error.ExitError:
        raise SourceError(
            f"did not answer within {OPEN_TIMEOUT_S:g} s",
            where=without_password(address),
            advice="Check the address and that the sender is running",
        ) from None
    except av.FFmpegError as error:
        # "from None": the cause holds the whole address, with its password.
        raise SourceError(
            f"cannot be opened ({error.strerror})",
            where=without_password(address),
            advice="Check the address and that the sender is running",
        ) from None


def _choose_stream(container: InputContainer, address: Path | str) -> VideoStream:
    # Cover art of a sound file is stored as a video stream of one picture.
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        if not len(container.streams) and isinstance(address, Path):
            raise _unreadable(address, "it holds no streams")
        kinds = sorted({stream.type for stream in container.streams})
        raise SourceError(
            f"has no video stream (only {', '.join(kinds)})" if kinds else "has no video stream",
            where=without_password(address),
            advice="Give the file that holds the pictures",
        )
    usable = [stream for stream in streams if stream.codec_context is not None]
    if not usable:
        raise SourceError(
            "its video is in a format that FFmpeg cannot decode",
            where=without_password(address),
            advice="Convert it, for example to H.264 in an .mp4 file",
        )
    return usable[0]


def _missing(path: Path, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError("does not exist", where=path, advice="Check the path")
    return SourceError(f"cannot be read ({error.strerror})", where=path, advice="Check the path")


def _unreadable(path: Path, reason: str) -> SourceError:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
        has_index = _has_index(path)
    except OSError as error:
        return _missing(path, error)
    if head[4:8] in (b"ftyp", b"wide", b"mdat", b"free", b"skip") and not has_index:
        return SourceError(
            "is cut off: its index (the moov atom) is missing, so that nothing can be decoded",
            where=path,
            advice=f"{_COPY_AGAIN}; a recording that was interrupted may be rebuilt with untrunc",
        )
    if _is_text(head):
        return SourceError(
            "is text, not a media file", where=path, advice="Check the path and the suffix"
        )
    return SourceError(
        f"is not a media file that can be read ({reason})",
        where=path,
        advice=f"Check that it plays in a video player. {_COPY_AGAIN}, if it does not",
    )


def _has_index(path: Path) -> bool:
    """Whether a whole top-level moov atom of an MP4 or QuickTime file is there."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            header = file.read(16)
            length, kind = int.from_bytes(header[:4]), header[4:8]
            if length == 1:
                length = int.from_bytes(header[8:16])
            if kind == b"moov":
                return place + length <= size
            if length < 8:
                return False
            place += length
    return False


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        # The last character may be cut in two by the end of what was read.
        head[: max(1, len(head) - 3)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
