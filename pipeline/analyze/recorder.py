"""What became of a record: the records that tell of it, and the metrics that count it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline.analyze.image import Image
from pipeline.analyze.intake import captured_at, identity
from pipeline.analyze.observe import OF_PICTURES, Place, Seen, dead_letter, dropped, observation, stub
from pipeline.analyze.vision import Looked
from pipeline.errors import BadRecord
from pipeline.kafka.outbox import Out
from pipeline.logs import of
from pipeline.messages import (
    EXPIRED,
    Box,
    CameraSight,
    CrowdRecord,
    FrameHeader,
    FrameId,
    ModelRef,
    SeqRange,
    carried,
    headers_of,
    preview_headers,
    trace_headers,
)
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings
from pipeline.sketch import preview
from pipeline.topics import CAMERA_STATUS, DEAD_LETTERS, EVENTS, PREVIEWS, name

log = logging.getLogger(__name__)

REASONS = (
    "checksum", "decode", "dimensions", "empty", "headers", "internal", "key", "not_jpeg", "schema", "too_large",
    "too_many_pixels", "too_many_scans", "truncated", "type", "value",
)  # fmt: skip
"""Of dead letters: counted from zero on, so that the first of a kind shows in a rate."""
MODEL_ERROR = "model_error"
KEY_BYTES = 1024  # of a record's key kept in a dead letter


class Recorder:
    """`record`, in these methods, is one as kafka-python gives it."""

    def __init__(
        self,
        kafka: KafkaSettings,
        detector: ModelRef,
        metrics: Metrics,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._events = name(kafka, EVENTS)
        self._dead_letters = name(kafka, DEAD_LETTERS)
        self._statuses = name(kafka, CAMERA_STATUS)
        self._previews = name(kafka, PREVIEWS)
        self._detector = detector
        self._metrics = metrics
        self._now = clock
        for reason in REASONS:
            metrics.dead_letters.labels(reason)
        metrics.faces_rejected.labels(MODEL_ERROR)

    def observed(
        self,
        header: FrameHeader,
        seen: Seen,
        model: ModelRef,
        traceparent: str,
        withheld: bool = False,
        degradation: Sequence[str] = (),
    ) -> Out:
        """The frame's observation, of this place in its trace. `model`: that reads the camera's faces.

        `withheld`: nothing is told or counted of its faces.
        """
        now = self._now()
        frame = header.frame_id
        self._metrics.frames_observed.labels(frame.camera).inc()
        self._metrics.end_to_end.observe(max(0.0, (now - header.captured_at).total_seconds()))
        if seen.blind:
            self._metrics.camera_blind.labels(frame.camera, seen.blind).set(1)
        for face in seen.faces:
            if withheld and face.reason != MODEL_ERROR:
                continue
            if face.abstained:
                self._metrics.faces_rejected.labels(face.reason).inc()
            elif face.label is not None:
                self._metrics.emotions.labels(face.label).inc()
        record = observation(header, seen, self._detector, model, now, withheld, degradation)
        headers = headers_of(record) + trace_headers(traceparent)
        return Out(self._events, frame.key.encode(), record.encode(), headers)

    def crowd(self, record: CrowdRecord) -> Out:
        """What was seen of a camera's faces for a while."""
        return Out(self._events, record.key.encode(), record.encode(), headers_of(record))

    def passed_on(self, record: Any) -> Out:
        """A ledger record, as it came."""
        return Out(self._events, record.key, record.value, [(key, value or b"") for key, value in record.headers])

    def dead(self, record: Any, error: BadRecord) -> list[Out]:
        """A dead letter, and a stub in the frame's place when it has an identity."""
        now = self._now()
        frame = identity(record)
        place = Place(record.topic, record.partition, record.offset)
        letter = dead_letter(place, record.headers, len(record.value or b""), frame, error, now)
        self._metrics.dead_letters.labels(error.reason).inc()
        said = error.reason, place.partition, place.offset, error
        log.warning("dead letter: %s, partition %d, offset %d: %s", *said, extra=of(frame) if frame else None)
        outs = [Out(self._dead_letters, record.key and record.key[:KEY_BYTES], letter.encode(), headers_of(letter))]
        if frame is not None:
            in_its_place = stub(frame, captured_at(record), error.reason, now)
            headers = headers_of(in_its_place) + trace_headers(carried(dict(record.headers)))
            outs.append(Out(self._events, frame.key.encode(), in_its_place.encode(), headers))
        return outs

    def expired(self, frame: FrameId, gap: SeqRange | None, at: datetime) -> list[Out]:
        """Tells of the frames that expired before `frame`, if any did."""
        if gap is None:
            return []
        said = frame.key, gap.first, gap.last
        log.warning("%s: frames %d..%d expired in Kafka before they were read", *said, extra=of(frame))
        return [self.dropped(frame, gap, EXPIRED, at)]

    def dropped(self, frame: FrameId, frames: SeqRange, reason: str, at: datetime) -> Out:
        """Tells of frames of this session that stood on the topic and were not looked at."""
        self._metrics.frames_dropped.labels(frame.camera, "analyze", reason).inc(len(frames))
        record = dropped(frame, frames, reason, at)
        return Out(self._events, frame.key.encode(), record.encode(), headers_of(record))

    def sight(self, header: FrameHeader, before: str, now: str, since: datetime | None) -> list[Out]:
        """The camera has become blind, for another reason than `before`, or sees again: ""."""
        frame = header.frame_id
        if before:
            self._metrics.camera_blind.labels(frame.camera, before).set(0)
        said = f"sees nothing of use, {now}" if now else f"sees again, was {before}"
        log.warning("%s: %s", frame.key, said, extra=of(header))
        record = CameraSight(
            site=frame.site, camera=frame.camera, session=frame.session, at=header.captured_at, sight=now, since=since
        )
        return [Out(self._statuses, frame.key.encode(), record.encode(), headers_of(record))]

    def preview(self, header: FrameHeader, sketched: Image, faces: Iterable[Box]) -> Out:
        """Of the frame, with `faces` filled."""
        frame = header.frame_id
        with self._metrics.stage_duration.labels("preview").time():
            jpeg, width, height = preview(sketched, faces)
        self._metrics.previews.labels(frame.camera).inc()
        return Out(self._previews, frame.key.encode(), jpeg, preview_headers(header, width, height, jpeg))

    def no_longer_ours(self, blind: Iterable[tuple[str, str]]) -> None:
        """Somebody else tells now of these cameras, each with the reason that it sees nothing."""
        for key, reason in blind:
            self._metrics.camera_blind.labels(key.split("/", 1)[1], reason).set(0)

    def looked(self, camera: str, looked: Looked, withheld: bool = False) -> None:
        """Count what was found in a frame, and how long it took; if it is withheld, nothing that depends on faces."""
        if not withheld:
            self._metrics.faces_detected.labels(camera).inc(len(looked.seen.faces))
        for stage, seconds in looked.seen.timings.items():
            if not withheld or stage in OF_PICTURES:
                self._metrics.stage_duration.labels(stage).observe(seconds)

    def scored(self, faces: int, model: ModelRef) -> None:
        self._metrics.inferences.labels(model.name, model.version).inc(faces)
