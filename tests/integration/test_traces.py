"""One trace from a camera's frame to the window that holds it, on a real Kafka, at a collector that takes OTLP."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from pipeline.analyze.detect import make as make_detector
from pipeline.analyze.vision import Vision
from pipeline.analyze.worker import Worker
from pipeline.kafka.clients import consumer
from pipeline.kafka.lag import Lag
from pipeline.kafka.outbox import outbox
from pipeline.kafka.reader import Reader, parse
from pipeline.local.roles import role, write_settings
from pipeline.messages import Observation, Scope, Window, carried
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import EVENTS, WINDOWS
from pipeline.traces import start
from tests.collector import Received, collecting
from tests.frames import PATIENCE, Even, wait_until

FRAMES_EACH = 60
CAMERA = f"synthetic:?people=1&seed=1&id=door&fps=2&frames={FRAMES_EACH}&realtime=false"
OF_A_FRAME = {"capture.frame", "analyze.decode", "analyze.detect", "analyze.emit"}
TOLD = {"site", "camera", "session", "seq", "crops", "scope", "id", "spec", "start", "revision"}


def settings_of(kafka: KafkaSettings, collector: str, sample: float) -> Settings:
    kafka = kafka.model_copy(update={"aggregate_group": f"{kafka.group}-aggregate"})
    return load(
        site="site",
        kafka=kafka.model_dump(),
        cameras=[{"uri": CAMERA}],
        traces={"endpoint": collector, "sample": sample},
        aggregate={"windows": [{"seconds": 10}], "commit_seconds": 0.2},
        analyze={"commit_seconds": 0.2},
    )


def analyzed(settings: Settings) -> None:
    """All frames of the camera, by a worker with the real detector."""
    classifier, metrics = Even(), Metrics("analyze", CollectorRegistry())
    spans = start(settings.traces, "analyze", "0")
    vision = Vision(settings, make_detector(settings.detect, settings.model_dir), classifier)
    reader = consumer(settings.kafka, settings.kafka.group, group_instance_id="0", session_timeout_ms=10_000)
    writer = outbox(settings, "worker")
    worker = Worker(settings, reader, writer, vision, classifier, metrics, spans=spans)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        with Lag(settings.kafka) as lag:
            captured = sum(lag.ends().values())
        wait_until(lambda: worker.status().written == captured)
    finally:
        worker.stop()
        thread.join(PATIENCE)
        reader.close(autocommit=False)
        writer.close()
        if spans is not None:
            spans.close()


def windows(kafka: KafkaSettings, wanted: int) -> dict[str, tuple[Window, str]]:
    """The camera's windows, with the traces that they name."""
    found: dict[str, tuple[Window, str]] = {}
    give_up = datetime.now(UTC) + timedelta(seconds=PATIENCE)
    with Reader(kafka, [WINDOWS]) as reader:
        reader.from_beginning()
        while len(found) < wanted:
            assert datetime.now(UTC) < give_up, list(found)
            for record in reader.poll(0.2):
                window, context = parse(record), carried(dict(record.headers))
                if isinstance(window, Window) and window.scope is Scope.CAMERA:
                    found[window.key] = window, "" if context is None else context.trace_id
    return found


def observations(kafka: KafkaSettings) -> dict[str, Observation]:
    """By the trace that their headers name."""
    found: dict[str, Observation] = {}
    with Reader(kafka, [EVENTS]) as reader:
        reader.from_beginning()
        for record in reader.to_end():
            seen, context = parse(record), carried(dict(record.headers))
            if isinstance(seen, Observation) and context is not None:
                found[context.trace_id] = seen
    return found


def test_one_trace_from_capture_to_window(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    with collecting() as collector:
        settings = settings_of(kafka_settings, collector.url, 1.0)
        file = write_settings(settings, tmp_path)
        with role("aggregate", file, tmp_path):
            with role("capture", file, tmp_path) as capture:
                wait_until(lambda: capture.code is not None)
            analyzed(settings)
            told = windows(settings.kafka, FRAMES_EACH // 20)
        seen = observations(settings.kafka)
    assert len(seen) == FRAMES_EACH
    assert {seen[trace].seq for _, trace in told.values()} <= set(range(FRAMES_EACH))
    for window, trace in told.values():
        assert window.start <= seen[trace].captured_at < window.end
        check_trace(collector.trace(trace), seen[trace])
    kept = Counter(span.name for span in collector.spans)
    assert all(kept[name] == FRAMES_EACH for name in OF_A_FRAME), kept
    assert kept["analyze.classify"] >= kept["model.request"] > 0
    assert {name for span in collector.spans for name in span.fields} <= {f"emostream.{name}" for name in TOLD}


def check_trace(spans: list[Received], seen: Observation) -> None:
    by_name = {span.name: span for span in spans}
    assert by_name.keys() >= OF_A_FRAME | {"aggregate.window"}
    root = by_name["capture.frame"]
    assert (root.parent, root.service) == ("", "emostream-capture")
    of_frame = {"site": "site", "camera": "door", "session": seen.session, "seq": seen.seq}
    for span in spans:
        assert root.began <= span.began <= span.ended
        if span.name in OF_A_FRAME:
            assert {name.removeprefix("emostream."): value for name, value in span.fields.items()} == of_frame
            assert span is root or (span.parent, span.service) == (root.id, "emostream-analyze")
        if span.name == "model.request":
            assert span.parent == by_name["analyze.classify"].id
        if span.name == "aggregate.window":
            assert (span.parent, span.service) == (by_name["analyze.emit"].id, "emostream-aggregate")


def test_traces_that_are_not_kept_go_on_without_spans(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    with collecting() as collector:
        settings = settings_of(kafka_settings, collector.url, 0.0)
        with role("capture", write_settings(settings, tmp_path), tmp_path) as capture:
            wait_until(lambda: capture.code is not None)
        analyzed(settings)
    assert len(observations(settings.kafka)) == FRAMES_EACH
    assert collector.spans == []
