"""Average-linkage clustering with pairs that must not come together.

Two groups are as alike as the mean of the cosines of all their pairs of faces, weighted by the
faces' qualities: that is the inner product of the groups' weighted mean vectors, so sums are all
that is kept. A threshold that was found on pairs of single faces holds for groups of any size.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

_SAME = 1e-9
"""Similarities that differ by less are equal: rounding must not send the search in a circle."""


def cluster(
    sums: Vectors, weights: Vectors, apart: Sequence[AbstractSet[int]], threshold: float
) -> NDArray[np.intp]:
    """Join what is alike, the most alike first, until nothing is alike enough.

    By the nearest-neighbour chain (Murtagh, "A survey of recent advances in hierarchical
    clustering algorithms", The Computer Journal 26, 1983), which joins what joining the closest
    pair again and again joins, in time n^2 and without a matrix of all pairs: a group is never
    more alike to a third one than the liker of its two parts, also where some must stay apart.

    Args:
        sums: (n, d) weighted sums of unit vectors.
        weights: (n,) sums of the weights, > 0.
        apart: for each item those that must not be in its group; both ways.
        threshold: least similarity of groups that are joined.

    Returns:
        (n,) the smallest number of an item in each item's group.
    """
    groups = _Groups(sums, weights, apart)
    chain: list[int] = []
    while chain or groups.open.any():
        if not chain:
            chain.append(int(np.argmax(groups.open)))
        last = chain[-1]
        alike = groups.likeness(last)
        nearest = int(np.argmax(alike))
        if alike[nearest] < threshold:
            # Nor can anything that is still to be joined come nearer.
            groups.open[chain.pop()] = False
        elif len(chain) > 1 and alike[chain[-2]] >= alike[nearest] - _SAME:
            groups.join(chain.pop(), chain.pop())
        else:
            chain.append(nearest)
    return groups.labels


class _Groups:
    """Groups in the making, each under the smallest number of its items."""

    def __init__(self, sums: Vectors, weights: Vectors, apart: Sequence[AbstractSet[int]]) -> None:
        self._sums = np.array(sums, np.float64)
        self._weights = np.array(weights, np.float64)
        self._apart = [set(others) for others in apart]
        self.open = np.ones(len(self._weights), np.bool_)
        self.labels = np.arange(len(self._weights))

    def likeness(self, group: int) -> Vectors:
        """(n,) similarity of each open group to one; -inf where they cannot be joined."""
        shared = self._sums @ self._sums[group]
        alike = np.asarray(shared / (self._weights * self._weights[group]), np.float64)
        alike[~self.open] = -np.inf
        alike[[group, *self._apart[group]]] = -np.inf
        return alike

    def join(self, one: int, other: int) -> None:
        kept, gone = min(one, other), max(one, other)
        self._sums[kept] += self._sums[gone]
        self._weights[kept] += self._weights[gone]
        self.open[gone] = False
        self.labels[self.labels == gone] = kept
        self._apart[kept] |= self._apart[gone]
        for group in self._apart[gone]:
            self._apart[group].add(kept)
