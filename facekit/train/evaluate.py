"""The README's table of a network.

``python -m facekit.train.evaluate NAME --data DIR --json FILE``

The shipped files are run through the public API on test rows only, with a peer beside them on the
same faces, and intervals by person. What is not found counts as an error.
"""

import argparse
import logging
import sys
from pathlib import Path

import platformdirs

from facekit.runtime.device import cores
from facekit.train.evaluation import action_units, gaze, head_pose, identity, landmarks, temporal
from facekit.train.evaluation.report import to_markdown, write
from facekit.train.evaluation.settings import Settings
from facekit.train.publish import record_metrics

NETWORKS = {
    "action_units": action_units.evaluate,
    "gaze": gaze.evaluate,
    "head_pose": head_pose.evaluate,
    "identity": identity.evaluate,
    "landmarks": landmarks.evaluate,
    "temporal": temporal.evaluate,
}
"""What can be evaluated: name to function."""


def main(arguments: list[str]) -> int:
    """Measure a network, print its table, write its numbers."""
    parser = argparse.ArgumentParser(prog="python -m facekit.train.evaluate", description=__doc__)
    parser.add_argument("name", choices=sorted(NETWORKS))
    parser.add_argument("--data", type=Path, required=True, help="the project's data folder")
    parser.add_argument("--json", type=Path, required=True, help="where the numbers go")
    parser.add_argument(
        "--renders",
        type=Path,
        default=Path(platformdirs.user_cache_dir("facekit")) / "renders-test",
        help="where rendered test people are kept between runs",
    )
    parser.add_argument("--workers", type=int, default=cores(), help="processes that render")
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="weights folder whose manifest notes them"
    )
    options = parser.parse_args(arguments)
    settings = Settings(
        data=options.data,
        renders=options.renders,
        figure=options.json.with_suffix(".png"),
        workers=options.workers,
    )
    report = NETWORKS[options.name](settings)
    sys.stdout.write(to_markdown(report.rows) + "\n")
    write(report, options.json)
    if options.record is not None:
        record_metrics(options.name, report.metrics, options.record)
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    sys.exit(main(sys.argv[1:]))
