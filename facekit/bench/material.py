"""Pictures and clips to measure with: a public-domain photograph, or a clip of the user's."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from facekit.errors import MissingExtraError
from facekit.source import open_source
from facekit.types import Image

SIZE_720P = (1280, 720)
_RATE = 30


def portrait() -> Image:
    """The photograph of Rear Admiral Grace Hopper (US Navy, public domain) in matplotlib.

    Returns:
        (600, 512, 3) uint8 RGB.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib import cbook
    except ImportError as error:
        raise MissingExtraError(
            "the built-in picture comes with matplotlib, which is not installed",
            where="bench",
            advice="Name a clip of your own, or: pip install 'facekit[plot]'",
        ) from error
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


def make_clip(path: Path, seconds: float, clip: Path | None = None) -> None:
    """Write a 1280x720 H.264 clip of `seconds`: `clip` looped, scaled and padded, or a portrait.

    Ten seconds are encoded; longer ones repeat their packets, so that an hour is made in seconds.
    """
    first = path.with_name(f"once_{path.name}")
    _encode(first, _pictures(clip, min(seconds, 10.0)))
    if seconds <= 10:
        first.replace(path)
        return
    _repeat(first, path, seconds)
    first.unlink()


def _pictures(clip: Path | None, seconds: float) -> Iterator[Image]:
    wanted = round(seconds * _RATE)
    if clip is None:
        yield from (_portrait_at(index / _RATE) for index in range(wanted))
        return
    count = 0
    while count < wanted:
        with open_source(clip) as source:
            for frame in source:
                yield _fit(frame.image)
                count += 1
                if count == wanted:
                    return


def _portrait_at(time_s: float) -> Image:
    """A head that sways: the photograph moved over a plain wall."""
    x, y = 380 + 120 * np.sin(time_s), 40 + 20 * np.cos(2 * time_s)
    matrix = np.array([[1.1, 0, x], [0, 1.1, y]])
    moved = cv2.warpAffine(portrait(), matrix, SIZE_720P, borderValue=(96, 104, 110))
    return np.asarray(moved, np.uint8)


def _fit(image: Image) -> Image:
    width, height = SIZE_720P
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    canvas = np.zeros((height, width, 3), np.uint8)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = cv2.resize(image, size)
    return canvas


def _encode(path: Path, pictures: Iterator[Image]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"preset": "veryfast"})
        stream.width, stream.height = SIZE_720P
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, _RATE)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _repeat(once: Path, path: Path, seconds: float) -> None:
    with av.open(str(path), "w") as output, av.open(str(once)) as opened:
        template = opened.streams.video[0]
        stream = output.add_stream_from_template(template)
        assert template.duration is not None and template.time_base is not None
        length = template.duration
        for turn in range(int(np.ceil(seconds / float(length * template.time_base)))):
            with av.open(str(once)) as source:
                for packet in source.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.dts += turn * length
                    packet.pts += turn * length
                    packet.stream = stream
                    output.mux(packet)
