"""The pipeline inside a script of your own: every frame with its faces, as it is decoded."""

import sys

from facekit import Pipeline, PipelineOptions, open_source


def main(path: str) -> None:
    """Print where the nose is, ten times a second."""
    pipeline = Pipeline(PipelineOptions(max_faces=1))
    nose_before = None
    with open_source(path, every=0.1) as source:
        for frame, faces in pipeline.run(source):
            if not faces:
                print(f"{frame.time_s:8.3f} s  no face")
                continue
            nose = faces[0].region.points[2]
            moved = 0.0 if nose_before is None else float(abs(nose - nose_before).max())
            nose_before = nose
            print(f"{frame.time_s:8.3f} s  nose at {nose[0]:.0f}, {nose[1]:.0f}  moved {moved:.1f}")
        for warning in source.warnings:
            print("warning:", warning, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "examples/average_face.mp4")
