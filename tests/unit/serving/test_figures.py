"""The figures of merit against values worked out by hand."""

import numpy as np
import pytest

from serving.data.faces import VOTES
from serving.evaluation.metrics import (
    COVERAGES,
    Abstention,
    abstention,
    accuracy,
    calibration_error,
    confusion,
    coverage_accuracy,
    ferplus_accuracy,
    ferplus_labels,
    per_class,
    reliability,
    threshold_for_coverage,
)


def scores(*winners: int, confidence: float = 0.8) -> np.ndarray:
    found = np.full((len(winners), 7), (1 - confidence) / 6, np.float32)
    found[np.arange(len(winners)), winners] = confidence
    return found


def votes(**given: int) -> list[int]:
    return [given.get(name, 0) for name in VOTES]


def test_accuracy_and_classes() -> None:
    labels = np.array([0, 0, 1, 3])
    found = scores(0, 1, 1, 3)
    assert accuracy(found, labels) == 0.75
    classes = per_class(found, labels)
    assert (classes[0].n, classes[0].recall, classes[0].precision) == (2, 0.5, 1.0)
    assert classes[1].f1 == pytest.approx(2 / 3)
    assert (classes[2].n, classes[2].recall, classes[2].f1) == (0, None, None)


def test_calibration_error_is_the_distance_of_confidence_and_accuracy() -> None:
    labels = np.array([0] * 10)
    assert calibration_error(scores(*[0] * 8, 1, 1), labels) == pytest.approx(0, abs=1e-6)
    assert calibration_error(scores(*[0] * 10), labels) == pytest.approx(0.2, abs=1e-6)
    # Two bins of five: one right at 0.6, one wrong at 0.9.
    both = np.concatenate([scores(*[0] * 5, confidence=0.6), scores(*[1] * 5, confidence=0.9)])
    assert calibration_error(both, labels) == pytest.approx((0.4 + 0.9) / 2, abs=1e-6)


def test_ferplus_by_microsofts_rule() -> None:
    rows = [
        votes(happiness=8, neutral=1, sadness=1),  # single votes dropped: all for happy
        votes(happiness=5, neutral=5),  # half is no majority
        votes(contempt=9),  # none of our classes
        votes(NF=10),
        votes(anger=6, disgust=4),
    ]
    assert ferplus_labels(np.array(rows, np.uint8)).tolist() == [3, -1, -1, -1, 0]
    found = ferplus_accuracy(scores(3, 0, 0, 0, 1), np.array(rows, np.uint8))
    assert found == (0.5, 2)
    assert ferplus_accuracy(scores(0), np.array([votes(NF=10)], np.uint8)) is None


def sure(*confidences: float) -> np.ndarray:
    """Faces all called class 0, each with its own confidence."""
    return np.concatenate([scores(0, confidence=confidence) for confidence in confidences])


def test_confusion_counts_labels_by_answers() -> None:
    found = confusion(scores(0, 1, 1, 3), np.array([0, 0, 1, 3]))
    assert found.shape == (7, 7)
    assert found.sum() == 4
    assert (found[0, 0], found[0, 1], found[1, 1], found[3, 3]) == (1, 1, 1, 1)


def test_bins_of_equal_width_hold_their_upper_edge() -> None:
    found = reliability(sure(0.4, 0.39, 0.41, 1.0), np.array([0, 1, 0, 0]))  # fifteenths: 6/15 = 0.4
    assert [(at.n, at.accuracy) for at in found] == [(2, 0.5), (1, 1.0), (1, 1.0)]
    assert found[0].confidence == pytest.approx(0.395)


def test_the_surest_faces_are_told_first() -> None:
    found = sure(0.9, 0.5, 0.8, 0.6)
    labels = np.array([0, 1, 0, 1])  # the two surest are right
    points = dict(coverage_accuracy(found, labels, (0.01, 0.25, 0.5, 0.75, 1.0)))
    assert points == {0.01: 1.0, 0.25: 1.0, 0.5: 1.0, 0.75: pytest.approx(2 / 3), 1.0: 0.5}
    assert COVERAGES[0] == 0.05
    assert 0.8 in COVERAGES
    assert COVERAGES[-1] == 1


@pytest.mark.parametrize(("coverage", "threshold"), [(1.0, 0.2), (0.8, 0.4), (0.75, 0.4), (0.6, 0.6), (0.01, 1.0)])
def test_the_threshold_that_leaves_the_wanted_coverage(coverage: float, threshold: float) -> None:
    confidence = np.array([0.6, 0.2, 1.0, 0.4, 0.8])
    assert threshold_for_coverage(confidence, coverage) == threshold
    assert (confidence >= threshold).mean() >= coverage


def test_a_rounded_threshold_never_costs_coverage() -> None:
    confidence = np.array([0.12348, 0.12349, 0.9], np.float32)
    assert threshold_for_coverage(confidence, 1.0) == 0.1234


def test_what_abstaining_does() -> None:
    found = sure(0.9, 0.8, 0.7, 0.3)
    assert abstention(found, np.array([0, 1, -1, 1]), 0.5) == Abstention(0.5, 0.75, 0.5)
    assert abstention(found, np.array([0, 1, -1, 1]), 0.95) == Abstention(0.95, 0.0, None)
    assert abstention(found, np.array([-1, -1, -1, 0]), 0.5).accuracy is None
