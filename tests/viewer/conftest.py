import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facekit.viewer.beside import find_video
from facekit.viewer.content import TableContent
from facekit.viewer.film import Film
from facekit.viewer.routes import Routes
from facekit.viewer.server import ViewerServer
from tests.media import even_times
from tests.viewer.tables import index_clip, table_frame, write_events, write_table

Serve = Callable[..., ViewerServer]


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``clip.csv`` (two people, 20 s), its events, and its video."""
    folder = tmp_path_factory.mktemp("study")
    times = even_times(500)
    video = index_clip(folder / "clip.mp4", times)
    write_table(folder / "clip.csv", table_frame(times, people=2), video)
    write_events(folder / "clip.events.csv", 9)
    return folder


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """``serve(table, ..., video=path)`` starts a viewer; it ends with the test."""
    servers: list[ViewerServer] = []

    def start(*tables: Path, video: Path | None = None) -> ViewerServer:
        contents = [TableContent(path) for path in tables]
        for content in contents:
            content.prepare()
        shown, notes = find_video(contents[0], video)
        film = Film(shown, cache=tmp_path / "cache") if shown else None
        servers.append(ViewerServer(Routes(contents, film, notes)))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
