"""What a film keeps of the one it was made from: times, colours, sound; and what it does not."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from facekit.errors import OutputError
from facekit.output.film import FilmForm, FilmWriter, form_of
from facekit.source import VideoSource
from facekit.types import Image
from tests.media import index_picture, read_index, uneven_times, write_video


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time of presentation and content of every packet of a kind, in order of time."""
    with av.open(str(path)) as container:
        streams: list[Any] = [s for s in container.streams if s.type == kind]
        found = [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in (container.demux(*streams) if streams else ())
            if packet.size
        ]
    return sorted(found, key=lambda entry: entry[0])


def copy(path: Path, to: Path, *, sound: bool = True) -> None:
    with (
        VideoSource(path) as source,
        FilmWriter(to, form_of(path, source.start_time_s), sound=path if sound else None) as film,
    ):
        for frame in source:
            film.append(frame.image, frame.time_s)
        film.finish()


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_times_and_sound_are_exact(tmp_path: Path, suffix: str) -> None:
    times = uneven_times(40, start=1.234)
    original = write_video(tmp_path / "clip.mp4", times, audio_s=2.0)
    made = tmp_path / f"made{suffix}"
    copy(original, made)
    before, after = packets(original, "video"), packets(made, "video")
    assert [time for time, _ in after] == [time for time, _ in before]
    assert packets(made, "audio") == packets(original, "audio")
    assert len(packets(made, "audio")) > 20
    with VideoSource(made) as source:
        assert [read_index(frame.image) for frame in source] == list(range(40))
    copy(original, tmp_path / "mute.mp4", sound=False)
    assert packets(tmp_path / "mute.mp4", "audio") == []


def patches() -> Image:
    """Strong colours in tiles of 32 pixels."""
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (240, 240, 240), (16, 16, 16)]
    return np.asarray(np.kron(np.array([colours]), np.ones((32, 32, 1))), np.uint8)


@pytest.mark.parametrize("matrix", [1, 2, 6, 9])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_are_kept_with_their_description(
    tmp_path: Path, matrix: int, full_range: bool
) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    form = FilmForm(matrix=matrix, primaries=1, transfer=1, full_range=full_range, quality=1)
    with FilmWriter(first, form) as film:
        film.append(patches(), 0.0)
        film.finish()
    copy(first, second)
    assert form_of(second).matrix == matrix
    assert form_of(second).full_range == full_range
    assert (form_of(second).primaries, form_of(second).transfer) == (1, 1)
    for path in (first, second):
        with VideoSource(path) as source:
            (frame,) = source
        centres = frame.image[16, 16::32].astype(int)
        assert np.abs(centres - patches()[16, 16::32]).max() <= 8, path.name


def test_no_metadata_goes_over(tmp_path: Path) -> None:
    original = tmp_path / "clip.mp4"
    plain = write_video(tmp_path / "plain.mp4", count=5, audio_s=0.2)
    with av.open(str(plain)) as read, av.open(str(original), "w") as write:
        write.metadata.update({"title": "Ann", "location": "+52.5+013.4/", "date": "2026-11-21"})
        streams = {s.index: write.add_stream_from_template(s) for s in read.streams}
        for stream in streams.values():
            stream.metadata["handler_name"] = "Ann's camera"
        for packet in read.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                write.mux(packet)
    assert b"Ann" in original.read_bytes()
    copy(original, tmp_path / "made.mp4")
    data = (tmp_path / "made.mp4").read_bytes()
    for secret in (b"Ann", b"+52.5", b"2026-11-21"):
        assert secret not in data


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with FilmWriter(path, FilmForm(pixel_aspect=Fraction(4, 3))) as film:
        film.append(index_picture(0), 0.0)
        film.finish()
    assert form_of(path).pixel_aspect == Fraction(4, 3)
    assert form_of(path, turned=True).pixel_aspect == Fraction(3, 4)


def test_sound_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    original = tmp_path / "clip.mov"
    with av.open(str(original), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        sound = container.add_stream("pcm_mulaw", rate=8000)
        sound.layout = "mono"
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux([*stream.encode(picture), *stream.encode(None)])
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        tone.sample_rate = 8000
        container.mux([*sound.encode(tone), *sound.encode(None)])
    with pytest.raises(OutputError, match=r"cannot hold the sound of clip.mov \(pcm_mulaw\)"):
        copy(original, tmp_path / "made.mp4")
    copy(original, tmp_path / "made.mov")
    assert packets(tmp_path / "made.mov", "audio") == packets(original, "audio")
