"""Which processor runs the networks, and why."""

import ctypes.util
import glob
import os
import platform
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from facekit.errors import DeviceError, MissingExtraError, OptionsError

DeviceName: TypeAlias = Literal["cpu", "cuda", "mps"]
Request: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, slots=True)
class Device:
    """A chosen processor.

    Attributes:
        name: ``cpu``, ``cuda`` or ``mps``.
        reason: why this one, for people ("cpu: no NVIDIA driver on this machine").
        threads: CPU threads that networks may use, >= 1.
    """

    name: DeviceName
    reason: str
    threads: int


def choose(request: Request = "auto", threads: int | None = None) -> Device:
    """The device for a request; an explicit one is honoured or refused, never replaced.

    Args:
        request: ``auto`` takes CUDA or MPS where there is one, else the CPU.
        threads: CPU threads; None for every core that this process may use.

    Raises:
        OptionsError: no such device name, or fewer than one thread.
        DeviceError: the named device is not available.
    """
    if request not in get_args(Request):
        raise OptionsError(
            f"{request!r} is not a device",
            where="device",
            advice=f"Devices are: {', '.join(get_args(Request))}",
        )
    count = cores() if threads is None else threads
    if count < 1:
        raise OptionsError(f"{count} threads are too few", where="threads", advice="Give >= 1")
    if request == "cpu":
        return Device("cpu", "cpu: asked for", count)
    if request == "auto":
        return _automatic(count)
    absence = _why_no_cuda() if request == "cuda" else _why_no_mps()
    if absence:
        raise DeviceError(absence, where=request, advice="Use --device cpu or --device auto")
    return Device(request, f"{request}: asked for", count)


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _automatic(threads: int) -> Device:
    no_cuda = _why_no_cuda()
    if not no_cuda:
        return Device("cuda", f"cuda: {_cuda_name()}", threads)
    no_mps = _why_no_mps() if _is_apple() else ""
    if _is_apple() and not no_mps:
        return Device("mps", "mps: Apple GPU", threads)
    return Device("cpu", f"cpu: {no_mps or no_cuda}", threads)


def _why_no_cuda() -> str:
    """Why CUDA cannot be used; empty when it can. Asks torch only where a driver exists."""
    if not _has_nvidia_driver():
        return "no NVIDIA driver on this machine"
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            f"torch cannot be imported ({error})",
            where="device",
            advice="Reinstall facekit, or use --device cpu",
        ) from error
    if torch.version.cuda is None:
        return "this torch was built without CUDA"
    if not torch.cuda.is_available():
        return "torch finds no usable CUDA device"
    return ""


def _cuda_name() -> str:
    import torch

    return str(torch.cuda.get_device_name())


def _why_no_mps() -> str:
    """Why MPS cannot be used; empty when it can."""
    if not _is_apple():
        return "MPS needs macOS on Apple silicon"
    import torch

    return "" if torch.backends.mps.is_available() else "torch finds no usable Apple GPU"


def _is_apple() -> bool:
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def _has_nvidia_driver() -> bool:
    """Looks for the driver without importing torch, which takes seconds."""
    if platform.system() == "Windows":
        return ctypes.util.find_library("nvcuda") is not None
    # /dev/dxg is the GPU of the Windows Subsystem for Linux.
    return bool(glob.glob("/dev/nvidia[0-9]*")) or os.path.exists("/dev/dxg")
