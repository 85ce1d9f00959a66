"""Packs face crops of many frames and cameras into requests to the model. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.analyze.image import Image

Token = TypeVar("Token")


@dataclass(frozen=True, slots=True, eq=False)
class Batch(Generic[Token]):
    """One request: `tokens[i]` says whose `crops[i]` is."""

    tokens: list[Token]
    crops: list[Image]

    def __len__(self) -> int:
        return len(self.tokens)


class Batcher(Generic[Token]):
    """Gathers crops until a request is full or its oldest crop has waited long enough.

    `limit`: crops of one request. `wait`: seconds a crop waits at most, when `due` is asked in time. Holds fewer
    than `limit` crops between calls; order is kept, and a frame's crops may be split over two requests.
    """

    def __init__(self, limit: int, wait: float) -> None:
        if limit < 1:
            raise ValueError("limit must be at least 1")
        self._limit = limit
        self._wait = wait
        self._tokens: list[Token] = []
        self._crops: list[Image] = []
        self._oldest = 0.0  # when the first of them came; seconds, any clock that only goes forward

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def deadline(self) -> float | None:
        """When `due` will give the waiting crops out; None when none wait."""
        return self._oldest + self._wait if self._tokens else None

    def add(self, tokens: Sequence[Token], crops: Sequence[Image], now: float) -> list[Batch[Token]]:
        """Take in one token a crop; returns the requests that became full."""
        if not tokens:
            return []
        full: list[Batch[Token]] = []
        for token, crop in zip(tokens, crops, strict=True):
            if not self._tokens:
                self._oldest = now
            self._tokens.append(token)
            self._crops.append(crop)
            if len(self._tokens) == self._limit:
                full.append(self._taken())
        return full

    def due(self, now: float) -> Batch[Token] | None:
        """What waits, once its oldest crop has waited `wait` seconds."""
        deadline = self.deadline
        return self._taken() if deadline is not None and now >= deadline else None

    def flush(self) -> Batch[Token] | None:
        """What waits, at once; None when nothing does."""
        return self._taken() if self._tokens else None

    def _taken(self) -> Batch[Token]:
        batch = Batch(self._tokens, self._crops)
        self._tokens, self._crops = [], []
        return batch
