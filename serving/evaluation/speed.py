"""How fast a model answers, preprocessing included, on this machine with the threads it was given."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from serving.inference.predictor import Predictor

BATCHES = (1, 8, 32, 128)
ROUNDS = 5  # at least; the 95th percentile of few rounds is their slowest


@dataclass(frozen=True)
class Latency:
    """Milliseconds that a batch takes: half of them less, 95 % of them less."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Speed:
    """Batches of so many crops: faces a second at the median latency, and what it was measured with."""

    batch: int
    faces_per_second: float
    latency_ms: Latency
    rounds: int
    dtype: str
    threads: int
    device: str


def measure_speed(
    predictor: Predictor,
    crops: NDArray[np.uint8],
    batches: Sequence[int] = BATCHES,
    seconds: float = 0.5,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Speed]:
    """Each batch size for `seconds`, or ROUNDS if that takes longer; crops (N, H, W), repeated as needed."""
    found = []
    for batch in batches:
        given = np.resize(crops, (batch, *crops.shape[1:]))
        predictor.predict(given)  # the first call of a size also chooses its kernels
        times: list[float] = []
        end = clock() + seconds
        while len(times) < ROUNDS or clock() < end:
            started = clock()
            predictor.predict(given)
            times.append(clock() - started)
        p50, p95 = np.percentile(times, (50, 95)).tolist()
        found.append(
            Speed(
                batch,
                round(batch / p50, 1),
                Latency(round(1000 * p50, 3), round(1000 * p95, 3)),
                len(times),
                str(predictor.dtype).removeprefix("torch."),
                torch.get_num_threads(),
                predictor.device.type,
            )
        )
    return found
