"""Face detection: the MTCNN cascade on facekit's own runtime."""

from facekit.detect.cascade import Detector, smallest_face

__all__ = ["Detector", "smallest_face"]
