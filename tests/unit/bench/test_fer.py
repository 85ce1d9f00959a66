"""Beside the package fer: what is made of the faces found, and a Python that does not have it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.bench.fer import _figures, _of_fer, _ratio
from pipeline.errors import DependencyError


def test_recall_counts_no_more_faces_than_there_are_people() -> None:
    assert _figures(50.0, [2, 3, 1, 0], people=2) == {"frames_per_second": 50.0, "recall": 5 / 8, "extra": 1 / 4}


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    ours = [{"frames_per_second": each} for each in (100.0, 300.0, 90.0)]
    theirs = [{"frames_per_second": each} for each in (10.0, 10.0, 10.0)]
    assert _ratio(ours, theirs) == 10.0


def test_a_python_without_fer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="No module named 'fer'"):
        _of_fer(Path(sys.executable), tmp_path / "clip.mkv", "haar", 1)
