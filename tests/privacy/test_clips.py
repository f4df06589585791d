"""The beginnings of real clips: what the detector found before, it finds no more."""

import itertools
from pathlib import Path

import pytest

from facekit.output.film import FilmWriter, form_of
from facekit.privacy.run import AnonymiseOptions, anonymise
from facekit.source import VideoSource
from tests.output.test_film import packets

FRAMES = 6


@pytest.mark.parametrize(
    "clip", ["street_crowd_1080p.mp4", "three_men.avi", "talker_224px.mp4", "profile_vfr.mp4"]
)
def test_nobody_is_found_any_more(shared_data: Path, tmp_path: Path, clip: str) -> None:
    short = tmp_path / "short.mp4"
    original = shared_data / "videos" / clip
    with (
        VideoSource(original) as source,
        FilmWriter(short, form_of(original, source.start_time_s)) as film,
    ):
        for frame in itertools.islice(source, FRAMES):
            film.append(frame.image, frame.time_s)
        film.finish()
    report = anonymise(short, tmp_path / "hidden.mp4", AnonymiseOptions(style="pixelate"))
    assert report.faces_before >= FRAMES
    assert report.findings.faces_after <= 0.01 * report.faces_before
    assert report.findings.recognisable == 0
    times = [time for time, _ in packets(short, "video")]
    assert [time for time, _ in packets(tmp_path / "hidden.mp4", "video")] == times
