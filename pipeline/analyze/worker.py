"""One analyzer: frames in, observations out, and nothing committed before it is written.

The loop of `Worker.run` owns the consumer, the outbox and all bookkeeping. Two pools work for it: one decodes,
detects and cuts faces out (native code, outside the interpreter lock), one holds requests to the model open. A frame's
faces are followed from the camera's last frame in the order of the log, and those that are due go to the model. What
comes of it all is written out in offset order, partition by partition; then flush, then commit.
"""

from __future__ import annotations

import logging
import math
import queue
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

from kafka import KafkaConsumer

from pipeline.analyze import intake
from pipeline.analyze.crowds import Crowds
from pipeline.analyze.heap import give_back
from pipeline.analyze.held import CameraInView, Held, Job, Outs
from pipeline.analyze.overload import NO_PREVIEWS, STEPS, Overload
from pipeline.analyze.partitions import Partitions
from pipeline.analyze.preview import Previews
from pipeline.analyze.recorder import Recorder
from pipeline.analyze.scoring import Request, Scoring
from pipeline.analyze.sight.monitor import SightMonitor
from pipeline.analyze.spans import FrameSpans
from pipeline.analyze.status import Status
from pipeline.analyze.sums import Sums
from pipeline.analyze.telling import Telling
from pipeline.analyze.tracking.budget import Policy
from pipeline.analyze.tracking.faces import CameraFaces, Reader, Rules
from pipeline.analyze.tracking.tracker import maker
from pipeline.analyze.vision import Looked, Vision, read_face
from pipeline.classify.classifier import Classifier
from pipeline.classify.versions import Read, Versions
from pipeline.errors import BadRecord
from pipeline.kafka.clients import poll, subscribe
from pipeline.kafka.outbox import Out, Outbox
from pipeline.messages import FrameId, Ledger
from pipeline.metrics import Metrics
from pipeline.settings import AnalyzeSettings, Settings
from pipeline.topics import FRAMES, name
from pipeline.traces import Spans

log = logging.getLogger(__name__)

POLL_RECORDS = 16
IDLE_POLL_MS = 100
WAIT_SECONDS = 0.01  # for the pools, while frames are in flight
AGAIN_SECONDS = 0.01  # after a poll that brought nothing: it costs as much as one that did
KEEP_ALIVE_SECONDS = 0.5
TIDY_SECONDS = 30.0
RUN_BYTES = 8  # of chance in every track's id


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
        wanted: Callable[[bytes | None], bool] = lambda key: True,
        spans: Spans | None = None,
        versions: Versions | None = None,
        kafka_time: Callable[[], float] = time.time,
    ) -> None:
        """`wanted`: by a record's key; one that is not wanted is passed over, and nothing comes of it.

        `spans`: where traces are kept. `versions`: of the model, with `classifier` as the live one. `kafka_time`:
        seconds of Unix time by Kafka's clock, by which is told how long a record waits.
        """
        self._settings = analyze = settings.analyze
        self._sight = settings.sight
        privacy = settings.privacy
        self._previews = timedelta(seconds=1 / privacy.previews_per_second) if privacy.shows_previews else None
        self._rules = _rules(analyze)
        self._consumer = consumer
        self._outbox = outbox
        self._vision = vision
        self._metrics = metrics
        self._wanted = wanted
        self._kafka_time = kafka_time
        self._versions = versions or Versions(classifier, metrics)
        self._spans = None if privacy.aggregates else spans  # they would tell of each frame's faces
        self._kafka = settings.kafka
        self._topic = name(settings.kafka, FRAMES)
        self._recorder = Recorder(settings.kafka, vision.detector, metrics)
        self._sums = Sums(self._recorder) if privacy.aggregates else None
        self._overload = Overload(settings.overload)
        self._telling = Telling(self._recorder, self._sums, self._overload)
        aggregates = self._sums is not None
        self._partitions = Partitions(settings.kafka, consumer, outbox, self._recorder, self._begin, aggregates)
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()  # what the pools have for the loop
        self._look_pool = ThreadPoolExecutor(analyze.threads, "look")
        self._looking = 0  # frames that the pool has
        self._next_poll = self._next_keep_alive = 0.0
        self._next_commit = 0.0
        self._next_tidying = time.monotonic() + TIDY_SECONDS
        self._stop = threading.Event()
        self._scoring = Scoring(analyze, self._versions, metrics, self._spans, self._answered, self._stop)
        self._loops = 0
        self._written = 0

    def stop(self) -> None:
        """Ask the loop to end: what was written is committed, the rest abandoned, to be read again."""
        self._stop.set()

    def status(self) -> Status:
        return Status(
            self._loops,
            self._written,
            self._partitions.frames,
            self._scoring.waiting,
            self._outbox.waiting,
            self._overload.behind,
            time.process_time(),
            self._scoring.busy,
        )

    def run(self) -> None:
        """Work until `stop`. Raises DependencyError when an output is not taken or another took this one's place."""
        subscribe(self._consumer, self._kafka, [self._topic], self._partitions.revoked)
        try:
            while not self._stop.is_set():
                self._read(time.monotonic())
                self._collect()
                self._scoring.send_due(time.monotonic(), alone=not self._looking)
                self._write()
                self._commit_when_due(time.monotonic())
                self._loops += 1
            self._partitions.commit()
        finally:
            self._stop.set()
            self._look_pool.shutdown(wait=False, cancel_futures=True)
            self._scoring.close()

    # reading

    def _read(self, now: float) -> None:
        """Poll while there is room; without room only now and then, with all partitions paused, to stay a member."""
        room = self._settings.inflight_frames - self._partitions.frames
        full = room < min(POLL_RECORDS, self._settings.inflight_frames) or self._too_many_bytes()
        if now < (self._next_keep_alive if full else self._next_poll):
            return
        if full:
            self._consumer.pause(*self._consumer.assignment())
        elif self._consumer.paused():
            self._consumer.resume(*self._consumer.paused())
        timeout = 0 if self._partitions.frames else IDLE_POLL_MS
        polled = poll(self._consumer, timeout, max(1, min(POLL_RECORDS, room)))
        self._next_keep_alive = now + KEEP_ALIVE_SECONDS
        self._next_poll = now if polled else now + AGAIN_SECONDS
        if self._partitions.forget_revoked():
            return
        new = self._consumer.assignment() - self._partitions.held.keys()
        self._partitions.take_up(new)
        jobs = [
            job
            for partition, records in polled.items()
            if partition not in new  # those are read from where they were committed
            for record in records
            if (job := self._receive(record, self._partitions.held[partition])) is not None
        ]
        self._looking += len(jobs)
        for at in range(0, len(jobs), self._vision.batch):
            self._look_pool.submit(self._look, jobs[at : at + self._vision.batch])

    def _too_many_bytes(self) -> bool:
        return self._partitions.bytes >= self._settings.inflight_mebibytes * 2**20

    def _begin(self, key: str) -> CameraInView:
        faces = CameraFaces(self._rules, secrets.token_hex(RUN_BYTES))
        previews = None if self._previews is None else Previews(self._previews)
        crowds = None if self._sums is None else Crowds(key)
        return CameraInView(faces, SightMonitor(self._sight), previews, crowds)

    def _receive(self, record: Any, held: Held) -> Job | None:
        """A frame to look at, or None for a record that is dealt with already."""
        if held.told(record.offset):
            return self._receive_again(record, held)
        entry = held.log.read(record.offset)
        held.gaps.read(record.offset)
        if not self._wanted(record.key):
            entry.finish(_made([]))
            return None
        try:
            header = intake.read(record)
            if isinstance(header, Ledger):
                frame = FrameId(header.site, header.camera, header.session, header.next_seq)
                outs = self._recorder.expired(frame, held.gaps.ledger(header), header.written_at)
                entry.finish(partial(self._telling.passed_on, held, header, [*outs, self._recorder.passed_on(record)]))
                return None
        except BadRecord as error:
            entry.finish(_made(self._recorder.dead(record, error)))
            return None
        except Exception as error:  # nothing that stands on a topic may stop its partition
            log.exception("reading the record at offset %d failed", record.offset)
            failed = BadRecord("internal", f"reading it failed: {error!r}")
            entry.finish(_made(self._recorder.dead(record, failed)))
            return None
        before = self._recorder.expired(header.frame_id, held.gaps.frame(header.frame_id), header.captured_at)
        written = held.written(header.frame_id)
        if written and self._sums is None:
            entry.finish(_made(before))
            return None
        age = self._kafka_time() - record.timestamp / 1000
        self._overload.read(age)
        if not written and (reason := self._overload.dropped(header, age)):
            entry.finish(partial(self._telling.dropped, held, header, before, reason))
            return None
        spans = FrameSpans.of(self._spans, header)
        reader = self._versions.of(header.frame_id.key)
        job = Job(held, entry, record, header, reader, before, again=written, spans=spans)
        previews = held.camera(header.frame_id.key).previews
        if previews is not None and NO_PREVIEWS not in self._overload.taken:
            job.preview = previews.due(header.captured_at)
        held.expect(job)
        return job

    def _receive_again(self, record: Any, held: Held) -> Job | None:
        """A record of which all is told but what its faces add to sums."""
        entry = held.log.read(record.offset)
        try:
            header = intake.read(record)
        except Exception:  # whatever it is, it was told
            entry.finish(_made([]))
            return None
        if isinstance(header, Ledger):
            entry.finish(partial(self._telling.passed_on, held, header, []))
            return None
        job = Job(held, entry, record, header, self._versions.of(header.frame_id.key), again=True)
        held.expect(job)
        return job

    # looking: decode, detect, cut out

    def _look(self, jobs: list[Job]) -> None:
        """In the look pool. Every job gets an answer, whatever happens."""
        try:
            frames = [(job.header, job.record.value or b"") for job in jobs]
            looked = self._vision.look(frames, {at for at, job in enumerate(jobs) if job.preview})
        except Exception as error:  # a bug of ours must not stop the partition
            log.exception("looking at %s failed", [job.header.frame_id.event_id for job in jobs])
            looked = [BadRecord("internal", f"looking at the frame failed: {error!r}")] * len(jobs)
        for job, answer in zip(jobs, looked, strict=True):
            self._inbox.put(partial(self._take_looked, job, answer))

    def _collect(self) -> None:
        """Take what the pools have found; wait a moment for it when there is nothing else to do."""
        try:
            self._inbox.get(timeout=WAIT_SECONDS if self._partitions.frames else 0)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            pass

    def _take_looked(self, job: Job, looked: Looked | BadRecord) -> None:
        self._looking -= 1
        job.answer = looked
        if isinstance(looked, Looked):
            self._recorder.looked(job.header.frame_id.camera, looked, withheld=self._sums is not None)
            if job.spans is not None:
                job.spans.looked(looked.moments)
            job.held.hold(job, sum(crop.nbytes for crop in looked.crops))
        for following in job.held.answered():
            try:
                self._follow(following)
            except Exception as error:  # a bug of ours must not stop the partition
                following.finish(_made(self._telling.bug(following, "following its faces", error)))

    def _follow(self, job: Job) -> None:
        """Whose faces they are, and which of them are read. Called in the order of the log."""
        looked, header = job.answer, job.header
        if not isinstance(looked, Looked):
            assert looked is not None
            job.finish(partial(self._telling.unusable, job, looked))
            return
        seen = looked.seen
        camera = job.held.camera(header.frame_id.key)
        if seen.glance is not None and not job.again:
            before = camera.sight.sight
            seen.blind = camera.sight.update(seen.glance, header.captured_at)
            if seen.blind != before:
                job.before += self._recorder.sight(header, before, seen.blind, camera.sight.since)
        size = seen.width, seen.height
        reader = Reader(job.reader.model, job.reader.abstain_below)
        at, hold, level = header.captured_at, self._overload.hold, self._overload.level(header.live)
        job.followed = camera.faces.follow(seen.faces, looked.cropped, size, at, reader, hold, level)
        if camera.previews is not None:
            job.before += self._preview(job, camera.previews, looked)
        read = set(job.followed.read)
        crops = [crop for index, crop in zip(looked.cropped, looked.crops, strict=True) if index in read]
        job.held.hold(job, sum(crop.nbytes for crop in crops) - sum(crop.nbytes for crop in looked.crops))
        job.answer = Looked(seen)
        job.waiting = len(crops)
        if not crops:
            job.finish(partial(self._telling.observed, job))
            return
        if job.spans is not None:
            job.spans.asks()
        self._scoring.add(job, job.followed.read, crops, time.monotonic())

    def _preview(self, job: Job, previews: Previews, looked: Looked) -> list[Out]:
        """The camera's next one, if it is this frame's turn."""
        header = job.header
        previews.saw(header.captured_at, [face.bbox for face in looked.seen.faces])
        if looked.sketch is None:
            return []
        return [self._recorder.preview(header, looked.sketch, previews.to_fill())]

    # scoring

    def _answered(self, request: Request, read: Read, seconds: float) -> None:
        """In the request pool."""
        self._inbox.put(partial(self._take_scored, request, read, seconds))

    def _take_scored(self, request: Request, read: Read, seconds: float) -> None:
        self._scoring.taken()
        scored, by = read
        self._recorder.scored(len(request) - len(scored.errors), by.model)
        for at, (job, index) in enumerate(request.tokens):
            assert isinstance(job.answer, Looked)
            seen = job.answer.seen
            seen.timings["classify"] = max(seconds, seen.timings.get("classify", 0.0))
            face = seen.faces[index]
            seen.faces[index] = read_face(face, scored.probabilities[at], scored.errors.get(at), by, job.reader)
            job.waiting -= 1
            if not job.waiting:
                if job.spans is not None:
                    job.spans.scored()
                job.finish(partial(self._telling.observed, job))

    # writing

    def _write(self) -> None:
        for held in self._partitions.held.values():
            for make in held.log.ready():
                for out in make():
                    self._outbox.send(out)
                self._written += 1

    def _commit_when_due(self, now: float) -> None:
        if now >= self._next_commit:
            self._next_commit = now + self._settings.commit_seconds
            self._tell_of_silent()
            self._partitions.commit()
            self._judge()
            self._show()
        if now >= self._next_tidying:
            self._next_tidying = now + TIDY_SECONDS
            give_back()

    def _judge(self) -> None:
        """What is given up from now on, or no more."""
        before = self._overload.taken
        self._overload.judge(idle=not self._partitions.frames)
        if before != self._overload.taken:
            log.warning("behind: %s", ", ".join(self._overload.taken) or "no more, everything is done again")

    def _tell_of_silent(self) -> None:
        """Sums of cameras that are silent, where all is read: they need not wait."""
        if self._sums is None:
            return
        now = time.monotonic()
        for partition, held in self._partitions.held.items():
            if not len(held.log) and self._consumer.highwater(partition) == self._consumer.position(partition):
                for out in self._sums.silent(held, now):
                    self._outbox.send(out)

    # showing

    def _show(self) -> None:
        for step in STEPS:
            self._metrics.degradation.labels(step).set(step in self._overload.taken)
        self._metrics.consumer_lag.set(self._partitions.lag())
        self._metrics.inflight_frames.labels("analyze").set(self._partitions.frames)
        self._metrics.inflight_bytes.labels("analyze").set(self._partitions.bytes)


def _made(outs: list[Out]) -> Outs:
    return lambda: outs


def _rules(analyze: AnalyzeSettings) -> Rules:
    per_second = analyze.readings_per_second or math.inf
    return Rules(
        maker(analyze.tracker),
        half_life=analyze.smoothing_seconds,
        policy=Policy(per_second=per_second, hold=analyze.reread_seconds),
    )
