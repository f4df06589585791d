"""Pictures and clips to measure with: facekit's average face, or a clip of the user's."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from facekit.source import open_source
from facekit.types import Image

SIZE_720P = (1280, 720)
_RATE = 30


def average_face() -> Image:
    """The average face, which is nobody's own, drawn by `facekit.synthetic.demo`.

    Made with ICT-FaceKit (MIT) and the mean of the textures of the Face Research Lab London Set and
    Canada (DeBruine & Jones, CC BY 4.0).

    Returns:
        (480, 480, 3) uint8 RGB.
    """
    path = Path(__file__).with_name("average_face.jpg")
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


def make_clip(path: Path, seconds: float, clip: Path | None = None) -> None:
    """Write a 1280x720 H.264 clip of `seconds`: `clip` looped, scaled and padded, or a face.

    Ten seconds are encoded; longer ones repeat their packets, so that an hour is made in seconds.
    """
    first = path.with_name(f"once_{path.name}")
    _encode(first, _pictures(clip, min(seconds, 10.0)))
    if seconds <= 10:
        first.replace(path)
        return
    repeat(first, path, seconds)
    first.unlink()


def _pictures(clip: Path | None, seconds: float) -> Iterator[Image]:
    wanted = round(seconds * _RATE)
    if clip is None:
        face = average_face()
        yield from (_swayed(face, index / _RATE) for index in range(wanted))
        return
    count = 0
    while count < wanted:
        with open_source(clip) as source:
            for frame in source:
                yield _fit(frame.image)
                count += 1
                if count == wanted:
                    return


def _swayed(face: Image, time_s: float) -> Image:
    """A head that sways: the picture moved over a plain wall."""
    x, y = 380 + 120 * np.sin(time_s), 70 + 20 * np.cos(2 * time_s)
    matrix = np.array([[1.2, 0, x], [0, 1.2, y]])
    moved = cv2.warpAffine(face, matrix, SIZE_720P, borderValue=(150, 180, 172))
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


def repeat(once: Path, path: Path, seconds: float) -> None:
    """Write the video of `once` over and over, without coding it anew, for `seconds` or longer."""
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
