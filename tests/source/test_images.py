"""Still images and folders of them."""

import math
from pathlib import Path

import numpy as np
import pytest

from facekit.errors import SourceError
from facekit.source import open_source, read_image
from tests import media


def test_a_folder_comes_in_natural_order_and_without_time(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        media.write_image(tmp_path / f"img{number}.png", media.index_picture(number))
    media.write_text(tmp_path / "notes.txt")
    media.write_image(tmp_path / ".hidden.png", media.index_picture(9))
    with open_source(tmp_path) as source:
        assert (source.kind, source.size, source.frame_count) == ("images", None, 3)
        assert source.duration_s is None and source.start_time_s is None
        assert source.name == tmp_path.name
        frames = list(source)
        assert source.warnings == [] and not source.damaged
    assert [frame.name for frame in frames] == ["img1.png", "img2.png", "img10.png"]
    assert [media.read_index(frame.image) for frame in frames] == [1, 2, 10]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert all(math.isnan(frame.time_s) for frame in frames)


def test_an_unreadable_image_never_shifts_the_rest(tmp_path: Path) -> None:
    for number in range(4):
        media.write_image(tmp_path / f"{number}.png", media.index_picture(number))
    media.write_text(tmp_path / "1.png")
    media.write_empty(tmp_path / "2.png")
    with open_source(tmp_path) as source:
        frames = list(source)
        assert source.damaged
        assert source.warnings == [
            "1.png, frame 1: is not an image that can be decoded; left out",
            "2.png, frame 2: is empty (0 bytes); left out",
        ]
    assert [(frame.index, media.read_index(frame.image)) for frame in frames] == [(0, 0), (3, 3)]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"])
def test_every_format_is_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:] = (200, 100, 30)
    path = media.write_image(tmp_path / f"Größe 顔{suffix.upper()}", picture)
    with open_source(path) as source:
        assert source.size == (60, 40)
        (frame,) = source
    assert frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous
    assert np.abs(frame.image.astype(int) - picture).max() <= 8
    assert frame.name == path.name


def test_gray_alpha_and_16_bit_become_rgb(tmp_path: Path) -> None:
    gray = np.full((8, 10), 120, np.uint8)
    rgba = np.dstack([np.full((8, 10), value, np.uint8) for value in (10, 20, 30, 255)])
    deep = np.full((8, 10, 3), 120 * 257, np.uint16)
    expected = {"gray": (120, 120, 120), "rgba": (10, 20, 30), "deep": (120, 120, 120)}
    for name, stored in (("gray", gray), ("rgba", rgba), ("deep", deep)):
        image = read_image(media.write_image(tmp_path / f"{name}.png", stored))
        assert image.shape == (8, 10, 3) and image.dtype == np.uint8
        assert tuple(image[0, 0]) == expected[name]


@pytest.mark.parametrize(("orientation", "quarter_turns"), [(1, 0), (3, 2), (6, 1), (8, -1)])
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int, quarter_turns: int) -> None:
    # What the camera stored is turned counter-clockwise where the reader must turn clockwise.
    stored = np.ascontiguousarray(np.rot90(media.index_picture(5), quarter_turns))
    path = media.write_image(tmp_path / "photo.jpg", stored, orientation=orientation)
    image = read_image(path)
    assert image.shape == (96, 160, 3)
    assert media.is_upright(image) and media.read_index(image) == 5


def test_a_single_image_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not an image"):
        open_source(media.write_text(tmp_path / "photo.jpg"))
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "missing.jpg")


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    media.write_video(tmp_path / "clip.mp4", count=2)
    with pytest.raises(SourceError, match="folder without images"):
        open_source(tmp_path)


def test_time_options_are_said_to_be_ignored(tmp_path: Path) -> None:
    media.write_image(tmp_path / "a.png", media.index_picture(1))
    with open_source(tmp_path, start=5.0) as source:
        assert len(list(source)) == 1
        assert "no time" in source.warnings[0] and not source.damaged


def test_an_image_named_as_a_video_is_a_video_of_one_picture(tmp_path: Path) -> None:
    image = media.write_image(tmp_path / "picture.png", media.index_picture(5))
    image.rename(tmp_path / "picture.mp4")
    with open_source(tmp_path / "picture.mp4") as source:
        assert [media.read_index(frame.image) for frame in source] == [5]
