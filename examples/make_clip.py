"""Make the example clip: a camera pans and zooms over a public-domain photograph.

The photograph (Rear Admiral Grace Hopper, US Navy, 1984) ships with matplotlib.
"""

import sys
from fractions import Fraction

import av
import cv2
import numpy as np
from matplotlib import cbook
from matplotlib import pyplot as plt

SIZE, FRAMES, RATE = 360, 90, 30


def main(path: str) -> None:
    """Write the clip to `path`."""
    photograph = plt.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "26"})
        stream.width = stream.height = SIZE
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, RATE)
        for index in range(FRAMES):
            turn = 2 * np.pi * index / FRAMES
            zoom = 0.85 + 0.2 * np.sin(turn)
            centre = (262 + 25 * np.sin(2 * turn), 190 + 12 * np.cos(turn))
            matrix = cv2.getRotationMatrix2D(centre, 8 * np.sin(turn), zoom)
            matrix = matrix + [[0, 0, SIZE / 2 - centre[0]], [0, 0, SIZE / 2 - centre[1]]]
            picture = cv2.warpAffine(photograph, matrix, (SIZE, SIZE))
            frame = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "examples/portrait.mp4")
