"""A study in small: inputs cut from a clip, some of them damaged, as real studies have them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from facekit.source import open_source
from facekit.types import Image

_RATE = 25
_HEIGHT = 240
_KEY_EVERY = 4
_SPECIAL = 6


def make_study(folder: Path, clip: Path, count: int = 40, frames: int = 12) -> None:
    """Write `count` short videos below `folder`.

    Two have equal names in different folders, one is empty, one shows nobody, one is cut off and
    one has flipped bytes; all others are healthy, each from another place of `clip`.

    Args:
        folder: created.
        clip: somebody's face; scaled to a height of 240 pixels.
        count: number of inputs, at least 6.
        frames: frames of each; the damaged ones have four times as many.
    """
    pictures = _pictures(clip, count + 4 * frames)
    for name in ("a", "b", "c"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _encode(folder / "a" / "clip.mp4", pictures[:frames])
    _encode(folder / "b" / "clip.mp4", pictures[1 : frames + 1])
    (folder / "empty.mp4").write_bytes(b"")
    _encode(folder / "nobody.mp4", [np.full_like(pictures[0], 120)] * frames)
    whole = folder / "whole.mp4"
    _encode(whole, pictures[: 4 * frames])
    data = np.frombuffer(whole.read_bytes(), np.uint8).copy()
    whole.unlink()
    (folder / "cut_off.mp4").write_bytes(data[: len(data) * 7 // 10].tobytes())
    data[len(data) // 2 : len(data) * 6 // 10 : 40] ^= 0xFF
    (folder / "flipped.mp4").write_bytes(data.tobytes())
    for number in range(count - _SPECIAL):
        _encode(folder / "c" / f"part{number}.mp4", pictures[number : number + frames])


def _pictures(clip: Path, count: int) -> list[Image]:
    """`count` pictures of a clip, from its beginning again where it is too short."""
    pictures: list[Image] = []
    with open_source(clip) as source:
        for frame in source:
            height, width = frame.image.shape[:2]
            size = (round(width * _HEIGHT / height / 2) * 2, _HEIGHT)
            pictures.append(np.asarray(cv2.resize(frame.image, size), np.uint8))
            if len(pictures) == count:
                break
    return [pictures[index % len(pictures)] for index in range(count)]


def _encode(path: Path, pictures: Sequence[Image]) -> None:
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"preset": "veryfast"})
        stream.width, stream.height = width, height
        stream.codec_context.gop_size = _KEY_EVERY
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, _RATE)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
