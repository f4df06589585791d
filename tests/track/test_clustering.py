"""Clusters of made-up vectors, against joining the closest pair again and again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facekit.track.clustering import Vectors, cluster

Apart = list[set[int]]


def _items(seed: int, count: int, people: int) -> tuple[Vectors, Vectors, Apart]:
    """Noisy looks at a few people, some of whom were seen side by side."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(people, 16))
    person = random.integers(0, people, count)
    noisy = centres[person] + 0.7 * random.normal(size=(count, 16))
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    weights = random.uniform(0.2, 9, count)
    apart: Apart = [set() for _ in range(count)]
    for _ in range(count // 2):
        a, b = random.integers(0, count, 2).tolist()
        if a != b:
            apart[a].add(b)
            apart[b].add(a)
    return noisy * weights[:, None], weights, apart


def _greedy(sums: Vectors, weights: Vectors, apart: Apart, threshold: float) -> NDArray[np.intp]:
    """The definition, slowly: the closest pair of groups that may be joined, until none is."""
    groups = [{i} for i in range(len(weights))]

    def alike(one: set[int], other: set[int]) -> float:
        if any(apart[i] & other for i in one):
            return -np.inf
        a, b = sorted(one), sorted(other)
        return float(
            sums[a].sum(axis=0) @ sums[b].sum(axis=0) / weights[a].sum() / weights[b].sum()
        )

    while len(groups) > 1:
        pairs = [
            (alike(one, other), i, i + 1 + j)
            for i, one in enumerate(groups)
            for j, other in enumerate(groups[i + 1 :])
        ]
        best, i, j = max(pairs)
        if best < threshold:
            break
        groups[i] |= groups.pop(j)
    labels = np.empty(len(weights), np.intp)
    for group in groups:
        labels[sorted(group)] = min(group)
    return labels


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 14), st.integers(1, 4), st.floats(-0.2, 0.9))
def test_it_is_average_linkage(seed: int, count: int, people: int, threshold: float) -> None:
    sums, weights, apart = _items(seed, count, people)
    expected = _greedy(sums, weights, apart, threshold)
    assert cluster(sums, weights, apart, threshold).tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_order_does_not_matter_and_who_was_apart_stays_apart(seed: int, count: int) -> None:
    sums, weights, apart = _items(seed, count, 4)
    labels = cluster(sums, weights, apart, 0.2)
    order = np.random.default_rng(seed + 1).permutation(count)
    place = np.argsort(order)
    moved = [{int(place[j]) for j in apart[i]} for i in order]
    shuffled = cluster(sums[order], weights[order], moved, 0.2)
    same = labels[order][:, None] == labels[order][None]
    assert (same == (shuffled[:, None] == shuffled[None])).all()
    for item, others in enumerate(apart):
        assert all(labels[item] != labels[other] for other in others)


def test_nothing_and_equals() -> None:
    assert cluster(np.zeros((0, 4)), np.zeros(0), [], 0.5).tolist() == []
    one = np.ones((5, 1)) @ np.array([[1.0, 0, 0, 0]])
    assert cluster(one, np.ones(5), [set() for _ in range(5)], 1.0).tolist() == [0] * 5
    apart: Apart = [{1}, {0}, set(), set(), set()]
    labels = cluster(one, np.ones(5), apart, 1.0)
    assert labels[0] != labels[1] and len(set(labels.tolist())) == 2


def test_many_items_need_no_matrix() -> None:
    sums, weights, _ = _items(3, 1500, 30)
    labels = cluster(sums, weights, [set() for _ in range(1500)], 0.3)
    assert len(np.unique(labels)) == pytest.approx(30, abs=6)
