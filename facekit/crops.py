"""Aligned faces cut out of a video: a film per track or lossless pictures, with their transforms.

All faces are shown upright at the same scale, by the similarity that takes their steadiest
landmarks to those of the average face; so a crop's pixels can be traced back to the frame.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from facekit.errors import OptionsError, OutputError, SourceError
from facekit.estimate.ibug import subset68
from facekit.geometry import crop, similarity
from facekit.options import PipelineOptions
from facekit.output.crop_files import Crop, CropFilms, CropIndex, CropPictures, HogTable
from facekit.output.film import form_of
from facekit.output.partial import output_error
from facekit.output.records import Recorded
from facekit.pipeline import Pipeline
from facekit.source import VideoSource, open_source
from facekit.types import Face, Floats, Frame

CropFormat: TypeAlias = Literal["video", "png"]
SIZE = 112
_QUALITY = 10
_LEAST_SIZE, _LARGEST_SIZE = 32, 2048
_LEAST_POINTS = 5

# Eye corners, bridge and base of the nose, mouth corners and chin among the 68 iBUG points, and
# their places on MediaPipe's canonical face (cm, y down).
_STEADY = np.array([36, 39, 42, 45, 27, 33, 48, 54, 8])
_SHAPE = np.array(
    [
        *([-4.45, -2.66], [-1.86, -2.59], [1.86, -2.59], [4.45, -2.66]),
        *([0.0, -3.27], [0.0, 2.09], [-2.46, 4.34], [2.46, 4.34], [0.0, 9.40]),
    ]
)
_CENTRE_CM = np.array([0.0, 0.6])
_SIDE_CM = 21.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CropOptions:
    """What is cut and how it is kept.

    Attributes:
        format: ``video`` for a film per track, ``png`` for a zip of lossless pictures.
        size: side of a crop, pixels; even for films.
        hog: also write HOG descriptors of the crops.
        table: take the landmarks of this table of the same video; None runs the networks.
    """

    format: CropFormat = "video"
    size: int = SIZE
    hog: bool = False
    table: Path | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.format not in get_args(CropFormat):
            raise OptionsError(
                f"{self.format!r} is not valid", where="format", advice="Expected video or png"
            )
        usable = _LEAST_SIZE <= self.size <= _LARGEST_SIZE
        if not usable or (self.format == "video" and self.size % 2):
            raise OptionsError(
                f"{self.size!r} is not valid",
                where="size",
                advice=f"Expected {_LEAST_SIZE} to {_LARGEST_SIZE} pixels, even for films",
            )


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of a video's crops.

    Attributes:
        frames: of the video.
        crops: written.
        skipped: faces without landmarks, which cannot be aligned.
        tracks: number of tracks.
        damaged: whether pictures were lost.
        warnings: what was odd or damaged, each with its place.
    """

    frames: int
    crops: int
    skipped: int
    tracks: int
    damaged: bool
    warnings: tuple[str, ...]


def alignment(points: Floats, size: int = SIZE) -> NDArray[np.float64] | None:
    """The similarity that aligns a face.

    Args:
        points: (68, 2) iBUG landmarks in frame pixels, NaN where unknown.
        size: side of the crop, pixels.

    Returns:
        (2, 3) matrix from frame pixels to crop pixels; None where too few points are known.
    """
    places = np.asarray(points[_STEADY], np.float64)
    known = np.isfinite(places).all(axis=1)
    if known.sum() < _LEAST_POINTS or np.ptp(places[known], axis=0).max() < 1:
        return None
    target = (_SHAPE - _CENTRE_CM) * (size / _SIDE_CM) + (size - 1) / 2
    return similarity(places[known], target[known])


def cut_faces(
    video: Path,
    folder: Path,
    options: CropOptions | None = None,
    pipeline_options: PipelineOptions | None = None,
) -> Cut:
    """Cut every face of a video into a folder.

    The folder gets ``index.csv`` (a row per crop: frame, time, track, file, and the similarity
    ``x' = a x - b y + tx, y' = b x + a y + ty`` from frame to crop), the crops
    (``track_0000.mp4``... at the video's own times, or ``crops.zip``) and, if asked for,
    ``hog.parquet``.

    Args:
        video: a video file.
        folder: made if it is not there.
        options: see `CropOptions`; None for the defaults.
        pipeline_options: how faces are found, without a table; None for the defaults.

    Raises:
        SourceError: the video cannot be read.
        OptionsError: an option is not usable, or the table is not this video's.
        OutputError: the folder cannot be written, or the table cannot be read.
        MissingExtraError: HOG was asked for without scikit-image.

    Example:
        >>> cut_faces(Path("clip.mp4"), Path("clip.crops"), CropOptions(format="png"))
        ... # doctest: +SKIP
    """
    chosen = options or CropOptions()
    with ExitStack() as stack:
        hog = HogTable(folder / "hog.parquet", chosen.size) if chosen.hog else None
        source = stack.enter_context(_open(video, pipeline_options))
        faces_of = _faces(source, chosen, pipeline_options, stack)
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise output_error(folder, error) from error
        index = stack.enter_context(CropIndex(folder / "index.csv"))
        files = _files(video, folder, chosen, source)
        stack.enter_context(files)
        if hog is not None:
            stack.enter_context(hog)
        frames = count = skipped = 0
        tracks: set[int] = set()
        for frame in source:
            frames += 1
            files.begin(frame.time_s)
            faces = faces_of(frame)
            aligned = list(_crops(frame, faces, chosen.size))
            for one in aligned:
                index.add(one, *files.add(one))
                if hog is not None:
                    hog.add(one)
                tracks.add(one.track)
            count, skipped = count + len(aligned), skipped + len(faces) - len(aligned)
        files.finish()
        if hog is not None:
            hog.finish()
        index.finish()
    return Cut(frames, count, skipped, len(tracks), source.damaged, tuple(source.warnings))


def _open(video: Path, pipeline_options: PipelineOptions | None) -> VideoSource:
    options = pipeline_options or PipelineOptions()
    source = open_source(
        video,
        start=options.start,
        end=options.end,
        every=options.every,
        threads=options.threads,
    )
    if not isinstance(source, VideoSource):
        source.close()
        raise SourceError("is no video", where=video, advice="Name a video file")
    return source


def _faces(
    source: VideoSource,
    options: CropOptions,
    pipeline_options: PipelineOptions | None,
    stack: ExitStack,
) -> Callable[[Frame], list[Face]]:
    """Where the faces of a frame come from: the table, or the networks."""
    if options.table is not None:
        recorded = Recorded(options.table, source)
        if not recorded.has_landmarks:
            raise OptionsError(
                "has no landmarks, by which faces are aligned",
                where=options.table,
                advice="Extract it with landmarks68 among --columns, or leave --table out",
            )
        return recorded.at
    pipeline = Pipeline(pipeline_options)
    stack.callback(pipeline.close)
    return pipeline.process


def _files(
    video: Path, folder: Path, options: CropOptions, source: VideoSource
) -> CropFilms | CropPictures:
    if options.format == "png":
        return CropPictures(folder / "crops.zip")
    if source.path is None:
        raise OutputError("cannot keep the times of a stream", where=folder, advice="Use png")
    return CropFilms(folder, form_of(video, source.start_time_s, quality=_QUALITY))


def _crops(frame: Frame, faces: list[Face], size: int) -> Iterator[Crop]:
    for face in faces:
        if face.landmarks is None:
            continue
        matrix = alignment(subset68(face.landmarks.points[:, :2]), size)
        if matrix is None or face.region.track is None:
            continue
        yield Crop(
            frame=frame.index,
            time_s=frame.time_s,
            track=face.region.track,
            status=face.status,
            matrix=matrix,
            image=crop(frame.image, matrix, size),
        )
