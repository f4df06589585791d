"""facekit: facial behaviour analysis of video.

Every number of the table carries its unit, its uncertainty and its source::

    import facekit
    table = facekit.extract("clip.mp4")

The names below are imported when first used, so that ``import facekit`` stays fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from facekit._version import __version__

if TYPE_CHECKING:
    from facekit.errors import (
        DeviceError,
        FacekitError,
        MissingExtraError,
        OptionsError,
        OutputError,
        SourceError,
        WeightsError,
    )
    from facekit.options import PipelineOptions
    from facekit.output import read_table
    from facekit.pipeline import Pipeline
    from facekit.source import open_source
    from facekit.study.events_of import find_events
    from facekit.task import extract
    from facekit.types import Detection, Face, Frame, HeadPose, Landmarks, Region

_HOMES = {
    "extract": "task",
    "find_events": "study.events_of",
    "open_source": "source",
    "Pipeline": "pipeline",
    "PipelineOptions": "options",
    "read_table": "output",
    **dict.fromkeys(("Detection", "Face", "Frame", "HeadPose", "Landmarks", "Region"), "types"),
    **dict.fromkeys(
        (
            "DeviceError",
            "FacekitError",
            "MissingExtraError",
            "OptionsError",
            "OutputError",
            "SourceError",
            "WeightsError",
        ),
        "errors",
    ),
}

__all__ = [
    "DeviceError",
    "Detection",
    "Face",
    "FacekitError",
    "Frame",
    "HeadPose",
    "Landmarks",
    "MissingExtraError",
    "OptionsError",
    "OutputError",
    "Pipeline",
    "PipelineOptions",
    "Region",
    "SourceError",
    "WeightsError",
    "__version__",
    "extract",
    "find_events",
    "open_source",
    "read_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'facekit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"facekit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
