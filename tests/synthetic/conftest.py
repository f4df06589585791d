import os
from pathlib import Path

import pytest

from facekit.synthetic.sampling import CLEAN
from facekit.synthetic.scene import Studio


def data_folder() -> Path:
    root = Path(__file__).resolve().parents[3]
    return Path(os.environ.get("FACEKIT_DATA", root / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    folder = data_folder()
    if not (folder / "ict_facekit.npz").is_file():
        pytest.skip(f"needs the project's data folder ({folder}; FACEKIT_DATA names another)")
    return folder


@pytest.fixture(scope="session")
def studio(data: Path) -> Studio:
    return Studio(data, "train", size=96, distribution=CLEAN)
