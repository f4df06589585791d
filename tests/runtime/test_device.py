import subprocess
import sys

import pytest

from facekit.errors import DeviceError, OptionsError
from facekit.runtime import device


def test_cpu_is_always_there() -> None:
    chosen = device.choose("cpu", 3)
    assert (chosen.name, chosen.threads) == ("cpu", 3)


def test_auto_says_why_it_took_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_has_nvidia_driver", lambda: False)
    monkeypatch.setattr(device, "_is_apple", lambda: False)
    chosen = device.choose("auto")
    assert chosen.name == "cpu"
    assert chosen.reason == "cpu: no NVIDIA driver on this machine"
    assert chosen.threads == device.cores() >= 1


@pytest.mark.parametrize(
    ("request_", "why"), [("cuda", "no NVIDIA driver"), ("mps", "Apple silicon")]
)
def test_a_missing_device_is_refused_never_replaced(
    monkeypatch: pytest.MonkeyPatch, request_: device.Request, why: str
) -> None:
    monkeypatch.setattr(device, "_has_nvidia_driver", lambda: False)
    monkeypatch.setattr(device, "_is_apple", lambda: False)
    with pytest.raises(DeviceError, match=why):
        device.choose(request_)


def test_auto_takes_cuda_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_why_no_cuda", lambda: "")
    monkeypatch.setattr(device, "_cuda_name", lambda: "H200")
    chosen = device.choose("auto")
    assert (chosen.name, chosen.reason) == ("cuda", "cuda: H200")


def test_nonsense_is_refused() -> None:
    with pytest.raises(OptionsError, match="'gpu'"):
        device.choose("gpu")  # type: ignore[arg-type]
    with pytest.raises(OptionsError, match="0 threads"):
        device.choose("cpu", 0)


def test_the_cpu_is_chosen_without_importing_torch() -> None:
    code = (
        "import sys; from facekit.runtime import device; device._has_nvidia_driver = lambda: False;"
        "device._is_apple = lambda: False; device.choose('auto'); device.choose('cpu');"
        "import facekit.runtime.runner, facekit.detect; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
