"""Which classifier the settings ask for, and whether it answers."""

from __future__ import annotations

from pydantic import SecretStr

from pipeline.classify.classifier import Classifier, golden
from pipeline.classify.model_folder import Expected, ModelFolder
from pipeline.classify.spread import Spread
from pipeline.errors import EmostreamError, UsageError
from pipeline.messages import ServedModel
from pipeline.metrics import Metrics
from pipeline.settings import ClassifySettings, ModelSettings

SHADOW = "classify.shadow.model"
BESIDE_SECONDS = 5.0  # for an answer of a version that is being brought in


def check_folders(settings: ClassifySettings) -> None:
    """Whether the models' folders are there and whole. Raises DependencyError naming the setting."""
    ModelFolder.of(settings.model)
    if settings.shadow is not None:
        ModelFolder.of(settings.shadow.model, SHADOW)


def make(settings: ClassifySettings, metrics: Metrics | None = None) -> Classifier:
    """The model, and with `metrics` its shadow, too, where the settings name one.

    Raises DependencyError when a model cannot be had, UsageError when the two do not go together.
    """
    first = _model(settings)
    shadow = settings.shadow
    if shadow is None or metrics is None:
        return first
    from pipeline.classify.shadow import Shadowed

    try:
        ModelFolder.of(shadow.model, SHADOW)  # the field is named in what may go wrong
        return Shadowed(first, _model(shadow), metrics, shadow.batches, int(shadow.mebibytes * 2**20))
    except EmostreamError:
        first.close()
        raise


def make_served(settings: ModelSettings, model: ServedModel) -> Classifier:
    """Another version of the model, as its server has described it. Raises UsageError where there can be none.

    One that hangs is not waited for as long as the live one: meanwhile it holds up faces that the live one could read.
    """
    check_versions(settings)
    timeout = min(settings.timeout_seconds, BESIDE_SECONDS)
    return _model(settings.model_copy(update={"timeout_seconds": timeout}), Expected.as_served(model))


def check_versions(settings: ModelSettings) -> None:
    """Raises UsageError unless the model's server has versions side by side."""
    if not settings.kind.startswith("torchserve"):
        raise UsageError(f"classify.kind: {settings.kind} has no versions side by side", "TorchServe has")


def _model(settings: ModelSettings, model: Expected | None = None) -> Classifier:
    """One server, or several as one. `model`: None: the one that the settings name."""
    if len(settings.addresses) == 1:
        return _one(settings, model)
    servers: dict[str, Classifier] = {}
    try:
        for url in settings.addresses:
            servers[url] = _one(settings.model_copy(update={"url": url}), model)
    except EmostreamError:
        for server in servers.values():
            server.close()
        raise
    return Spread(servers)


def _one(settings: ModelSettings, model: Expected | None) -> Classifier:
    """Imports torch only for the in-process one."""
    match settings.kind:
        case "in-process":
            from pipeline.classify.in_process import InProcess

            return InProcess.from_settings(settings)
        case "torchserve" | "torchserve-grpc":
            from pipeline.classify.torchserve import TorchServe

            return TorchServe.of(settings, model)
        case "open-inference":
            from pipeline.classify.open_inference import OpenInference

            return OpenInference.over_http(settings)
        case "open-inference-grpc":
            from pipeline.classify.open_inference import OpenInference

            return OpenInference.over_grpc(settings)


def answers(settings: ClassifySettings, url: str, token: str) -> bool:
    """True when the model server at `url` reads a golden face; raises ClassifierUnavailable when it does not."""
    classifier = make(settings.model_copy(update={"url": url, "token": SecretStr(token)}))
    try:
        golden(classifier)
    finally:
        classifier.close()
    return True
