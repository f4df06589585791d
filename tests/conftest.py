import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from facekit.source import VideoSource
from facekit.types import Image
from tests.media import uneven_times, write_video

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def example_clip() -> Path:
    """The clip that the project made itself: one face, 225 frames, 25 a second, 480x480."""
    return ROOT / "examples" / "average_face.mp4"


@pytest.fixture(scope="session")
def photograph() -> Image:
    """A real face, (600, 512, 3): Rear Admiral Grace Hopper (US Navy, public domain)."""
    cbook = pytest.importorskip("matplotlib.cbook", reason="the photograph comes with matplotlib")
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Clips and pictures kept beside the checkout; tests that want them skip without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout: measurements on real clips")
    return folder


@pytest.fixture(scope="session")
def short_clip(example_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of the example clip at uneven times from 1.5 s on, with a tone."""
    with VideoSource(example_clip) as source:
        pictures = [frame.image for frame in itertools.islice(source, 0, 50, 5)]
    times = uneven_times(10, start=1.5)
    path = tmp_path_factory.mktemp("clip") / "short.mp4"
    return write_video(path, times, size=(480, 480), pictures=pictures, audio_s=2.0)
