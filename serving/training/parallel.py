"""Gradients of one batch on several CPU cores: a thread a core, each with its share of the batch.

Faster than threads inside each operation, which wait for each other hundreds of times a step: above
all on a machine that has other work to do (figures in docs/training.md).
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from serving.model.emonext import Block, EmoNeXt, Head
from serving.training.augment import Targets
from serving.training.batches import stream

Loss = Callable[[dict[Head, Tensor], Targets, Tensor | None], Tensor]  # logits, targets, attention


class Replicas:
    """`count` views of one model: parameters shared, gradients and batch-norm statistics apart.

    The model is the first of them: its statistics and gradients are what counts. The batch's
    attention is taken over each share, not over the whole batch.
    """

    def __init__(self, model: EmoNeXt, count: int, dtype: torch.dtype = torch.float32) -> None:
        self._device = next(model.parameters()).device
        self._dtype = dtype  # of the matrix products; weights, norms and the loss stay float32
        self.models = [model, *(copy.deepcopy(model) for _ in range(count - 1))]
        for other in self.models[1:]:
            for own, shared in zip(other.parameters(), model.parameters(), strict=True):
                own.data = shared.data
        self._pool = ThreadPoolExecutor(count, initializer=_single_threaded)

    def seed(self, seed: int) -> None:
        """Fix the stochastic depth from here on."""
        for index, model in enumerate(self.models):
            generator = torch.Generator(self._device).manual_seed(stream(seed, index))
            for module in model.modules():
                if isinstance(module, Block):
                    module.generator = generator

    def gradients(self, faces: Tensor, targets: Targets, loss: Loss) -> float:
        """Leave the batch's mean gradient in the model; returns its mean loss."""
        size = math.ceil(len(faces) / len(self.models))
        rows = [slice(start, start + size) for start in range(0, len(faces), size)]
        shares = list(zip(self.models, rows, strict=False))

        def share(model: EmoNeXt, rows: slice) -> float:
            model.train().zero_grad()
            with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
                features = model.features(part := faces[rows])
            features = features.float()
            attention = None if model.attention is None else model.attention(features)
            mine = {head: target[rows] for head, target in targets.items()}
            value = loss(model.logits(features), mine, attention) * (len(part) / len(faces))
            value.backward()  # type: ignore[no-untyped-call]
            return value.item()

        running = [self._pool.submit(share, model, part) for model, part in shares]
        total = sum(future.result() for future in running)
        for other, _ in shares[1:]:
            for mine, theirs in zip(self.models[0].parameters(), other.parameters(), strict=True):
                if mine.grad is not None and theirs.grad is not None:
                    mine.grad.add_(theirs.grad)
        return total

    def map(self, work: Callable[[Tensor], Tensor], items: Iterable[Tensor]) -> Iterator[Tensor]:
        """As the builtin `map`, on the replicas' threads."""
        return self._pool.map(work, items)

    def close(self) -> None:
        self._pool.shutdown()


def _single_threaded() -> None:
    torch.set_num_threads(1)
