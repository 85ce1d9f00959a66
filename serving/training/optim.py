"""The optimisers and the learning rate over time.

Matrices inside the trunk are stepped by Muon (Jordan et al., 2024: momentum, made orthogonal by a
Newton-Schulz iteration), everything else by AdamW. Written here because torch's own Muon computes in
bfloat16, which CPUs without it emulate slowly.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from serving.model.emonext import EmoNeXt
from serving.training.recipe import Recipe

Map = Callable[[Callable[[Tensor], Tensor], Iterable[Tensor]], Iterable[Tensor]]
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients of Jordan et al.


@torch.no_grad()
def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """About the nearest matrix (m, n) with singular values near 1, without an SVD; in the matrix's dtype."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal, for weights of two or more dimensions (convolutions are flattened)."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        map_: Map = map,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dtype = dtype  # of the iteration; bfloat16 is enough where it is fast
        self.map = map_  # where the matrices are computed: here, or on other threads
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            updates = [self._averaged(weight, group["momentum"]).to(self.dtype) for weight in weights]
            for weight, update in zip(weights, self.map(orthogonalise, updates), strict=True):
                rows, columns = update.shape
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                size = group["lr"] * max(1.0, rows / columns) ** 0.5
                weight.add_(update.reshape(weight.shape).to(weight.dtype), alpha=-size)

    def _averaged(self, weight: Tensor, momentum: float) -> Tensor:
        """Nesterov momentum as a matrix (out, in)."""
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        gradient = weight.grad if weight.grad is not None else torch.zeros_like(weight)
        average = state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum).flatten(1)


def split_parameters(model: nn.Module) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """(trunk matrices, other weights, norms and biases and scales) of an EmoNeXt."""
    matrices: list[Tensor] = []
    weights: list[Tensor] = []
    plain: list[Tensor] = []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            plain.append(parameter)
        elif ".pwconv" in name or (".1.weight" in name and name.startswith("downsample_layers")):
            matrices.append(parameter)
        else:
            weights.append(parameter)
    return matrices, weights, plain


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Factor 0..1 at `step` of `steps`, after a linear warm-up.

    "cosine" falls all the way; "trapezoid" is flat and falls in a line over the last `decay`, so that the
    length of a run can still be changed while it is flat; "restarts" begins anew every `cycle` steps, its
    warm-up a share of the cycle (Loshchilov & Hutter, "SGDR", ICLR 2017).
    """
    progress = step % recipe.cycle / recipe.cycle if recipe.schedule == "restarts" else step / steps
    if progress < recipe.warmup:
        return progress / recipe.warmup
    if recipe.schedule == "trapezoid":
        return min(1.0, (1 - progress) / recipe.decay)
    return 0.5 + 0.5 * math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup))


def optimisers(model: EmoNeXt, recipe: Recipe, map_: Map, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    """What steps the model's parameters; each group knows its `full_rate`. `dtype`: of Muon's iteration."""
    matrices, weights, plain = split_parameters(model)
    transformer = {id(p) for name, p in model.named_parameters() if name.startswith(("local", "fc_"))}
    muon = recipe.optimiser == "muon"
    groups: list[dict[str, Any]] = []
    plain_decay = recipe.weight_decay if recipe.decay_all else 0.0
    for parameters, decay in ((weights + ([] if muon else matrices), recipe.weight_decay), (plain, plain_decay)):
        for gentle in (False, True):
            chosen = [p for p in parameters if (id(p) in transformer) is gentle]
            rate = recipe.rate * (recipe.stn_rate if gentle else 1)
            if chosen:
                groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups)]
    if muon:
        found.append(Muon(matrices, recipe.muon_rate, weight_decay=recipe.weight_decay, map_=map_, dtype=dtype))
    for optimiser in found:
        for group in optimiser.param_groups:
            group["full_rate"] = group["lr"]
    return found
