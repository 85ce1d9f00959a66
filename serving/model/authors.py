"""An authors' checkpoint as a model folder of ours."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from serving.errors import CheckpointError, RecipeError
from serving.labels import EIGHT
from serving.model.checkpoint import fitted
from serving.model.classes import ORDERS, authors_order, in_our_order, labels_named, rows
from serving.model.folder import CALIBRATION, CONFIG, FER2013_CROP, WEIGHTS, ModelConfig, check_name, save_model
from serving.model.naming import IMAGENET_CLASSES, architecture_of, is_plain_convnext, with_our_names
from serving.model.sizes import SIZES, Architecture
from serving.model.weights_file import OUR_TRAINING, StoredWeights, read_weights
from serving.outputs import check_folder


@dataclass(frozen=True)
class Imported:
    """A model folder made of a foreign file. size: its name among SIZES, "" for none of them."""

    folder: Path
    config: ModelConfig
    size: str
    weights: StoredWeights
    labels_there: tuple[str, ...]  # in the order of the file's head

    def __str__(self) -> str:
        model = self.config.architecture
        lacks = [part for part, there in (("STN", model.stn), ("SE", model.se)) if not there]
        without = f" without {' and '.join(lacks)}" if lacks else ""
        moved = "" if self.labels_there == self.config.labels else f", its rows were {', '.join(self.labels_there)}"
        others = f", of the file's {len(self.weights.others) + 1} sets of weights" if self.weights.others else ""
        return (
            f"{self.weights}{others}: EmoNeXt {self.size or f'of depths {model.depths} and widths {model.dims}'}"
            f"{without}, {model.image_size} px, "
            f"{model.num_classes} classes{moved} -> {self.folder}"
        )


def import_weights(
    weights: Path,
    out: Path,
    *,
    name: str | None = None,
    labels: str | None = None,
    entry: str | None = None,
    image_size: int | None = None,
) -> Imported:
    """Write the model folder `out` of an EmoNeXt checkpoint; its size is read off the shapes.

    labels: the order of the head's rows, one of `classes.ORDERS` or the names between commas; without
    it the authors' alphabetical one of seven. entry: which set of a file's weights. image_size: px,
    where the weights leave it open. The crop is the authors': gray, 0..1, not normalised.
    CheckpointError: the file is no whole EmoNeXt; RecipeError: `out` is taken, or `labels` do not fit.
    """
    if any((out / file).exists() for file in (CONFIG, WEIGHTS, CALIBRATION)):
        raise RecipeError(f"{out} holds a model already; choose another folder")
    name = name or out.resolve().name
    check_name(name, "--name")
    if weights.name == WEIGHTS and (weights.parent / CONFIG).exists():
        raise CheckpointError(f"{weights.parent} is a model folder already")
    stored = read_weights(weights, entry)
    where = str(stored)
    if stored.entry == OUR_TRAINING:
        raise CheckpointError(f"{where} is of a training here: `emostream model train --export-only` writes its folder")
    _, state = with_our_names(stored.state, where)
    architecture = architecture_of(state, where, image_size)
    if is_plain_convnext(state) and architecture.num_classes >= IMAGENET_CLASSES:
        raise CheckpointError(
            f"{where} is a ConvNeXt for {architecture.num_classes} classes of objects: train with it as a recipe's "
            "start_from"
        )
    there = _labels(labels, architecture.num_classes, where)
    ready = fitted(_shapes(architecture, where), state, where)
    ordered = in_our_order(there)
    order = rows(there, ordered)
    ready |= {key: value[order] for key, value in ready.items() if key.startswith(("head.", "ferplus_head."))}
    config = ModelConfig(
        name=name,
        version="1",
        architecture=architecture,
        normalise="none",
        labels=ordered,
        crop=dataclasses.replace(FER2013_CROP, size=architecture.image_size),
    )
    check_folder(out)
    save_model(out, config, ready)
    return Imported(out, config, _size(architecture), stored, there)


def _labels(text: str | None, classes: int, where: str) -> tuple[str, ...]:
    if text is not None:
        return labels_named(text, classes, where)
    known = authors_order(classes)
    if known is None:
        orders = "; ".join(f"{name} is {', '.join(order)}" for name, order in ORDERS.items())
        advice = f" or by one of these names: {orders}" if classes == len(EIGHT) else ""
        raise CheckpointError(
            f"{where} has {classes} classes and does not say in which order: give it with --labels, "
            f"each class between commas{advice}"
        )
    return known


def _shapes(architecture: Architecture, where: str) -> dict[str, Tensor]:
    """The state dict of such a model without its numbers."""
    try:
        with torch.device("meta"):
            return architecture.build().state_dict()
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"{where} is no whole EmoNeXt: {error}") from error


def _size(architecture: Architecture) -> str:
    shape = (architecture.depths, architecture.dims)
    return next((name for name, size in SIZES.items() if (size.depths, size.dims) == shape), "")
