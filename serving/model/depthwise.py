"""Depthwise convolution as one matrix product per channel, for small grids on CPUs.

On a grid of P = H x W positions, a 'same' depthwise convolution is, per channel, a (P, P) matrix
whose entries are taps of the kernel (zero where the tap falls outside the kernel). For P up to a
few hundred the batched matrix product is faster on a CPU than the library's depthwise kernels, for
forward and backward together; the figures are in docs/training.md. Same numbers, other rounding.
"""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # what is cached must serve training too
def _tap_selector(height: int, width: int, kernel: int) -> Tensor:
    """(k*k, P*P) zeros and ones: column (q, p) picks the tap that carries position q into p."""
    rows = torch.arange(height).repeat_interleave(width)
    columns = torch.arange(width).repeat(height)
    dy = rows[:, None] - rows[None, :] + kernel // 2
    dx = columns[:, None] - columns[None, :] + kernel // 2
    inside = (dy >= 0) & (dy < kernel) & (dx >= 0) & (dx < kernel)
    tap = torch.where(inside, dy * kernel + dx, kernel * kernel).reshape(-1)
    return torch.nn.functional.one_hot(tap, kernel * kernel + 1)[:, :-1].T.float().contiguous()


def depthwise_matmul(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Depthwise 'same' convolution of x (N, H, W, C) with weight (C, 1, k, k), k odd.

    Returns (N, H, W, C), equal to conv2d(padding=k//2, groups=C) up to rounding.
    """
    n, height, width, channels = x.shape
    kernel = weight.shape[-1]
    selector = _tap_selector(height, width, kernel).to(weight)
    matrix = (weight.reshape(channels, -1) @ selector).view(channels, height * width, -1)
    planes = x.reshape(n, height * width, channels).permute(2, 0, 1)  # (C, N, P)
    out = torch.bmm(planes, matrix).permute(1, 2, 0).reshape(n, height, width, channels)
    return out if bias is None else out + bias
