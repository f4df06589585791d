"""Hidden is hidden: what goes over into the result is a few colours, or nothing."""

import numpy as np
import pytest

from facekit.privacy.covers import Cover
from facekit.privacy.styles import CELLS, Style, covers_point, flatten, hide
from facekit.privacy.topology import TRIANGLES
from facekit.types import Floats, Image, Landmarks

BOX = np.array([60, 50, 60, 70], np.float32)
COVER = Cover(0, BOX, BOX, True)
STYLES: tuple[Style, ...] = ("blur", "pixelate", "mask", "mesh")


def noise(seed: int, low: int = 0, high: int = 256) -> Image:
    return np.random.default_rng(seed).integers(low, high, (180, 200, 3), np.uint8)


def inside() -> Image:
    picture = np.zeros((180, 200), np.uint8)
    for y in range(180):
        for x in range(200):
            picture[y, x] = covers_point(COVER, x, y)
    return picture.astype(bool)


@pytest.mark.parametrize("style", STYLES)
def test_the_rest_stays_and_the_face_goes(style: Style) -> None:
    image = noise(0)
    hidden = hide(image, [COVER], style, [None])
    covered = inside()
    assert covered[50:121:10, 60:121:10].all(), "the box with its corners"
    np.testing.assert_array_equal(hidden[~covered], image[~covered])
    shown, real = (p[covered].astype(float).ravel() for p in (hidden, image))
    shared = ((shown - shown.mean()) * (real - real.mean())).mean()
    assert abs(shared) <= 0.3 * real.std() * max(shown.std(), 1)
    np.testing.assert_array_equal(image, noise(0))


@pytest.mark.parametrize("style", ["blur", "pixelate"])
def test_only_a_few_cells_go_over(style: Style) -> None:
    """Pictures that agree in the means of large cells become the same."""
    image = np.full((180, 200, 3), 133, np.uint8)
    fine = image.copy()
    fine[::2, ::2] += 40
    fine[1::2, 1::2] -= 40
    first, second = (hide(picture, [COVER], style)[inside()] for picture in (image, fine))
    np.testing.assert_array_equal(first, second)


def test_pixels_are_large() -> None:
    hidden = hide(noise(1), [COVER], "pixelate")
    assert len(np.unique(hidden[inside()], axis=0)) <= CELLS**2


@pytest.mark.parametrize("style", ["mask", "mesh"])
def test_nothing_of_the_picture_goes_over(style: Style) -> None:
    points = _points()
    first = hide(noise(2), [COVER], style, [Landmarks(points)])
    second = hide(noise(3), [COVER], style, [Landmarks(points)])
    np.testing.assert_array_equal(first[inside()], second[inside()])
    if style == "mesh":
        assert len(np.unique(first[inside()], axis=0)) > 30, "a face is drawn"


def test_a_mesh_opens_its_mouth() -> None:
    """The expression stays to be seen: the lower lip moves."""
    shut, opened = _points(), _points()
    for landmark in (14, 17, 87, 178, 317, 402, 84, 314, 85, 315, 86, 316):
        opened[landmark, 1] += 8
    pictures = [hide(noise(2), [COVER], "mesh", [Landmarks(p)]) for p in (shut, opened)]
    assert (pictures[0] != pictures[1]).any(axis=2).sum() > 40


@pytest.mark.parametrize(
    "box", [(-500, -500, 100, 100), (150, 120, 300, 300), (-40, -40, 60, 60), (5, 5, 0, 0)]
)
@pytest.mark.parametrize("style", STYLES)
def test_faces_at_and_beyond_the_edge(style: Style, box: tuple[float, ...]) -> None:
    places = np.array(box, np.float32)
    image = noise(4)
    assert hide(image, [Cover(0, places, places, True)], style, [None]).shape == image.shape


def test_flat_is_one_colour() -> None:
    image = noise(5)
    flatten(image, [BOX])
    assert len(np.unique(image[inside()], axis=0)) == 1


def test_the_triangles_are_mediapipes() -> None:
    assert TRIANGLES.shape == (852, 3)
    vision = pytest.importorskip(
        "mediapipe.tasks.python.vision.face_landmarker", reason="mediapipe cannot be imported"
    )
    edges = vision.FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION
    theirs = {tuple(sorted({edge.start for edge in edges[i : i + 3]})) for i in range(0, 2556, 3)}
    assert {tuple(sorted(triangle)) for triangle in TRIANGLES.tolist()} == theirs


def _points() -> Floats:
    from tests.conftest import ROOT

    with np.load(ROOT / "tests" / "data" / "average_face_points.npz") as file:
        flat = np.asarray(file["points"][0], np.float32)
    low, high = flat.min(axis=0), flat.max(axis=0)
    scaled = (flat - low) / (high - low) * [50, 66] + [65, 52]
    # A shallow bowl, so that every triangle faces the viewer.
    depth = ((scaled - [90, 85]) ** 2).sum(axis=1) / 100
    return np.column_stack([scaled, depth]).astype(np.float32)
