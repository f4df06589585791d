"""The example clip and the test fixtures, from the average face: nobody's own picture.

``python -m facekit.synthetic.demo --data DATA``, in a checkout, writes

- ``examples/average_face.mp4`` (9 s) and ``average_face.csv``, its truth frame by frame,
- ``tests/data``: still pictures with their truth (``stills.npz``), and the points of every tenth
  frame of the clip (``average_face_points.npz``),
- ``facekit/bench/average_face.jpg``: the straight neutral still, to measure speed with.

The average face is the mean of textures made from the Face Research Lab London Set (CC BY 4.0,
DeBruine & Jones) and its Canadian extension.
"""

import csv
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import click
import cv2
import numpy as np

from facekit.errors import FacekitError
from facekit.synthetic.camera import Camera, Matrix
from facekit.synthetic.expressions import Weights
from facekit.synthetic.light import studio_lights
from facekit.synthetic.motion import Event, Motion, mixed
from facekit.synthetic.sampling import CLEAN
from facekit.synthetic.scene import Sample, Setting, Studio
from facekit.synthetic.sequence import render_motion

RATE = 25
SECONDS = 9
_SIZE = 480
_SEED = 2  # its background is an even wall
_POINTS_EVERY = 10

CAMERA = Camera(1150.0, (_SIZE - 1) / 2, (_SIZE - 1) / 2)
"""Of the clip and the stills: the eyes are in the middle, 0.8 m away."""

TRUTH = (
    *("yaw", "pitch", "roll", "head_x_mm", "head_y_mm", "head_z_mm"),
    *(f"gaze_{side}_{axis}" for side in ("left", "right") for axis in "xyz"),
)
"""Columns of the clip's truth, named as in facekit's tables; the expressions' weights follow."""


def both(name: str, weight: float) -> dict[str, float]:
    """A sided expression on both sides."""
    return {name + "_L": weight, name + "_R": weight}


def demo_motion(time_s: Matrix) -> Motion:
    """Smile, brows, wink, frown and open mouth; then the eyes, a turn each way, and a nod.

    Args:
        time_s: (n,) moments between 0 and `SECONDS`.
    """
    smile = {**both("mouthSmile", 1.0), **both("cheekSquint", 0.9), **both("mouthUpperUp", 0.3)}
    brows = {**both("browInnerUp", 1.0), **both("browOuterUp", 0.9), **both("eyeWide", 0.4)}
    wink = {"eyeBlink_L": 1.0, "cheekSquint_L": 0.7, "mouthSmile_L": 0.7}
    events = (
        Event({**smile, "jawOpen": 0.25}, 0.4, 0.4, 0.4, 0.4),
        Event(brows, 2.0, 0.3, 0.3, 0.3),
        Event(wink, 3.0, 0.15, 0.2, 0.2),
        Event({**both("browDown", 1.2), **both("eyeSquint", 0.4)}, 3.7, 0.25, 0.3, 0.25),
        Event({"jawOpen": 0.6}, 4.6, 0.2, 0.2, 0.2),
    )
    blinks = tuple(Event(both("eyeBlink", 1.0), at, 0.1, 0.04, 0.16) for at in (1.65, 6.0, 8.6))
    look = _there_and_back(time_s, 5.3, rise_s=0.06, hold_s=0.24)
    turn = _there_and_back(time_s, 6.1, rise_s=0.35, hold_s=0.1)
    nod = (time_s >= 7.7) & (time_s < 8.9)
    nodding = -8 * np.sin(2 * np.pi * (time_s - 7.7) / 0.6)
    pose = np.column_stack([35 * turn, np.where(nod, nodding, 0), 3 * np.sin(time_s)])
    gaze = np.zeros((len(time_s), 2, 2))
    gaze[..., 0] = 22 * look[:, None]
    never = np.zeros(len(time_s), bool)
    sway = np.column_stack([4 * np.sin(time_s), 2 * np.cos(time_s * 0.7), np.zeros(len(time_s))])
    return Motion(
        time_s=time_s,
        expression=mixed(events + blinks, time_s),
        gaze=gaze,
        pose=pose,
        sway_mm=sway,
        events=events,
        blink=np.any([blink.phase(time_s) > 0 for blink in blinks], axis=0),
        nod=nod,
        shake=never,
        speaking=never,
    )


def _there_and_back(time_s: Matrix, start_s: float, rise_s: float, hold_s: float) -> Matrix:
    """(n,) a move to image right (1), and one to image left (-1) as soon as it is over."""
    right = Event({}, start_s, rise_s, hold_s, rise_s)
    left = replace(right, start_s=right.end_s)
    return right.strength(time_s) - left.strength(time_s)


def setting(pose: Sequence[float] = (0, 0, 0), expression: Weights | None = None) -> Setting:
    """The demo's camera and light; a straight neutral face unless told otherwise."""
    return Setting(
        expression=expression or {},
        gaze=np.zeros((2, 2)),
        pose=np.array(pose, float),
        direction=np.array([0.0, 0.0, 1.0]),
        distance=80.0,
        extent=0.5,
        middle=(0.5, 0.5),
        lights=studio_lights(1.2),
        jaw=-0.015,
        lids=0.10,
        camera=CAMERA,
    )


STILLS = {
    "front": setting(),
    "yaw_right": setting(pose=(40, 0, 0)),
    "yaw_left": setting(pose=(-40, 0, 0)),
    "pitch_up": setting(pose=(0, 20, 0)),
    "roll_clockwise": setting(pose=(0, 0, 20)),
    "smile": setting(expression={**both("mouthSmile", 0.9), **both("cheekSquint", 0.6)}),
    "left_brow": setting(expression={"browOuterUp_L": 1.0, "browInnerUp_L": 0.6}),
    "eyes_closed": setting(expression=both("eyeBlink", 1.0)),
}
"""Still pictures by name."""


def demo_studio(data: Path) -> Studio:
    """What draws the clip and the stills: even light, nothing in front of the face."""
    return Studio(data, "average", _SIZE, replace(CLEAN, random_light=False), texture_size=512)


def clip_samples(studio: Studio, frames: Sequence[int]) -> list[Sample]:
    """Frames of the example clip, by their numbers."""
    motion = demo_motion(np.array(frames) / RATE)
    return list(render_motion(studio, studio.people.average(), motion, setting(), _SEED))


def write_clip(studio: Studio, clip: Path, points: Path) -> None:
    """The example clip, its truth beside it, and the points of every tenth frame."""
    samples = clip_samples(studio, range(SECONDS * RATE))
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = studio.size, studio.size, "yuv420p"
        for sample in samples:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(sample.image, format="rgb24")))
        container.mux(stream.encode())
    with clip.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", "time_s", *TRUTH, *studio.model.expression_names])
        for frame, sample in enumerate(samples):
            values = (f"{float(value):.4g}" for value in truth(sample))
            writer.writerow([frame, f"{frame / RATE:.6f}", *values])
    some = range(0, len(samples), _POINTS_EVERY)
    _write_points(points, [samples[frame] for frame in some], np.array(some))


def truth(sample: Sample) -> list[float]:
    """What is true of a picture: `TRUTH`, then the weight of every expression."""
    parts = (sample.pose, sample.translation_mm, sample.gaze.ravel(), sample.expression)
    return [float(value) for part in parts for value in part]


def write_stills(studio: Studio, out: Path) -> None:
    """Still pictures and their truth."""
    samples = []
    for name, still in STILLS.items():
        sample = studio.sample(studio.people.average(), np.random.default_rng(_SEED), still)
        picture = cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(out / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        samples.append(sample)
    _write_points(out / "stills.npz", samples, np.array(list(STILLS)))


def _write_points(path: Path, samples: list[Sample], names: np.ndarray) -> None:
    np.savez_compressed(
        path,
        name=names,
        points=np.stack([s.points for s in samples]).round(2),
        visible=np.stack([s.visible for s in samples]),
        pose=np.stack([s.pose for s in samples]).astype(np.float32),
        translation_mm=np.stack([s.translation_mm for s in samples]).astype(np.float32),
        gaze=np.stack([s.gaze for s in samples]).astype(np.float32),
        expression=np.stack([s.expression for s in samples]),
        camera=np.array([[s.camera.focal, s.camera.centre_x, s.camera.centre_y] for s in samples]),
    )


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data folder.")
@click.option("--out", type=click.Path(path_type=Path), default=".", help="The checkout.")
def main(data: Path, out: Path) -> None:
    """Write the example clip and the test fixtures."""
    examples, fixtures, bench = out / "examples", out / "tests" / "data", out / "facekit" / "bench"
    try:
        studio = demo_studio(data)
        for folder in (examples, fixtures, bench):
            folder.mkdir(parents=True, exist_ok=True)
        write_clip(studio, examples / "average_face.mp4", fixtures / "average_face_points.npz")
        write_stills(studio, fixtures)
        shutil.copy(fixtures / "front.jpg", bench / "average_face.jpg")
    except FacekitError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
