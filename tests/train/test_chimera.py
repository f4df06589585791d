import numpy as np

from facekit.train.evaluation.chimera import Half, chimera
from facekit.train.evaluation.pictures import PictureSet
from facekit.train.evaluation.unit_photos import chimeras
from facekit.types import Floats, Image

SIDE = 100


def _face(shift: float = 0.0) -> Floats:
    """(478, 2): eyes at either side of a midline at x = 50, whatever else at the middle."""
    points = np.full((478, 2), 50.0, np.float32)
    line = (10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 2, 164)
    points[list(line), 1] = np.linspace(10, 70, len(line))
    for number, x in ((33, 30), (133, 42), (362, 58), (263, 70)):
        points[number] = x, 40
    return points + np.float32(shift)


def _flat(value: int) -> Image:
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def test_the_subjects_left_is_on_image_right() -> None:
    rest, expression = Half(_flat(10), _face()), Half(_flat(200), _face())
    left = chimera(rest, expression, left=True)
    assert (left[:, :45] == 10).all()
    assert (left[:, 55:] == 200).all()
    right = chimera(rest, expression, left=False)
    assert (right[:, :45] == 200).all()
    assert (right[:, 55:] == 10).all()
    # The seam is blended: the midline itself is half of each.
    assert abs(int(left[50, 50, 0]) - 105) <= 1


def test_the_expression_is_brought_to_the_neutral_face() -> None:
    picture = _flat(0)
    picture[30:50, 75:95] = (
        255  # beside the left eye of a face that is 10 px further right and down
    )
    made = chimera(Half(_flat(0), _face()), Half(picture, _face(10)), left=True)
    assert (made[21:39, 66:84] == 255).all()
    assert made.sum() == np.uint64(20 * 20 * 3 * 255)


def test_both_halves_of_each_pair_and_a_blank_for_what_was_not_found() -> None:
    pictures = PictureSet("s", "t", np.array(["a", "a", "a"]), lambda n: _flat(50 * n + 10))
    made = chimeras("half", pictures, [_face(), _face(), None], [(0, 1), (0, 2)], ["fear", "anger"])
    assert made.labels["left"].tolist() == [True, False, True, False]
    assert made.labels["emotion"].tolist() == ["fear", "fear", "anger", "anger"]
    assert made.person.tolist() == ["a"] * 4
    assert made.image(0)[0, 0, 0] == 10
    assert made.image(1)[0, 0, 0] == 60
    assert made.image(2).max() == 0
