"""A map of a clip's embeddings: faces that are alike lie close together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facekit.errors import MissingExtraError, OptionsError
from facekit.output.embeddings import SUFFIX, embeddings_path, read_embeddings, vectors_of
from facekit.output.reading import read_table
from facekit.source import open_source
from facekit.types import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 5
"""Embeddings that a map needs."""

_THUMBNAIL = 40
_NEIGHBOURS = 30.0

Face = tuple[int, int]
"""Frame, and place among the frame's rows."""


@dataclass(frozen=True, slots=True)
class IdentityMap:
    """Embeddings on a plane.

    Attributes:
        points: (n, 2) places, without a unit.
        faces: (n, 2) frame, and place among the frame's rows of the table.
        person: (n,) number of the person; -1 where nobody could tell.
    """

    points: NDArray[np.float32]
    faces: NDArray[np.int64]
    person: NDArray[np.int64]


def identity_map(path: Path) -> IdentityMap:
    """Embeddings on a plane by t-SNE (van der Maaten and Hinton, JMLR 9, 2008).

    Distances between groups mean little; the same file gives the same map.

    Args:
        path: of embeddings, or of the table beside which they lie.

    Raises:
        OutputError: there are no embeddings.
        OptionsError: there are fewer than `FEWEST`.
        MissingExtraError: scikit-learn is not installed.
    """
    file = path if path.name.endswith(SUFFIX) else embeddings_path(path)
    table, _ = read_embeddings(file)
    if len(table) < FEWEST:
        raise OptionsError(
            f"holds {len(table)} embeddings: too few for a map",
            where=file,
            advice=f"It takes {FEWEST}; a longer clip has more",
        )
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingExtraError(
            "scikit-learn is not installed", where="plot", advice="pip install 'facekit[plot]'"
        ) from error
    neighbours = min(_NEIGHBOURS, (len(table) - 1) / 3)
    plane = TSNE(perplexity=neighbours, metric="cosine", init="random", random_state=0)
    points = np.asarray(plane.fit_transform(vectors_of(table)), np.float32)
    faces = np.column_stack([table.column(name).to_numpy() for name in ("frame", "face")])
    person = table.column("person").fill_null(-1).to_numpy()
    return IdentityMap(points, faces.astype(np.int64), np.asarray(person, np.int64))


def draw_map(
    found: IdentityMap, title: str, thumbnails: Mapping[Face, Image] | None = None
) -> "Figure":
    """A figure of a map: a colour for each person, or the faces themselves.

    Args:
        found: the map.
        title: above it.
        thumbnails: pictures by face, as `thumbnails_of` gives them; None draws dots.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "matplotlib is not installed", where="plot", advice="pip install 'facekit[plot]'"
        ) from error
    figure = Figure(figsize=(8, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=title, xticks=[], yticks=[])
    for person in np.unique(found.person).tolist():
        own = found.points[found.person == person]
        label = "nobody told" if person < 0 else f"person {person}"
        colour = "lightgray" if person < 0 else f"C{person % 10}"
        axes.scatter(own[:, 0], own[:, 1], s=30, color=colour, label=label)
    axes.legend(loc="best", fontsize="small")
    if thumbnails:
        _put_faces(axes, found, thumbnails)
    return figure


def _put_faces(axes: Any, found: IdentityMap, thumbnails: Mapping[Face, Image]) -> None:
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    for place, face, person in zip(
        found.points.tolist(), found.faces.tolist(), found.person.tolist(), strict=True
    ):
        picture = thumbnails.get((face[0], face[1]))
        if picture is not None:
            edge = {"edgecolor": "lightgray" if person < 0 else f"C{person % 10}", "linewidth": 2}
            shown = AnnotationBbox(OffsetImage(picture), place, pad=0.1, bboxprops=edge)
            axes.add_artist(shown)


def thumbnails_of(table: Path, video: Path, faces: NDArray[np.int64]) -> dict[Face, Image]:
    """Small pictures of faces, cut from the video by the boxes of its table.

    Args:
        table: of the video.
        video: or folder of images.
        faces: (n, 2) frame, and place among the frame's rows.

    Raises:
        OutputError: the table cannot be read.
        SourceError: the video cannot be opened.
    """
    rows = read_table(table)
    wanted = {(frame, place) for frame, place in faces.tolist()}
    last = max(frame for frame, _ in wanted)
    boxes = rows[["frame", "box_x", "box_y", "box_w", "box_h"]].to_numpy(
        np.float64, na_value=np.nan
    )
    place_of = rows.groupby("frame").cumcount().to_numpy()
    of_frame: dict[int, list[tuple[Face, NDArray[np.float64]]]] = {}
    for box, place in zip(boxes, place_of.tolist(), strict=True):
        face = (int(box[0]), place)
        if face in wanted:
            of_frame.setdefault(face[0], []).append((face, box[1:]))
    pictures: dict[Face, Image] = {}
    with open_source(video) as source:
        for frame in source:
            if frame.index > last:
                break
            for face, box in of_frame.get(frame.index, ()):
                pictures[face] = _cut(frame.image, box)
    return pictures


def _cut(image: Image, box: NDArray[np.float64]) -> Image:
    height, width = image.shape[:2]
    x0, y0 = np.clip(box[:2], 0, (width - 1, height - 1)).astype(int)
    x1, y1 = np.clip(box[:2] + box[2:], (x0 + 1, y0 + 1), (width, height)).astype(int)
    size = (_THUMBNAIL, _THUMBNAIL)
    return np.asarray(cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), np.uint8)
