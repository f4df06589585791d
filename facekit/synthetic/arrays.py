"""Arrays on disk: a file with its final name is complete."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], *, compressed: bool = False
) -> None:
    """Write an .npz beside the file, then rename it."""
    partial = _partial(path)
    with partial.open("wb") as file:
        save = np.savez_compressed if compressed else np.savez
        save(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes them for `allow_pickle`
    partial.replace(path)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an .npy beside the file, then rename it."""
    partial = _partial(path)
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")
