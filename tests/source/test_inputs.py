"""What a command line names: files, folders, patterns, addresses, each input once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekit.source import Input, find_inputs, is_image, is_video
from facekit.source.inputs import natural_key


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for name in (
        "a/clip2.mp4",
        "a/clip10.MP4",
        "a/notes.txt",
        "a/._clip2.mp4",
        "a/.cache/clip.mp4",
        "b/deep/clip.mov",
        "b/deep/thumbnail.jpg",
        "photos/1.png",
        "photos/2.JPG",
        "empty/readme.md",
    ):
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "study"


def told(inputs: list[Input]) -> list[tuple[str, str]]:
    return [(item.relative.as_posix(), item.kind) for item in inputs]


def test_a_folder_is_searched_and_mirrored(study: Path) -> None:
    assert told(find_inputs([study])) == [
        ("a/clip2.mp4", "video"),
        ("a/clip10.MP4", "video"),
        ("b/deep/clip.mov", "video"),
        ("photos", "images"),
    ]
    assert told(find_inputs([study / "photos"])) == [("photos", "images")]


def test_files_keep_the_order_given_and_come_once(study: Path) -> None:
    second, first = study / "a/clip10.MP4", study / "a/clip2.mp4"
    inputs = find_inputs([str(second), first, study / "a", study / "b" / ".." / "a/clip2.mp4"])
    assert [item.source for item in inputs] == [second, first]
    assert told(inputs) == [("clip10.MP4", "video"), ("clip2.mp4", "video")]
    assert told(find_inputs([study / "photos/1.png"])) == [("1.png", "images")]


def test_patterns_that_the_shell_left_alone(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(find_inputs([f"{study}/a/*"])) == [
        ("clip2.mp4", "video"),
        ("clip10.MP4", "video"),
    ]
    assert told(find_inputs([f"{study}/**/*.mov"])) == [("b/deep/clip.mov", "video")]
    assert told(find_inputs([f"{study}/*"])) == told(find_inputs([study]))
    monkeypatch.chdir(study)
    assert told(find_inputs(["a/*.mp4"])) == [("clip2.mp4", "video")]
    assert told(find_inputs(["**/*.mov"])) == [("b/deep/clip.mov", "video")]


def test_what_facekit_drew_is_no_input(study: Path) -> None:
    before = told(find_inputs([study]))
    (study / "a" / "clip2.overlay.mp4").touch()
    (study / "photos.overlay").mkdir()
    (study / "photos.overlay" / "1.png").touch()
    assert told(find_inputs([study])) == before


def test_a_name_with_brackets_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "clip[1].mp4"
    path.touch()
    assert [item.source for item in find_inputs([str(path)])] == [path]


def test_what_is_missing_fails_later_and_stops_nothing(study: Path) -> None:
    inputs = find_inputs([study / "missing.mp4", study / "empty", f"{study}/*.avi", study / "b"])
    assert [item.error.what if item.error else None for item in inputs] == [
        "does not exist",
        "is a folder without videos or images",
        "matches no video or image",
        None,
    ]
    assert [item.kind for item in inputs] == ["none", "none", "none", "video"]


def test_images_beside_videos_are_left_out_aloud(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(find_inputs([study / "b"])) == [("deep/clip.mov", "video")]
    assert "1 images beside videos are left out" in caplog.text


def test_addresses_are_inputs_of_their_own() -> None:
    (item,) = find_inputs(["rtsp://user:secret@camera.local:554/live/1"])
    assert item.source == "rtsp://user:secret@camera.local:554/live/1"
    assert item.relative.as_posix() == "camera.local_554_live_1"


def test_circles_of_links_end(study: Path) -> None:
    (study / "a" / "again").symlink_to(study, target_is_directory=True)
    assert len(find_inputs([study])) == 4


def test_suffixes() -> None:
    assert is_video("x.MOV") and is_video(Path("y.webm")) and not is_video("z.csv")
    assert is_image("x.JPEG") and not is_image("x.mp4") and not is_image("mp4")


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), min_size=2))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    sorted((Path(name) for name in names), key=natural_key)


def test_numbers_sort_as_numbers() -> None:
    names = ["img10.png", "img2.png", "Img1.png", "img.png", "a2/b10", "a2/b9", "a10/b1"]
    assert [path.as_posix() for path in sorted(map(Path, names), key=natural_key)] == [
        "a2/b9",
        "a2/b10",
        "a10/b1",
        "Img1.png",
        "img2.png",
        "img10.png",
        "img.png",
    ]
