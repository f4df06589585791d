"""The order of the stages: frame -> detect -> track -> estimate -> faces.

The only file that knows every room; it only puts them in order.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from facekit.columns import OFF_BY_DEFAULT, Column, columns
from facekit.detect.cascade import NETWORKS, Detector, smallest_face
from facekit.errors import OptionsError
from facekit.estimate import action_units, gaze, gaze_calibration, head_pose, identity, landmarks
from facekit.estimate.action_units import ActionUnitEstimator
from facekit.estimate.following import LandmarkFollower
from facekit.estimate.gaze import GazeEstimator
from facekit.estimate.head_pose import HeadPoseEstimator, points_in_mm
from facekit.estimate.landmarks import LandmarkEstimator
from facekit.estimate.mediapipe_landmarks import MediaPipeLandmarks
from facekit.estimate.own_units import OwnHead
from facekit.geometry import Camera, box_centre, iou
from facekit.options import PipelineOptions
from facekit.recognising import make_recogniser
from facekit.runtime import weights
from facekit.runtime.device import choose
from facekit.seen import Seen, status_of
from facekit.temporal.faces import FacesOverTime, load_stages
from facekit.temporal.tcn import Variant
from facekit.track.appearance import appearances
from facekit.track.scene import CutDetector
from facekit.track.tracker import START_SCORE, Tracker
from facekit.types import Detection, Face, Floats, Frame, Gaze, Region

RECOVER_BELOW_IOU = 0.3


class Pipeline:
    """Finds, follows and measures the faces of a video or of still images.

    One object holds the state of one stream; `reset` before the next video.

    Example:
        >>> from facekit import Pipeline, open_source
        >>> pipeline = Pipeline()
        >>> with open_source("clip.mp4") as source:          # doctest: +SKIP
        ...     for frame, faces in pipeline.run(source):
        ...         print(frame.time_s, [face.region.box for face in faces])
    """

    def __init__(self, options: PipelineOptions | None = None) -> None:
        """Load the networks that `options` ask for (None: the defaults).

        Raises:
            WeightsError: a network's file is missing or damaged.
            DeviceError: the requested device is not available.
            MissingExtraError: an optional backend is not installed.
        """
        self.options = options or PipelineOptions()
        self.device = choose(self.options.device, threads=self.options.threads)
        self._detector = Detector(self.device)
        self._follower: LandmarkFollower | None = None
        self._mediapipe: MediaPipeLandmarks | None = None
        self._head_pose: HeadPoseEstimator | None = None
        if self.options.landmarks == "facekit":
            self._follower = LandmarkFollower(LandmarkEstimator(self.device))
        elif self.options.landmarks == "mediapipe":
            self._mediapipe = MediaPipeLandmarks(weights.find_optional("mediapipe"))
        if self.options.landmarks != "none" and self.options.head_pose == "facekit":
            self._head_pose = HeadPoseEstimator(self.device)
        self._gaze = self._make_gaze()
        self._action_units = self._make_action_units()
        self._own_head: OwnHead | None = None
        if self.options.au_head is not None:
            fitted_to = weights.identity(action_units.NETWORK)
            self._own_head = OwnHead.load(Path(self.options.au_head), fitted_to)
        groups = self.options.columns
        over_time = self._action_units is not None and (groups is None or "temporal" in groups)
        self._stages = load_stages(self.options.temporal) if over_time else {}
        self.recogniser = make_recogniser(self.options, self.device, self._detector)
        self._in_mm = "landmarks3d" in (self.options.columns or ())
        self._tracker = Tracker(self.options.max_faces)
        self._cuts = CutDetector()
        self.reset()

    @property
    def networks(self) -> dict[str, tuple[str, ...]]:
        """Names in the manifest of the networks that each stage runs."""
        used: dict[str, tuple[str, ...]] = {"detect": NETWORKS}
        if self._follower is not None:
            used["landmarks"] = (landmarks.NETWORK,)
        elif self._mediapipe is not None:
            used["landmarks"] = ("mediapipe",)
        if self._head_pose is not None:
            used["pose"] = (head_pose.NETWORK,)
        if self._gaze is not None:
            used["gaze"] = (gaze.NETWORK,)
        if self._action_units is not None:
            used["au"] = (action_units.NETWORK,)
        if self.recogniser is not None:
            used["identity"] = (identity.NETWORK,)
        return used

    def variant(self, kind: str) -> Variant | None:
        """The variant of the temporal network that is run over a source; None for none.

        Args:
            kind: as `Source.kind`; still images have no time.

        Raises:
            OptionsError: it looks ahead, which a camera cannot wait for.
        """
        if not self._stages or kind == "images":
            return None
        if self.options.temporal == "lookahead" and kind == "camera":
            raise OptionsError(
                "'lookahead' answers late",
                where="temporal",
                advice="Use auto or causal with a camera",
            )
        wanted: Variant = "causal" if kind == "camera" else "lookahead"
        return wanted if wanted in self._stages else "causal"

    def look_ahead(self, kind: str) -> FacesOverTime | None:
        """What completes the faces of a source's frames a little later; None where they are.

        Args:
            kind: as `Source.kind`.
        """
        wanted = self.variant(kind)
        return FacesOverTime(self._stages[wanted]) if wanted == "lookahead" else None

    def columns(self, *, images: bool = False, live: bool = False) -> tuple[Column, ...]:
        """The columns of this pipeline's table: those asked for, or all that are run.

        Args:
            images: whether the source is a folder of images.
            live: whether it is a camera, or a file played like one: adds the group ``live``.

        Raises:
            OptionsError: a group was asked for whose stage is not run.
        """
        available = self._groups("images" if images else "camera" if live else "video")
        available += ("live",) if live else ()
        for option, group in (("baseline", "au_rel"), ("au_head", "au_own")):
            if getattr(self.options, option) is not None and group not in available:
                raise OptionsError(
                    "needs action units, which are not run", where=option, advice="Leave it out"
                )
        groups = self.options.columns
        if groups is None:
            groups = tuple(name for name in available if name not in OFF_BY_DEFAULT)
        for name in groups:
            if name not in available:
                raise OptionsError(
                    f"{name!r} needs what is not run: {self.options.stages}",
                    where="columns",
                    advice="Leave the group or these options out",
                )
        own = self._own_head.columns if self._own_head else ()
        listed = columns({*groups, "live"} if live else groups, images=images)
        return tuple(c for c in listed if c.group != "au_own" or c.name in own)

    def _groups(self, kind: str) -> tuple[str, ...]:
        """The column groups that can be filled."""
        groups = [] if self.options.landmarks == "none" else ["landmarks68", "landmarks478"]
        if self._follower is not None:
            groups.append("landmark_sd")
        if self._head_pose is not None:
            groups += ["pose", "landmarks3d"]
        if self._gaze is not None:
            groups.append("gaze")
        if self._action_units is not None:
            groups.append("au")
        if "au" in groups and self.options.baseline is not None:
            groups.append("au_rel")
        if "au" in groups and self._own_head is not None:
            groups.append("au_own")
        if self.variant(kind) is not None:
            groups.append("temporal")
        if self.recogniser is not None:
            groups += ["person", *(["person_name"] if self.options.gallery else [])]
        return tuple(groups)

    def _make_action_units(self) -> ActionUnitEstimator | None:
        wanted = self.options.landmarks != "none" and self.options.action_units == "facekit"
        # A folder of weights may be older than this network.
        if not wanted or action_units.NETWORK not in weights.load_manifest().networks:
            return None
        return ActionUnitEstimator(self.device)

    def _make_gaze(self) -> GazeEstimator | None:
        wanted = self._head_pose is not None and self.options.gaze == "facekit"
        chosen = self.options.gaze_calibration
        if not wanted or gaze.NETWORK not in weights.load_manifest().networks:
            if chosen is not None:
                raise OptionsError(
                    "cannot be used: gaze is not run",
                    where="gaze_calibration",
                    advice="Run landmarks, head pose and gaze, or leave it out",
                )
            return None
        calibration = None if chosen is None else gaze_calibration.load(Path(chosen))
        return GazeEstimator(self.device, calibration)

    def reset(self) -> None:
        """Forget all tracks, as before a new video."""
        self._tracker.reset()
        if self._follower is not None:
            self._follower.reset()
        if self.recogniser is not None:
            self.recogniser.reset()
        causal = self._stages.get("causal")
        self._over_time = None if causal is None else FacesOverTime(causal)
        self._cuts.reset()
        self._frames_since_search: int | None = None

    def calibrate_gaze(
        self, calibration: gaze_calibration.GazeCalibration | None
    ) -> gaze_calibration.GazeCalibration | None:
        """Correct gaze from the next frame on; None for nobody in particular.

        Returns:
            What it was corrected by before.

        Raises:
            OptionsError: gaze is not run.
        """
        if self._gaze is None:
            raise OptionsError("cannot be used: gaze is not run", where="gaze calibration")
        before, self._gaze.calibration = self._gaze.calibration, calibration
        return before

    def close(self) -> None:
        """Free what the backends hold."""
        if self._mediapipe is not None:
            self._mediapipe.close()

    def run(
        self, source: Iterable[Frame], *, later: bool = False
    ) -> Iterator[tuple[Frame, list[Face]]]:
        """Analyse a whole source from its beginning, frame by frame as they are asked for.

        Args:
            source: the frames.
            later: leave `Face.temporal` to what `look_ahead` gives.
        """
        self.reset()
        if later:
            self._over_time = None
        for frame in source:
            yield frame, self.process(frame)

    def process(
        self,
        frame: Frame,
        regions: Sequence[Region] | None = None,
        *,
        focal_px: float | None = None,
    ) -> list[Face]:
        """Analyse one frame.

        Args:
            frame: the next frame in time (its time_s must not fall before the previous one's);
                one whose time_s is NaN is a still image, analysed on its own.
            regions: known faces; detection and tracking are then left out.
            focal_px: focal length of this frame, where it is known better than by the options.

        Returns:
            One face for each region, in order of track number.
        """
        if regions is not None:
            seen = self._look(frame, list(regions))
        elif math.isnan(frame.time_s):
            seen = self._look(frame, self._regions_of_still(frame))
        else:
            seen = self._see_video(frame)
        if regions is None and self.options.largest and seen.regions:
            seen = seen.largest()
        width, height = frame.size
        focal = focal_px or self.options.focal_px(width, height)
        faces = self._measure(frame, seen, Camera(focal, (width - 1) / 2, (height - 1) / 2))
        if self._action_units is not None:
            found = self._action_units.estimate(frame.image, seen.landmarks)
            faces = [replace(f, action_units=u) for f, u in zip(faces, found, strict=True)]
        if self._own_head is not None:
            read = self._own_head.read
            faces = [replace(face, own_units=read(face.action_units)) for face in faces]
        if self.recogniser is not None:
            faces = self.recogniser.recognise(frame, faces)
        if self._over_time is None:
            return faces
        ((_, complete),) = self._over_time.push(frame, faces)
        return complete

    def _measure(self, frame: Frame, seen: Seen, camera: Camera) -> list[Face]:
        if self._head_pose is None:
            found = zip(seen.regions, seen.landmarks, strict=True)
            return [Face(region, status_of(region, marks), marks) for region, marks in found]
        patches = seen.crops(frame)
        poses = self._head_pose.estimate(patches, camera, seen.landmarks)
        gazes: list[Gaze | None] = [None] * len(poses)
        if self._gaze is not None:
            gazes = self._gaze.estimate(frame.image, camera, seen.landmarks, poses)
        return [
            Face(
                region,
                status_of(region, marks),
                marks,
                pose,
                points_in_mm(marks, pose, camera) if marks and self._in_mm else None,
                gaze=look,
            )
            for region, marks, pose, look in zip(
                seen.regions, seen.landmarks, poses, gazes, strict=True
            )
        ]

    def _regions_of_still(self, frame: Frame) -> list[Region]:
        detections = [d for d in self._detect(frame) if d.score >= START_SCORE]
        by_size = sorted(detections, key=lambda d: -float(d.box[2:].prod()))
        return [
            Region(None, d.box, d.score, d.points, True) for d in by_size[: self.options.max_faces]
        ]

    def _look(self, frame: Frame, regions: list[Region]) -> Seen:
        """Landmarks of known regions."""
        if self._follower is not None:
            look = self._follower.look(frame.image, regions)
            return Seen(regions, list(look.landmarks), look.patches)
        if self._mediapipe is not None:
            return Seen(regions, self._mediapipe.estimate(frame.image, regions))
        return Seen(regions, [None] * len(regions))

    def _see_video(self, frame: Frame) -> Seen:
        if self._cuts.is_cut(frame.image):
            self._tracker.cut()
            self._frames_since_search = None
            if self._follower is not None:
                self._follower.reset()
        predicted = self._tracker.predict(frame.time_s)
        if self._follower is not None:
            self._follower.expect(frame.time_s)
        seen = None
        if self._frames_since_search is not None:
            self._frames_since_search += 1
            if self._frames_since_search < self.options.detect_every:
                seen = self._follow(frame, predicted)
        return seen or self._search(frame, predicted)

    def _follow(self, frame: Frame, predicted: Floats) -> Seen | None:
        if self._follower is None:
            refined = self._detector.refine(frame.image, predicted)
            regions = self._tracker.follow(frame.time_s, refined)
            return None if regions is None else self._look(frame, regions)
        found, look = self._follower.follow(frame.image)
        regions = self._tracker.follow(frame.time_s, found)
        if regions is None:
            return None
        self._follower.keep(frame.time_s, regions, look.landmarks)
        return Seen(regions, list(look.landmarks), look.patches)

    def _search(self, frame: Frame, predicted: Floats) -> Seen:
        detections = self._detect(frame)
        if self.options.detect_every > 1:
            detections += self._recover(frame, detections, predicted)
        self._frames_since_search = 0
        described = appearances(frame.image, [d.box for d in detections])
        regions = self._tracker.associate(frame.time_s, detections, described)
        if self._follower is None:
            return self._look(frame, regions)
        look = self._follower.look(frame.image, regions)
        self._follower.keep(frame.time_s, regions, look.landmarks)
        return Seen(regions, list(look.landmarks), look.patches)

    def _recover(
        self, frame: Frame, detections: Sequence[Detection], predicted: Floats
    ) -> list[Detection]:
        """Faces that the search missed but that are still there where their tracks lead."""
        found = np.asarray([d.box for d in detections], np.float32).reshape(-1, 4)
        missed = iou(predicted, found).max(axis=1, initial=0) < RECOVER_BELOW_IOU
        # The cascade judges here, not the landmarks: who follows shall not be his own witness.
        refined = self._detector.refine(frame.image, predicted[missed])
        recovered = [d for d in refined if d is not None]
        boxes = np.asarray([d.box for d in recovered], np.float32).reshape(-1, 4)
        new = iou(boxes, found).max(axis=1, initial=0) < RECOVER_BELOW_IOU
        return [d for d, is_new in zip(recovered, new, strict=True) if is_new]

    def _detect(self, frame: Frame) -> list[Detection]:
        width, height = frame.size
        smallest = smallest_face(self.options.min_face, width, height)
        detections = self._detector.detect(frame.image, smallest)
        if self.options.roi is None:
            return detections
        x, y, w, h = self.options.roi
        centres = [(d, box_centre(d.box)) for d in detections]
        return [d for d, c in centres if x <= c[0] <= x + w and y <= c[1] <= y + h]
