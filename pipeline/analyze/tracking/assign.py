"""Pairs of greatest total gain: the assignment problem, for the few faces of a frame. Pure.

Shortest augmenting paths (Jonker & Volgenant 1987, as SciPy solves it). Nearly always every track wants a face of its
own; paths are searched for the others only, so that a frame of 64 faces costs microseconds. SciPy would be 140 MB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FREE = -1


def assign(gain: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(n, m) gains -> (row, column) pairs, each row and column at most once; only pairs that gain more than 0."""
    n, m = gain.shape
    if not n or not m:
        return []
    cost = np.full((n, m + n), np.inf)  # behind the columns, one for each row to stay alone in
    cost[:, :m] = np.where(gain > 0, -gain, np.inf)
    np.fill_diagonal(cost[:, m:], 0.0)
    wish = cost.argmin(1)
    low = cost[np.arange(n), wish]
    column_of = np.full(n, FREE)
    row_of = np.full(m + n, FREE)
    refused = []
    for row, column in enumerate(wish.tolist()):
        if row_of[column] == FREE:
            row_of[column], column_of[row] = row, column
        else:
            refused.append(row)
    columns = np.zeros(m + n)  # prices, as those of the rows in `low`
    for row in refused:
        _augment(cost, low, columns, row_of, column_of, row)
    return [(row, column) for row, column in enumerate(column_of.tolist()) if column < m]


def _augment(
    cost: NDArray[np.float64],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    row_of: NDArray[np.intp],
    column_of: NDArray[np.intp],
    start: int,
) -> None:
    """Gives `start` a column along the cheapest chain of changes; keeps the prices of rows and columns right."""
    far = np.full(cost.shape[1], np.inf)
    before = np.full(cost.shape[1], FREE)
    seen = np.zeros(cost.shape[1], bool)
    row, length, passed = start, 0.0, [start]
    while True:
        step = length + cost[row] - rows[row] - columns
        nearer = ~seen & (step < far)
        far[nearer] = step[nearer]
        before[nearer] = row
        column = int(np.where(seen, np.inf, far).argmin())
        length = float(far[column])
        seen[column] = True
        if row_of[column] == FREE:
            break
        row = int(row_of[column])
        passed.append(row)
    rows[start] += length
    for row in passed[1:]:
        rows[row] += length - far[column_of[row]]
    columns[seen] -= length - far[seen]
    while column != FREE:
        row = int(before[column])
        row_of[column] = row
        column, column_of[row] = int(column_of[row]), column
        if row == start:
            return
