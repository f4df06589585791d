"""Head rotation out of landmarks: pseudo-truth for photos.

A small network that is trained in a minute on renders: it reads facekit's own landmarks there, with
their errors, and is told the exact rotation. So it can read photos on which the same landmark
network was run, at any yaw. That network learnt the look of real faces from MediaPipe, which
flattens pitch (slope .75): photos are to teach yaw and roll only.
"""

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from facekit.estimate.crops import square_of_landmarks
from facekit.estimate.landmarks import LandmarkEstimator
from facekit.estimate.patches import cut
from facekit.runtime.device import choose
from facekit.synthetic.camera import rotation
from facekit.train.augment import Jitter
from facekit.train.data import Faces, squares_of
from facekit.train.losses import geodesic, rotation_matrix
from facekit.types import Floats

_COMPONENTS = 60
_HIDDEN = 192
_STEPS = 4000
_BATCH = 256
_RATE = 2e-3
_POINT_NOISE = 0.004


class Lifter:
    """Principal components of landmarks in their own square, then two hidden layers.

    Args:
        faces: renders with facekit's own landmarks (`with_own_landmarks`).
        seed: of the first weights, the batches and the noise.
        steps: of training.
    """

    def __init__(self, faces: Faces, seed: int, steps: int = _STEPS) -> None:
        """Train on renders; afterwards the object only reads."""
        generator = torch.Generator().manual_seed(seed)
        flat, truth = _flat(faces), _upright(faces)
        self._mean = flat.mean(0)
        directions = torch.linalg.svd(flat[:6000] - self._mean, full_matrices=False)[2]
        self._directions = directions[:_COMPONENTS]
        self._spread = self._components(flat).std(0)
        width = len(self._directions)
        self._network = nn.Sequential(
            nn.Linear(width, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, 6),
        )
        optimizer = torch.optim.AdamW(self._network.parameters(), _RATE)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = _RATE * (1 - step / steps)
            rows = torch.randint(0, len(flat), (_BATCH,), generator=generator)
            noise = _POINT_NOISE * torch.randn(_BATCH, flat.shape[1], generator=generator)
            found = self._read(self._components(flat[rows] + noise))
            loss = geodesic(found, truth[rows]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    @torch.no_grad()
    def rotations(self, faces: Faces) -> Floats:
        """(n, 3, 3) rotations, head to camera as seen in the picture."""
        upright = self._read(self._components(_flat(faces))).double().numpy()
        turned = [
            rotation(0, 0, float(square[3])) @ one
            for square, one in zip(faces.squares, upright, strict=True)
        ]
        return np.asarray(turned, np.float32).reshape(-1, 3, 3)

    def _components(self, flat: Tensor) -> Tensor:
        return torch.mm(flat - self._mean, self._directions.T)

    def _read(self, components: Tensor) -> Tensor:
        return rotation_matrix(self._network(components / self._spread))


def with_own_landmarks(faces: Faces, count: int, seed: int) -> Faces:
    """Up to `count` of the faces, with the landmarks that facekit's network finds in them.

    Found as at run time: a rough square, and a second look at the square of the first landmarks.
    """
    estimator = LandmarkEstimator(choose("cpu", threads=1))
    random, jitter = np.random.default_rng((seed, 4)), Jitter(0.025, 0.06, 3.0)
    rows = np.unique(np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int))
    points = []
    for row in rows:
        image = faces.image(int(row))
        rough = cut(image, [jitter.move(faces.square(int(row)), random)])
        first = estimator.estimate(rough)[0].points
        points.append(estimator.estimate(cut(image, [square_of_landmarks(first)]))[0].points)
    found = np.asarray(points, np.float32).reshape(-1, *faces.points.shape[1:])
    return dataclasses.replace(
        faces,
        images=[np.stack([faces.image(int(row)) for row in rows])],
        points=found,
        weights=faces.weights[rows],
        rotation=faces.rotation[rows],
        squares=squares_of(found),
        eyes=faces.eyes[rows],
    )


def _flat(faces: Faces) -> Tensor:
    """(n, 1434) landmarks in shares of their own square."""
    angle = np.deg2rad(faces.squares[:, 3])
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    centred = faces.points[..., :2] - faces.squares[:, None, :2]
    flat = np.einsum("nki,nij->nkj", centred, turn)
    shares = np.concatenate([flat, faces.points[..., 2:]], axis=2) / faces.squares[:, None, 2:3]
    return torch.from_numpy(shares.reshape(len(faces), -1).astype(np.float32))


def _upright(faces: Faces) -> Tensor:
    """(n, 3, 3) rotations with the square's roll taken out."""
    turned = [
        rotation(0, 0, -float(square[3])) @ one
        for square, one in zip(faces.squares, faces.rotation, strict=True)
    ]
    return torch.from_numpy(np.asarray(turned, np.float32))
