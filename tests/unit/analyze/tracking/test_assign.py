from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.analyze.tracking.assign import assign


def most(gain: np.ndarray) -> float:
    """By trying every way; a row may stay alone."""
    n, m = gain.shape
    wide = np.concatenate((np.maximum(gain, 0), np.zeros((n, n))), 1)
    return max(sum(wide[row, column] for row, column in enumerate(way)) for way in permutations(range(m + n), n))


gains = st.integers(0, 4).flatmap(
    lambda n: st.integers(0, 4).flatmap(lambda m: arrays(np.float64, (n, m), elements=st.integers(-3, 6).map(float)))
)


@settings(max_examples=300, deadline=None)
@given(gains)
def test_it_gains_as_much_as_any_way(gain: np.ndarray) -> None:
    pairs = assign(gain)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(gain[pair] > 0 for pair in pairs)
    assert sum(gain[pair] for pair in pairs) == most(gain)


def test_a_chain_of_changes() -> None:
    """Everybody wants the first column; each must be moved for the next to have a place."""
    n = 40
    gain = np.fromfunction(lambda i, j: 1000 - (i + 1) * (j + 1), (n, n))
    pairs = assign(gain)
    assert pairs == [(row, n - 1 - row) for row in range(n)]


def test_fractions_and_infinities() -> None:
    gain = np.array([[0.1, -np.inf], [0.3, 0.15], [-np.inf, -np.inf]])
    assert assign(gain) == [(1, 0)]  # 0.3 > 0.1 + 0.15
    gain[0, 0] = 0.2
    assert assign(gain) == [(0, 0), (1, 1)]
