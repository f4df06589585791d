"""Figures of the embedder's evaluation; people are in one of them, so never in the repository."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facekit.train.evaluation.figure import Panel, draw
from facekit.train.evaluation.identity_pairs import AllPairs
from facekit.types import Image

_BIN = 500  # of the finest histogram's bins in one that is drawn
_NOWHERE = np.zeros((0, 2), np.float32)


def histogram(pairs: AllPairs, threshold: float, path: Path) -> None:
    """Cosines of like and unlike pairs, each with area 1, and the shipped threshold."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    unlike = pairs.unlike.reshape(-1, _BIN).sum(1)
    edges = np.linspace(-1, 1, len(unlike) + 1)
    like, _ = np.histogram(pairs.like, edges)
    figure, axis = pyplot.subplots(figsize=(6, 3))
    for counts, label in ((unlike, "two people"), (like, "one person")):
        axis.stairs(
            counts / counts.sum() / np.diff(edges), edges, label=label, fill=True, alpha=0.5
        )
    axis.axvline(threshold, color="black", lw=1, label="threshold at FAR 1e-3")
    shown = np.flatnonzero(unlike + like)
    axis.set_xlim(edges[shown[0]], edges[shown[-1] + 1])
    axis.set_xlabel("cosine")
    axis.set_ylabel("density")
    axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def pictures(panels: Sequence[tuple[str, Image]], path: Path) -> None:
    """Titled pictures; refused inside the checkout."""
    unmarked = np.full((1, 2), np.nan, np.float32)
    draw([Panel(title, image, unmarked, _NOWHERE) for title, image in panels], path, columns=2)
