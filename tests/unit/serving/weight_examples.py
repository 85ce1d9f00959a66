"""States of small EmoNeXts as others might hand them over."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from serving.model.sizes import Architecture

SMALL = Architecture(depths=(1, 2, 1, 1), dims=(16, 24, 32, 48), image_size=48)
ALPHABETICAL = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def random_state(architecture: Architecture, seed: int = 0) -> dict[str, Tensor]:
    """Weights that make every part of the model matter: nothing at its start, no layer scale of 1e-6."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in architecture.build().state_dict().items():
        drawn = torch.randn(value.shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1000)
        elif name.endswith(("running_var", "gamma")) or (value.ndim == 1 and name.endswith("weight")):
            state[name] = 0.5 + torch.rand(value.shape, generator=generator)
        elif name == "fc_loc.2.bias":
            state[name] = torch.tensor([0.8, 0.1, 0.1, -0.1, 0.9, -0.2])
        elif name == "fc_loc.2.weight":
            state[name] = 0.02 * drawn
        else:
            state[name] = drawn * (0.1 if value.ndim < 2 else value[0].numel() ** -0.5)
    return state


def trunk(state: Mapping[str, Tensor], classes: int = 1000) -> dict[str, Tensor]:
    """The ConvNeXt in an EmoNeXt's state, with a head of ImageNet's: Facebook's names."""
    width = state["norm.weight"].shape[0]
    added = ("localization.", "fc_loc.", "attention.", "head.", "ferplus_head.")
    kept = {name: value for name, value in state.items() if not name.startswith(added) and ".2.fc." not in name}
    return kept | {"head.weight": torch.randn(classes, width), "head.bias": torch.randn(classes)}


def timm_names(state: Mapping[str, Tensor], conv_mlp: bool = False) -> dict[str, Tensor]:
    """A ConvNeXt under timm's names; `conv_mlp`: its small sizes, whose linear layers are convolutions."""
    found = {}
    for name, value in state.items():
        new = re.sub(r"^downsample_layers\.0\.", "stem.", name)
        new = re.sub(r"^stages\.(\d+)\.(\d+)", r"stages.\1.blocks.\2", new)
        new = re.sub(r"^downsample_layers\.(\d+)", r"stages.\1.downsample", new)
        new = new.replace("dwconv", "conv_dw").replace("pwconv", "mlp.fc")
        new = re.sub(r"^head\.", "head.fc.", new)
        new = re.sub(r"^norm\.", "head.norm.", new)
        found[new] = value[:, :, None, None] if conv_mlp and ".mlp.fc" in new and value.ndim == 2 else value
    return found


def torchvision_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A ConvNeXt under torchvision's names."""
    layers = {"dwconv": "block.0", "norm": "block.2", "pwconv1": "block.3", "pwconv2": "block.5"}
    found = {}
    for name, value in state.items():
        words = name.split(".")
        if words[0] == "downsample_layers":
            found[".".join(["features", str(2 * int(words[1])), *words[2:]])] = value
        elif words[0] == "stages":
            at = f"features.{2 * int(words[1]) + 1}.{words[2]}"
            if words[3] == "gamma":
                found[f"{at}.layer_scale"] = value[:, None, None]
            else:
                found[f"{at}.{layers[words[3]]}.{words[4]}"] = value
        else:
            found[f"classifier.{ {'norm': 0, 'head': 2}[words[0]] }.{words[1]}"] = value
    return found
