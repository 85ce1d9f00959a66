"""From face crops to a model's input: the one function that training, the TorchServe handler and the
in-process classifier share.

A crop is uint8, gray (H, W) or colour (H, W, 3) in OpenCV's order, blue first. FER2013's faces, which
the models here learn from, are cut tightly: from mid-forehead to chin, ear to ear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from serving.inference.crops import check_crop

Module = TypeVar("Module", bound=nn.Module)

STD_FLOOR = 0.02  # of full scale: an even picture stays even instead of becoming noise


@dataclass(frozen=True)
class Preprocessing:
    """What the model was trained to see."""

    image_size: int = 48  # px, a side
    normalise: Literal["none", "per_crop"] = "none"  # per_crop: mean 0, standard deviation 1

    def __call__(self, crops: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Tensor:
        """N crops of any sizes -> float32 (N, 1, image_size, image_size). CropError: see `check_crop`."""
        for crop in crops:
            check_crop(crop)
        if not len(crops):
            return torch.zeros(0, 1, self.image_size, self.image_size)
        if len({crop.shape for crop in crops}) == 1:
            return self.batch(np.stack(list(crops)))
        return torch.cat([self.batch(crop[None]) for crop in crops])

    def batch(self, crops: NDArray[np.uint8]) -> Tensor:
        """Equal crops (N, H, W) or (N, H, W, 3) -> float32 (N, 1, image_size, image_size)."""
        return self.normalised(self.scaled(crops))

    def scaled(self, crops: NDArray[np.uint8], device: torch.device | None = None) -> Tensor:
        """As `batch`, but the values are in 0..1 still; on `device`, the CPU by default."""
        faces = torch.from_numpy(np.ascontiguousarray(crops)).to(device).float().div_(255.0)
        if faces.ndim == 4:
            faces = faces @ torch.tensor([0.114, 0.587, 0.299], device=device)  # ITU-R BT.601, blue first
        return resized(faces[:, None], self.image_size)

    def normalised(self, faces: Tensor) -> Tensor:
        """Float (N, 1, H, W) in 0..1 -> the same shape, as the model takes it."""
        if self.normalise == "per_crop":
            mean = faces.mean((2, 3), keepdim=True)
            std = faces.std((2, 3), keepdim=True, correction=0).clamp_min(STD_FLOOR)
            faces = (faces - mean) / std
        return faces


def resized(faces: Tensor, size: int) -> Tensor:
    """Float (N, 1, H, W) -> (N, 1, size, size), without aliasing."""
    if faces.shape[2:] == (size, size):
        return faces
    return F.interpolate(faces, (size, size), mode="bilinear", antialias=True, align_corners=False)


def as_channels(faces: Tensor, channels: int) -> Tensor:
    """Gray (N, 1, H, W) repeated to the model's channels, in the memory order that is fast on CPUs."""
    return faces.expand(-1, channels, -1, -1).contiguous(memory_format=torch.channels_last)


def channels_last(model: Module) -> Module:
    """The model with its weights in that memory order, in place."""
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model
