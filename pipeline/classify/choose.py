"""Which classifier the settings ask for."""

from __future__ import annotations

from pipeline.classify.classifier import Classifier
from pipeline.settings import ClassifySettings


def make(settings: ClassifySettings) -> Classifier:
    """Raises DependencyError when the model cannot be had. Imports torch only for the in-process one."""
    match settings.kind:
        case "in-process":
            from pipeline.classify.in_process import InProcess

            return InProcess.from_settings(settings)
        case "torchserve":
            from pipeline.classify.torchserve import TorchServe

            return TorchServe.over_http(settings)
        case "torchserve-grpc":
            from pipeline.classify.torchserve import TorchServe

            return TorchServe.over_grpc(settings)
        case "open-inference":
            from pipeline.classify.open_inference import OpenInference

            return OpenInference.over_http(settings)
        case "open-inference-grpc":
            from pipeline.classify.open_inference import OpenInference

            return OpenInference.over_grpc(settings)
