"""What is asked of a model and what it answers, one a crop: what comes over the wire is not trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.classify.classifier import Crop, Probabilities, Scored
from pipeline.classify.model_folder import Expected
from pipeline.classify.transport import ERROR_CHARS
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import LABELS
from serving.server.wire import ItemError

SUM_TOLERANCE = 1e-3
NO_PROBABILITIES = "the model gives no probabilities"


def in_parts(
    crops: Sequence[Crop],
    fault: Callable[[Crop], str],
    limit: Callable[[Sequence[Crop]], int],
    ask: Callable[[Sequence[Crop]], Scored],
) -> Scored:
    """Asks for the crops that `fault` finds none in, as many at once as `limit` says; the others are not sent."""
    faults = [fault(crop) for crop in crops]
    errors = {at: f"not sent: {text}" for at, text in enumerate(faults) if text}
    probabilities = np.zeros((len(crops), len(LABELS)), np.float32)
    good = [at for at, text in enumerate(faults) if not text]
    most = limit([crops[at] for at in good])
    for start in range(0, len(good), most):
        part = good[start : start + most]
        found = ask([crops[at] for at in part])
        probabilities[part] = found.probabilities
        errors |= {part[row]: text for row, text in found.errors.items()}
    return Scored(probabilities, errors)


def scored(items: Sequence[Probabilities | ItemError], n: int) -> Scored:
    """Raises ClassifierUnavailable unless there are n items, each an error or 7 values.

    Values that are no probabilities are that crop's error: the same model would give them again.
    """
    if len(items) != n:
        raise ClassifierUnavailable(f"the model answers for {len(items)} crops, {n} were asked")
    errors = {}
    probabilities = np.zeros((n, len(LABELS)), np.float32)
    for index, item in enumerate(items):
        if isinstance(item, ItemError):
            errors[index] = item.message[:ERROR_CHARS]
        elif item.shape != (len(LABELS),):
            raise ClassifierUnavailable(f"the model answers rows that are not of {len(LABELS)} values")
        else:
            probabilities[index] = item
    with np.errstate(invalid="ignore", over="ignore"):
        told = (probabilities >= 0).all(1) & (abs(probabilities.sum(1) - 1) <= SUM_TOLERANCE)  # NaN is neither
    for index in np.flatnonzero(~told).tolist():
        errors.setdefault(index, NO_PROBABILITIES)
        probabilities[index] = 0
    return Scored(probabilities, errors)


def expect(model: Expected, digest: str) -> None:
    """Raises ClassifierUnavailable unless the server names this model."""
    if digest != model.digest:
        raise ClassifierUnavailable(
            f"the model server serves another model, {digest[:12]}..., than {model.ref.name} {model.ref.version}, "
            f"{model.digest[:12]}..., that is expected here; give both the same folder and start the analyzers again"
        )
