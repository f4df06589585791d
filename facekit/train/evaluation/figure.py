"""A figure of the worst faces: where a network fails, to be looked at."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekit.types import Floats, Image

_LOG = logging.getLogger(__name__)
_REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Panel:
    """One face: its picture, what was answered and what is true, (k, 2) pixels each."""

    title: str
    image: Image
    answer: Floats
    truth: Floats


def draw(panels: Sequence[Panel], path: Path, columns: int = 5) -> None:
    """Write panels as one PNG; refused, with a warning, inside the checkout.

    Args:
        panels: in reading order.
        path: the file; people's pictures are in it.
        columns: panels side by side.
    """
    if path.resolve().is_relative_to(_REPOSITORY):
        _LOG.warning("%s: no pictures of people into the repository; no figure", path)
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = max(1, -(-len(panels) // columns))
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(3 * columns, 3.2 * lines), squeeze=False
    )
    for place in axes.flat:
        place.axis("off")
    for place, panel in zip(axes.flat, panels, strict=False):
        place.imshow(panel.image)
        place.scatter(*panel.truth.T, s=5, c="lime", label="truth")
        if np.isfinite(panel.answer).all():
            place.scatter(*panel.answer.T, s=5, c="red", label="facekit")
        place.set_title(panel.title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
