"""What models there are to choose from: the one of the settings, and what the servers say of others."""

from __future__ import annotations

from pipeline.classify.choose import check_versions
from pipeline.classify.model_folder import ModelFolder
from pipeline.classify.torchserve import described
from pipeline.errors import UsageError
from pipeline.messages import LABELS, ServedModel
from pipeline.settings import ClassifySettings


def live(settings: ClassifySettings) -> ServedModel:
    """The model that the settings name. Raises DependencyError."""
    folder = ModelFolder.of(settings.model)
    return ServedModel(
        ref=folder.ref,
        digest=folder.digest,
        labels=LABELS,
        size=folder.crop.size,
        color=folder.crop.color,
        margin=folder.crop.margin,
        abstain_below=folder.abstain_below,
    )


def candidate(settings: ClassifySettings, version: str) -> ServedModel:
    """A version, as every server of the settings describes it.

    Raises ClassifierUnavailable: one of them does not; UsageError: they have different models of that version, or no
    versions side by side.
    """
    check_versions(settings)
    told = {url: described(settings.model_copy(update={"url": url}), version) for url in settings.addresses}
    first = next(iter(told.values()))
    for url, model in told.items():
        if model != first:
            raise UsageError(
                f"version: {url} serves another model as {version} than {settings.address}", "register one"
            )
    return first
