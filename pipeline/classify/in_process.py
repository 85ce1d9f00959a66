"""The model in this very process: no server, no HTTP. For small sites, tests, and to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.classify.answers import scored
from pipeline.classify.classifier import Crop, CropSpec, Scored
from pipeline.classify.model_folder import ModelFolder
from pipeline.errors import DependencyError
from pipeline.messages import ModelRef
from pipeline.settings import ModelSettings

if TYPE_CHECKING:
    from serving.inference.predictor import Predictor


class InProcess:
    """See Classifier."""

    def __init__(self, folder: ModelFolder, predictor: Predictor) -> None:
        self.model: ModelRef = folder.ref
        self.crop: CropSpec = folder.crop
        self.abstain_below = folder.abstain_below
        self._predictor = predictor

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> InProcess:
        """Loads the model. Raises DependencyError."""
        from serving.errors import ServingError
        from serving.inference.predictor import Predictor

        folder = ModelFolder.of(settings.model)
        try:
            return cls(folder, Predictor(folder.path, threads=settings.threads))
        except ServingError as error:
            raise DependencyError(f"the model cannot be loaded: {error}", "name another with classify.model") from None

    def classify(self, crops: Sequence[Crop]) -> Scored:
        return scored(self._predictor.predict_each(list(crops)), len(crops))

    def close(self) -> None:
        """Nothing is open."""
