"""A model folder on one split of a data set, as the served model sees it."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from serving.data.faces import FaceSet, pixel_hashes
from serving.evaluation.calibrate import labels_of
from serving.evaluation.conditions import CONDITIONS, Condition
from serving.evaluation.loading import Source
from serving.evaluation.markdown import markdown as page
from serving.evaluation.metrics import (
    abstention,
    accuracy,
    calibration_error,
    confusion,
    coverage_accuracy,
    per_class,
    reliability,
)
from serving.evaluation.passes import CORNERS, Logits, single_crop, ten_crop
from serving.evaluation.plots import plot_report
from serving.evaluation.report import ConditionFigures, HeadFigures, Report, Seen
from serving.evaluation.speed import measure_speed
from serving.inference.confidence import probabilities
from serving.inference.predictor import Predictor
from serving.model.calibration import HeadCalibration
from serving.model.emonext import Head
from serving.model.folder import EVALUATION, read_evaluation
from serving.model.jsonfile import save_json, save_text

Truth = dict[Head, NDArray[np.int64]]  # by kind of labels: (N,), -1 where a face has none


def evaluate(
    predictor: Predictor,
    source: Source,
    split: str | None = None,
    *,
    limit: int | None = None,
    crops: bool = True,
    conditions: bool = True,
    advance: Callable[[int, int], None] = lambda done, n: None,
) -> Report:
    """Measure every head against every kind of label that the split has; without one, the test's.

    `crops`: ten-crop too; `conditions`: poorer pictures too. Nothing is fitted here: temperatures and
    thresholds are the folder's. `advance` hears of the pictures done, of how many. DataError: the data
    cannot be used, or the model has other classes.
    """
    split = source.split_called(split)
    faces = source.split(predictor.config, split)
    if limit is not None:
        faces = faces.take(slice(limit))
    passes = 1 + (2 * len(CORNERS) if crops else 0) + (len(CONDITIONS) if conditions else 0)
    done = 0

    def heard(pictures: int) -> None:
        nonlocal done
        done += pictures
        advance(done, passes * len(faces))

    truth = {name: labels.numpy() for name, labels in labels_of(faces).items() if bool((labels >= 0).any())}
    single = single_crop(predictor, faces, heard)
    ten = ten_crop(predictor, faces, heard) if crops else None
    return Report(
        split,
        len(faces),
        predictor.config.labels,
        predictor.info,
        predictor.config.serves,
        {head: predictor.calibration[head].temperature for head in single},
        {
            head: {
                name: _figures(logits, None if ten is None else ten[head], labels, predictor.calibration[head])
                for name, labels in truth.items()
            }
            for head, logits in single.items()
        },
        {name: _under(predictor, faces, truth, name, change, heard) for name, change in CONDITIONS.items()}
        if conditions
        else None,
        tuple(measure_speed(predictor, faces.pixels[: predictor.batch])),
        _seen(predictor, source, split, faces, single),
    )


def write(
    found: Report,
    *,
    report: Path | None = None,
    markdown: Path | None = None,
    plots: Path | None = None,
    store: Path | None = None,
) -> None:
    """A report as a JSON file, a page of Markdown, a folder of plots; `store`: the main figures into
    the model folder, beside those of other splits. What is None is not written."""
    if report is not None:
        save_json(report, found.as_json())
    if markdown is not None:
        save_text(markdown, page(found))
    if plots is not None:
        plot_report(found, plots)
    if store is not None:
        save_json(store / EVALUATION, {**read_evaluation(store, found.model), found.split: found.stored()})


def _figures(
    logits: torch.Tensor, ten: torch.Tensor | None, labels: NDArray[np.int64], calibration: HeadCalibration
) -> HeadFigures:
    known = labels >= 0
    every, true = probabilities(logits, calibration), labels[known]
    scores, plain = every[known], probabilities(logits)[known]
    classes = per_class(scores, true)
    return HeadFigures(
        n=len(true),
        accuracy=accuracy(scores, true),
        ten_crop=None if ten is None else accuracy(ten.numpy()[known], true),
        macro_f1=float(np.mean([found.f1 for found in classes if found.f1 is not None])),
        ece=calibration_error(scores, true),
        ece_uncalibrated=calibration_error(plain, true),
        abstain=abstention(every, labels, calibration.abstain_below),
        coverage_accuracy=tuple(coverage_accuracy(scores, true)),
        per_class=tuple(classes),
        confusion=tuple(tuple(row) for row in confusion(scores, true).tolist()),
        reliability=tuple(reliability(scores, true)),
        reliability_uncalibrated=tuple(reliability(plain, true)),
    )


def _under(
    predictor: Predictor,
    faces: FaceSet,
    truth: Truth,
    name: str,
    change: Condition,
    advance: Callable[[int], None],
) -> ConditionFigures:
    random = np.random.default_rng(zlib.crc32(name.encode()))  # its own, whichever others there are
    logits = single_crop(predictor, faces, advance, lambda pixels: change(pixels, random))
    calibration = predictor.calibration["fer2013"]
    scores = probabilities(logits["fer2013"], calibration)
    told = abstention(scores, truth["fer2013"], calibration.abstain_below)
    ferplus = None
    if (majority := truth.get("ferplus")) is not None:
        known = majority >= 0
        ferplus = accuracy(logits.get("ferplus", logits["fer2013"]).numpy()[known], majority[known])
    return ConditionFigures(
        accuracy(scores, truth["fer2013"]), float(scores.max(1).mean()), 1 - told.coverage, told.accuracy, ferplus
    )


def _seen(predictor: Predictor, source: Source, split: str, faces: FaceSet, single: Logits) -> Seen | None:
    training = source.training_beside(predictor.config, split)
    if training is None:
        return None
    known = set(pixel_hashes(training))
    new = np.array([digest not in known for digest in pixel_hashes(faces)], bool)
    without = accuracy(single["fer2013"].numpy()[new], faces.labels[new]) if new.any() else None
    return Seen(int((~new).sum()), without)
