"""The partitions of `frames` that a worker reads: taken up where another left off, given up, committed."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Set
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from pipeline.analyze.held import CameraInView, Held
from pipeline.analyze.recorder import Recorder
from pipeline.kafka.clients import Revoked, to_committed
from pipeline.kafka.noted import note, to_noted
from pipeline.kafka.outbox import Committed, Outbox
from pipeline.kafka.reader import Reader
from pipeline.settings import KafkaSettings
from pipeline.topics import EVENTS

log = logging.getLogger(__name__)

TAIL_RECORDS = 2000  # of each partition of `emotion-events`, from which a camera's tracks go on


class Partitions:
    """For the worker's loop, but for `frames`, which any thread may ask for. `held`: by partition.

    `begin`: begins a camera. `sums`: whether faces only go into sums, which may go on from before what was committed.
    `revoked`: told by the consumer of what is taken away.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        consumer: KafkaConsumer,
        outbox: Outbox,
        recorder: Recorder,
        begin: Callable[[str], CameraInView],
        sums: bool,
    ) -> None:
        self.held: dict[TopicPartition, Held] = {}
        self.revoked = Revoked()
        self._kafka = kafka
        self._consumer = consumer
        self._outbox = outbox
        self._recorder = recorder
        self._begin = begin
        self._sums = sums

    @property
    def frames(self) -> int:
        """Frames that are read and not written out."""
        return sum(held.frames for held in list(self.held.values()))

    @property
    def bytes(self) -> int:
        return sum(held.bytes for held in self.held.values())

    def take_up(self, new: Set[TopicPartition]) -> None:
        """What was written of these partitions' cameras last, so that their tracks go on."""
        if not new:
            return
        tails: dict[int, list[Any]] = defaultdict(list)
        with Reader(self._kafka, [EVENTS], {partition.partition for partition in new}) as reader:
            reader.from_last(TAIL_RECORDS)
            for record in reader.to_end():
                tails[record.partition].append(record)
        for partition, (start, again) in self._to_committed(new).items():
            self.held[partition] = Held(start, tails[partition.partition], self._begin, again)

    def forget_revoked(self) -> bool:
        """Whether everything begins anew, at offsets before what was just read."""
        revoked = self.revoked.take()
        for partition in revoked:
            held = self.held.pop(partition, None)
            if held is not None:
                log.info("partition %d is no longer ours", partition.partition)
                self._recorder.no_longer_ours(held.blind())
        undone = bool(revoked) and self._outbox.undo()
        if undone:
            self._start_over()
        return undone

    def commit(self) -> None:
        """What is committed has been written."""
        positions = {partition: at for partition, held in self.held.items() if (at := held.to_commit) is not None}
        if not positions:
            return
        notes = {partition: note(self.held[partition].since()) for partition in positions}
        match self._outbox.commit(self._consumer, positions, notes):
            case Committed.YES:
                for partition, position in positions.items():
                    self.held[partition].committed = position
            case Committed.UNDONE:
                self._start_over()

    def lag(self) -> int:
        """Records of these partitions that were not read yet."""
        lag = 0
        for partition in self._consumer.assignment():
            end = self._consumer.highwater(partition)
            if end is not None and partition in self.held:
                lag += max(0, end - (self._consumer.position(partition) or 0))
        return lag

    def _start_over(self) -> None:
        """What was sent since the last commit is undone: it is made again from the records."""
        self.held.clear()
        self._to_committed(self._consumer.assignment())

    def _to_committed(self, partitions: Set[TopicPartition]) -> dict[TopicPartition, tuple[int | None, int | None]]:
        """Read on from where was committed, or where sums go on that are not told yet: both offsets."""
        if self._sums:
            return to_noted(self._consumer, partitions)
        return {partition: (at, None) for partition, at in to_committed(self._consumer, partitions).items()}
