"""The mark to measure against: one process, no Kafka, no Ray, no TorchServe; the same frames, detector and model.

    python -m pipeline.bench.bare FRAMES SETTINGS WAY

Decodes the same JPEGs, detects and cuts with the same code and runs the same model in the same batches, on all cores.
WAY is "in-turn" (every stage uses all cores, one stage after the other) or "overlapped" (threads look at frames while
the model runs, each of them and the model on one core). Prints JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2

from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.image import Image
from pipeline.analyze.vision import Looked, Vision
from pipeline.bench.frames import Frames, load
from pipeline.classify.choose import make as make_classifier
from pipeline.classify.classifier import Classifier
from pipeline.errors import BadRecord
from pipeline.settings import ResolvedSettings, Settings

WARM_UP = 0.1  # part of the frames that is not timed


def run(frames: Frames, settings: Settings, overlapped: bool) -> dict[str, Any]:
    """Frames/s over all frames but the warm-up, faces, and CPU seconds a frame."""
    cores = len(os.sched_getaffinity(0))
    cv2.setNumThreads(1)
    detect = settings.detect.model_copy(update={"threads": 1 if overlapped else cores})
    classify = settings.classify.model_copy(update={"kind": "in-process", "threads": 1 if overlapped else cores})
    classifier = make_classifier(classify)
    vision = Vision(settings, make_detector(detect, settings.model_dir), classifier)
    warm = max(vision.batch, int(len(frames) * WARM_UP))
    _pass(frames[:warm], vision, classifier, settings, cores, overlapped)
    began, cpu = time.perf_counter(), time.process_time()
    faces = _pass(frames[warm:], vision, classifier, settings, cores, overlapped)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    timed = len(frames) - warm
    return {"frames_per_second": timed / seconds, "faces": faces, "frames": timed, "cpu_seconds_per_frame": cpu / timed}


def _pass(
    frames: Frames, vision: Vision, classifier: Classifier, settings: Settings, cores: int, overlapped: bool
) -> int:
    """The loop; returns the number of faces that were scored."""
    waiting: list[Image] = []
    faces = 0
    limit = settings.analyze.batch_faces
    with ThreadPoolExecutor(cores) as pool:
        for looked in _look(frames, vision, pool if overlapped else None, ahead=2 * cores):
            waiting += looked.crops
            while len(waiting) >= limit:
                faces += len(classifier.classify(waiting[:limit]).probabilities)
                del waiting[:limit]
        if waiting:
            faces += len(classifier.classify(waiting).probabilities)
    return faces


def _look(frames: Frames, vision: Vision, pool: ThreadPoolExecutor | None, ahead: int) -> Iterator[Looked]:
    """Every frame's faces, in order, at most `ahead` batches before they are asked for."""
    steps = [frames[at : at + vision.batch] for at in range(0, len(frames), vision.batch)]
    for answer in map(vision.look, steps) if pool is None else _ahead(steps, vision, pool, ahead):
        for looked in answer:
            if isinstance(looked, BadRecord):
                raise looked
            yield looked


def _ahead(
    steps: list[Frames], vision: Vision, pool: ThreadPoolExecutor, ahead: int
) -> Iterator[list[Looked | BadRecord]]:
    futures = [pool.submit(vision.look, step) for step in steps[:ahead]]
    for at in range(len(steps)):
        if at + ahead < len(steps):
            futures.append(pool.submit(vision.look, steps[at + ahead]))
        yield futures[at].result()


if __name__ == "__main__":
    chosen = ResolvedSettings.model_validate_json(Path(sys.argv[2]).read_text())
    print(json.dumps(run(load(Path(sys.argv[1])), chosen, overlapped=sys.argv[3] == "overlapped")))
