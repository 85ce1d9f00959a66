"""Figures of merit from probabilities (N, C) and labels (N,); pure, so each can be checked by hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.data.faces import VOTES

ECE_BINS = 15  # of equal width, as Guo et al., "On Calibration of Modern Neural Networks", 2017
COVERAGES = tuple(round(step / 20, 2) for step in range(1, 21))
# Our classes among FER+'s first eight columns; contempt (column 7) is none of ours.
_FERPLUS_COLUMN = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


@dataclass(frozen=True)
class ClassFigures:
    """One class: n faces of it, the share of them found (recall), how often its name was right.

    recall, f1: None where there is no face of it; precision: 0 where it is never named.
    """

    n: int
    recall: float | None
    precision: float
    f1: float | None


@dataclass(frozen=True)
class ConfidenceBin:
    """The n faces whose confidence lies in one bin: their mean confidence, and the share named right."""

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Abstention:
    """What a threshold does: the share of faces still told, and the share of those told right.

    accuracy: None where no face with a known label is told.
    """

    threshold: float
    coverage: float
    accuracy: float | None


def accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of faces whose highest score is their label."""
    return float((scores.argmax(1) == labels).mean())


def per_class(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> list[ClassFigures]:
    """One entry a class, in the scores' order."""
    predicted = scores.argmax(1)
    found = []
    for index in range(scores.shape[1]):
        right = int(((predicted == index) & (labels == index)).sum())
        n, named = int((labels == index).sum()), int((predicted == index).sum())
        recall, f1 = (right / n, 2 * right / (n + named)) if n else (None, None)
        found.append(ClassFigures(n, recall, right / named if named else 0.0, f1))
    return found


def confusion(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (C, C): a row for each label, a column for each answer."""
    found = np.zeros((scores.shape[1], scores.shape[1]), np.int64)
    np.add.at(found, (labels, scores.argmax(1)), 1)
    return found


def reliability(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> list[ConfidenceBin]:
    """The bins of equal width that hold any face, from the least confidence to the most."""
    confidence = scores.max(1)
    right = scores.argmax(1) == labels
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    insides = [bins == index for index in range(ECE_BINS)]
    return [
        ConfidenceBin(int(inside.sum()), float(confidence[inside].mean()), float(right[inside].mean()))
        for inside in insides
        if inside.any()
    ]


def calibration_error(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Expected calibration error: the mean distance of confidence and accuracy over the bins."""
    distances = [found.n * abs(found.accuracy - found.confidence) for found in reliability(scores, labels)]
    return sum(distances) / len(labels)


def coverage_accuracy(
    scores: NDArray[np.float32], labels: NDArray[np.int64], coverages: Sequence[float] = COVERAGES
) -> list[tuple[float, float]]:
    """(coverage, accuracy of that share of the faces, the most confident first); one face at least."""
    surest = np.argsort(-scores.max(1), kind="stable")
    right = (scores.argmax(1) == labels)[surest]
    return [(coverage, float(right[: max(1, round(coverage * len(labels)))].mean())) for coverage in coverages]


def threshold_for_coverage(confidence: NDArray[np.float32], coverage: float) -> float:
    """The highest threshold, to four places, that leaves a share of at least `coverage` at or above it."""
    kept = max(1, math.ceil(coverage * len(confidence) - 1e-9))
    least = float(np.sort(confidence)[::-1][kept - 1])
    return math.floor(least * 10_000) / 10_000


def abstention(scores: NDArray[np.float32], labels: NDArray[np.int64], threshold: float) -> Abstention:
    """What abstaining below `threshold` does; a label of -1 is not known and only counts for the coverage."""
    told = scores.max(1) >= threshold
    known = told & (labels >= 0)
    return Abstention(threshold, float(told.mean()), accuracy(scores[known], labels[known]) if known.any() else None)


def ferplus_labels(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """FER+ votes (N, 10) -> our class, or -1 where Microsoft's rule gives none of our seven.

    Single votes are dropped; a majority needs more than half of what is left.
    """
    counted = np.where(votes > 1, votes, 0).astype(np.int64)
    winner = counted.argmax(1)
    clear = counted.max(1) * 2 > counted.sum(1)
    ours = np.full(len(VOTES), -1)
    for index, name in enumerate(_FERPLUS_COLUMN):
        ours[VOTES.index(name)] = index
    return np.where(clear, ours[winner], -1)


def ferplus_distribution(votes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """FER+ votes (N, 10) -> their shares for our seven classes (N, 7), single votes dropped.

    What went to contempt, unknown and not a face is missing from a row's sum: such faces teach less.
    """
    counted = np.where(votes > 1, votes, 0).astype(np.float32)
    ours = counted[:, [VOTES.index(name) for name in _FERPLUS_COLUMN]]
    shares: NDArray[np.float32] = ours / np.maximum(counted.sum(1, keepdims=True), 1)
    return shares


def ferplus_accuracy(scores: NDArray[np.float32], votes: NDArray[np.uint8]) -> tuple[float, int] | None:
    """(accuracy, n) on the faces with a FER+ majority among our classes; None without any."""
    labels = ferplus_labels(votes)
    chosen = labels >= 0
    if not chosen.any():
        return None
    return accuracy(scores[chosen], labels[chosen]), int(chosen.sum())
