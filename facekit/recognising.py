"""What telling people apart takes in one run, made of its options."""

from pathlib import Path

from facekit.detect import Detector
from facekit.estimate import identity
from facekit.estimate.recognition import Recogniser
from facekit.gallery import Gallery
from facekit.options import PipelineOptions
from facekit.runtime import weights
from facekit.runtime.device import Device
from facekit.track.persons import Known, Persons, Thresholds


def make_recogniser(
    options: PipelineOptions, device: Device, detector: Detector
) -> Recogniser | None:
    """What tells people apart in a run; None where nobody asked for it.

    Args:
        options: of the run.
        device: where networks run.
        detector: of the run.

    Raises:
        WeightsError: the embedder is missing or damaged.
        OptionsError: the gallery is missing, or not one of this embedder.
    """
    if not options.recognises:
        return None
    embedder = identity.IdentityEstimator(device)
    version = weights.identity(identity.NETWORK)
    known: tuple[Known, ...] = ()
    if options.gallery is not None:
        known = Gallery.load(Path(options.gallery), version).known()
    # One number for both: mean cosines of groups are as those of single faces, or surer.
    alike = identity.threshold()
    return Recogniser(embedder, detector, Persons(Thresholds(alike, alike), known), version)
