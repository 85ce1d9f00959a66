"""Every metric of emostream, and the endpoint that shows them. `docs/metrics.md` is generated from here.

Labels are few and bounded: camera_id, stage, reason, model, version, emotion, role, final, rule (of the settings),
topic, route and code (of the API).
Never a track id, a pid or a host name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from pipeline import __version__
from pipeline.errors import DependencyError

STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LATENCY_SECONDS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 120.0)
DISTANCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 128, 256)


class Metrics:
    """One process's metrics. Each process makes one and serves it with `serve`."""

    def __init__(self, role: str, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"emostream_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"emostream_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"emostream_{name}", text, labels, registry=self.registry, buckets=buckets)

        # capture
        self.frames_captured = counter("frames_captured", "Frames taken from a camera.", "camera_id")
        self.frames_published = counter("frames_published", "Frames acknowledged by Kafka.", "camera_id")
        self.frames_dropped = counter(
            "frames_dropped", "Frames dropped, by place and reason.", "camera_id", "stage", "reason"
        )
        self.camera_up = gauge("camera_up", "1 while the camera delivers frames.", "camera_id")
        self.camera_last_frame = gauge(
            "camera_last_frame_timestamp_seconds", "Unix time of the camera's last frame.", "camera_id"
        )
        self.camera_reconnects = counter("camera_reconnects", "Connections of a camera after its first.", "camera_id")
        # analyze
        self.frames_observed = counter("frames_observed", "Frames that became an observation.", "camera_id")
        self.camera_blind = gauge(
            "camera_blind", "1 while the camera sees nothing of use, by reason.", "camera_id", "reason"
        )
        self.previews = counter("previews", "Blurred pictures of a camera for the page.", "camera_id")
        self.degradation = gauge("degradation", "1 while it is given up because the analyzer is behind.", "reason")
        self.dead_letters = counter("dead_letters", "Records that could not be used.", "reason")
        self.faces_detected = counter("faces_detected", "Faces found in frames.", "camera_id")
        self.faces_rejected = counter("faces_rejected", "Faces whose expression is not told, by reason.", "reason")
        self.emotions = counter("emotions", "Faces by the apparent expression told of them.", "emotion")
        self.model_failures = counter("model_failures", "Requests that the model did not answer; each is sent again.")
        self.model_requests = counter("model_requests", "Requests to a version of the model.", "model", "version")
        self.model_requests_failed = counter(
            "model_requests_failed",
            "Of these, requests that it did not answer, or not for all crops.",
            "model",
            "version",
        )
        self.inferences = counter("inferences", "Face crops scored by the model.", "model", "version")
        self.stage_duration = histogram(
            "stage_duration_seconds",
            "Time a frame, or a batch in stage classify, spends in a stage.",
            STAGE_SECONDS,
            "stage",
        )
        self.end_to_end = histogram(
            "end_to_end_latency_seconds", "From the capture of a frame to its observation.", LATENCY_SECONDS
        )
        self.batch_size = histogram("batch_size", "Face crops in one request to the model.", BATCH_SIZES)
        self.consumer_lag = gauge("consumer_lag_frames", "Records on `frames` not yet read by this process.")
        self.shadow_faces = counter("shadow_faces", "Faces that model and shadow both read.", "model", "version")
        self.shadow_label_changes = counter("shadow_label_changes", "Of these, faces that the shadow reads otherwise.")
        self.shadow_score_distance = histogram(
            "shadow_score_distance", "Total variation distance of a face's scores, model and shadow.", DISTANCES
        )
        self.shadow_skipped = counter("shadow_skipped", "Faces that model and shadow are not compared on.", "reason")
        # aggregate
        self.windows_emitted = counter("windows_emitted", "Windows told, by whether for the last time.", "final")
        self.window_coverage = gauge(
            "window_coverage_ratio",
            "Frames observed over those expected, in a camera's last window of the first kind in the settings.",
            "camera_id",
        )
        self.log_expected = counter("log_expected", "Frames promised by a camera, by what the log tells.", "camera_id")
        self.log_captured = counter("log_captured", "Frames captured, each once, by what the log tells.", "camera_id")
        self.log_observed = counter("log_observed", "Frames observed, each once, by what the log tells.", "camera_id")
        self.log_dead_lettered = counter(
            "log_dead_lettered", "Frames that became a dead letter, each once, by what the log tells.", "camera_id"
        )
        self.log_dropped = counter(
            "log_dropped", "Frames dropped, each once, by what the log tells.", "camera_id", "reason"
        )
        self.log_open = gauge(
            "log_open_frames", "Frames of which the log tells that they were captured, and nothing else.", "camera_id"
        )
        self.log_unexplained = counter(
            "log_unexplained", "Frames that were captured, and nothing came of them to the last.", "camera_id"
        )
        self.watermark = gauge(
            "watermark_timestamp_seconds",
            "Unix time up to which the log has told of a camera, as the aggregator read it.",
            "camera_id",
        )
        self.late_events = counter("late_events", "Frames that came too late for any window.")
        self.alerts = counter("alerts", "Alerts raised.", "rule")
        self.rollout_stage = gauge("rollout_stage", "1 for the stage that the last rollout is at.", "stage")
        self.rollouts_backed_out = counter(
            "rollouts_backed_out", "Rollouts that were taken back for what was measured, by the bound broken.", "reason"
        )
        # the control API
        self.api_requests = counter(
            "api_requests", "Requests to the control API, by route and status.", "route", "code"
        )
        self.api_duration = histogram(
            "api_request_duration_seconds",
            "Time until a request to the control API is answered.",
            LATENCY_SECONDS,
            "route",
        )
        # webhooks
        self.webhook_posts = counter("webhook_posts", "Alerts posted to webhooks, by what came of it.", "reason")
        # Kafka, as the aggregator asks it
        self.backlog = gauge(
            "backlog_records", "Records, ledger included, that a stage has not committed yet, whoever reads.", "stage"
        )
        self.topic_end = gauge("topic_end_offset", "Records ever written to a topic, all partitions.", "topic")
        self.topic_start = gauge("topic_start_offset", "Of these, records that are not kept any more.", "topic")
        self.topic_bytes = gauge("topic_bytes", "Disk that a topic takes on all brokers.", "topic")
        self.kafka_disk_free = gauge(
            "kafka_disk_free_bytes", "Room on the disk of the broker that has least of it, where Kafka tells.", "role"
        )
        self.kafka_disk_size = gauge("kafka_disk_size_bytes", "Size of that disk.", "role")
        self.frames_retention = gauge("frames_retention_seconds", "How long `frames` are kept.", "role")
        self.window_grace = gauge("window_grace_seconds", "How long a window's late frames are waited for.", "role")
        # dashboard
        self.pages_open = gauge("pages_open", "Pages that are open, with a live connection.")
        # several
        self.inflight_frames = gauge("inflight_frames", "Frames held by this process.", "role")
        self.inflight_bytes = gauge("inflight_bytes", "Bytes of frames held by this process.", "role")
        self.kafka_answers = counter("kafka_answers", "Signs of life that Kafka took from this process.", "role")
        self.clock_offset = gauge(
            "clock_offset_seconds", "This machine's clock less Kafka's, as signs of life tell; positive: ahead.", "role"
        )
        self.clock_uncertainty = gauge(
            "clock_offset_uncertainty_seconds", "By how much the true one may differ, at most.", "role"
        )
        self.build_info = gauge("build_info", "1; the labels tell what runs.", "version", "role")
        self.build_info.labels(__version__, role).set(1)

    def forget_camera(self, camera: str) -> None:
        """A camera that is not to run is neither up nor down."""
        for of_camera in (self.camera_up, self.camera_last_frame):
            with suppress(KeyError):
                of_camera.remove(camera)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve /metrics in a daemon thread; returns the port. Raises DependencyError when the port is taken."""
        ProcessCollector(registry=self.registry)  # processor time and memory of this process, not of its children
        try:
            server, _ = start_http_server(port, addr=host, registry=self.registry)
        except OSError as error:
            raise DependencyError(
                f"metrics cannot listen on {host}:{port}: {error.strerror}", "choose another with metrics.port"
            ) from None
        return int(server.server_port)


def listed_targets(folder: Path | None) -> list[dict[str, Any]]:
    """What the roles wrote there so far."""
    found: list[dict[str, Any]] = []
    for file in sorted(folder.glob("[!.]*.json")) if folder is not None else ():
        with suppress(OSError, ValueError):
            found += json.loads(file.read_text())
    return found


def list_targets(folder: Path | None, role: str, host: str, ports: Iterable[int]) -> None:
    """Write the endpoints of a role to `folder`/ROLE.json, as Prometheus's file_sd reads them; None: nowhere."""
    if folder is None:
        return
    groups = [{"targets": [f"{host}:{port}" for port in ports], "labels": {"role": role}}]
    new = folder / f".{role}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(groups))
        new.replace(folder / f"{role}.json")
    except OSError as error:
        hint = "name another folder with metrics.targets_dir"
        raise DependencyError(f"{folder}: cannot be written: {error.strerror}", hint) from None
