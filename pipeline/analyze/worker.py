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
from collections import defaultdict
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from pipeline.analyze import intake
from pipeline.analyze.batching import Batch, Batcher
from pipeline.analyze.crowds import Crowds
from pipeline.analyze.heap import give_back
from pipeline.analyze.held import CameraInView, Held, Job, Outs
from pipeline.analyze.overload import NO_PREVIEWS, STEPS, Overload
from pipeline.analyze.preview import Previews
from pipeline.analyze.recorder import Recorder
from pipeline.analyze.sight.monitor import SightMonitor
from pipeline.analyze.spans import FrameSpans, requesting
from pipeline.analyze.status import Status
from pipeline.analyze.sums import Sums
from pipeline.analyze.tracking.budget import Policy
from pipeline.analyze.tracking.faces import CameraFaces, Rules
from pipeline.analyze.tracking.tracker import maker
from pipeline.analyze.vision import Looked, Vision
from pipeline.classify.classifier import Classifier, Scored
from pipeline.errors import BadRecord, ClassifierUnavailable
from pipeline.kafka.clients import Revoked, poll, subscribe, to_committed
from pipeline.kafka.noted import note, to_noted
from pipeline.kafka.outbox import Committed, Out, Outbox
from pipeline.kafka.reader import Reader
from pipeline.logs import of
from pipeline.messages import FrameHeader, FrameId, Ledger, SeqRange
from pipeline.metrics import Metrics
from pipeline.settings import AnalyzeSettings, Settings
from pipeline.topics import EVENTS, FRAMES, name
from pipeline.traces import Spans

log = logging.getLogger(__name__)

POLL_RECORDS = 16
IDLE_POLL_MS = 100
WAIT_SECONDS = 0.005  # for the pools, while frames are in flight
KEEP_ALIVE_SECONDS = 0.5
MODEL_RETRY_SECONDS = (0.2, 2.0)  # first pause between tries, and the longest
TAIL_RECORDS = 2000  # of each partition of `emotion-events`, from which a camera's tracks go on
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
    ) -> None:
        """`wanted`: by a record's key; one that is not wanted is passed over, and nothing comes of it.

        `spans`: where traces are kept.
        """
        self._settings = settings.analyze
        self._sight = settings.sight
        privacy = settings.privacy
        self._previews = timedelta(seconds=1 / privacy.previews_per_second) if privacy.shows_previews else None
        self._rules = _rules(settings.analyze, classifier.abstain_below)
        self._consumer = consumer
        self._outbox = outbox
        self._vision = vision
        self._classifier = classifier
        self._metrics = metrics
        self._wanted = wanted
        self._spans = None if privacy.aggregates else spans  # they would tell of each frame's faces
        self._kafka = settings.kafka
        self._topic = name(settings.kafka, FRAMES)
        self._recorder = Recorder(settings.kafka, vision.detector, classifier.model, metrics)
        self._sums = Sums(self._recorder) if privacy.aggregates else None
        self._overload = Overload(settings.overload)
        self._held: dict[TopicPartition, Held] = {}
        self._revoked = Revoked()
        analyze = settings.analyze
        self._batcher: Batcher[tuple[Job, int]] = Batcher(analyze.batch_faces, analyze.batch_wait_seconds)
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()  # what the pools have for the loop
        self._look_pool = ThreadPoolExecutor(settings.analyze.threads, "look")
        self._request_pool = ThreadPoolExecutor(settings.analyze.requests, "request")
        self._next_poll = 0.0
        self._next_commit = 0.0
        self._next_tidying = time.monotonic() + TIDY_SECONDS
        self._stop = threading.Event()
        self._waiting_for_model = False
        self._asking = 0  # batches that are with the model or wait for a thread that asks it
        self._loops = 0
        self._written = 0

    def stop(self) -> None:
        """Ask the loop to end: what was written is committed, the rest abandoned, to be read again."""
        self._stop.set()

    def status(self) -> Status:
        return Status(
            self._loops,
            self._written,
            self._frames(),
            self._waiting_for_model,
            self._outbox.waiting,
            self._overload.behind,
            time.process_time(),
            self._asking > self._settings.requests,
        )

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
        room = self._settings.inflight_frames - self._frames()
        if room < min(POLL_RECORDS, self._settings.inflight_frames) or self._too_many_bytes():
            if now < self._next_poll:
                return
            self._consumer.pause(*self._consumer.assignment())
        elif self._consumer.paused():
            self._consumer.resume(*self._consumer.paused())
        self._next_poll = now + KEEP_ALIVE_SECONDS
        timeout = 0 if self._frames() else IDLE_POLL_MS
        polled = poll(self._consumer, timeout, max(1, min(POLL_RECORDS, room)))
        if self._forget_revoked():
            return
        new = self._consumer.assignment() - self._held.keys()
        self._take_up(new)
        jobs = [
            job
            for partition, records in polled.items()
            if partition not in new  # those are read from where they were committed
            for record in records
            if (job := self._receive(record, self._held[partition])) is not None
        ]
        for at in range(0, len(jobs), self._vision.batch):
            self._look_pool.submit(self._look, jobs[at : at + self._vision.batch])

    def _frames(self) -> int:
        return sum(held.frames for held in list(self._held.values()))

    def _bytes(self) -> int:
        return sum(held.bytes for held in self._held.values())

    def _too_many_bytes(self) -> bool:
        return self._bytes() >= self._settings.inflight_mebibytes * 2**20

    def _take_up(self, new: Set[TopicPartition]) -> None:
        """What was written of these partitions' cameras last, so that their tracks go on."""
        if not new:
            return
        tails: dict[int, list[Any]] = defaultdict(list)
        with Reader(self._kafka, [EVENTS], {partition.partition for partition in new}) as reader:
            reader.from_last(TAIL_RECORDS)
            for record in reader.to_end():
                tails[record.partition].append(record)
        for partition, (start, again) in self._to_committed(new).items():
            self._held[partition] = Held(start, tails[partition.partition], self._begin, again)

    def _to_committed(self, partitions: Set[TopicPartition]) -> dict[TopicPartition, tuple[int | None, int | None]]:
        """Read on from where was committed, or where sums go on that are not told yet: both offsets."""
        if self._sums is not None:
            return to_noted(self._consumer, partitions)
        return {partition: (at, None) for partition, at in to_committed(self._consumer, partitions).items()}

    def _begin(self, key: str) -> CameraInView:
        faces = CameraFaces(self._rules, secrets.token_hex(RUN_BYTES))
        previews = None if self._previews is None else Previews(self._previews)
        crowds = None if self._sums is None else Crowds(key)
        return CameraInView(faces, SightMonitor(self._sight), previews, crowds)

    def _forget_revoked(self) -> bool:
        """Whether everything begins anew, at offsets before what was just read."""
        revoked = self._revoked.take()
        for partition in revoked:
            held = self._held.pop(partition, None)
            if held is not None:
                log.info("partition %d is no longer ours", partition.partition)
                self._recorder.no_longer_ours(held.blind())
        undone = bool(revoked) and self._outbox.undo()
        if undone:
            self._start_over()
        return undone

    def _start_over(self) -> None:
        """What was sent since the last commit is undone: it is made again from the records."""
        self._held.clear()
        self._to_committed(self._consumer.assignment())

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
                entry.finish(partial(self._passed_on, held, header, [*outs, self._recorder.passed_on(record)]))
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
        age = time.time() - record.timestamp / 1000
        self._overload.read(age)
        if not written and (reason := self._overload.dropped(header, age)):
            entry.finish(partial(self._dropped, held, header, before, reason))
            return None
        spans = FrameSpans.of(self._spans, header)
        job = Job(held, entry, record, header, before, again=written, spans=spans)
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
            entry.finish(partial(self._passed_on, held, header, []))
            return None
        job = Job(held, entry, record, header, again=True)
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
            self._inbox.get(timeout=WAIT_SECONDS if self._frames() else 0)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            pass

    def _take_looked(self, job: Job, looked: Looked | BadRecord) -> None:
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
                following.finish(_made(self._bug(following, "following its faces", error)))

    def _follow(self, job: Job) -> None:
        """Whose faces they are, and which of them are read. Called in the order of the log."""
        looked, header = job.answer, job.header
        if not isinstance(looked, Looked):
            assert looked is not None
            job.finish(partial(self._unusable, job, looked))
            return
        seen = looked.seen
        camera = job.held.camera(header.frame_id.key)
        if seen.glance is not None and not job.again:
            before = camera.sight.sight
            seen.blind = camera.sight.update(seen.glance, header.captured_at)
            if seen.blind != before:
                job.before += self._recorder.sight(header, before, seen.blind, camera.sight.since)
        size = seen.width, seen.height
        job.followed = camera.faces.follow(
            seen.faces,
            looked.cropped,
            size,
            header.captured_at,
            self._overload.hold,
            self._overload.level(header.live),
        )
        if camera.previews is not None:
            job.before += self._preview(job, camera.previews, looked)
        read = set(job.followed.read)
        crops = [crop for index, crop in zip(looked.cropped, looked.crops, strict=True) if index in read]
        job.held.hold(job, sum(crop.nbytes for crop in crops) - sum(crop.nbytes for crop in looked.crops))
        job.answer = Looked(seen)
        job.waiting = len(crops)
        if not crops:
            job.finish(partial(self._observed, job))
            return
        if job.spans is not None:
            job.spans.asks()
        tokens = [(job, index) for index in job.followed.read]
        for batch in self._batcher.add(tokens, crops, time.monotonic()):
            self._ask(batch)

    def _preview(self, job: Job, previews: Previews, looked: Looked) -> list[Out]:
        """The camera's next one, if it is this frame's turn."""
        header = job.header
        previews.saw(header.captured_at, [face.bbox for face in looked.seen.faces])
        if looked.sketch is None:
            return []
        return [self._recorder.preview(header, looked.sketch, previews.to_fill())]

    def _send_due(self, now: float) -> None:
        due = self._batcher.due(now)
        if due is not None:
            self._ask(due)

    # scoring

    def _ask(self, batch: Batch[tuple[Job, int]]) -> None:
        self._asking += 1
        self._request_pool.submit(self._classify, batch)

    def _classify(self, batch: Batch[tuple[Job, int]]) -> None:
        """In the request pool. Asks until the model answers or the worker stops."""
        pause, longest = MODEL_RETRY_SECONDS
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                with self._request(batch):
                    scored = self._classifier.classify(batch.crops)
            except ClassifierUnavailable as error:
                self._metrics.model_failures.inc()
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

    def _request(self, batch: Batch[tuple[Job, int]]) -> AbstractContextManager[None]:
        """The span of a request, where one is kept."""
        if self._spans is None:
            return nullcontext()
        frames = dict.fromkeys(job.spans for job, _ in batch.tokens if job.spans is not None)
        return requesting(self._spans, frames, len(batch.tokens))

    def _take_scored(self, batch: Batch[tuple[Job, int]], scored: Scored) -> None:
        self._asking -= 1
        self._recorder.scored(len(batch.tokens) - len(scored.errors))
        for at, (job, index) in enumerate(batch.tokens):
            assert isinstance(job.answer, Looked)
            faces = job.answer.seen.faces
            faces[index] = self._vision.read(faces[index], scored.probabilities[at], scored.errors.get(at))
            job.waiting -= 1
            if not job.waiting:
                if job.spans is not None:
                    job.spans.scored()
                job.finish(partial(self._observed, job))

    # writing

    def _observed(self, job: Job) -> list[Out]:
        """Called when all that came before it in the log was told of the camera's faces."""
        assert isinstance(job.answer, Looked)
        assert job.followed is not None
        seen, header = job.answer.seen, job.header
        sums: list[Out] = []
        if job.held.written(header.frame_id) and self._sums is None:  # by another record of the same frame
            return job.before
        try:
            faces = job.held.camera(header.frame_id.key).faces
            seen.faces = faces.tell(seen.faces, job.followed, header.captured_at)
            if self._sums is not None:
                sums = self._sums.frame(job.held, header, seen.faces, job.record.offset, time.monotonic())
                if job.again or job.held.written(header.frame_id):
                    return [*job.before, *sums]
            traceparent = header.traceparent if job.spans is None else job.spans.emitted()
            told = self._recorder.observed(
                header, seen, traceparent, withheld=self._sums is not None, degradation=self._overload.taken
            )
        except Exception as error:  # a bug of ours must not stop the partition
            return self._bug(job, "telling of its faces", error)
        job.held.wrote(header.frame_id)
        return [*job.before, *sums, told]

    def _passed_on(self, held: Held, ledger: Ledger, outs: list[Out]) -> list[Out]:
        """What is written at a ledger record."""
        return outs if self._sums is None else [*self._sums.ledger(held, ledger, time.monotonic()), *outs]

    def _dropped(self, held: Held, header: FrameHeader, before: list[Out], reason: str) -> list[Out]:
        """A frame that nobody looks at, for want of time."""
        frame = header.frame_id
        told = self._recorder.dropped(frame, SeqRange(first=frame.seq, last=frame.seq), reason, header.captured_at)
        outs = [*before, told]
        if self._sums is None:
            return outs
        return [*self._sums.until(held, frame.key, header.captured_at, time.monotonic()), *outs]

    def _unusable(self, job: Job, error: BadRecord) -> list[Out]:
        outs = [*job.before, *(() if job.again else self._recorder.dead(job.record, error))]
        if self._sums is None:
            return outs
        header = job.header
        return [*self._sums.until(job.held, header.frame_id.key, header.captured_at, time.monotonic()), *outs]

    def _bug(self, job: Job, doing: str, error: Exception) -> list[Out]:
        log.exception("%s: %s failed", job.header.frame_id.event_id, doing, extra=of(job.header))
        letter = BadRecord("internal", f"{doing} failed: {error!r}")
        return [*job.before, *(() if job.again else self._recorder.dead(job.record, letter))]

    def _write(self) -> None:
        for held in self._held.values():
            for make in held.log.ready():
                for out in make():
                    self._outbox.send(out)
                self._written += 1

    def _commit_when_due(self, now: float) -> None:
        if now >= self._next_commit:
            self._next_commit = now + self._settings.commit_seconds
            self._tell_of_silent(now)
            self._commit()
            self._judge()
            self._show()
        if now >= self._next_tidying:
            self._next_tidying = now + TIDY_SECONDS
            give_back()

    def _judge(self) -> None:
        """What is given up from now on, or no more."""
        before = self._overload.taken
        self._overload.judge(idle=not self._frames())
        if before != self._overload.taken:
            log.warning("behind: %s", ", ".join(self._overload.taken) or "no more, everything is done again")

    def _tell_of_silent(self, now: float) -> None:
        """Sums of cameras that are silent, where all is read: they need not wait."""
        if self._sums is None:
            return
        for partition, held in self._held.items():
            if not len(held.log) and self._consumer.highwater(partition) == self._consumer.position(partition):
                for out in self._sums.silent(held, now):
                    self._outbox.send(out)

    def _commit(self) -> None:
        """What is committed has been written."""
        positions = {partition: at for partition, held in self._held.items() if (at := held.to_commit) is not None}
        if not positions:
            return
        notes = {partition: note(self._held[partition].since()) for partition in positions}
        match self._outbox.commit(self._consumer, positions, notes):
            case Committed.YES:
                for partition, position in positions.items():
                    self._held[partition].committed = position
            case Committed.UNDONE:
                self._start_over()

    # showing

    def _show(self) -> None:
        for step in STEPS:
            self._metrics.degradation.labels(step).set(step in self._overload.taken)
        lag = 0
        for partition in self._consumer.assignment():
            end = self._consumer.highwater(partition)
            if end is not None and partition in self._held:
                lag += max(0, end - (self._consumer.position(partition) or 0))
        self._metrics.consumer_lag.set(lag)
        self._metrics.inflight_frames.labels("analyze").set(self._frames())
        self._metrics.inflight_bytes.labels("analyze").set(self._bytes())


def _made(outs: list[Out]) -> Outs:
    return lambda: outs


def _rules(analyze: AnalyzeSettings, abstain_below: float) -> Rules:
    per_second = analyze.readings_per_second or math.inf
    return Rules(
        maker(analyze.tracker),
        half_life=analyze.smoothing_seconds,
        abstain_below=abstain_below,
        policy=Policy(per_second=per_second, hold=analyze.reread_seconds),
    )
