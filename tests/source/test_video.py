"""Videos: every decoded frame, upright, with the container's own time."""

import gc
import mmap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from facekit.errors import OptionsError, SourceError
from facekit.source import Source, VideoSource, open_source
from facekit.source.video import QUEUE_FRAMES
from facekit.types import Frame
from tests import media

STATM = Path("/proc/self/statm")


def frames_of(path: Path | str, **options: Any) -> list[Frame]:
    with open_source(path, **options) as source:
        return list(source)


def indices(frames: list[Frame]) -> list[int]:
    return [media.read_index(frame.image) for frame in frames]


def decoding_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode ")]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov"])
@pytest.mark.parametrize("start", [0.0, 3.397])
def test_every_frame_comes_once_with_its_own_time(tmp_path: Path, name: str, start: float) -> None:
    times = media.uneven_times(60, start=start)
    path = media.write_video(tmp_path / name, times)
    with open_source(path) as source:
        frames = list(source)
        assert source.start_time_s == pytest.approx(start, abs=1e-6)
        assert source.warnings == [] and not source.damaged
        assert source.duration_s == pytest.approx(times[-1] - start + 0.04, abs=0.11)
    assert [frame.index for frame in frames] == indices(frames) == list(range(60))
    expected = np.array(times) - times[0]
    assert np.allclose([frame.time_s for frame in frames], expected, rtol=0, atol=1e-9)


def test_frames_are_contiguous_rgb(tmp_path: Path) -> None:
    red = np.zeros((96, 160, 3), np.uint8)
    red[:, :, 0] = 200
    path = media.write_video(tmp_path / "red.mp4", count=2, pictures=[red, red])
    frame = frames_of(path)[0]
    assert frame.image.shape == (96, 160, 3) and frame.image.dtype == np.uint8
    assert frame.image.flags.c_contiguous
    assert np.abs(frame.image.mean((0, 1)) - (200, 0, 0)).max() < 6


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
def test_rotation_metadata_makes_pictures_upright(
    tmp_path: Path, rotation: int, mirrored: bool
) -> None:
    path = media.write_video(tmp_path / "turned.mp4", count=5, rotation=rotation, mirrored=mirrored)
    with open_source(path) as source:
        frames = list(source)
        assert source.size == ((96, 160) if rotation % 180 else (160, 96))
    assert all(frame.size == source.size for frame in frames)
    assert all(frame.image.flags.c_contiguous for frame in frames)
    assert all(media.is_upright(frame.image) for frame in frames)
    assert indices(frames) == list(range(5))


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix", "size"),
    [
        ("ffv1", "gray", ".mkv", (160, 96)),
        ("ffv1", "yuv420p", ".mkv", (161, 97)),
        ("ffv1", "yuv420p10le", ".mkv", (160, 96)),
        ("libx264", "yuv444p", ".mp4", (160, 96)),
        ("mpeg4", "yuv420p", ".avi", (160, 96)),
        ("mjpeg", "yuvj420p", ".avi", (160, 96)),
        ("libvpx-vp9", "yuv420p", ".webm", (160, 96)),
    ],
)
def test_pixel_formats_and_odd_sizes(
    tmp_path: Path, codec: str, pixel_format: str, suffix: str, size: tuple[int, int]
) -> None:
    path = media.write_video(
        tmp_path / f"clip{suffix}", count=6, codec=codec, pixel_format=pixel_format, size=size
    )
    frames = frames_of(path)
    assert indices(frames) == list(range(6))
    assert {frame.size for frame in frames} == {size}
    assert all(frame.image.flags.c_contiguous for frame in frames)
    assert all(media.is_upright(frame.image) for frame in frames)


def test_pictures_stored_as_rgb_are_copies(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.avi", count=3, codec="png", pixel_format="rgb24")
    frames = frames_of(path)
    assert indices(frames) == [0, 1, 2]
    # The decoder's own memory would change under the consumer's hands.
    assert all(frame.image.flags.owndata for frame in frames)


def test_smallest_and_widest_pictures(tmp_path: Path) -> None:
    tiny = frames_of(media.write_tiny(tmp_path / "tiny.mkv"))
    assert [int(frame.image[0, 0, 0]) for frame in tiny] == [20, 60, 100, 140, 180]
    wide = frames_of(media.write_wide(tmp_path / "wide.mkv"))
    assert [frame.size for frame in wide] == [(16384, 16)]


def test_sound_longer_than_the_pictures_is_not_damage(tmp_path: Path) -> None:
    for name in ("clip.mp4", "clip.mkv"):
        path = media.write_video(tmp_path / name, count=25, audio_s=3.0)
        with open_source(path) as source:
            assert len(list(source)) == 25
            assert not source.damaged and source.warnings == []


def test_stretch_and_rate(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.mp4", count=50)
    assert [frame.index for frame in frames_of(path, start=0.4)] == list(range(10, 50))
    assert [frame.index for frame in frames_of(path, end=0.4)] == list(range(11))
    assert [frame.index for frame in frames_of(path, every=0.4)] == [0, 10, 20, 30, 40]
    chosen = frames_of(path, start=0.1, end=1.0, every=0.25)
    assert [frame.index for frame in chosen] == [3, 9, 15, 22]  # 0.10, 0.35, 0.60, 0.85
    assert [frame.time_s for frame in chosen] == pytest.approx([0.12, 0.36, 0.6, 0.88])
    assert indices(chosen) == [3, 9, 15, 22]
    assert frames_of(path, start=99.0) == []
    for wrong in ({"every": 0.0}, {"start": -1.0}, {"end": float("nan")}):
        with pytest.raises(OptionsError):
            frames_of(path, **wrong)


def test_truncated_with_its_index_in_front_gives_the_rest(tmp_path: Path) -> None:
    whole = media.write_video(tmp_path / "whole.mp4", count=100, faststart=True)
    path = media.truncate(whole, 0.7, tmp_path / "cut.mp4")
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        expected = _decodable(container)
    with open_source(path) as source:
        frames = list(source)
        assert source.damaged
        assert "the stream is cut off" in source.warnings[-1]
        assert f"frame {len(frames)}: " in source.warnings[-1]
        missing = 4.0 - (frames[-1].time_s + 0.04)
        assert f"the last {missing:.3f} s of" in source.warnings[-1]
    # Threads of the decoder may not cost frames.
    assert len(frames) == expected > 30
    assert indices(frames) == list(range(expected))


def _decodable(container: av.container.InputContainer) -> int:
    count = 0
    for packet in container.demux(container.streams.video[0]):
        try:
            count += len(packet.decode())
        except av.FFmpegError:
            continue
    return count


def test_cut_matroska_and_avi_are_noticed(tmp_path: Path) -> None:
    for name, codec in (("clip.mkv", "libx264"), ("clip.avi", "mpeg4")):
        whole = media.write_video(tmp_path / name, count=100, codec=codec)
        path = media.truncate(whole, 0.6, tmp_path / f"cut_{name}")
        with open_source(path) as source:
            frames = list(source)
            assert 5 < len(frames) < 95
            assert source.damaged and "cut off" in source.warnings[-1]


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", ".mp4"), ("libx265", ".mp4"), ("mpeg4", ".avi")]
)
def test_flipped_bytes_cost_pictures_not_the_run(tmp_path: Path, codec: str, suffix: str) -> None:
    generator = np.random.default_rng(1)
    pictures = [
        (media.index_picture(index) + generator.integers(0, 25, (96, 160, 1))).astype(np.uint8)
        for index in range(100)
    ]
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    whole = media.write_video(
        tmp_path / f"whole{suffix}", count=100, codec=codec, options=options, pictures=pictures
    )
    assert len(frames_of(whole)) == 100
    path = media.flip_bytes(whole, tmp_path / f"flipped{suffix}", every=400)
    with open_source(path) as source:
        frames = list(source)
        assert source.damaged
        place = next(text for text in source.warnings if text.startswith("from "))
        assert ("could not be decoded" in place) or ("damaged" in place)
    assert len(frames) >= 60
    assert indices(frames)[:20] == list(range(20))
    assert [frame.index for frame in frames] == list(range(len(frames)))


Maker = Callable[[Path], Path]


def _cut_before_its_index(path: Path) -> Path:
    return media.truncate(media.write_video(path.with_name("whole.mp4")), 0.6, path)


def _noise(path: Path) -> Path:
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes())
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path, "does not exist"),
        (media.write_empty, "is empty (0 bytes)"),
        (media.write_text, "is text, not a media file"),
        (_noise, "is not a media file"),
        (_cut_before_its_index, "moov atom"),
        (media.write_audio, "has no video stream (only audio)"),
        (_folder, "is a folder without images"),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, make: Maker, what: str) -> None:
    path = make(tmp_path / "clip.mp4")
    with pytest.raises(SourceError) as caught:
        open_source(path)
    assert what in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.advice
    assert isinstance(caught.value, OSError)


def test_nothing_is_printed_about_damage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = media.write_video(tmp_path / "whole.mp4", count=60, faststart=True)
    frames_of(media.flip_bytes(whole, tmp_path / "flipped.mp4"))
    frames_of(media.truncate(whole, 0.7, tmp_path / "cut.mp4"))
    assert capfd.readouterr() == ("", "")


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    sound = tmp_path / "cover.mp3"
    with av.open(str(sound), "w") as container:
        tone = container.add_stream("libmp3lame", rate=16000)
        cover = container.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(media.index_picture(1, (64, 64)), format="rgb24")
        for packet in cover.encode(picture):
            container.mux(packet)
        silence = np.zeros((1, 16000), np.float32)
        wave = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
        wave.sample_rate = 16000
        for sample in [wave, None]:
            container.mux(tone.encode(sample))
    with av.open(str(sound)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(SourceError, match="has no video stream"):
        open_source(sound)


def test_reordered_pictures_in_an_avi_have_even_times(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.avi", count=40, options={"bf": "3"})
    with open_source(path) as source:
        frames = list(source)
        assert source.warnings == []
    assert indices(frames) == list(range(40))
    assert np.allclose([frame.time_s for frame in frames], np.arange(40) / 25)


def test_times_that_do_not_rise_are_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No muxer writes such a file; broken recorders do.
    stamps = iter([5, 6, 7, 6, 9, 9, 10])

    def decode(source: VideoSource) -> Iterator[av.VideoFrame]:
        for stamp in stamps:
            frame = av.VideoFrame.from_ndarray(media.index_picture(stamp), format="rgb24")
            frame.pts = round(stamp * 0.04 / source._stream.time_base)  # type: ignore[operator]
            yield frame

    monkeypatch.setattr(VideoSource, "_decode", decode)
    with VideoSource(media.write_video(tmp_path / "clip.mp4", count=7)) as source:
        frames = list(source)
        assert source.warnings == [
            "from 0.080 s, frame 3: timestamps do not rise; frames are in the order of decoding"
        ]
        assert source.start_time_s == pytest.approx(0.2) and not source.damaged
    assert indices(frames) == [5, 6, 7, 6, 9, 9, 10]
    expected = [0, 0.04, 0.08, 0.04, 0.16, 0.16, 0.2]
    assert [frame.time_s for frame in frames] == pytest.approx(expected)


def test_missing_timestamps_are_said_to_be_made_up(tmp_path: Path) -> None:
    raw = media.write_video(tmp_path / "clip.h264", count=20, options={"bf": "0"})
    with open_source(raw) as source:
        frames = list(source)
        made_up = [text for text in source.warnings if "timestamps are not in the file" in text]
    assert len(frames) == 20 and len(made_up) == 1 and not source.damaged
    steps = np.diff([frame.time_s for frame in frames])
    assert np.allclose(steps, 0.04)


def test_odd_names(tmp_path: Path) -> None:
    for name in ("Gesicht (1) é 顔.mp4", "a:b.mp4", "clip[1].mp4", "50%.mp4"):
        path = media.write_video(tmp_path / name, count=3)
        assert len(frames_of(path)) == 3


def test_leaving_early_ends_the_thread_and_frees_the_file(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.mp4", count=200)
    with open_source(path) as source:
        for frame in source:
            if frame.index == 3:
                break
    assert decoding_threads() == []

    source = open_source(path)
    next(iter(source))
    source.close()
    source.close()
    assert decoding_threads() == []

    with pytest.raises(KeyboardInterrupt), open_source(path) as source:
        for _ in source:
            raise KeyboardInterrupt
    assert decoding_threads() == []
    with open_source(path):
        pass  # never iterated
    assert decoding_threads() == []


def test_decoding_runs_ahead_by_a_bounded_number_of_frames(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.mp4", count=200)
    with VideoSource(path) as source:
        frames = iter(source)
        next(frames)
        waited = threading.Event()
        waited.wait(0.5)
        # One taken, a full queue, and one in the hand of the decoding thread.
        assert source._decoded <= 1 + QUEUE_FRAMES + 1
        assert len(list(frames)) == 199


@pytest.mark.skipif(not STATM.exists(), reason=f"{STATM} is not there: memory cannot be measured")
def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "clip.mp4", count=250, size=(640, 480), rotation=180)
    held = []
    gc.disable()  # frames may not wait for the collector
    try:
        with open_source(path) as source:
            for frame in source:
                if frame.index in (50, 249):
                    pages = int(STATM.read_text(encoding="ascii").split()[1])
                    held.append(pages * mmap.PAGESIZE / 2**20)
    finally:
        gc.enable()
    assert held[1] - held[0] < 40  # all decoded frames together are 90 MB, all pictures 220


def test_errors_of_the_thread_reach_the_consumer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = media.write_video(tmp_path / "clip.mp4", count=20)
    source = VideoSource(path)

    def fail(frame: object) -> None:
        raise MemoryError("no room for a picture")

    monkeypatch.setattr(source, "_picture", fail)
    with pytest.raises(MemoryError, match="no room"):
        list(source)
    assert decoding_threads() == []


def test_a_closed_source_says_so(tmp_path: Path) -> None:
    source = open_source(media.write_video(tmp_path / "clip.mp4", count=3))
    source.close()
    with pytest.raises(RuntimeError, match="closed"):
        list(source)


def test_a_source_is_iterated_once(tmp_path: Path) -> None:
    with open_source(media.write_video(tmp_path / "clip.mp4", count=3)) as source:
        assert isinstance(source, Source)
        assert len(list(source)) == 3
        with pytest.raises(RuntimeError, match="iterated once"):
            iter(source)
