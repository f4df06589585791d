from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def example_clip() -> Path:
    """The clip that the project made itself: one face, 90 frames."""
    return ROOT / "examples" / "portrait.mp4"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Clips and pictures kept beside the checkout; tests that want them skip without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout: measurements on real clips")
    return folder
