"""Random changes to a whole batch of faces at once.

What a camera does (`Augmentation.seen`) is applied to pictures in 0..1, before preprocessing; where the
face lies in its crop (`Augmentation.moved`) after it, so that what comes in from outside is mean gray.
Zeros switch a change off. Everything random is drawn from the generator given.
"""

import math
import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from serving.model.emonext import Head
from serving.strict import Bounds

Targets = dict[Head, Tensor]  # by head: (N, classes), each row a distribution, or zeros where nothing is known

BOUNDS: Bounds = {
    "flip": (0, 1), "flip_vertical": (0, 1), "degrees": (0, 180), "scale": (0, 0.9), "shift": (0, 1),
    "crop_from": (1, 10), "erase": (0, 1), "erase_side": (0, 1), "shrink": (0, 1), "shrink_to": (1, 10_000),
    "expose": (0, 1), "expose_stops": (0, 10), "noise": (0, 1), "noise_deviation": (0, 1),
}  # fmt: skip
MIXING_BOUNDS: Bounds = {"mixup": (0, 100), "cutmix": (0, 100), "probability": (0, 1)}


@dataclass(frozen=True)
class Augmentation:
    """How far each picture may be changed."""

    flip: float = 0.5  # probability of a left-right mirror
    flip_vertical: float = 0.0  # the paper's recipe; faces of cameras are never upside down
    degrees: float = 15.0
    scale: float = 0.15  # 0.15: sides 15 % shorter to 15 % longer
    shift: float = 0.1  # of the side
    crop_from: float = 1.0  # 1.054: pictures are enlarged so much and cut to size anywhere, as the paper does
    erase: float = 0.25  # probability of one blanked rectangle
    erase_side: tuple[float, float] = (0.1, 0.4)  # of the picture's side
    shrink: float = 0.0  # probability of fewer pixels than the model takes: far away, or out of focus
    shrink_to: tuple[float, float] = (12.0, 40.0)  # px
    expose: float = 0.0  # probability of another exposure: dark and coarse, or burnt out
    expose_stops: float = 2.0  # most, either way
    noise: float = 0.0  # probability of sensor noise
    noise_deviation: float = 0.06  # most, of full scale

    def seen(self, faces: Tensor, generator: torch.Generator) -> Tensor:
        """Faces (N, 1, H, W) in 0..1 -> the same shape, as poorer cameras would have seen them."""
        n, size = len(faces), faces.shape[-1]
        if self.shrink:
            chosen = _rand(generator, n) < self.shrink
            low, high = self.shrink_to
            side = int(low + _rand(generator).item() * (high - low))
            faces = torch.where(chosen[:, None, None, None], _shrunk(faces, side, size), faces)
        if self.expose:
            chosen = _rand(generator, n) < self.expose
            stops = (2 * _rand(generator, n) - 1) * self.expose_stops
            gain = torch.where(chosen, 2.0**stops, 1.0)[:, None, None, None]
            faces = (faces * gain * 255).clamp(0, 255).round() / 255
        if self.noise:
            chosen = _rand(generator, n) < self.noise
            deviation = _rand(generator, n) * chosen * self.noise_deviation
            grain = torch.randn(faces.shape, generator=generator, device=generator.device)
            faces = (faces + grain * deviation[:, None, None, None]).clamp(0, 1)
        return faces

    def moved(self, faces: Tensor, generator: torch.Generator) -> Tensor:
        """Faces (N, 1, H, W), 0 the mean gray -> the same shape: turned, shifted, resized, partly covered."""
        n = faces.shape[0]

        def uniform(low: float, high: float) -> Tensor:
            return _rand(generator, n) * (high - low) + low

        angle = uniform(-self.degrees, self.degrees) * (math.pi / 180)
        zoom = (1 + uniform(-self.scale, self.scale)) / self.crop_from
        aside = 2 * self.shift + 1 - 1 / self.crop_from
        mirror = torch.where(uniform(0, 1) < self.flip, -1.0, 1.0)
        upright = torch.where(uniform(0, 1) < self.flip_vertical, -1.0, 1.0)
        cos, sin = angle.cos() * zoom, angle.sin() * zoom
        matrices = torch.stack(
            (
                torch.stack((cos * mirror, -sin * upright, uniform(-aside, aside)), 1),
                torch.stack((sin * mirror, cos * upright, uniform(-aside, aside)), 1),
            ),
            1,
        )
        grid = F.affine_grid(matrices, list(faces.shape), align_corners=False)
        return self._erased(F.grid_sample(faces, grid, align_corners=False), generator)

    def _erased(self, faces: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.erase_side
        sides = low + _rand(generator, 2, len(faces)) * (high - low)
        blank = _rectangles(sides, faces, generator) & _chosen(self.erase, faces, generator)
        return faces.masked_fill(blank, 0.0)


@dataclass(frozen=True)
class Mixing:
    """Pictures of a batch mixed in pairs, and their targets likewise; for long runs.

    Zhang et al., "mixup", ICLR 2018; Yun et al., "CutMix", ICCV 2019. Where both are on, a batch gets
    one of them.
    """

    mixup: float = 0.0  # alpha of the Beta distribution of shares
    cutmix: float = 0.0
    probability: float = 1.0  # of a batch being mixed at all

    def __call__(self, faces: Tensor, targets: Targets, generator: torch.Generator) -> tuple[Tensor, Targets]:
        """Faces (N, 1, H, W) and targets -> mixed ones of the same shapes."""
        draws = _rand(generator, 2).tolist()
        if not (self.mixup or self.cutmix) or draws[0] >= self.probability:
            return faces, targets
        cut = bool(self.cutmix) and (not self.mixup or draws[1] < 0.5)
        share = _beta(self.cutmix if cut else self.mixup, generator)
        partner = torch.randperm(len(faces), generator=generator, device=generator.device)
        if cut:
            side = torch.full((2, 1), math.sqrt(1 - share), device=faces.device)
            pasted = _rectangles(side, faces[:1], generator)
            share = 1 - pasted.float().mean().item()
            mixed = torch.where(pasted, faces[partner], faces)
        else:
            mixed = faces.lerp(faces[partner], 1 - share)
        return mixed, {head: rows.lerp(rows[partner], 1 - share) for head, rows in targets.items()}


def _shrunk(faces: Tensor, side: int, size: int) -> Tensor:
    small = F.interpolate(faces, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, (size, size), mode="bilinear", align_corners=False)


def _chosen(probability: float, faces: Tensor, generator: torch.Generator) -> Tensor:
    return (_rand(generator, len(faces)) < probability)[:, None, None, None]


def _rectangles(sides: Tensor, faces: Tensor, generator: torch.Generator) -> Tensor:
    """Masks (N, 1, H, W) of one rectangle a picture; `sides` (2, N): height and width, of the picture's."""
    n, _, height, width = faces.shape
    corners = _rand(generator, 2, n) * (1 - sides)
    y = (torch.arange(height, device=faces.device) + 0.5) / height
    x = (torch.arange(width, device=faces.device) + 0.5) / width
    inside_y = (y >= corners[0, :, None]) & (y < (corners[0] + sides[0])[:, None])
    inside_x = (x >= corners[1, :, None]) & (x < (corners[1] + sides[1])[:, None])
    return (inside_y[:, :, None] & inside_x[:, None, :])[:, None]


def _beta(alpha: float, generator: torch.Generator) -> float:
    """A draw of Beta(alpha, alpha)."""
    seed = torch.randint(2**31, (), generator=generator, device=generator.device)
    return random.Random(int(seed)).betavariate(alpha, alpha)


def _rand(generator: torch.Generator, *shape: int) -> Tensor:
    """Uniform in 0..1, where the generator is."""
    return torch.rand(shape, generator=generator, device=generator.device)
