"""Tensors that come as JSON: numbers, whatever somebody writes in their place."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from serving.errors import WireError
from serving.server.open_inference import from_numbers


@pytest.mark.parametrize("data", [[0, 1, 255], [[0, 1, 255]], [[[0]], [[1]], [[255]]], [0.0, 1, 255]])
def test_numbers_may_be_nested(data: Any) -> None:
    assert from_numbers(data, "UINT8").tolist() == [0, 1, 255]
    assert from_numbers([0.5, -1e30], "FP32").dtype == np.float32


@pytest.mark.parametrize(
    "data", [["12"], [True], [None], [[1, 2], [3]], [10**400], {"a": 1}, "7", [[]] * 3 + [[1]], [256], [-1], [0.5]]
)
def test_what_is_none_is_refused(data: Any) -> None:
    with pytest.raises(WireError):
        from_numbers(data, "UINT8")


def test_long_texts_take_no_more_memory_than_they_came_in() -> None:
    data = ["x" * 1_000_000, *[""] * 1000]
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            from_numbers(data, "UINT8")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
