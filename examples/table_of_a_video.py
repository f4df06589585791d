"""From a video to a pandas table: how long, how often and how large is each face seen?"""

import sys

import facekit


def main(path: str) -> None:
    """Print a line per track of the video at `path`."""
    table = facekit.extract(path, detect_every=5)
    seen = table[table.status == "ok"]
    print(f"{table.frame.nunique()} frames, a face in {seen.frame.nunique()} of them")
    summary = seen.groupby("track").agg(
        first_s=("time_s", "min"),
        last_s=("time_s", "max"),
        frames=("frame", "nunique"),
        width_px=("box_w", "median"),
        score=("score", "mean"),
    )
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "examples/average_face.mp4")
