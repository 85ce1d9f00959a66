"""`emostream bench serving`: faces/s of the model behind each kind of classifier, beside the bare model.

The bare model is serving's Predictor in this process, called with the same crops in the same batches on the same
number of threads. The ways take turns, the bare model between any two of them, so that each is compared with what the
machine gave just before and after. CPU time is told beside it, by process: other work on the machine takes away wall
clock, and little of that.
"""

from __future__ import annotations

import os
import platform
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import psutil
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from pipeline.classify.choose import answers, make
from pipeline.classify.classifier import Crop
from pipeline.classify.model_folder import ModelFolder
from pipeline.local import archive, java, torchserve
from pipeline.local.folders import new_run
from pipeline.settings import ClassifySettings, Settings

BARE = "bare model"
WAYS = ("torchserve", "torchserve-grpc", "in-process")
WARM_UP = 3  # calls of each way and size that are not timed
PARTS = (("org.pytorch.serve", "frontend"), ("model_service_worker", "worker"))

Call = Callable[[Sequence[Crop]], object]


@dataclass(frozen=True, slots=True)
class Slot:
    """What one way did in its turn: crops a second, CPU seconds by process."""

    speed: float
    crops: int
    cpu: dict[str, float]


def run(
    settings: Settings, sizes: Sequence[int], rounds: int, seconds: float, callers: int, console: Console
) -> dict[str, Any]:
    """`seconds`: of each turn; `callers`: requests in flight to a server. Figures are medians over the rounds."""
    ours = {"kind": "torchserve", "url": "", "token": None, "workers": 1}  # one, as the bare model is one
    classify = settings.classify.model_copy(update=ours)
    with _ways(settings, classify) as (ways, dtype):
        crops = _crops(max(sizes), ModelFolder.of(classify.model).crop.shape)
        found: dict[int, dict[str, list[tuple[float, Slot]]]] = {}
        for size in sizes:
            found[size] = defaultdict(list)
            for call in ways.values():
                for _ in range(WARM_UP):
                    call(crops[:size])
        for number in range(rounds):
            console.print(f"round {number + 1} of {rounds}")
            for size in sizes:
                _round(found[size], ways, crops[:size], seconds, callers)
    outcome = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "load": os.getloadavg()[1],
        "threads": classify.threads,
        "dtype": dtype,
        "requests_in_flight": callers,
        "rounds": rounds,
        "by_batch": {size: _figures(found[size]) for size in sizes},
        "grpc_over_http": {size: _grpc_over_http(found[size]) for size in sizes},
    }
    _show(outcome, console)
    return outcome


@contextmanager
def _ways(settings: Settings, classify: ClassifySettings) -> Iterator[tuple[dict[str, Call], str]]:
    """A real TorchServe with the settings' model, and what calls it; the dtype that the model computes in."""
    from serving.inference.predictor import Predictor

    predictor = Predictor(ModelFolder.of(classify.model).path, threads=classify.threads)

    with ExitStack() as stack:
        run = new_run(settings.run_dir)
        stack.callback(run.close)
        model, golden = archive.of_model(classify), partial(answers, classify)
        server = torchserve.start(java.find(), model, classify, run=run, golden=golden, cancelled=threading.Event())
        stack.callback(server.stop)
        ways: dict[str, Call] = {BARE: predictor.predict}
        for kind in WAYS:
            chosen = classify.model_copy(update={"kind": kind})
            classifier = make(
                chosen.model_copy(update={"url": server.address(chosen), "token": SecretStr(server.token)})
            )
            stack.callback(classifier.close)
            ways[kind] = classifier.classify
        yield ways, str(predictor.dtype).removeprefix("torch.")


def _crops(n: int, shape: tuple[int, ...]) -> list[Crop]:
    return list(np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8))


def _round(
    found: dict[str, list[tuple[float, Slot]]],
    ways: dict[str, Call],
    crops: Sequence[Crop],
    seconds: float,
    callers: int,
) -> None:
    """Every way once; each slot is kept with its ratio to the bare model's before and after."""
    before = _slot(ways[BARE], crops, seconds, 1)
    found[BARE].append((1.0, before))
    for kind in WAYS:
        slot = _slot(ways[kind], crops, seconds, 1 if kind == "in-process" else callers)
        after = _slot(ways[BARE], crops, seconds, 1)
        found[kind].append((2 * slot.speed / (before.speed + after.speed), slot))
        found[BARE].append((1.0, after))
        before = after


def _slot(call: Call, crops: Sequence[Crop], seconds: float, callers: int) -> Slot:
    """`callers` threads that call for `seconds`; the last calls end later, and count."""
    done = [0] * callers
    errors: list[Exception] = []

    def calling(at: int) -> None:
        try:
            while time.perf_counter() < end:
                call(crops)
                done[at] += len(crops)
        except Exception as error:
            errors.append(error)

    cpu = _cpu_seconds()
    began = time.perf_counter()
    end = began + seconds
    threads = [threading.Thread(target=calling, args=(at,)) for at in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    elapsed = time.perf_counter() - began
    after = _cpu_seconds()
    return Slot(sum(done) / elapsed, sum(done), {part: after[part] - cpu.get(part, 0.0) for part in after})


def _cpu_seconds() -> dict[str, float]:
    """By part; "here" is this process: the client, and where the bare model runs."""
    spent = defaultdict(float, here=time.process_time())
    for process in psutil.Process().children(recursive=True):
        try:
            command = " ".join(process.cmdline())
            part = next((part for text, part in PARTS if text in command and "guardian" not in command), None)
            if part:
                times = process.cpu_times()
                spent[part] += times.user + times.system
        except psutil.Error:
            continue
    return spent


def _figures(found: dict[str, list[tuple[float, Slot]]]) -> dict[str, Any]:
    """`ratio`: faces/s over the bare model's, the median; `cpu_ms_per_face` by process."""
    return {
        way: {
            "faces_per_second": round(statistics.median(slot.speed for _, slot in slots), 1),
            "ratio": round(statistics.median(ratio for ratio, _ in slots), 3),
            "ratios": [round(ratio, 3) for ratio, _ in slots] if way != BARE else [],
            "cpu_ms_per_face": {
                part: round(statistics.median(1000 * slot.cpu.get(part, 0.0) / slot.crops for _, slot in slots), 3)
                for part in ("here", "worker", "frontend")
            },
        }
        for way, slots in found.items()
    }


def _grpc_over_http(found: dict[str, list[tuple[float, Slot]]]) -> float:
    """Median of the rounds' ratios."""
    pairs = zip(found["torchserve-grpc"], found["torchserve"], strict=True)
    return round(statistics.median(grpc / http for (grpc, _), (http, _) in pairs), 3)


def _show(outcome: dict[str, Any], console: Console) -> None:
    table = Table("batch", "way", "faces/s", "ratio", "here", "worker", "frontend", title="CPU: ms a face, by process")
    for size, ways in outcome["by_batch"].items():
        for way, figures in ways.items():
            cpu = [f"{figures['cpu_ms_per_face'][part]:.2f}" for part in ("here", "worker", "frontend")]
            table.add_row(str(size), way, f"{figures['faces_per_second']:.0f}", f"{figures['ratio']:.2f}", *cpu)
    console.print(table)
    ratios = ", ".join(f"{ratio:.2f} at {size}" for size, ratio in outcome["grpc_over_http"].items())
    console.print(f"gRPC over HTTP: {ratios}", highlight=False)
    console.print(
        f"{outcome['dtype']}, {outcome['threads']} threads, {outcome['requests_in_flight']} requests in flight, "
        f"{outcome['cores']} cores at load {outcome['load']:.1f}",
        highlight=False,
    )
