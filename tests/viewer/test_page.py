"""The page in a real browser: what it shows agrees, it is fluid, and it asks nobody else."""

import json
import os
import xml.etree.ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media import even_times
from tests.viewer.browser import chromium, complaints, requests, wait
from tests.viewer.conftest import Serve
from tests.viewer.tables import (
    BOX_STEP,
    SIZE,
    index_clip,
    table_frame,
    write_events,
    write_table,
)

_READ_STRIPES = """
const video = document.getElementById("video");
const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
const context = canvas.getContext("2d");
context.drawImage(video, 0, 0);
const y = Math.floor(video.videoHeight / 4);
let index = 0;
for (let bit = 0; bit < 10; bit += 1) {
  const x = Math.floor((bit + 0.5) * video.videoWidth / 10);
  index = index * 2 + (context.getImageData(x, y, 1, 1).data[0] > 127 ? 1 : 0);
}
return index;
"""
"""The number that the picture on the screen carries."""

_FIND_BOX = """
const canvas = document.getElementById("overlay");
const context = canvas.getContext("2d");
const y = Math.round(canvas.height * arguments[0]);
const row = context.getImageData(0, y, canvas.width, 1).data;
for (let x = 0; x < canvas.width; x += 1) if (row[4 * x + 3] > 200) return x / canvas.width;
return null;
"""
"""Where the first line of the overlay is, at a height; both as shares of the picture."""


@pytest.fixture(scope="module")
def window() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


def opened(window: Any, link: str) -> None:
    window.get("about:blank")
    requests(window)
    complaints(window)
    window.get(link)
    wait(lambda: window.execute_script("return document.body.dataset.firstPaintMs"), "traces")


def state(window: Any) -> dict[str, Any]:
    found: dict[str, Any] = window.execute_script("return facekit.state()")
    return found


def settled(window: Any, place: int) -> dict[str, Any]:
    """The state once the given frame is shown and its row told."""

    def there() -> Any:
        now = state(window)
        return now if now["drawn"] == place and "ok" in now["row"] else None

    found: dict[str, Any] = wait(there, f"frame {place}, not {state(window)}")
    return found


def press(window: Any, key: str) -> None:
    window.execute_script(
        "document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))",
        key,
    )


def assert_all_agree(window: Any, place: int, start_s: float = 0.0) -> None:
    """Picture, overlay, cursor and row are of the frame at `place`."""
    now = settled(window, place)
    assert abs(wait_for_picture(window, place) - place) <= 1
    assert now["time"] == pytest.approx(place / 25)
    assert f"frame {place} " in now["row"]
    left = window.execute_script(_FIND_BOX, 60 / SIZE[1]) * SIZE[0]
    assert left == pytest.approx(BOX_STEP * place % 200 + 0.5, abs=2)
    cursor = window.execute_script(
        "const {app} = facekit; const {chart, now} = app.plots.panels[0];"
        "return chart.posToVal(new DOMMatrix(getComputedStyle(now).transform).e - 50, 'x');"
    )
    pixel = window.execute_script(
        "const {app} = facekit; return (app.view.end - app.view.start) / app.plots.inner"
    )
    assert cursor == pytest.approx(place / 25, abs=0.04 + pixel)


def wait_for_picture(window: Any, place: int) -> int:
    """The number in the picture; after a seek it may be on the screen a moment later."""
    found: int = window.execute_script(_READ_STRIPES)
    if found != place:
        wait(lambda: window.execute_script(_READ_STRIPES) == place, f"picture {place}", 3)
        found = window.execute_script(_READ_STRIPES)
    return found


def test_a_click_on_an_event_shows_its_apex_everywhere(
    window: Any, study: Path, serve: Serve
) -> None:
    server = serve(study / "clip.csv")
    opened(window, server.link)
    line = wait(
        lambda: window.execute_script("return document.querySelectorAll('.event')[2]"), "events"
    )
    line.click()
    # Of the apex at 4.7 s: the frame shown then is the one of 4.68 s.
    assert_all_agree(window, 117)
    press(window, "n")
    assert_all_agree(window, 167)
    assert complaints(window) == []


def test_frames_step_one_by_one_and_playing_keeps_step(
    window: Any, study: Path, serve: Serve
) -> None:
    server = serve(study / "clip.csv")
    opened(window, f"{server.link}#t=3.0")
    settled(window, 75)
    press(window, ".")
    assert_all_agree(window, 76)
    press(window, ",")
    assert_all_agree(window, 75)
    press(window, " ")
    wait(lambda: state(window)["place"] > 90, "playing")
    press(window, "k")
    wait(lambda: not state(window)["playing"], "pausing")
    wait(lambda: abs(state(window)["media"] - state(window)["time"]) < 1e-6, "the last frame")
    assert_all_agree(window, state(window)["place"])


def test_a_video_that_starts_late_is_found_by_its_start(
    window: Any, tmp_path: Path, serve: Serve
) -> None:
    times = even_times(100, start=1.2)
    video = index_clip(tmp_path / "late.mp4", times)
    table = write_table(tmp_path / "late.csv", table_frame(even_times(100)), video)
    text = (tmp_path / "late.schema.json").read_text(encoding="utf-8")
    (tmp_path / "late.schema.json").write_text(
        text.replace('"start_time_s": 0.0', '"start_time_s": 1.2'), encoding="utf-8"
    )
    opened(window, f"{serve(table).link}#t=2.0")
    assert_all_agree(window, 50)


def test_what_the_browser_cannot_play_is_copied(window: Any, tmp_path: Path, serve: Serve) -> None:
    video = index_clip(tmp_path / "old.avi", even_times(60), codec="mpeg4")
    table = write_table(tmp_path / "old.csv", table_frame(even_times(60)), video)
    opened(window, f"{serve(table).link}#t=1.0")
    wait(
        lambda: window.execute_script("return document.getElementById('video').readyState > 1"),
        "the copy",
    )
    assert_all_agree(window, 25)
    assert list((tmp_path / "cache").glob("*.mp4"))


def test_no_request_leaves_this_machine(window: Any, study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    opened(window, server.link)
    press(window, "ArrowRight")
    settled(window, 125)
    asked = requests(window)
    assert any("/video" in address for address in asked)
    away = [a for a in asked if not a.startswith((server.link, "data:", "blob:"))]
    assert away == []


def test_a_deep_link_opens_what_it_says(window: Any, study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    opened(window, f"{server.link}#t=5&from=4&to=8&columns=yaw,AU12&who=track 1&marked=4.5,5.5")
    found = window.execute_script(
        "const {app} = facekit;"
        "return [app.view.start, app.view.end, app.columns, [...app.who], app.marked]"
    )
    assert found == [4, 8, ["yaw", "AU12"], ["track 1"], [4.5, 5.5]]
    settled(window, 125)
    again = window.execute_script("return facekit.app.linkHere()")
    assert "t=5.000000" in again and "who=track+1" in again


def test_the_person_filter_leaves_the_others_out(window: Any, study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    opened(window, f"{server.link}#t=5")
    settled(window, 125)
    assert "track 1" not in state(window)["row"]
    window.execute_script("facekit.app.chooseSubjects(['track 0', 'track 1'])")
    wait(lambda: "track 1" in state(window)["row"], "the second person")
    window.execute_script("facekit.app.chooseSubjects(['track 1'])")
    wait(lambda: "track 0" not in state(window)["row"], "the filter")
    assert window.execute_script("return facekit.app.list.chosen().length") == 0


def test_the_plots_are_saved_as_svg(window: Any, study: Path, serve: Serve) -> None:
    server = serve(study / "clip.csv")
    opened(window, f"{server.link}#t=5&marked=2,3&columns=AU12,yaw")
    wait(
        lambda: window.execute_script("return facekit.app.plots.panels.every((p) => p.data)"),
        "data",
    )
    picture = window.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "import('./exports.js').then((exports) => done(exports.drawPlots(facekit.app)))"
    )
    root = xml.etree.ElementTree.fromstring(picture)
    words = " ".join(text for text in root.itertext())
    assert "AU12" in words and "yaw [deg]" in words and "clip.csv" in words
    paths = [path.get("d", "") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert sum(len(path) > 2000 for path in paths) == 4
    assert "NaN" not in picture


def test_two_tables_lie_side_by_side(
    window: Any, study: Path, tmp_path: Path, serve: Serve
) -> None:
    other = table_frame(even_times(500)).drop(columns=["yaw", "yaw_sd"])
    server = serve(study / "clip.csv", write_table(tmp_path / "other.csv", other))
    opened(window, f"{server.link}#columns=AU12,yaw")
    heads = window.execute_script(
        "return [...document.querySelectorAll('#panels > h2')].map((head) => head.textContent)"
    )
    assert heads == ["clip.csv", "other.csv"]
    panels = window.execute_script("return facekit.app.plots.panels.map((p) => Boolean(p.chart))")
    assert panels == [True, True, True, False]


def test_without_units_events_or_video_their_places_are_empty(
    window: Any, tmp_path: Path, serve: Serve
) -> None:
    table = write_table(tmp_path / "a.csv", table_frame(even_times(100), units=False))
    opened(window, f"{serve(table).link}#t=1")
    settled(window, 25)
    hidden = "return ['face', 'events', 'lanes'].map((id) => document.getElementById(id).hidden)"
    assert window.execute_script(hidden) == [True, True, True]
    assert window.execute_script("return facekit.app.columns") == ["yaw", "pitch", "roll", "score"]
    press(window, " ")
    wait(lambda: state(window)["place"] > 30, "playing without a video")


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    write_events(folder / "long.events.csv", 3500)
    frame = table_frame(np.arange(2 * 3600 * 30) / 30)
    return write_table(folder / "long.parquet", frame)


def test_two_hours_are_never_sent_whole(window: Any, two_hours: Path, serve: Serve) -> None:
    server = serve(two_hours)
    opened(window, server.link)
    sizes = window.execute_script(
        "return performance.getEntriesByType('resource')"
        ".filter((one) => /series|rows|times/.test(one.name)).map((one) => one.transferSize)"
    )
    assert sizes and sum(sizes) < 600_000
    levels = window.execute_script("return [facekit.app.plots.level, facekit.app.table.levels]")
    assert levels == [4, 5]


def test_two_hours_are_fluid(window: Any, two_hours: Path, serve: Serve) -> None:
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("other work keeps this machine busy: how fluid the page is says nothing")
    server = serve(two_hours)

    def measured() -> dict[str, float]:
        opened(window, server.link)
        found: dict[str, float] = window.execute_async_script(
            "const done = arguments[arguments.length - 1]; facekit.measure(2).then(done)"
        )
        return found

    # The best of three: a build machine does other things as well.
    tries = [measured() for _ in range(3)]
    assert min(one["firstPaintMs"] for one in tries) < 2000, json.dumps(tries)
    assert max(one["fps"] for one in tries) > 30, json.dumps(tries)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_cut_off_at_common_sizes(
    study: Path, serve: Serve, width: int, dark: bool
) -> None:
    server = serve(study / "clip.csv")
    with chromium(width, 800, dark) as own:
        opened(own, f"{server.link}#t=5")
        settled(own, 125)
        page = "document.documentElement"
        assert own.execute_script(f"return {page}.scrollWidth <= {page}.clientWidth")
        assert own.execute_script(f"return {page}.scrollHeight <= {page}.clientHeight")
        ground = own.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(20, 23, 27)") == dark
