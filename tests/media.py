"""Awkward media for tests, made on the spot with PyAV: nothing is shipped, everything is known.

Each frame carries its index as black and white stripes, so that a test can check which frame it
was given, and which way up it lies: stripes fill the upper half, the lower half is plain.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from facekit.types import Image

INDEX_BITS = 10
_CLOCK = Fraction(1, 90000)


def index_picture(index: int, size: tuple[int, int] = (160, 96)) -> Image:
    """(height, width, 3) RGB: `index` as ten stripes above, a plain brightness below.

    The highest bit is the leftmost stripe; the right half of the lower part is darker, so that
    mirrored pictures can be told as well.
    """
    width, height = size
    row = np.zeros(width, np.uint8)
    for bit in range(INDEX_BITS):
        low, high = bit * width // INDEX_BITS, (bit + 1) * width // INDEX_BITS
        row[low:high] = 230 if index >> (INDEX_BITS - 1 - bit) & 1 else 25
    picture = np.full((height, width), 160, np.uint8)
    picture[height // 2 :, width // 2 :] = 90
    picture[: height // 2] = row
    return np.repeat(picture[:, :, None], 3, 2)


def read_index(image: Image) -> int:
    """The index that `index_picture` drew into an upright picture."""
    height, width = image.shape[:2]
    band = image[height // 8 : height * 3 // 8].mean((0, 2))
    index = 0
    for bit in range(INDEX_BITS):
        low, high = bit * width // INDEX_BITS, (bit + 1) * width // INDEX_BITS
        edge = max(1, (high - low) // 4)
        index = index << 1 | int(band[low + edge : max(low + edge + 1, high - edge)].mean() > 127)
    return index


def is_upright(image: Image) -> bool:
    """Whether the plain half lies below and its brighter part on the left."""
    height, width = image.shape[:2]
    lower = image[height * 5 // 8 : height * 7 // 8].mean((0, 2))
    return bool(
        abs(lower[width // 4] - 160) < 15
        and abs(lower[width * 3 // 4] - 90) < 15
        and abs(float(lower.mean()) - 125) < 15
    )


def even_times(count: int, rate: float = 25.0, start: float = 0.0) -> list[float]:
    """`count` timestamps in seconds, `1 / rate` apart."""
    return [start + index / rate for index in range(count)]


def uneven_times(count: int, start: float = 0.0, seed: int = 0) -> list[float]:
    """Rising timestamps with steps of 15 to 110 ms, whole milliseconds."""
    steps = np.random.default_rng(seed).integers(15, 111, max(0, count - 1))
    return [start + float(ms) / 1000 for ms in np.concatenate([[0], np.cumsum(steps)])][:count]


def write_video(
    path: Path,
    times: Sequence[float] | None = None,
    *,
    count: int = 30,
    size: tuple[int, int] = (160, 96),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rotation: int = 0,
    mirrored: bool = False,
    faststart: bool = False,
    key_every: int = 12,
    options: dict[str, str] | None = None,
    audio_s: float = 0.0,
    pictures: Sequence[Image] | None = None,
) -> Path:
    """A video whose frame `i` shows `index_picture(i)` at `times[i]`.

    Args:
        path: the suffix chooses the container.
        times: timestamps in seconds, rising; 25 per second when None.
        count: number of frames when `times` is None.
        size: (width, height) as stored, before rotation.
        codec: an encoder of FFmpeg.
        pixel_format: as stored.
        rotation: counter-clockwise quarter turns in degrees that a player has to apply; the
            pictures are stored turned the other way, so that players show them upright.
        mirrored: a player has to mirror left and right after the turn; stored mirrored as well.
        faststart: put the index of an mp4 before the pictures.
        key_every: distance of key frames.
        options: for the encoder.
        audio_s: add that much of a quiet tone.
        pictures: shown in place of `index_picture`; stored as they are.
    """
    times = even_times(count) if times is None else times
    flags = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", options=flags) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=25, options=options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.gop_size = key_every
        if codec in ("mpeg4", "mjpeg", "libvpx-vp9"):
            stream.bit_rate = 4_000_000  # by default too few for legible stripes
        if path.suffix != ".avi":  # AVI has no clock finer than its frame rate
            stream.time_base = stream.codec_context.time_base = _CLOCK
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        sound = container.add_stream("aac", rate=16000) if audio_s else None
        for index, time_s in enumerate(times):
            upright = size if rotation % 180 == 0 else size[::-1]
            shown = pictures[index] if pictures is not None else index_picture(index, upright)
            shown = shown[:, ::-1] if mirrored else shown
            stored = np.ascontiguousarray(np.rot90(shown, -rotation // 90))
            frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
            clock = Fraction(1, 25) if path.suffix == ".avi" else _CLOCK
            frame.pts, frame.time_base = round(time_s / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _mux_tone(container, sound, audio_s)
    return path


def write_audio(path: Path, seconds: float = 1.0) -> Path:
    """A file that holds sound alone."""
    with av.open(str(path), "w") as container:
        _mux_tone(container, container.add_stream("aac", rate=16000), seconds)
    return path


def _mux_tone(container: Any, stream: AudioStream, seconds: float) -> None:
    wave = 0.1 * np.sin(np.arange(int(16000 * seconds)) * 0.2).astype(np.float32)
    for start in range(0, len(wave) - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def truncate(path: Path, share: float, to: Path) -> Path:
    """The first `share` of the bytes of `path`."""
    data = path.read_bytes()
    to.write_bytes(data[: int(len(data) * share)])
    return to


def flip_bytes(
    path: Path, to: Path, low: float = 0.4, high: float = 0.6, every: int = 40, seed: int = 0
) -> Path:
    """`path` with about one byte in `every` inverted between the shares `low` and `high`."""
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    first, last = int(len(data) * low), int(len(data) * high)
    count = max(1, (last - first) // every)
    data[np.random.default_rng(seed).integers(first, last, count)] ^= 0xFF
    to.write_bytes(data.tobytes())
    return to


def write_empty(path: Path) -> Path:
    """A file of zero bytes."""
    path.write_bytes(b"")
    return path


def write_text(path: Path) -> Path:
    """A few lines of text, whatever the suffix says."""
    path.write_text("frame,time_s\n0,0.000\n1,0.040\n" * 20, encoding="utf-8")
    return path


def write_tiny(path: Path) -> Path:
    """One pixel by one pixel, five frames of rising brightness (Matroska, FFV1)."""
    pictures = [np.full((1, 1, 3), 40 * index + 20, np.uint8) for index in range(5)]
    return write_video(
        path, count=5, size=(1, 1), codec="ffv1", pixel_format="bgr0", pictures=pictures
    )


def write_wide(path: Path) -> Path:
    """One frame of 16384 x 16 pixels (Matroska, FFV1)."""
    return write_video(path, count=1, size=(16384, 16), codec="ffv1", pixel_format="bgr0")


def write_image(path: Path, picture: NDArray[Any], orientation: int | None = None) -> Path:
    """An image file, by any path that the system can hold; RGB, gray, RGBA or 16 bit.

    Args:
        path: the suffix chooses the format.
        picture: as stored.
        orientation: EXIF orientation 1-8 to put into a JPEG.
    """
    if picture.ndim == 3:
        picture = picture[:, :, [2, 1, 0, 3][: picture.shape[2]]]
    encoded = cv2.imencode(path.suffix.lower(), picture)[1].tobytes()
    if orientation is not None:
        tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"
        exif = b"Exif\x00\x00" + tiff + bytes([0, orientation, 0, 0, 0, 0, 0, 0])
        encoded = encoded[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + encoded[2:]
    path.write_bytes(encoded)
    return path
