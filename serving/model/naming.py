"""The names that others give to a ConvNeXt's weights, and the shapes that say which one it is.

Facebook's names (github.com/facebookresearch/ConvNeXt) are the authors' and ours.
"""

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from serving.errors import CheckpointError
from serving.model.sizes import Architecture

Naming = Literal["Facebook", "torchvision", "timm"]
AUTHORS_STEM = (4, 4)  # kernel; the stride is the same
IMAGENET_CLASSES = 1000  # the least of its heads; no emotion data set has as many
EMONEXT_PARTS = ("localization.", "fc_loc.", "attention.")

_BLOCK = r"stages.\1.\2."
_TIMM = (
    (r"stem\.(\d)\.", r"downsample_layers.0.\1."),
    (r"stages\.(\d+)\.downsample\.(\d)\.", r"downsample_layers.\1.\2."),
    (r"stages\.(\d+)\.blocks\.(\d+)\.conv_dw\.", rf"{_BLOCK}dwconv."),
    (r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc([12])\.", rf"{_BLOCK}pwconv\3."),
    (r"stages\.(\d+)\.blocks\.(\d+)\.", _BLOCK),
    (r"head\.norm\.", "norm."),
    (r"head\.fc\.", "head."),
)
_TORCHVISION_BLOCK = {"block.0": "dwconv", "block.2": "norm", "block.3": "pwconv1", "block.5": "pwconv2"}


def with_our_names(state: Mapping[str, Tensor], where: str) -> tuple[Naming, dict[str, Tensor]]:
    """(whose names they were, the weights under ours); names of no known kind stay as they are.

    CheckpointError: ConvNeXt V2, whose blocks have GRN instead of a layer scale.
    """
    if any(".grn." in name for name in state):
        raise CheckpointError(f"{where} holds ConvNeXt V2 weights (GRN, no gamma), which this trunk cannot start from")
    if any(name.startswith("features.") for name in state):
        return "torchvision", {_from_torchvision(name): _flat(name, value) for name, value in state.items()}
    if any(name.startswith("stem.") or ".blocks." in name for name in state):
        return "timm", {_from_timm(name): _flat(name, value) for name, value in state.items()}
    return "Facebook", dict(state)


def is_plain_convnext(state: Mapping[str, Tensor]) -> bool:
    """Under our names: a trunk without any of EmoNeXt's own parts."""
    return not any(name.startswith(EMONEXT_PARTS) or ".2.fc." in name for name in state)


def head_classes(state: Mapping[str, Tensor], head: str = "head") -> int | None:
    """How many classes a head tells apart; None: there is no such head."""
    weight = state.get(f"{head}.weight")
    return None if weight is None or weight.ndim != 2 else weight.shape[0]


def architecture_of(state: Mapping[str, Tensor], where: str, image_size: int | None = None) -> Architecture:
    """The size of an EmoNeXt with the authors' stem, read off its weights' names and shapes.

    image_size: px, for weights without a spatial transformer (else 224), or where the transformer's
    shape leaves a choice of four. CheckpointError: the shapes are those of no EmoNeXt.
    """
    blocks: dict[int, dict[int, int]] = {}  # stage -> block -> width
    for name, value in state.items():
        if (found := re.fullmatch(r"stages\.(\d{1,3})\.(\d{1,3})\.dwconv\.weight", name)) and value.ndim == 4:
            blocks.setdefault(int(found[1]), {})[int(found[2])] = value.shape[0]
    stem, classes = state.get("downsample_layers.0.0.weight"), head_classes(state)
    if not blocks or stem is None or stem.ndim != 4 or classes is None:
        raise CheckpointError(
            f"{where} is no whole EmoNeXt: downsample_layers.0.0.weight (C, 3, 4, 4), stages.0.0.dwconv.weight "
            "(C, 1, 7, 7) and head.weight (classes, C) say its size, and one of them is missing"
        )
    if tuple(stem.shape[2:]) != AUTHORS_STEM:
        raise CheckpointError(
            f"{where}: its stem of {tuple(stem.shape[2:])} is not the authors' 4 x 4, and no shape says its stride"
        )
    stages = [blocks[stage] for stage in sorted(blocks)]
    return Architecture(
        depths=tuple(len(stage) for stage in stages),
        dims=tuple(stage[min(stage)] for stage in stages),
        num_classes=classes,
        image_size=_image_size(state, where, image_size),
        in_chans=stem.shape[1],
        stn=any(name.startswith(("localization.", "fc_loc.")) for name in state),
        se=any(".2.fc." in name for name in state),
        attention=any(name.startswith("attention.") for name in state),
        ferplus="ferplus_head.weight" in state,
        layer_scale=1e-6 if any(name.endswith(".gamma") for name in state) else 0.0,
    )


def _image_size(state: Mapping[str, Tensor], where: str, asked: int | None) -> int:
    """The side that the transformer's first linear layer was built for: the roundest of its four."""
    weight = state.get("fc_loc.0.weight")
    if weight is None or weight.ndim != 2:
        return asked or Architecture.image_size
    side = round((weight.shape[1] / 10) ** 0.5)
    sizes = range(4 * side + 14, 4 * side + 18)  # a convolution of 7, half, one of 5, half
    if 10 * side * side != weight.shape[1]:
        raise CheckpointError(f"{where}: fc_loc.0.weight {tuple(weight.shape)} fits no square picture")
    if asked is not None and asked not in sizes:
        raise CheckpointError(f"{where} is for pictures of {sizes[0]} to {sizes[-1]} px, not of {asked}")
    return asked or max(sizes, key=lambda size: size & -size)


def _from_timm(name: str) -> str:
    for pattern, ours in _TIMM:
        changed, times = re.subn(f"^{pattern}", ours, name)
        if times:
            return changed
    return name


def _from_torchvision(name: str) -> str:
    """features.0 is the stem, odd ones are stages, even ones what lies between; classifier is the head."""
    name = re.sub(r"^classifier\.0\.", "norm.", name)
    name = re.sub(r"^classifier\.2\.", "head.", name)
    found = re.fullmatch(r"features\.(\d{1,3})\.(.+)", name)
    if found is None:
        return name
    at, rest = int(found[1]), found[2]
    if at % 2 == 0:
        return f"downsample_layers.{at // 2}.{rest}"
    block, _, part = rest.partition(".")
    if part == "layer_scale":
        return f"stages.{at // 2}.{block}.gamma"
    layer, _, kind = part.rpartition(".")
    return f"stages.{at // 2}.{block}.{_TORCHVISION_BLOCK.get(layer, layer)}.{kind}"


def _flat(name: str, value: Tensor) -> Tensor:
    """Layer scales (C, 1, 1) as (C), and 1 x 1 convolutions as the linear layers that they are."""
    if name.endswith("layer_scale") or (".mlp.fc" in name and value.ndim == 4):
        while value.ndim > 1 and value.shape[-1] == 1:
            value = value.squeeze(-1)
    return value
