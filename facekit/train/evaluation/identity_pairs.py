"""Verification: cross-validated accuracy, and error rates over all pairs of many pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekit.types import Floats

_BINS = 200_000
_BLOCK = 256


def cross_validated(
    cosine: Floats, same: NDArray[np.bool_], fold: NDArray[Any]
) -> NDArray[np.bool_]:
    """(n,) which pairs are judged rightly, each fold with the best threshold of the others.

    The protocol of Huang et al., "Labeled Faces in the Wild" (2007).

    Args:
        cosine: (n,) of each pair.
        same: (n,) whether it shows one person.
        fold: (n,) its fold.
    """
    right = np.zeros(len(cosine), bool)
    for number in np.unique(fold):
        here = fold == number
        right[here] = (cosine[here] > best_threshold(cosine[~here], same[~here])) == same[here]
    return right


def best_threshold(cosine: Floats, same: NDArray[np.bool_]) -> float:
    """The cosine above which most pairs are judged rightly."""
    order = np.argsort(cosine, kind="stable")
    ordered, like = cosine[order], same[order]
    # With k pairs at or below the threshold: the unlike among these are right, and the like above.
    right = np.concatenate([[0], np.cumsum(~like)]) + like.sum()
    right -= np.concatenate([[0], np.cumsum(like)])
    best = int(right.argmax())
    if best == 0:
        return float(ordered[0]) - 1e-6
    above = ordered[min(best, len(ordered) - 1)]
    return float((ordered[best - 1] + above) / 2)


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """All pairs of some pictures.

    Attributes:
        like: (n,) cosines of pairs that show one person.
        person: (n,) whom.
        unlike: (bins,) numbers of other pairs by cosine, in steps of 1e-5 from -1 to 1.
    """

    like: Floats
    person: NDArray[np.int64]
    unlike: NDArray[np.int64]

    def limit(self, false_matches: float) -> float:
        """The cosine above which a share of the unlike pairs lies."""
        return self.unlike_at(1 - false_matches)

    def unlike_at(self, share: float) -> float:
        """The cosine below which a share of the unlike pairs lies."""
        reached = np.cumsum(self.unlike) / self.unlike.sum()
        return float(2 * (int(np.searchsorted(reached, share)) + 1) / _BINS - 1)

    def like_at(self, share: float) -> float:
        """The cosine below which a share of the like pairs lies."""
        return float(np.quantile(self.like, share))

    def share_above(self, cosine: float) -> float:
        """Share of the unlike pairs above a cosine."""
        first = int(np.ceil((cosine + 1) / 2 * _BINS))
        return float(self.unlike[first:].sum() / self.unlike.sum())


def all_pairs(vectors: Floats, person: NDArray[np.int64]) -> AllPairs:
    """Compare every picture with every other.

    Args:
        vectors: (n, d) unit vectors.
        person: (n,) whom each shows.
    """
    like, names = [], []
    unlike = np.zeros(_BINS, np.int64)
    for first in range(0, len(vectors), _BLOCK):
        block = slice(first, first + _BLOCK)
        cosine = vectors[block] @ vectors[first:].T
        later = np.arange(cosine.shape[1])[None] > np.arange(len(cosine))[:, None]
        same = person[block][:, None] == person[first:][None]
        like.append(cosine[later & same])
        names.append(np.broadcast_to(person[block][:, None], same.shape)[later & same])
        places = ((cosine[later & ~same].astype(np.float64) + 1) / 2 * _BINS).astype(np.int64)
        unlike += np.bincount(np.clip(places, 0, _BINS - 1), minlength=_BINS)
    return AllPairs(np.concatenate(like), np.concatenate(names), unlike)
