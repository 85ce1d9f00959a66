"""What is told of two runs over the same frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.messages import LABELS, Box, Face, ModelRef, scores_of
from pipeline.replay.diff import Comparison, matched, overlap
from pipeline.replay.distance import Distances, jensen_shannon
from pipeline.replay.join import Pair, Why
from tests.records import face, observed, stub

vectors = st.lists(st.floats(0.001, 1), min_size=7, max_size=7).map(
    lambda raw: scores_of([value / sum(raw) for value in raw])
)


def at(x: float, label: str = "happy", **changes: Any) -> Face:
    """A face of a tenth of the picture, x tenths to the right."""
    return face(label).model_copy(update={"bbox": Box(x=x / 10, y=0, width=0.1, height=0.1), **changes})


def carried(x: float, label: str = "happy") -> Face:
    return at(x, label, inferred=False, smoothed=face(label).scores, scores=None)


def unread(x: float, reason: str) -> Face:
    return at(x, inferred=False, scores=None, label=None, abstained=True, reason=reason)


def compared(first: Sequence[Face], again: Sequence[Face]) -> dict[str, Any]:
    comparison = Comparison()
    comparison.add(Pair(observed(0, 0, first), observed(0, 0, again)))
    return comparison.report()


def test_the_same_is_no_change() -> None:
    faces = [at(0), at(2, "sad"), unread(4, "blurred")]
    report = compared(faces, faces)
    assert report["frames"]["both"] == 1
    assert report["faces"] == {
        "first": 3, "replay": 3, "matched": 3, "missing": 0, "new": 0, "compared": 2, "carried": 0, "unread": 1
    }  # fmt: skip
    assert report["labels"] == {"changed": 0, "share": 0.0, "matrix": {"happy": {"happy": 1}, "sad": {"sad": 1}}}
    assert set(report["scores"].values()) == {0.0}
    assert report["verdicts"] == {}


def test_labels_and_scores_that_are_others() -> None:
    report = compared([at(0), at(2), at(4, "sad")], [at(0, "fear"), at(2), at(4, "sad")])
    assert report["labels"]["changed"] == 1
    assert report["labels"]["share"] == round(1 / 3, 6)
    assert report["labels"]["matrix"] == {"happy": {"fear": 1, "happy": 1}, "sad": {"sad": 1}}
    assert report["scores"]["mean_total_variation"] == pytest.approx(0.65 / 3, abs=1e-6)
    assert report["scores"]["p95_total_variation"] == report["scores"]["max_total_variation"] == 0.65


def test_faces_are_the_same_by_their_place() -> None:
    report = compared([at(0), at(2, "sad"), at(5)], [at(2.2, "sad"), at(0.2), at(7)])
    assert report["faces"]["matched"] == 2
    assert (report["faces"]["missing"], report["faces"]["new"]) == (1, 1)
    assert report["labels"]["changed"] == 0  # not by their order


def test_readings_are_compared_with_readings() -> None:
    """What is carried along a track depends on the frames before it."""
    report = compared([carried(0, "sad"), at(2), carried(4)], [at(0), carried(2, "fear"), carried(4, "sad")])
    assert (report["faces"]["carried"], report["faces"]["compared"]) == (3, 0)
    assert report["labels"] == {"changed": 0, "share": None, "matrix": {}}
    assert report["scores"]["mean_total_variation"] is None
    assert report["verdicts"] == {}


def test_whether_an_expression_is_told() -> None:
    doubtful = at(0, abstained=True, reason="uncertain")
    first = [doubtful, at(2), unread(4, "blurred"), unread(6, "too_small")]
    report = compared(first, [at(0), at(2), at(4), unread(6, "dark")])
    assert report["verdicts"] == {"blurred -> told": 1, "too_small -> dark": 1, "uncertain -> told": 1}
    assert (report["faces"]["compared"], report["faces"]["unread"]) == (2, 2)


def test_frames_by_their_fates() -> None:
    comparison = Comparison()
    for pair in (
        Pair(observed(0, 0), observed(0, 0)),
        Pair(observed(1, 0), stub(1, 0)),
        Pair(stub(2, 0), observed(2, 0)),
        Pair(stub(3, 0), stub(3, 0)),
        Pair(observed(4, 0), None, Why.EXPIRED),
        Pair(None, observed(5, 0, camera="other"), Why.AFTER),
    ):
        comparison.add(pair)
    report = comparison.report()
    assert report["frames"] == {
        "both": 1, "only_first": {"expired": 1}, "only_replay": {"after": 1}, "dead_both": 1, "now_dead": {"jpeg": 1},
        "no_longer_dead": {"jpeg": 1},
    }  # fmt: skip
    assert report["cameras"]["site/other"]["frames"]["only_replay"] == {"after": 1}
    assert report["cameras"]["site/cam"]["frames"]["both"] == 1


def test_it_says_who_read() -> None:
    comparison = Comparison()
    new = observed(0, 0).model_copy(update={"model": ModelRef(name="new", version="2")})
    comparison.add(Pair(observed(0, 0), new))
    report = comparison.report()
    assert [ref["name"] for ref in report["first"]["models"]] == ["model"]
    assert [(ref["name"], ref["version"]) for ref in report["replay"]["models"]] == [("new", "2")]
    assert report["first"]["detectors"] == report["replay"]["detectors"]


@settings(deadline=None)
@given(st.lists(st.tuples(vectors, vectors), min_size=1, max_size=40), st.integers(1, 4))
def test_distances_are_exact(pairs: list[tuple[dict[str, float], dict[str, float]]], cameras: int) -> None:
    whole = Distances()
    for n in range(cameras):
        part = Distances()
        for first, again in pairs[n::cameras]:
            part.add(first, again)
        whole.merge(part)
    by_hand = np.array([sum(abs(p[label] - q[label]) for label in LABELS) / 2 for p, q in pairs])
    report = whole.report()
    assert len(whole) == len(pairs)
    assert report["mean_total_variation"] == pytest.approx(by_hand.mean(), abs=1e-6)
    assert report["p95_total_variation"] == pytest.approx(np.quantile(by_hand, 0.95, method="inverted_cdf"), abs=1e-6)
    assert report["max_total_variation"] == pytest.approx(by_hand.max(), abs=1e-6)


@settings(deadline=None)
@given(vectors, vectors)
def test_divergence(first: dict[str, float], again: dict[str, float]) -> None:
    pairs = [(first[label], again[label]) for label in LABELS]
    value = jensen_shannon(pairs)
    assert -1e-12 <= value <= 1 + 1e-3
    assert value == pytest.approx(jensen_shannon([(q, p) for p, q in pairs]))
    middle = [(p + q) / 2 for p, q in pairs]
    entropy = [-sum(p * math.log2(p) for p in row if p > 0) for row in (middle, *zip(*pairs, strict=True))]
    assert value == pytest.approx(max(0.0, entropy[0] - (entropy[1] + entropy[2]) / 2), abs=1e-3)  # rounded scores


def test_divergence_of_strangers_is_one_bit() -> None:
    assert jensen_shannon([(1, 0), (0, 1)]) == 1
    assert jensen_shannon([(0.3, 0.3), (0.7, 0.7)]) == 0


def test_overlap() -> None:
    boxes = [Box(x=x, y=0, width=0.1, height=0.1) for x in (0, 0.05, 0.1, 0.5)]
    assert overlap(boxes[0], boxes[0]) == 1
    assert [round(overlap(boxes[0], other), 3) for other in boxes[1:]] == [0.333, 0, 0]
    flat = Box(x=0, y=0, width=0, height=0.1)
    assert (overlap(flat, flat), overlap(flat, boxes[0])) == (1, 0)
    assert all(overlap(one, other) == overlap(other, one) for one, other in pairwise(boxes))


def test_the_best_pairs_together_not_the_best_pair_first() -> None:
    first = [Box(x=0.0, y=0, width=0.1, height=0.1), Box(x=0.03, y=0, width=0.1, height=0.1)]
    again = [Box(x=0.02, y=0, width=0.1, height=0.1), Box(x=0.05, y=0, width=0.1, height=0.1)]
    assert matched(first, again) == [(0, 0), (1, 1)]
    assert matched([], again) == matched(first, []) == []
