"""EmoNeXt: a ConvNeXt with a spatial transformer, squeeze-excitation and attention regularisation.

El Boudouri & Bohi, "EmoNeXt: an Adapted ConvNeXt for Facial Emotion Recognition", MMSP 2023,
arXiv 2501.08199; trunk after Liu et al., "A ConvNet for the 2020s", CVPR 2022. Parameter names are
those of the authors' checkpoints. N is the batch, C the last stage's width.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.model.depthwise import depthwise_matmul

Init = Literal["trunc_normal", "fan_in"]
Head = Literal["fer2013", "ferplus"]  # the labels that a head has learnt
STN_KERNELS = (7, 5)  # each followed by max-pool 2


class LayerNorm2d(nn.LayerNorm):
    """LayerNorm over the channels of (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class SqueezeExcitation(nn.Module):
    """Channel gates from the spatial mean (Hu et al., CVPR 2018): (N, C, H, W) -> the same."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = self.fc(x.mean((2, 3)))
        return x * gates[:, :, None, None]


class Block(nn.Module):
    """ConvNeXt block with stochastic depth at rate `drop_path`: (N, C, H, W) -> the same.

    In training, on grids of at most `matmul_grid` positions, the depthwise convolution runs as a
    matrix product: its backward pass is the faster one.
    """

    def __init__(self, channels: int, drop_path: float, layer_scale: float, matmul_grid: int = 0) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), float(layer_scale))) if layer_scale else None
        self.drop_path = drop_path
        self.matmul_grid = matmul_grid
        self.generator: torch.Generator | None = None  # of the stochastic depth; None: torch's own

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.shape[2] * x.shape[3] <= self.matmul_grid:
            y = depthwise_matmul(x.permute(0, 2, 3, 1), self.dwconv.weight, self.dwconv.bias)
        else:
            y = self.dwconv(x).permute(0, 2, 3, 1)  # (N, H, W, C)
        y = self.pwconv2(F.gelu(self.pwconv1(self.norm(y))))
        if self.gamma is not None:
            y = y * self.gamma
        if self.training and self.drop_path > 0:
            keep = 1.0 - self.drop_path
            draws = torch.rand(y.shape[0], 1, 1, 1, device=y.device, generator=self.generator)
            y = y * (draws < keep).to(y.dtype).div(keep)
        out: Tensor = x + y.permute(0, 3, 1, 2)
        return out


class BatchAttention(nn.Module):
    """Attention of a batch's features over each other: features (N, C) -> weights (N, N).

    Only the weights matter, as a term of the loss. `value` takes no part in it; it is here because
    the authors' checkpoints hold it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.scale = channels**-0.25

    def forward(self, features: Tensor) -> Tensor:
        x = self.norm(features)
        scores = self.query(x) @ self.key(x).T * self.scale
        weights: Tensor = scores.softmax(-1)
        return weights


class EmoNeXt(nn.Module):
    """Face pictures (N, in_chans, image_size, image_size), float in 0..1 -> logits (N, num_classes).

    The defaults are the paper's architecture. `stem_kernel`, `stem_stride` make an overlapping stem
    for small faces; `stn_pool` pools the localization's map to a fixed side, so that one model takes
    several picture sizes (the paper: None, the size is `image_size`); `init` "fan_in" is torch's
    default, for narrow nets trained from scratch. `attention=False` leaves out the branch that is
    dead at inference. `ferplus` adds a second head on the same features, for FER+'s votes, which
    contradict FER2013's labels. ValueError: a size that leaves no positions for some layer.
    """

    def __init__(
        self,
        depths: Sequence[int] = (3, 3, 9, 3),
        dims: Sequence[int] = (96, 192, 384, 768),
        num_classes: int = 7,
        image_size: int = 224,
        *,
        in_chans: int = 3,
        drop_path: float = 0.1,
        stn: bool = True,
        se: bool = True,
        attention: bool = True,
        ferplus: bool = False,
        stem_kernel: int = 4,
        stem_stride: int = 4,
        layer_scale: float = 1e-6,
        init: Init = "trunc_normal",
        stn_pool: int | None = None,
        matmul_grid: int = 0,
    ) -> None:
        super().__init__()
        if len(depths) != len(dims) or not depths:
            raise ValueError(f"depths {tuple(depths)} and dims {tuple(dims)} differ in length")
        self.image_size = image_size
        self.num_classes = num_classes
        self.stn_pool = stn_pool
        stem_padding = (stem_kernel - stem_stride + 1) // 2
        _check_size(image_size, len(depths), stem_kernel, stem_stride, stem_padding)

        self.localization: nn.Sequential | None = None
        self.fc_loc: nn.Sequential | None = None
        if stn:
            self.localization = nn.Sequential(
                nn.Conv2d(in_chans, 8, STN_KERNELS[0]),
                nn.BatchNorm2d(8),
                nn.MaxPool2d(2, 2),
                nn.ReLU(),
                nn.Conv2d(8, 10, STN_KERNELS[1]),
                nn.BatchNorm2d(10),
                nn.MaxPool2d(2, 2),
                nn.ReLU(),
            )
            side = stn_pool or _stn_side(image_size)
            self.fc_loc = nn.Sequential(nn.Linear(10 * side * side, 32), nn.ReLU(), nn.Linear(32, 6))

        self.downsample_layers = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(in_chans, dims[0], stem_kernel, stem_stride, stem_padding),
                    LayerNorm2d(dims[0], eps=1e-6),
                )
            ]
        )
        for before, after in itertools.pairwise(dims):
            layers: list[nn.Module] = [LayerNorm2d(before, eps=1e-6), nn.Conv2d(before, after, 2, 2)]
            if se:
                layers.append(SqueezeExcitation(after))
            self.downsample_layers.append(nn.Sequential(*layers))

        blocks = sum(depths)
        rates = iter([drop_path * block / max(1, blocks - 1) for block in range(blocks)])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width, next(rates), layer_scale, matmul_grid) for _ in range(depth)))
            for depth, width in zip(depths, dims, strict=True)
        )
        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)
        self.attention = BatchAttention(dims[-1]) if attention else None
        if init == "trunc_normal":
            self.apply(_trunc_normal)
        self.head = nn.Linear(dims[-1], num_classes)
        self.ferplus_head = nn.Linear(dims[-1], num_classes) if ferplus else None
        if self.fc_loc is not None:  # the transformer starts at the identity
            self.fc_loc[-1].load_state_dict({"weight": torch.zeros(6, 32), "bias": torch.tensor([1.0, 0, 0, 0, 1, 0])})

    def theta(self, images: Tensor) -> Tensor:
        """The affine matrices (N, 2, 3) that the spatial transformer applies; needs stn=True."""
        if self.localization is None or self.fc_loc is None:
            raise ValueError("this model was built without a spatial transformer (stn=False)")
        if self.stn_pool is None and images.shape[-1] != self.image_size:
            raise ValueError(
                f"pictures of {images.shape[-1]} px given to a spatial transformer "
                f"built for {self.image_size} px (set stn_pool to take several sizes)"
            )
        with torch.autocast(images.device.type, enabled=False):  # in bf16 it would be a pixel off
            found = self.localization(images)
            if self.stn_pool is not None:
                found = F.adaptive_avg_pool2d(found, self.stn_pool)
            matrices: Tensor = self.fc_loc(found.flatten(1))
        return matrices.view(-1, 2, 3)

    def warp(self, images: Tensor) -> Tensor:
        """Pictures as the trunk sees them: (N, C, H, W) -> the same."""
        if self.localization is None:
            return images
        with torch.autocast(images.device.type, enabled=False):
            grid = F.affine_grid(self.theta(images), list(images.shape), align_corners=True)
            return F.grid_sample(images, grid, align_corners=True)

    def features(self, images: Tensor) -> Tensor:
        """Pictures -> features (N, C): the trunk's spatial mean, normalised."""
        x = self.warp(images)
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
        pooled: Tensor = self.norm(x.mean((2, 3)))
        return pooled

    def attention_weights(self, features: Tensor) -> Tensor:
        """Weights (N, N) of a batch's features (N, C) over each other; needs attention=True."""
        if self.attention is None:
            raise ValueError("this model was built without its attention branch (attention=False)")
        weights: Tensor = self.attention(features)
        return weights

    def logits(self, features: Tensor) -> dict[Head, Tensor]:
        """What each head says of features (N, C): logits (N, num_classes)."""
        found: dict[Head, Tensor] = {"fer2013": self.head(features)}
        if self.ferplus_head is not None:
            found["ferplus"] = self.ferplus_head(features)
        return found

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def loss(
    logits: Tensor,
    labels: Tensor,
    attention: Tensor | None = None,
    smoothing: float = 0.2,
    lambda_: float = 1.0,
) -> Tensor:
    """Cross entropy with label smoothing, plus `lambda_` times the variance of the attention weights.

    labels: classes (N,) int64 or probabilities (N, num_classes); attention: (N, N) or None.
    """
    value = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    if attention is not None and lambda_:
        value = value + lambda_ * (attention - attention.mean()).square().mean()
    return value


def _trunc_normal(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _stn_side(size: int) -> int:
    """Side of the localization's last map: 52 at 224 px."""
    for kernel in STN_KERNELS:
        size = (size - kernel + 1) // 2
    if size < 1:
        raise ValueError("image_size is too small for the spatial transformer: 18 px is the least")
    return size


def _check_size(size: int, stages: int, kernel: int, stride: int, padding: int) -> None:
    if padding < 0:
        raise ValueError(f"stem_kernel {kernel} is smaller than stem_stride {stride}")
    side = (size + 2 * padding - kernel) // stride + 1
    if size < 1 or side >> (stages - 1) < 1:
        raise ValueError(f"image_size {size} leaves no positions for the last of {stages} stages")
