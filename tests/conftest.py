from pathlib import Path

import cv2
import numpy as np
import pytest

from facekit.types import Image

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
