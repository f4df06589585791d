"""Torch definitions of the networks: no files, no images, no I/O.

An architecture is named ``module.Class`` (``mtcnn.ProposalNetwork``); the manifest carries that
name and the constructor's arguments, and `build` makes the module out of them.
"""

import importlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_NAME = re.compile(r"[a-z_0-9]+\.[A-Za-z0-9]+")


def build(architecture: str, arguments: Mapping[str, Any]) -> "nn.Module":
    """A fresh module of the named architecture.

    Args:
        architecture: ``module.Class`` below this package.
        arguments: keyword arguments of its constructor.

    Raises:
        ValueError: there is no such architecture.
    """
    if not _NAME.fullmatch(architecture):
        raise ValueError(f"not an architecture of facekit: {architecture!r}")
    module_name, class_name = architecture.split(".")
    try:
        module = importlib.import_module(f"{__name__}.{module_name}")
    except ModuleNotFoundError as error:
        raise ValueError(f"not an architecture of facekit: {architecture!r}") from error
    network = getattr(module, class_name, None)
    if network is None:
        raise ValueError(f"not an architecture of facekit: {architecture!r}")
    made: nn.Module = network(**arguments)
    return made
