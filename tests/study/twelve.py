"""A table of twelve rows, by hand, and its events: small enough to work everything out.

frame  time  shown  track 0             track 1
0      0.0   0.2    ok
1      0.2   0.2    ok
2      0.4   0.4    ok, no yaw
3      0.8   0.2    low quality
4      1.0   0.2    (nobody)
5      1.2   0.2    ok                  ok, small
6      1.4   0.2                        ok, small, no AU12      then 2.8 s are missing
7      4.4   0.2    ok
8      4.6   0.0    ok
9      4.6   0.2    ok, time repeated
10     4.8   0.2    ok
"""

from pathlib import Path

import pandas as pd

from tests.viewer.tables import write_table

NAN = float("nan")


def twelve() -> pd.DataFrame:
    """The table."""
    rows = [
        # frame, time, track, status, score, box_h, yaw, AU12
        (0, 0.0, 0, "ok", 0.9, 100, 10, 0),
        (1, 0.2, 0, "ok", 0.8, 100, 20, 2),
        (2, 0.4, 0, "ok", 0.7, 100, NAN, 4),
        (3, 0.8, 0, "low_quality", 0.4, 100, 80, 5),
        (4, 1.0, None, "no_face", NAN, NAN, NAN, NAN),
        (5, 1.2, 0, "ok", 0.9, 100, 30, 1),
        (5, 1.2, 1, "ok", 0.95, 30, 0, 3),
        (6, 1.4, 1, "ok", 0.85, 30, 0, NAN),
        (7, 4.4, 0, "ok", 0.9, 100, 40, 1),
        (8, 4.6, 0, "ok", 0.9, 100, 40, 1),
        (9, 4.6, 0, "ok", 0.9, 100, 50, 5),
        (10, 4.8, 0, "ok", 0.6, 100, 50, 2),
    ]
    names = ["frame", "time_s", "track", "status", "score", "box_h", "yaw", "AU12"]
    table = pd.DataFrame(rows, columns=names)
    table["track"] = table["track"].astype("Int64")
    face = table["status"] != "no_face"
    table.insert(5, "box_x", (10.0 * table["frame"]).where(face))
    table.insert(6, "box_y", (20.0 * table["track"].astype(float)).where(face))
    table.insert(7, "box_w", pd.Series(120.0, table.index).where(face))
    return table


EVENTS = (
    # track, kind, onset
    (0, "AU12", 0.3),
    (0, "blink", 0.9),  # low quality
    (0, "blink", 1.25),
    (1, "blink", 1.45),
    (0, "AU12", 3.0),  # in the gap
    (0, "AU12", 4.85),
)


def write_twelve(path: Path, *, events: bool = True) -> Path:
    """The table as a file, with a sidecar and, if wanted, its events."""
    write_table(path, twelve())
    if events:
        listed = pd.DataFrame(EVENTS, columns=["track", "kind", "onset_s"])
        listed["offset_s"] = listed["onset_s"] + 0.1
        listed.to_csv(path.with_name(f"{path.stem}.events.csv"), index=False)
    return path
