import pytest

from facekit.detect import Detector
from facekit.runtime.device import choose


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector(choose("cpu", 2))
