"""A model's answers, one a crop, checked and put in columns: what comes over the wire is not trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.classify.classifier import Probabilities, Scored, check
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import LABELS, ModelRef
from serving.server.wire import ItemError


def scored(items: Sequence[Probabilities | ItemError], n: int) -> Scored:
    """Raises ClassifierUnavailable unless there are n items, each an error or 7 probabilities."""
    if len(items) != n:
        raise ClassifierUnavailable(f"the model answers for {len(items)} crops, {n} were asked")
    errors = {index: item.message for index, item in enumerate(items) if isinstance(item, ItemError)}
    probabilities = np.zeros((n, len(LABELS)), np.float32)
    rows = [item for item in items if not isinstance(item, ItemError)]
    if rows:
        if any(row.shape != (len(LABELS),) for row in rows):
            raise ClassifierUnavailable(f"the model answers rows that are not of {len(LABELS)} values")
        good = np.stack(rows)
        check(good, len(rows))
        probabilities[[index for index in range(n) if index not in errors]] = good
    return Scored(probabilities, errors)


def expect(model: ModelRef, sha256: str) -> None:
    """Raises ClassifierUnavailable unless the weights that the server names are those of `model`."""
    if sha256 != model.sha256:
        raise ClassifierUnavailable(
            f"the model server serves weights {sha256[:12] or 'without a name'}..., here {model.name} {model.version} "
            f"is expected, {model.sha256[:12]}...; give both the same model and start the analyzers again"
        )
