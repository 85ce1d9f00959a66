"""The model behind any server of the Open Inference Protocol (KServe's V2): Triton, KServe, MLServer and others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.answers import expect, in_parts, scored
from pipeline.classify.classifier import Crop, CropSpec, Probabilities, Scored
from pipeline.classify.model_folder import Expected, ModelFolder
from pipeline.classify.transport import Refused
from pipeline.errors import ClassifierUnavailable
from pipeline.messages import ModelRef
from pipeline.settings import ModelSettings
from serving.errors import WireError
from serving.server.open_inference import BATCH_CROPS
from serving.server.wire import MAX_BYTES

BYTES_EACH = 4  # a pixel, at most: its number and a comma, in JSON


class Inference(Protocol):
    """Asks the server once. Several threads may call at once."""

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[Probabilities, str]:
        """(N, ...) -> what should be (N, 7), and the model's digest. Raises Refused, ClassifierUnavailable, and
        WireError when the answer is none."""
        ...

    def close(self) -> None: ...


class OpenInference:
    """See Classifier. `model`: that the server is to serve; its answers name theirs, and must agree."""

    def __init__(self, model: Expected, infer: Inference) -> None:
        self.model: ModelRef = model.ref
        self.crop: CropSpec = model.crop
        self.abstain_below = model.abstain_below
        self._expected = model
        self._infer = infer
        self._limit = max(1, min(BATCH_CROPS, MAX_BYTES // (BYTES_EACH * math.prod(model.crop.shape)) - 1))

    @classmethod
    def over_http(cls, settings: ModelSettings) -> OpenInference:
        """Raises DependencyError: the model's folder cannot be read. Asks the server nothing."""
        from pipeline.classify.open_inference_http import HttpInference

        return cls(ModelFolder.of(settings.model), HttpInference(settings))

    @classmethod
    def over_grpc(cls, settings: ModelSettings) -> OpenInference:
        """As `over_http`."""
        from pipeline.classify.open_inference_grpc import GrpcInference

        return cls(ModelFolder.of(settings.model), GrpcInference(settings))

    def classify(self, crops: Sequence[Crop]) -> Scored:
        """See Classifier. The crops of a request are one tensor: those of other shapes are not sent."""
        return in_parts(crops, self._fault, lambda good: self._limit, self._classify)

    def close(self) -> None:
        self._infer.close()

    def _fault(self, crop: Crop) -> str:
        fits = isinstance(crop, np.ndarray) and crop.shape == self.crop.shape and crop.dtype == np.uint8
        return "" if fits else f"no crop of uint8 {self.crop.shape}"

    def _classify(self, crops: Sequence[Crop]) -> Scored:
        try:
            probabilities, digest = self._infer(np.stack(crops))
        except Refused as error:
            return Scored.failed(len(crops), str(error))
        except WireError as error:
            raise ClassifierUnavailable(f"the model server's answer is not one of this protocol: {error}") from None
        expect(self._expected, digest)
        if probabilities.ndim != 2:
            raise ClassifierUnavailable(f"the model answers a tensor of shape {probabilities.shape}")
        return scored(list(probabilities), len(crops))
