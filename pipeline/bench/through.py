"""Recorded frames through analyzers on a real Kafka and TorchServe: all of them at once, or at a pace."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaProducer

from pipeline.bench.bare import WARM_UP
from pipeline.bench.frames import SESSION, Frames
from pipeline.errors import DependencyError
from pipeline.kafka.clients import apply_topics, producer
from pipeline.kafka.reader import Reader, parse
from pipeline.local.process import Process
from pipeline.local.processes import cpu_seconds
from pipeline.local.roles import role, write_settings
from pipeline.local.stack import LocalStack
from pipeline.messages import CameraState, FrameHeader, Ledger, Observation, headers_of
from pipeline.settings import Settings
from pipeline.topics import EVENTS, FRAMES, name

PATIENCE_SECONDS = 60.0  # without an event, until a run is given up
POLL_SECONDS = 0.2
LATE_POLL_SECONDS = 0.01  # while it counts when an observation can be read


@dataclass(frozen=True)
class Paced:
    """Frames that came at a pace. `latencies`: seconds from capture until a consumer held the observation.

    `stages`: seconds of each, of every frame. `cpu`: seconds a frame by part.
    """

    frames_per_second: float
    latencies: list[float]
    stages: dict[str, list[float]]
    cpu: dict[str, float]


def every_face(settings: Settings) -> Settings:
    """With every face of every frame read by the model."""
    return settings.model_copy(update={"analyze": settings.analyze.model_copy(update={"reread_seconds": 0.0})})


def held(settings: Settings) -> int:
    """Frames that the analyzers may hold at a time."""
    return settings.analyze.inflight_frames * settings.analyze.actors


def through_the_pipeline(
    stack: LocalStack, settings: Settings, frames: Frames, prefix: str
) -> tuple[dict[str, Any], list[Observation]]:
    """Frames that lie ready on `frames`, through the analyzers to `emotion-events`: figures, and what was observed.

    `settings`: the stack's, with other choices for the analyzers.
    """
    settings = apart(settings, prefix)
    publish(settings, frames)
    last = len(frames) - 1 - held(settings)  # as much was read ahead here as at the beginning of the window
    with _working(stack, settings, prefix, ["analyze"]) as watch:
        return _timed(watch, len(frames), last)


def with_capture(
    stack: LocalStack, settings: Settings, frames: int, prefix: str
) -> tuple[dict[str, Any], list[Observation]]:
    """So many frames from the cameras of the settings, which give them without end, to `emotion-events`."""
    capture = settings.capture.model_copy(update={"max_ahead_frames": held(settings)})
    settings = apart(settings.model_copy(update={"capture": capture}), prefix)
    with _working(stack, settings, prefix, ["analyze", "capture"]) as watch:
        return _timed(watch, frames, frames - 1)


def _timed(watch: _Watch, frames: int, last: int) -> tuple[dict[str, Any], list[Observation]]:
    """Figures from the end of the warm-up to the frame `last`, and all that was observed of so many frames."""
    warm = int(frames * WARM_UP)
    seen = list(watch.next(warm))
    before, began = cpu_seconds(), len(seen)
    seen += watch.next(last - began)
    spent = since(before)
    timed = len(seen) - began
    seen += watch.next(frames - len(seen))
    times = sorted(observation.processed_at for observation in seen)
    seconds = (times[last] - times[warm]).total_seconds()
    figures = {
        "frames_per_second": (last - warm) / seconds,
        "faces": sum(len(observation.faces) for observation in seen),
        "cpu_seconds_per_frame": {part: value / timed for part, value in spent.items()},
        "stages": {stage: sum(each) / len(seen) for stage, each in _stages(seen).items()},
    }
    return figures, seen


def at_a_pace(
    stack: LocalStack, settings: Settings, frames: Frames, prefix: str, rate: float, roles: Sequence[str] = ("analyze",)
) -> Paced:
    """`rate` of the frames a second, as cameras give them; the first tenth warms up."""
    settings = apart(settings, prefix)
    warm = int(len(frames) * WARM_UP)
    with _working(stack, settings, prefix, roles) as watch, _publishing(settings) as send:
        for header, jpeg in frames[:warm]:
            send.now(header, jpeg)
        for _ in watch.next(warm):
            pass
        before, began = cpu_seconds(), time.monotonic()
        pacer = threading.Thread(target=_pace, args=(send, frames[warm:], rate), daemon=True)
        pacer.start()
        seen, latencies = [], []
        for observation in watch.next(len(frames) - warm, LATE_POLL_SECONDS):
            seen.append(observation)
            latencies.append((datetime.now(UTC) - observation.captured_at).total_seconds())
        took, spent = time.monotonic() - began, since(before)
        pacer.join()
    cpu = {part: value / len(seen) for part, value in spent.items()}
    return Paced(len(seen) / took, latencies, _stages(seen), cpu)


def apart(settings: Settings, prefix: str) -> Settings:
    """With topics and a group of their own, which exist when this returns."""
    kafka = settings.kafka.model_copy(update={"topic_prefix": prefix, "group": prefix})
    apply_topics(kafka)
    return settings.model_copy(update={"kafka": kafka})


class _Watch:
    """The observations, as they come."""

    def __init__(self, reader: Reader, working: Sequence[Process]) -> None:
        self._reader = reader
        self._working = working

    def next(self, count: int, poll_seconds: float = POLL_SECONDS) -> Iterator[Observation]:
        """So many of them at least. Raises DependencyError when they stop coming."""
        seen, heard = 0, time.monotonic()
        while seen < count:
            records = self._reader.poll(poll_seconds)
            for record in records:
                message = parse(record)
                if isinstance(message, Observation):
                    seen += 1
                    yield message
            for process in self._working:
                process.check()
            if records:
                heard = time.monotonic()
            elif time.monotonic() - heard > PATIENCE_SECONDS:
                logs = ", ".join(str(process.log) for process in self._working)
                raise DependencyError(f"only {seen} of {count} frames came through", f"see {logs}")


@contextmanager
def _working(stack: LocalStack, settings: Settings, prefix: str, roles: Sequence[str]) -> Iterator[_Watch]:
    folder = stack.run.path / prefix
    folder.mkdir()
    file = write_settings(settings, folder)
    with ExitStack() as working, Reader(settings.kafka, [EVENTS]) as reader:
        reader.from_beginning()
        yield _Watch(reader, [working.enter_context(role(each, file, folder)) for each in roles])


class _Send:
    """Frames onto the topic."""

    def __init__(self, writer: KafkaProducer, settings: Settings) -> None:
        self.writer = writer
        self.topic = name(settings.kafka, FRAMES)

    def __call__(self, header: FrameHeader, jpeg: bytes) -> None:
        self.writer.send(self.topic, jpeg, header.frame_id.key.encode(), header.encode())

    def now(self, header: FrameHeader, jpeg: bytes) -> None:
        """As if captured now."""
        self(replace(header, captured_at=datetime.now(UTC)), jpeg)


@contextmanager
def _publishing(settings: Settings) -> Iterator[_Send]:
    writer = producer(settings.kafka)
    try:
        yield _Send(writer, settings)
        writer.flush()
    finally:
        writer.close()


def publish(settings: Settings, frames: Frames) -> None:
    """All of them, and that the cameras have ended."""
    with _publishing(settings) as send:
        for header, jpeg in frames:
            send(header, jpeg)
        at = frames[-1][0].captured_at
        for key, count in Counter(header.frame_id.key for header, _ in frames).items():
            site, camera = key.split("/")
            ledger = Ledger(
                site=site, camera=camera, session=SESSION, written_at=at, covers_from=at, covers_to=at, first_seq=0,
                next_seq=count, expected=count, state=CameraState.ENDED, final=True,
            )  # fmt: skip
            send.writer.send(send.topic, ledger.encode(), key.encode(), headers_of(ledger))


def _pace(send: _Send, frames: Frames, rate: float) -> None:
    began = time.monotonic()
    for number, (header, jpeg) in enumerate(frames):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        send.now(header, jpeg)


def since(before: dict[str, float]) -> dict[str, float]:
    """CPU seconds by part, of those that took any."""
    spent = {part: seconds - before.get(part, 0.0) for part, seconds in sorted(cpu_seconds().items())}
    return {part: seconds for part, seconds in spent.items() if seconds > 0}


def _stages(seen: Iterable[Observation]) -> dict[str, list[float]]:
    stages: defaultdict[str, list[float]] = defaultdict(list)
    for observation in seen:
        for stage, seconds in observation.timings.items():
            stages[stage].append(seconds)
    return dict(stages)
