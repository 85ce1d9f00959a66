"""Confidence that means what it says, and the confidence below which a face is better not told.

Entropy-based temperature scaling, see `serving.inference.confidence`. Each head of a model has its own, fitted
on faces that were held back from training: the head for FER2013 on FER2013's labels, the head for FER+ on the
majorities of its votes (which is what it is measured by), leaving out the faces without one.

The threshold is set by coverage: a model tells the wanted share of the held-back faces and abstains from the
rest, with or without a majority. A target accuracy would be the alternative; but a third of FER2013's labels
are contested, so the accuracy that can be asked for says more of the labels than of the model, and a model that
misses it a little would say nothing at all.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from serving.data.faces import FaceSet, hold_back
from serving.errors import CheckpointError, DataError
from serving.evaluation.loading import Source
from serving.evaluation.metrics import (
    Abstention,
    abstention,
    calibration_error,
    ferplus_labels,
    threshold_for_coverage,
)
from serving.evaluation.passes import single_crop
from serving.evaluation.wording import NAMES
from serving.inference.confidence import probabilities, tempered
from serving.inference.predictor import Predictor
from serving.labels import LABELS
from serving.model.calibration import HeadCalibration, read_calibration, save_calibration
from serving.model.emonext import Head
from serving.model.folder import save_config

COVERAGE = 0.8  # of the held-back faces are told
RECIPE = "recipe.yaml"  # of a model folder: how it was trained
HOLD_BACK = 20  # one in so many, where no recipe says another number
LEAST = 200  # faces with a label; of fewer, the fit says more of those few than of the model
TEMPERATURES, SLOPES = (0.2, 5.0), (-0.5, 0.5)  # where the fit looks


@dataclass(frozen=True)
class Fitted:
    """One head's calibration, and what it does on the n faces it was fitted on."""

    calibration: HeadCalibration
    n: int
    ece_before: float
    ece_after: float
    abstain: Abstention


def fit_temperature(logits: Tensor, labels: Tensor, entropy_slope: float = 0.0) -> tuple[float, float]:
    """(temperature in 0.2..5, cross entropy), the least of logits (N, C) on labels (N,)."""
    low, high = TEMPERATURES
    candidates = torch.linspace(0, 1, 41)
    logits = tempered(logits, 1.0, entropy_slope)
    for _ in range(4):  # a finer grid around the best, four times over: to about 1e-4
        grid = low * (high / low) ** candidates
        losses = torch.stack([F.cross_entropy(logits / t, labels) for t in grid])
        best = int(losses.argmin())
        low, high = float(grid[max(0, best - 1)]), float(grid[min(len(grid) - 1, best + 1)])
    return float(grid[best]), float(losses[best])


def fit_slope(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """(temperature, entropy slope in -0.5..0.5) with the least cross entropy."""
    slopes = torch.linspace(*SLOPES, 51).tolist()
    fitted = [fit_temperature(logits, labels, slope) for slope in slopes]
    best = min(range(len(slopes)), key=lambda at: fitted[at][1])
    return fitted[best][0], slopes[best]


def fit(predictor: Predictor, held: FaceSet, coverage: float = COVERAGE) -> tuple[dict[Head, Fitted], list[str]]:
    """Each head's calibration from held-back faces, and for people what to know of it.

    A head with fewer than LEAST labels there is left out.
    """
    logits = single_crop(predictor, held)
    found: dict[Head, Fitted] = {}
    notes = []
    for head, labels in labels_of(held).items():
        n = int((labels >= 0).sum())
        if head not in logits:
            continue
        if n < LEAST:
            notes.append(f"{NAMES[head]}: not calibrated: {n} faces with labels are held back, {LEAST} are the least")
            continue
        found[head] = _fit(logits[head], labels, coverage, held.source or "the training faces")
        fitted = found[head].calibration
        if fitted.temperature in TEMPERATURES or fitted.entropy_slope in SLOPES:
            notes.append(
                f"{NAMES[head]}: the best fit is at the edge of what is tried (temperature {fitted.temperature}, slope "
                f"{fitted.entropy_slope}): do not trust its confidence; are these the faces it was held back from?"
            )
    return found, notes


def labels_of(faces: FaceSet) -> dict[Head, Tensor]:
    """The labels (N,) that each head is measured by, -1 where there is none: FER+'s are its majorities."""
    found: dict[Head, Tensor] = {"fer2013": torch.from_numpy(faces.labels)}
    if faces.votes is not None and faces.classes == LABELS:
        found["ferplus"] = torch.from_numpy(ferplus_labels(faces.votes))
    return found


def calibrate(
    model_dir: Path, source: Source, coverage: float = COVERAGE, serve: Head | None = None
) -> dict[Head, Fitted]:
    """Fit every head that the data have labels for, on the part of Training that the folder's recipe
    held back, and write `calibration.json`; other heads keep what is known of them.
    `serve`: the head to serve from now on; None leaves that.

    DataError: the data cannot be used, or too few of it were held back. CheckpointError: the folder holds no
    usable model.
    """
    predictor = Predictor(model_dir, serve, batch=256)
    _, held = hold_back(source.training(predictor.config), held_back_one_in(model_dir))
    found, notes = fit(predictor, held, coverage)
    if not found:
        raise DataError(f"{source.data}: {'; '.join(notes)}")
    for note in notes:
        source.say(note)
    store(model_dir, found)
    if serve is not None:
        save_config(model_dir, replace(predictor.config, serves=serve))
    return found


def store(model_dir: Path, found: dict[Head, Fitted]) -> None:
    """Write what was fitted over what the folder has."""
    save_calibration(
        model_dir, read_calibration(model_dir) | {head: fitted.calibration for head, fitted in found.items()}
    )


def held_back_one_in(model_dir: Path) -> int:
    """How the model's training split its faces, as the folder's recipe says. CheckpointError: unreadable."""
    path = model_dir / RECIPE
    if not path.exists():
        return HOLD_BACK
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        one_in = int(content.get("hold_back", HOLD_BACK))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    if one_in < 2:
        raise CheckpointError(f"{path}: hold_back: {one_in} is not at least 2")
    return one_in


def _fit(logits: Tensor, labels: Tensor, coverage: float, source: str) -> Fitted:
    known = labels >= 0
    temperature, slope = fit_slope(logits[known], labels[known])
    calibration = HeadCalibration(
        round(temperature, 4),
        entropy_slope=round(slope, 4),
        method=f"entropy-based temperature scaling; abstains so that {100 * coverage:g} % of the faces are told",
        fitted_on=f"{len(logits)} faces held back from {source}",
    )
    scores, truth = probabilities(logits, calibration), labels.numpy()
    chosen = known.numpy()
    threshold = threshold_for_coverage(scores.max(1), coverage)
    return Fitted(
        replace(calibration, abstain_below=threshold),
        int(chosen.sum()),
        calibration_error(probabilities(logits)[chosen], truth[chosen]),
        calibration_error(scores[chosen], truth[chosen]),
        abstention(scores, truth, threshold),
    )
