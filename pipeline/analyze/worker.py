"""One analyzer: frames in, observations out, and nothing committed before it is written.

The loop of `Worker.run` owns the consumer, the outbox and all bookkeeping. Two pools work for it: one decodes,
detects and cuts faces out (native code, outside the interpreter lock), one holds requests to the model open. What
they find is written out in offset order, partition by partition; then flush, then commit.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError
from kafka.structs import OffsetAndMetadata

from pipeline.analyze.batching import Batch, Batcher
from pipeline.analyze.observe import Seen
from pipeline.analyze.recorder import Recorder
from pipeline.analyze.status import Status
from pipeline.analyze.vision import Looked, Vision
from pipeline.classify.classifier import Classifier, Scored
from pipeline.errors import BadRecord, ClassifierUnavailable, DependencyError
from pipeline.kafka.clients import NOT_OURS, Revoked, subscribe
from pipeline.kafka.gaps import GapFinder
from pipeline.kafka.offsets import Entry, PartitionLog
from pipeline.kafka.outbox import Out, Outbox
from pipeline.messages import FrameHeader, FrameId, Kind, Ledger, record_kind
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.topics import FRAMES, name

log = logging.getLogger(__name__)

POLL_RECORDS = 16
IDLE_POLL_MS = 100
WAIT_SECONDS = 0.005  # for the pools, while frames are in flight
KEEP_ALIVE_SECONDS = 0.5
MODEL_RETRY_SECONDS = (0.2, 2.0)  # first pause between tries, and the longest


@dataclass(slots=True, eq=False)
class Job:
    """A frame between reading and its fate. `before`: what must be written ahead of it."""

    entry: Entry[list[Out]]
    record: Any
    header: FrameHeader
    size: int
    before: list[Out] = field(default_factory=list)
    seen: Seen | None = None
    waiting: int = 0  # faces whose scores are not there yet


class Worker:
    """See the module. `stop` and `status` may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        consumer: KafkaConsumer,
        outbox: Outbox,
        vision: Vision,
        classifier: Classifier,
        metrics: Metrics,
    ) -> None:
        self._settings = settings.analyze
        self._consumer = consumer
        self._outbox = outbox
        self._vision = vision
        self._classifier = classifier
        self._metrics = metrics
        self._kafka = settings.kafka
        self._topic = name(settings.kafka, FRAMES)
        self._recorder = Recorder(settings.kafka, vision.detector, classifier.model, metrics)
        self._logs: dict[TopicPartition, PartitionLog[list[Out]]] = {}
        self._gaps: dict[TopicPartition, GapFinder] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._revoked = Revoked()
        analyze = settings.analyze
        self._batcher: Batcher[tuple[Job, int]] = Batcher(analyze.batch_faces, analyze.batch_wait_seconds)
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()  # what the pools have for the loop
        self._look_pool = ThreadPoolExecutor(settings.analyze.threads, "look")
        self._request_pool = ThreadPoolExecutor(settings.analyze.requests, "request")
        self._frames = 0
        self._bytes = 0
        self._next_poll = 0.0
        self._next_commit = 0.0
        self._stop = threading.Event()
        self._waiting_for_model = False
        self._loops = 0
        self._written = 0

    def stop(self) -> None:
        """Ask the loop to end: what was written is committed, the rest abandoned, to be read again."""
        self._stop.set()

    def status(self) -> Status:
        return Status(self._loops, self._written, self._frames, self._waiting_for_model)

    def run(self) -> None:
        """Work until `stop`. Raises DependencyError when an output is not taken or another took this one's place."""
        subscribe(self._consumer, self._kafka, [self._topic], self._revoked)
        try:
            while not self._stop.is_set():
                self._read(time.monotonic())
                self._collect()
                self._send_due(time.monotonic())
                self._write()
                self._commit_when_due(time.monotonic())
                self._loops += 1
            self._commit()
        finally:
            self._stop.set()
            self._look_pool.shutdown(wait=False, cancel_futures=True)
            self._request_pool.shutdown(wait=False, cancel_futures=True)

    # reading

    def _read(self, now: float) -> None:
        """Poll while there is room; without room only now and then, with all partitions paused, to stay a member."""
        room = self._settings.inflight_frames - self._frames
        if room < min(POLL_RECORDS, self._settings.inflight_frames) or self._too_many_bytes():
            if now < self._next_poll:
                return
            self._consumer.pause(*self._consumer.assignment())
        elif self._consumer.paused():
            self._consumer.resume(*self._consumer.paused())
        self._next_poll = now + KEEP_ALIVE_SECONDS
        timeout = 0 if self._frames else IDLE_POLL_MS
        polled = self._consumer.poll(timeout_ms=timeout, max_records=max(1, min(POLL_RECORDS, room)))
        self._forget_revoked()
        jobs = []
        for partition, records in polled.items():
            if partition not in self._logs:
                self._logs[partition] = PartitionLog()
                self._gaps[partition] = GapFinder(self._consumer.committed(partition))
            for record in records:
                job = self._receive(record, self._logs[partition].read(record.offset), self._gaps[partition])
                if job is not None:
                    jobs.append(job)
        for at in range(0, len(jobs), self._vision.batch):
            self._look_pool.submit(self._look, jobs[at : at + self._vision.batch])

    def _too_many_bytes(self) -> bool:
        return self._bytes >= self._settings.inflight_mebibytes * 2**20

    def _forget_revoked(self) -> None:
        for partition in self._revoked.take():
            if self._logs.pop(partition, None) is not None:
                log.info("partition %d is no longer ours", partition.partition)
            self._gaps.pop(partition, None)
            self._committed.pop(partition, None)

    def _receive(self, record: Any, entry: Entry[list[Out]], gaps: GapFinder) -> Job | None:
        """A frame to look at, or None for a record that is dealt with already."""
        gaps.read(record.offset)
        try:
            kind = record_kind(record.headers)
            if kind is Kind.LEDGER:
                ledger = Ledger.decode(record.value)
                _check_key(record, ledger.key)
                frame = FrameId(ledger.site, ledger.camera, ledger.session, ledger.next_seq)
                outs = self._recorder.expired(frame, gaps.ledger(ledger), ledger.written_at)
                entry.finish([*outs, self._recorder.passed_on(record)])
                return None
            if kind is not Kind.FRAME:
                raise BadRecord("type", f"{kind} has no place on {record.topic}")
            header = FrameHeader.decode(record.headers)
            _check_key(record, header.frame_id.key)
        except BadRecord as error:
            entry.finish(self._recorder.dead(record, error))
            return None
        except Exception as error:  # nothing that stands on a topic may stop its partition
            log.exception("reading the record at offset %d failed", record.offset)
            entry.finish(self._recorder.dead(record, BadRecord("internal", f"reading it failed: {error!r}")))
            return None
        job = Job(entry, record, header, len(record.value or b""))
        job.before = self._recorder.expired(header.frame_id, gaps.frame(header.frame_id), header.captured_at)
        self._frames += 1
        self._bytes += job.size
        return job

    # looking: decode, detect, cut out

    def _look(self, jobs: list[Job]) -> None:
        """In the look pool. Every job gets an answer, whatever happens."""
        try:
            looked = self._vision.look([(job.header, job.record.value or b"") for job in jobs])
        except Exception as error:  # a bug of ours must not stop the partition
            log.exception("looking at %s failed", [job.header.frame_id.event_id for job in jobs])
            looked = [BadRecord("internal", f"looking at the frame failed: {error!r}")] * len(jobs)
        for job, answer in zip(jobs, looked, strict=True):
            self._inbox.put(partial(self._take_looked, job, answer))

    def _collect(self) -> None:
        """Take what the pools have found; wait a moment for it when there is nothing else to do."""
        try:
            self._inbox.get(timeout=WAIT_SECONDS if self._frames else 0)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            pass

    def _take_looked(self, job: Job, looked: Looked | BadRecord) -> None:
        if isinstance(looked, BadRecord):
            self._finish(job, self._recorder.dead(job.record, looked))
            return
        self._recorder.looked(job.header.frame_id.camera, looked)
        job.seen = looked.seen
        job.waiting = len(looked.crops)
        if not job.waiting:
            self._finish(job, [self._recorder.observed(job.header, looked.seen)])
            return
        crops_size = sum(crop.nbytes for crop in looked.crops)
        job.size += crops_size
        self._bytes += crops_size
        tokens = [(job, index) for index in looked.cropped]
        for batch in self._batcher.add(tokens, looked.crops, time.monotonic()):
            self._request_pool.submit(self._classify, batch)

    def _send_due(self, now: float) -> None:
        due = self._batcher.due(now)
        if due is not None:
            self._request_pool.submit(self._classify, due)

    # scoring

    def _classify(self, batch: Batch[tuple[Job, int]]) -> None:
        """In the request pool. Asks until the model answers or the worker stops."""
        pause, longest = MODEL_RETRY_SECONDS
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                scored = self._classifier.classify(batch.crops)
            except ClassifierUnavailable as error:
                if not self._waiting_for_model:
                    log.warning("the model does not answer, reading pauses: %s", error)
                self._waiting_for_model = True
                self._stop.wait(pause)
                pause = min(2 * pause, longest)
                continue
            except Exception as error:  # a bug of ours must not stop the partition
                log.exception("scoring %d faces failed", len(batch.tokens))
                scored = Scored.failed(len(batch.tokens), f"internal: {error!r}")
            if self._waiting_for_model:
                log.warning("the model answers again")
            self._waiting_for_model = False
            self._metrics.batch_size.observe(len(batch.tokens))
            self._metrics.stage_duration.labels("classify").observe(time.monotonic() - began)
            self._inbox.put(partial(self._take_scored, batch, scored))
            return

    def _take_scored(self, batch: Batch[tuple[Job, int]], scored: Scored) -> None:
        self._recorder.scored(len(batch.tokens) - len(scored.errors))
        for at, (job, index) in enumerate(batch.tokens):
            assert job.seen is not None
            face = job.seen.faces[index]
            job.seen.faces[index] = self._vision.read(face, scored.probabilities[at], scored.errors.get(at))
            job.waiting -= 1
            if not job.waiting:
                self._finish(job, [self._recorder.observed(job.header, job.seen)])

    # writing

    def _finish(self, job: Job, outs: list[Out]) -> None:
        job.entry.finish(job.before + outs)
        self._frames -= 1
        self._bytes -= job.size

    def _write(self) -> None:
        for partition_log in self._logs.values():
            for outs in partition_log.ready():
                for out in outs:
                    self._outbox.send(out)
                self._written += 1

    def _commit_when_due(self, now: float) -> None:
        if now >= self._next_commit:
            self._next_commit = now + self._settings.commit_seconds
            self._commit()
            self._show()

    def _commit(self) -> None:
        """Flush, then commit: what is committed has been written."""
        positions = {
            partition: partition_log.position
            for partition, partition_log in self._logs.items()
            if partition_log.position is not None and partition_log.position != self._committed.get(partition)
        }
        if not positions:
            return
        self._outbox.flush()
        try:
            self._consumer.commit({p: OffsetAndMetadata(at, "", -1) for p, at in positions.items()})
        except FencedInstanceIdError:
            raise DependencyError("another analyzer took this one's place", "it goes on there") from None
        except NOT_OURS as error:
            log.info("not committed, partitions are moving: %r", error)
        except KafkaError as error:
            log.warning("not committed, will be tried again: %r", error)
        else:
            self._committed |= positions

    # showing

    def _show(self) -> None:
        lag = 0
        for partition in self._consumer.assignment():
            end = self._consumer.highwater(partition)
            if end is not None and partition in self._logs:
                lag += max(0, end - (self._consumer.position(partition) or 0))
        self._metrics.consumer_lag.set(lag)
        self._metrics.inflight_frames.labels("analyze").set(self._frames)
        self._metrics.inflight_bytes.labels("analyze").set(self._bytes)


def _check_key(record: Any, key: str) -> None:
    """A camera's records keep their order only under its own key. Raises BadRecord("key")."""
    if record.key != key.encode():
        raise BadRecord("key", f"the record's key {record.key!r} is not its camera {key!r}")
