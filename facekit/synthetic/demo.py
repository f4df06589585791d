"""The example clip and the test fixtures, from the average face: nobody's own picture.

``python -m facekit.synthetic.demo --data DATA --out DIR`` writes ``average_face.mp4`` (7 s) with
``average_face.csv`` (truth per frame) and ``average_face_points.npz`` (points of every tenth
frame), and still pictures with ``stills.npz``. The average face is the mean of textures made from
the Face Research Lab London Set (CC BY 4.0, DeBruine & Jones) and its Canadian extension.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import av
import click
import cv2
import numpy as np

from facekit.errors import FacekitError
from facekit.synthetic.light import studio_lights
from facekit.synthetic.motion import Event, Motion, mixed
from facekit.synthetic.sampling import CLEAN
from facekit.synthetic.scene import Sample, Setting, Studio
from facekit.synthetic.sequence import render_motion

RATE = 25
SECONDS = 7
_SIZE = 320
_SEED = 23  # its background is a quiet grey room

STILLS: dict[str, dict[str, tuple[float, float, float] | dict[str, float]]] = {
    "front": {},
    "yaw_right": {"pose": (40, 0, 0)},
    "yaw_left": {"pose": (-40, 0, 0)},
    "pitch_up": {"pose": (0, 20, 0)},
    "roll_clockwise": {"pose": (0, 0, 20)},
    "smile": {
        "expression": {
            "mouthSmile_L": 0.9,
            "mouthSmile_R": 0.9,
            "cheekSquint_L": 0.6,
            "cheekSquint_R": 0.6,
        }
    },
    "left_brow": {"expression": {"browOuterUp_L": 1.0, "browInnerUp_L": 0.6}},
    "eyes_closed": {"expression": {"eyeBlink_L": 1.0, "eyeBlink_R": 1.0}},
}
"""Still pictures by name: what differs from a straight neutral face."""


def both(name: str, weight: float) -> dict[str, float]:
    """A sided expression on both sides."""
    return {name + "_L": weight, name + "_R": weight}


def demo_motion() -> Motion:
    """Smile, brows, wink, frown and open mouth; then the eyes, a turn each way, and a nod."""
    time_s = np.arange(SECONDS * RATE) / RATE
    events = (
        Event({**both("mouthSmile", 0.9), **both("cheekSquint", 0.6)}, 0.4, 0.4, 0.4, 0.4),
        Event({**both("browInnerUp", 1.0), **both("browOuterUp", 0.9)}, 1.7, 0.3, 0.3, 0.3),
        Event({"eyeBlink_L": 1.0, "mouthSmile_L": 0.4}, 2.7, 0.15, 0.15, 0.2),
        Event(both("browDown", 1.2), 3.2, 0.2, 0.3, 0.2),
        Event({"jawOpen": 0.6}, 3.9, 0.2, 0.2, 0.2),
    )
    blinks = tuple(Event(both("eyeBlink", 1.0), at, 0.1, 0.04, 0.16) for at in (1.35, 4.55, 6.6))
    look = Event({}, 0.1, 0.05, 0.2, 0.05).strength(time_s)
    look = look - Event({}, 4.75, 0.05, 0.25, 0.05).strength(time_s)
    turn = Event({}, 4.9, 0.3, 0.1, 0.3).strength(time_s)
    turn = turn - Event({}, 5.5, 0.3, 0.1, 0.3).strength(time_s)
    nod = (time_s >= 6.2) & (time_s < 6.9)
    pose = np.column_stack(
        [35 * turn, np.where(nod, 8 * np.sin((time_s - 6.2) * 18), 0), 3 * np.sin(time_s)]
    )
    gaze = np.zeros((len(time_s), 2, 2))
    gaze[..., 0] = 20 * look[:, None]
    blinking = np.any([blink.phase(time_s) > 0 for blink in blinks], axis=0)
    never = np.zeros(len(time_s), bool)
    sway = np.column_stack([4 * np.sin(time_s), 2 * np.cos(time_s * 0.7), np.zeros(len(time_s))])
    return Motion(
        time_s=time_s,
        expression=mixed(events + blinks, time_s),
        gaze=gaze,
        pose=pose,
        sway_mm=sway,
        events=events,
        blink=blinking,
        nod=nod,
        shake=never,
        speaking=never,
    )


def _setting() -> Setting:
    return Setting(
        expression={},
        gaze=np.zeros((2, 2)),
        pose=np.zeros(3),
        direction=np.array([0.0, 0.0, 1.0]),
        distance=80.0,
        extent=0.5,
        middle=(0.5, 0.52),
        lights=studio_lights(1.15),
        jaw=-0.015,
        lids=0.10,
    )


def write_clip(studio: Studio, out: Path) -> None:
    """The example clip and its truth."""
    motion = demo_motion()
    samples = list(render_motion(studio, studio.people.average(), motion, _setting(), _SEED))
    with av.open(str(out / "average_face.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "24"})
        stream.width, stream.height, stream.pix_fmt = _SIZE, _SIZE, "yuv420p"
        for sample in samples:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(sample.image, format="rgb24")))
        container.mux(stream.encode())
    names = studio.model.expression_names
    header = [
        "frame",
        "time_s",
        "yaw",
        "pitch",
        "roll",
        "head_x_mm",
        "head_y_mm",
        "head_z_mm",
        *(f"gaze_{side}_{axis}" for side in ("left", "right") for axis in "xyz"),
        *names,
    ]
    with (out / "average_face.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for frame, sample in enumerate(samples):
            values = [
                *sample.pose,
                *sample.translation_mm,
                *sample.gaze.ravel(),
                *sample.expression,
            ]
            writer.writerow(
                [frame, f"{motion.time_s[frame]:.6f}", *(f"{float(value):.4g}" for value in values)]
            )
    _write_points(out / "average_face_points.npz", samples[::10], np.arange(0, len(samples), 10))


def write_stills(studio: Studio, out: Path) -> None:
    """Still pictures and their truth."""
    samples = []
    for name, changes in STILLS.items():
        setting = _setting()
        if "pose" in changes:
            setting = replace(setting, pose=np.array(changes["pose"], float))
        if isinstance(changes.get("expression"), dict):
            setting = replace(setting, expression=changes["expression"])  # type: ignore[arg-type]
        sample = studio.sample(studio.people.average(), np.random.default_rng(_SEED), setting)
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
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write.")
def main(data: Path, out: Path) -> None:
    """Write the example clip and the test fixtures."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        quiet = replace(CLEAN, random_light=False)
        studio = Studio(data, "average", _SIZE, quiet, texture_size=512)
        write_clip(studio, out)
        write_stills(studio, out)
    except FacekitError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    total = sum(path.stat().st_size for path in out.iterdir())
    click.echo(f"{out}: {total / 1000:.0f} kB", err=True)


if __name__ == "__main__":
    main()
