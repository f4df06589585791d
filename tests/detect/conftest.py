import numpy as np
import pytest

from facekit.bench.material import portrait
from facekit.detect import Detector
from facekit.runtime.device import choose
from facekit.types import Image


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector(choose("cpu", 2))


@pytest.fixture(scope="session")
def grace_hopper() -> Image:
    pytest.importorskip("matplotlib", reason="the test picture comes with matplotlib")
    picture = portrait()
    assert picture.dtype == np.uint8
    return picture
