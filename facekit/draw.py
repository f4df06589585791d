"""An overlay after the fact: a video and the table that was made from it, drawn together."""

import logging
from dataclasses import dataclass
from pathlib import Path

from facekit.errors import OptionsError, SourceError
from facekit.output.film import form_of
from facekit.output.overlay import OverlayVideo
from facekit.output.records import Recorded
from facekit.source import VideoSource, open_source

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a drawing.

    Attributes:
        frames: of the video.
        matched: those at whose time the table has faces.
        moments: times in the table with faces.
        damaged: whether pictures were lost.
        warnings: what was odd or damaged, each with its place.
    """

    frames: int
    matched: int
    moments: int
    damaged: bool
    warnings: tuple[str, ...]


def draw_table(
    video: Path, table: Path, output: Path, *, mute: bool = False, threads: int | None = None
) -> Drawn:
    """Draw a table's faces into a copy of its video, matched by container time.

    The copy has the video's timestamps and, unless muted, its sound, bit by bit. A frame at whose
    time the table has no row stays as it is.

    Args:
        video: what the table was made from.
        table: of `facekit.extract_to`.
        output: the video to write (.mp4 or .mov).
        mute: leave the sound out.
        threads: for decoding; None lets FFmpeg choose.

    Raises:
        SourceError: the video cannot be read.
        OptionsError: the table is not this video's, or the output is the video itself.
        OutputError: the table cannot be read, or the output cannot be written.
    """
    with open_film(video, output, threads=threads) as source:
        recorded = Recorded(table, source)
        form = form_of(video, source.start_time_s, turned=source.turned)
        frames = 0
        with OverlayVideo(output, form, sound=None if mute else video) as overlay:
            for frame in source:
                overlay.append(frame, recorded.at(frame))
                frames += 1
            if len(recorded) and not recorded.matched:
                raise OptionsError(
                    f"none of its {len(recorded)} times is a frame's of {video.name}",
                    where=table,
                    advice="Name the video that it was made from",
                )
            overlay.finish()
    return Drawn(frames, recorded.matched, len(recorded), source.damaged, tuple(source.warnings))


def open_film(video: Path, output: Path, *, threads: int | None = None) -> VideoSource:
    """Open a video file that another one is to be made from.

    Raises:
        SourceError: it cannot be opened, or is no video.
        OptionsError: the output is the video itself.
    """
    if output.exists() and video.exists() and output.samefile(video):
        raise OptionsError("is the video itself", where=output, advice="Name another file with -o")
    source = open_source(video, threads=threads)
    if not isinstance(source, VideoSource):
        source.close()
        raise SourceError("is no video", where=video, advice="Name a video file")
    return source
