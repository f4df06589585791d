"""Pictures of faces with exact truth: the renderer that makes training and test data.

A morphable head (ICT-FaceKit, MIT) is bent by sided expressions, dressed in a texture of one of
the project's train, validation or test people, lit, drawn by a software rasteriser, covered,
degraded, and written with everything that is known about it. Nothing outside `facekit.train` may
import this package.

The whole renderer works in facekit's axes (x right, y down, z into the scene): the model is
turned into them when it is loaded, and a head in those axes that looks straight at the camera has
the identity as its rotation.

Example:
    >>> from pathlib import Path
    >>> from facekit.synthetic.shards import SampleStream, ShardPlan
    >>> stream = SampleStream(ShardPlan(Path("shared/data"), "train", count=1))  # doctest: +SKIP
    >>> stream.sample(0).points.shape  # doctest: +SKIP
    (478, 2)
"""
