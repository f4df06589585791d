"""``facekit doctor``: what a bug report needs, and what is wrong with this installation."""

import importlib.metadata
import os
import platform
import sys
import tempfile
from pathlib import Path

import click

from facekit._version import __version__
from facekit.cli.common import DONE, INPUT_FAILED
from facekit.errors import FacekitError

_PACKAGES = (
    "numpy",
    "pandas",
    "pyarrow",
    "av",
    "opencv-contrib-python",
    "onnxruntime",
    "torch",
    "mediapipe",
    "scipy",
)


@click.command("doctor")
def command() -> int:
    """Say what a bug report needs: versions, device, decoder, display, weights and hashes.

    Exit code 3 when something that extraction needs is missing or damaged.
    """
    click.echo(f"facekit {__version__}, Python {platform.python_version()} at {sys.executable}")
    click.echo(f"{platform.platform()}, {platform.machine()}")
    for name in _PACKAGES:
        click.echo(f"  {name} {_version(name)}")
    sound = _check_device()
    sound &= _check_decoder()
    sound &= _check_weights()
    if sound:
        _tell_memory()
    click.echo("everything that extraction needs is here" if sound else "something is wrong above")
    return DONE if sound else INPUT_FAILED


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "MISSING: pip install " + name


def _check_device() -> bool:
    from facekit.live.window import has_display
    from facekit.runtime.device import choose

    try:
        device = choose("auto")
    except FacekitError as error:
        click.echo(f"device: PROBLEM: {error}")
        return False
    click.echo(f"device: {device.reason}; {device.threads} threads")
    click.echo(f"display for the live window: {'yes' if has_display() else 'none'}")
    return True


def _tell_memory() -> None:
    """Measure what a worker of --workers needs: it runs what an extraction with one thread runs."""
    from facekit.bench.material import make_clip
    from facekit.bench.memory import peak_mb
    from facekit.runtime.device import cores

    if not hasattr(os, "wait4"):
        click.echo("memory: not measured; this system does not report a process's peak memory")
        return
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "clip.mp4"
        make_clip(clip, 1)
        each = peak_mb(clip, clip.with_suffix(".csv"), "--threads", "1")
    click.echo(
        f"memory: {each:.0f} MB at its peak for one process at 1280x720, one face; "
        f"--workers {cores()} needs {each * cores():.0f} MB"
    )


def _check_decoder() -> bool:
    import av

    version = ".".join(str(part) for part in av.library_versions["libavcodec"])
    missing = [name for name in ("h264", "hevc", "vp9", "mpeg4") if name not in av.codecs_available]
    click.echo(f"decoder: PyAV {av.__version__}, libavcodec {version}")
    if missing:
        click.echo(f"decoder: PROBLEM: no {', '.join(missing)}; pip install --force-reinstall av")
    return not missing


def _check_weights() -> bool:
    from facekit.runtime.weights import find, find_verified, load_manifest, search_path

    click.echo("weights are looked for in:")
    for folder in search_path():
        click.echo(f"  {folder}{'' if folder.is_dir() else ' (absent)'}")
    try:
        manifest = load_manifest()
        for entry in manifest.networks.values():
            for file in (entry.onnx, entry.torch):
                find_verified(file)
                click.echo(f"  {file.sha256[:16]}  {file.name}: sound")
    except FacekitError as error:
        click.echo(f"weights: PROBLEM: {error}")
        return False
    for name, optional in manifest.optional.items():
        try:
            click.echo(f"  {optional.file} (optional): {find(optional.file)}")
        except FacekitError:
            click.echo(f"  {optional.file} (optional): not fetched; facekit weights pull {name}")
    return True
