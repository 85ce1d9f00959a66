"""A second EmoNeXt, to compare the first with: loops and sums over a state dict, no layers of torch.

Written from the papers' facts alone; slow. Everything in evaluation mode.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]


def theta(state: State, images: Tensor) -> Tensor:
    """(N, 3, S, S) -> (N, 2, 3)."""
    x = images
    for conv, norm in ((0, 1), (4, 5)):
        x = _conv(x, state[f"localization.{conv}.weight"], state[f"localization.{conv}.bias"], stride=1)
        x = _batch_norm(x, state, f"localization.{norm}.")
        x = _max_pool(x).clamp(min=0)
    hidden = _linear(x.flatten(1), state, "fc_loc.0").clamp(min=0)
    return _linear(hidden, state, "fc_loc.2").view(-1, 2, 3)


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Each picture seen through its affine matrix; -1 and 1 are the middles of the outermost pixels."""
    n, _, height, width = images.shape
    warped = torch.zeros_like(images)
    batch = torch.arange(n)[:, None, None]
    y, x = torch.meshgrid(_spaced(height, images), _spaced(width, images), indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    at = torch.einsum("nij,hwj->nhwi", matrices, places)
    column, row = (at[..., 0] + 1) / 2 * (width - 1), (at[..., 1] + 1) / 2 * (height - 1)
    left, top = column.floor(), row.floor()
    for dy in (0, 1):
        for dx in (0, 1):
            i, j = (top + dy).long(), (left + dx).long()
            share = (1 - (column - j).abs()) * (1 - (row - i).abs())
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            pixels = images[batch, :, i.clamp(0, height - 1), j.clamp(0, width - 1)]
            warped += torch.einsum("nhwc,nhw->nchw", pixels, share * inside)
    return warped


def features(state: State, images: Tensor) -> Tensor:
    """(N, 3, S, S) -> (N, C)."""
    x = images
    if "fc_loc.0.weight" in state:
        x = warp(images, theta(state, images))
    stage = 0
    while f"stages.{stage}.0.gamma" in state:
        at = f"downsample_layers.{stage}."
        if stage == 0:
            x = _conv(x, state[f"{at}0.weight"], state[f"{at}0.bias"], stride=4)
            x = _layer_norm(x, state, f"{at}1", dim=1)
        else:
            x = _layer_norm(x, state, f"{at}0", dim=1)
            x = _conv(x, state[f"{at}1.weight"], state[f"{at}1.bias"], stride=2)
            if f"{at}2.fc.0.weight" in state:
                x = _squeeze_excitation(x, state, f"{at}2.fc.")
        block = 0
        while f"stages.{stage}.{block}.gamma" in state:
            x = _block(x, state, f"stages.{stage}.{block}.")
            block += 1
        stage += 1
    return _layer_norm(x.sum((2, 3)) / (x.shape[2] * x.shape[3]), state, "norm", dim=1)


def attention(state: State, found: Tensor) -> Tensor:
    """Features (N, C) -> weights (N, N)."""
    x = _layer_norm(found, state, "attention.norm", dim=1, eps=1e-5)
    query, key = _linear(x, state, "attention.query"), _linear(x, state, "attention.key")
    scores = torch.einsum("ic,jc->ij", query, key) / math.sqrt(math.sqrt(found.shape[1]))
    shares = scores.exp()
    return shares / shares.sum(1, keepdim=True)


def logits(state: State, found: Tensor) -> Tensor:
    """Features (N, C) -> (N, classes)."""
    return _linear(found, state, "head")


def loss(scores: Tensor, labels: Tensor, weights: Tensor, smoothing: float, lambda_: float) -> Tensor:
    classes = scores.shape[1]
    total = scores.new_zeros(())
    for row, label in zip(scores, labels.tolist(), strict=True):
        shares = row.exp() / row.exp().sum()
        for index in range(classes):
            target = smoothing / classes + (1 - smoothing) * (index == label)
            total = total - target * shares[index].log() / len(scores)
    mean = weights.sum() / weights.numel()
    return total + lambda_ * ((weights - mean) ** 2).sum() / weights.numel()


def _block(x: Tensor, state: State, at: str) -> Tensor:
    n, channels, height, width = x.shape
    windows = F.unfold(x, 7, padding=3).view(n, channels, 49, height * width)
    y = torch.einsum("nckp,ck->ncp", windows, state[f"{at}dwconv.weight"].reshape(channels, 49))
    y = (y + state[f"{at}dwconv.bias"][:, None]).transpose(1, 2)  # (N, positions, C)
    y = _linear(_layer_norm(y, state, f"{at}norm", dim=2), state, f"{at}pwconv1")
    y = y * (1 + torch.erf(y / math.sqrt(2))) / 2
    y = _linear(y, state, f"{at}pwconv2") * state[f"{at}gamma"]
    return x + y.transpose(1, 2).reshape(x.shape)


def _squeeze_excitation(x: Tensor, state: State, at: str) -> Tensor:
    mean = x.sum((2, 3)) / (x.shape[2] * x.shape[3])
    hidden = torch.einsum("nc,hc->nh", mean, state[f"{at}0.weight"]).clamp(min=0)
    gates = 1 / (1 + torch.exp(-torch.einsum("nh,ch->nc", hidden, state[f"{at}2.weight"])))
    return torch.einsum("nchw,nc->nchw", x, gates)


def _conv(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    kernel = weight.shape[2]
    height, width = ((side - kernel) // stride + 1 for side in x.shape[2:])
    windows = F.unfold(x, kernel, stride=stride)
    found = torch.einsum("nkp,ok->nop", windows, weight.flatten(1)) + bias[:, None]
    return found.view(len(x), -1, height, width)


def _batch_norm(x: Tensor, state: State, at: str) -> Tensor:
    mean, variance, weight, bias = (
        state[at + name][:, None, None] for name in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def _layer_norm(x: Tensor, state: State, at: str, dim: int, eps: float = 1e-6) -> Tensor:
    centred = x - x.mean(dim, keepdim=True)
    scaled = (centred / (centred.square().mean(dim, keepdim=True) + eps).sqrt()).movedim(dim, -1)
    return (scaled * state[f"{at}.weight"] + state[f"{at}.bias"]).movedim(-1, dim)


def _max_pool(x: Tensor) -> Tensor:
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    corners = [x[:, :, dy:height:2, dx:width:2] for dy in (0, 1) for dx in (0, 1)]
    return torch.stack(corners).amax(0)


def _linear(x: Tensor, state: State, at: str) -> Tensor:
    return torch.einsum("...i,oi->...o", x, state[f"{at}.weight"]) + state[f"{at}.bias"]


def _spaced(count: int, like: Tensor) -> Tensor:
    return 2 * torch.arange(count, dtype=like.dtype) / (count - 1) - 1
