"""What Triton's Python backend loads: finds the `serving` beside it, scores the crops of several requests together."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

# Before any other copy of the package that the server's environment may hold.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import triton_python_backend_utils as triton
from numpy.typing import NDArray

from serving.inference.predictor import Predictor
from serving.server.handler import MODEL_FOLDER, WARM_UP_SECONDS
from serving.server.memory import keep_freed_memory
from serving.server.open_inference import CROPS, answer_tensors

log = logging.getLogger(__name__)


class TritonPythonModel:
    """Triton looks for a class of this name, and calls `execute` for every batch."""

    def initialize(self, args: dict[str, str]) -> None:
        """CheckpointError: there is nothing to serve."""
        parameters = json.loads(args["model_config"])["parameters"]
        gpu = args["model_instance_kind"] == "GPU"
        if not gpu:
            keep_freed_memory()
        self.predictor = Predictor(
            Path(__file__).resolve().parent / MODEL_FOLDER,
            threads=int(parameters["threads"]["string_value"]),
            batch=int(parameters["crops_per_pass"]["string_value"]),
            device=f"cuda:{args['model_instance_device_id']}" if gpu else "cpu",
        )
        self.predictor.warm_up(WARM_UP_SECONDS)

    def execute(self, requests: list[Any]) -> list[Any]:
        """One answer a request, in order."""
        asked = [triton.get_input_tensor_by_name(request, CROPS).as_numpy() for request in requests]
        try:
            scores = self.predictor.predict(np.concatenate(asked))
        except Exception as error:  # the model's own failure is every request's, and no worker's end
            log.exception("inference failed")
            failed = triton.TritonError(f"inference failed: {type(error).__name__}")
            return [triton.InferenceResponse(error=failed) for _ in requests]
        ends = np.cumsum([len(crops) for crops in asked])[:-1]
        return [self._answer(part) for part in np.split(scores, ends)]

    def _answer(self, scores: NDArray[np.float32]) -> Any:
        tensors = answer_tensors(scores, self.predictor.digest)
        return triton.InferenceResponse([triton.Tensor(name, values) for name, values in tensors.items()])
