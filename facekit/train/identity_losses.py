"""Losses of the embedder: batch-hard triplets, relations as the teacher sees them, classes.

Likeness is a cosine stretched so that unlike people have about 0: ``1 - (1 - cosine) / width``.
dlib's network squeezes all faces into a narrow cone, in which unlike people have cosines of .83.
"""

import torch
from torch import Tensor
from torch.nn import functional

MARGIN = 0.2
_LIKE = 0.5
_CLASS_SCALE = 24.0
_CLASS_MARGIN = 0.2


def likeness(vectors: Tensor, others: Tensor, width: Tensor) -> Tensor:
    """(n, m) stretched cosines.

    Args:
        vectors: (n, d) unit vectors.
        others: (m, d) unit vectors.
        width: () how far apart unlike people are, 1 - cosine.
    """
    return 1 - (1 - vectors @ others.T) / width


def batch_hard(alike: Tensor, person: Tensor, doubtful: Tensor | None = None) -> Tensor:
    """Triplet loss of every face with its least similar own and its most similar other face.

    Hermans, Beyer and Leibe, "In defense of the triplet loss for person re-identification"
    (2017), on likeness instead of distance.

    Args:
        alike: (n, n) likeness.
        person: (n,) numbers; who is alone in the batch only serves as an other.
        doubtful: (n, n) pairs that may be one person under two names: they are no others.
    """
    same = person[:, None] == person[None]
    other = ~same if doubtful is None else ~(same | doubtful)
    itself = torch.eye(len(person), dtype=torch.bool, device=person.device)
    own = alike.masked_fill(~same | itself, torch.inf).amin(1)
    wrong = alike.masked_fill(~other, -torch.inf).amax(1)
    used = torch.isfinite(own) & torch.isfinite(wrong)
    each = functional.relu(MARGIN + wrong - own)
    return torch.where(used, each, 0.0).sum() / used.sum().clamp(min=1)


def relations(alike: Tensor, teacher: Tensor, person: Tensor) -> Tensor:
    """How far likeness is from the teacher's cosines; like and unlike pairs weigh the same.

    Park et al., "Relational knowledge distillation" (CVPR 2019). Whom we know to be one person
    shall have at least .5, whatever the teacher says.

    Args:
        alike: (n, n) likeness.
        teacher: (n, n) cosines.
        person: (n,) numbers.
    """
    same = person[:, None] == person[None]
    upper = torch.ones_like(same).triu(1)
    wanted = torch.where(same, teacher.clamp(min=_LIKE), teacher)
    error = (alike - wanted).square()
    total = error.new_zeros(())
    for part in (same & upper, ~same & upper):
        total = total + (error * part).sum() / part.sum().clamp(min=1) / 2
    return total


def class_loss(alike: Tensor, label: Tensor) -> Tensor:
    """Cross entropy over people, with a margin.

    Wang et al., "CosFace: large margin cosine loss for deep face recognition" (CVPR 2018).

    Args:
        alike: (n, classes) likeness to each person's own vector.
        label: (n,) numbers of classes; below 0 a face belongs to none.
    """
    known = label >= 0
    margin = _CLASS_MARGIN * functional.one_hot(label.clamp(min=0), alike.shape[1])
    each = functional.cross_entropy(
        _CLASS_SCALE * (alike - margin), label.clamp(min=0), reduction="none"
    )
    return (each * known).sum() / known.sum().clamp(min=1)
