"""A second model of the settings that reads the same crops as the first: only metrics tell what it says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Self

from pipeline.classify.along import Along
from pipeline.classify.classifier import Classifier, Crop, CropSpec, Scored
from pipeline.errors import UsageError
from pipeline.messages import ModelRef
from pipeline.metrics import Metrics

log = logging.getLogger(__name__)


class Shadowed:
    """See Classifier: it is the first model, watched by a shadow.

    `batches`, `max_bytes`: of requests that wait. Raises UsageError when the shadow wants other crops: one that was
    enlarged or framed for another model would be read worse than in its own place, which says nothing of the model.
    """

    def __init__(self, first: Classifier, shadow: Classifier, metrics: Metrics, batches: int, max_bytes: int) -> None:
        if shadow.crop != first.crop:
            raise UsageError(
                f"classify.shadow: {shadow.model.name} wants crops of {_told(shadow.crop)}, "
                f"{first.model.name} of {_told(first.crop)}; both must be given the same",
                "emostream replay --model compares models of any crops, on frames that were kept",
            )
        self.model: ModelRef = first.model
        self.crop: CropSpec = first.crop
        self.abstain_below = first.abstain_below
        self._first = first
        self._along = Along(shadow, metrics, batches, max_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """See Classifier."""
        scored = self._first.classify(crops)
        self._along.offer(crops, scored)
        return scored

    def close(self) -> None:
        """What waits is dropped. A shadow that is at work is not waited for longer than a second."""
        self._along.close()
        try:
            self._along.other.close()
        except Exception as error:  # the first one is to be closed, too
            log.warning("the shadow model was not closed in good order: %r", error)
        self._first.close()
        self._along.join()


def _told(crop: CropSpec) -> str:
    return f"{crop.size} px, {crop.color}, margin {crop.margin:g}"
