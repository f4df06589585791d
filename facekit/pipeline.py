"""The order of the stages: frame -> detect -> track -> estimate -> faces.

The only file that knows every room; it only puts them in order.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facekit.columns import OFF_BY_DEFAULT, Column, columns
from facekit.detect.cascade import NETWORKS, Detector, smallest_face
from facekit.errors import OptionsError
from facekit.estimate import action_units, gaze, gaze_calibration, head_pose, landmarks
from facekit.estimate.action_units import ActionUnitEstimator
from facekit.estimate.crops import square_of_landmarks, square_of_region
from facekit.estimate.following import LandmarkFollower
from facekit.estimate.gaze import GazeEstimator
from facekit.estimate.head_pose import HeadPoseEstimator, points_in_mm
from facekit.estimate.landmarks import LandmarkEstimator, is_present
from facekit.estimate.mediapipe_landmarks import MediaPipeLandmarks
from facekit.estimate.own_units import OwnHead
from facekit.estimate.patches import Patches, cut
from facekit.geometry import Camera, box_centre, iou
from facekit.options import PipelineOptions
from facekit.runtime import weights
from facekit.runtime.device import choose
from facekit.track.appearance import appearances
from facekit.track.scene import CutDetector
from facekit.track.tracker import START_SCORE, Tracker
from facekit.types import Detection, Face, Floats, Frame, Gaze, Landmarks, Region, Status

LOW_QUALITY_SIDE_PX = 24
LOW_QUALITY_SCORE = 0.5
RECOVER_BELOW_IOU = 0.3


@dataclass(frozen=True, slots=True)
class _Seen:
    """The faces of a frame before they are measured: aligned lists, and crops where cut."""

    regions: list[Region]
    landmarks: list[Landmarks | None]
    patches: Patches | None = None


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
        self._own_head = self._load_own_head()
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
        return used

    def columns(self, *, images: bool = False) -> tuple[Column, ...]:
        """The columns of this pipeline's table: those asked for, or all that are run.

        Args:
            images: whether the source is a folder of images.

        Raises:
            OptionsError: a group was asked for whose stage is not run.
        """
        available = self._groups()
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
                    f"{name!r} needs what is not run: --landmarks is {self.options.landmarks!r}, "
                    f"--head-pose is {self.options.head_pose!r}, --gaze is {self.options.gaze!r}, "
                    f"--action-units is {self.options.action_units!r}",
                    where="columns",
                    advice="Leave the group or these options out",
                )
        own = self._own_head.columns if self._own_head else ()
        listed = columns(groups, images=images)
        return tuple(c for c in listed if c.group != "au_own" or c.name in own)

    def _groups(self) -> tuple[str, ...]:
        """The column groups that can be filled."""
        groups: list[str] = []
        if self.options.landmarks != "none":
            groups += ["landmarks68", "landmarks478"]
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
        return tuple(groups)

    def _load_own_head(self) -> OwnHead | None:
        if self.options.au_head is None:
            return None
        return OwnHead.load(Path(self.options.au_head), weights.identity(action_units.NETWORK))

    def _make_action_units(self) -> ActionUnitEstimator | None:
        wanted = self.options.landmarks != "none" and self.options.action_units == "facekit"
        # A folder of weights may be older than this network.
        if not wanted or action_units.NETWORK not in weights.load_manifest().networks:
            return None
        return ActionUnitEstimator(self.device)

    def _make_gaze(self) -> GazeEstimator | None:
        wanted = self._head_pose is not None and self.options.gaze == "facekit"
        chosen = self.options.gaze_calibration
        # A folder of weights may be older than this network.
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
        self._cuts.reset()
        self._frames_since_search: int | None = None

    def close(self) -> None:
        """Free what the backends hold."""
        if self._mediapipe is not None:
            self._mediapipe.close()

    def run(self, source: Iterable[Frame]) -> Iterator[tuple[Frame, list[Face]]]:
        """Analyse a whole source from its beginning, frame by frame as they are asked for."""
        self.reset()
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
            seen = _largest(seen)
        faces = self._measure(frame, seen, self._camera(frame, focal_px))
        if self._action_units is not None:
            found = self._action_units.estimate(frame.image, seen.landmarks)
            faces = [replace(f, action_units=u) for f, u in zip(faces, found, strict=True)]
        if self._own_head is None:
            return faces
        read = self._own_head.read
        return [replace(face, own_units=read(face.action_units)) for face in faces]

    def _measure(self, frame: Frame, seen: _Seen, camera: Camera) -> list[Face]:
        if self._head_pose is None:
            found = zip(seen.regions, seen.landmarks, strict=True)
            return [Face(region, _status(region, marks), marks) for region, marks in found]
        patches = seen.patches or _patches(frame, seen)
        poses = self._head_pose.estimate(patches, camera, seen.landmarks)
        gazes: list[Gaze | None] = [None] * len(poses)
        if self._gaze is not None:
            gazes = self._gaze.estimate(frame.image, camera, seen.landmarks, poses)
        return [
            Face(
                region,
                _status(region, marks),
                marks,
                pose,
                points_in_mm(marks, pose, camera) if marks and self._in_mm else None,
                gaze=look,
            )
            for region, marks, pose, look in zip(
                seen.regions, seen.landmarks, poses, gazes, strict=True
            )
        ]

    def _camera(self, frame: Frame, focal_px: float | None) -> Camera:
        width, height = frame.size
        focal = focal_px or self.options.focal
        if focal is None and self.options.fov is not None:
            focal = width / 2 / math.tan(math.radians(self.options.fov) / 2)
        return Camera(focal or max(width, height), (width - 1) / 2, (height - 1) / 2)

    def _regions_of_still(self, frame: Frame) -> list[Region]:
        detections = [d for d in self._detect(frame) if d.score >= START_SCORE]
        by_size = sorted(detections, key=lambda d: -float(d.box[2:].prod()))
        return [
            Region(None, d.box, d.score, d.points, True) for d in by_size[: self.options.max_faces]
        ]

    def _look(self, frame: Frame, regions: list[Region]) -> _Seen:
        """Landmarks of known regions."""
        if self._follower is not None:
            look = self._follower.look(frame.image, regions)
            return _Seen(regions, list(look.landmarks), look.patches)
        if self._mediapipe is not None:
            return _Seen(regions, self._mediapipe.estimate(frame.image, regions))
        return _Seen(regions, [None] * len(regions))

    def _see_video(self, frame: Frame) -> _Seen:
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

    def _follow(self, frame: Frame, predicted: Floats) -> _Seen | None:
        if self._follower is None:
            refined = self._detector.refine(frame.image, predicted)
            regions = self._tracker.follow(frame.time_s, refined)
            return None if regions is None else self._look(frame, regions)
        found, look = self._follower.follow(frame.image)
        regions = self._tracker.follow(frame.time_s, found)
        if regions is None:
            return None
        self._follower.keep(frame.time_s, regions, look.landmarks)
        return _Seen(regions, list(look.landmarks), look.patches)

    def _search(self, frame: Frame, predicted: Floats) -> _Seen:
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
        return _Seen(regions, list(look.landmarks), look.patches)

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


def _status(region: Region, landmarks: Landmarks | None) -> Status:
    small = float(min(region.box[2:])) < LOW_QUALITY_SIDE_PX
    unsure = region.score < LOW_QUALITY_SCORE or (
        landmarks is not None and not is_present(landmarks)
    )
    return "low_quality" if small or unsure else "ok"


def _largest(seen: _Seen) -> _Seen:
    sizes = [float(region.box[2:].prod()) for region in seen.regions]
    best = sizes.index(max(sizes))
    patches = seen.patches and seen.patches.only(best)
    return _Seen([seen.regions[best]], [seen.landmarks[best]], patches)


def _patches(frame: Frame, seen: _Seen) -> Patches:
    """Crops where the landmarks' backend cut none of its own."""
    squares = [
        square_of_region(region) if marks is None else square_of_landmarks(marks.points)
        for region, marks in zip(seen.regions, seen.landmarks, strict=True)
    ]
    return cut(frame.image, squares)
