"""What of a topic is replayed: from which offset to which, partition by partition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kafka import KafkaConsumer, TopicPartition

from pipeline.errors import DependencyError
from pipeline.kafka.clients import consumer, errors_of
from pipeline.kafka.reader import Reader
from pipeline.settings import KafkaSettings
from pipeline.topics import name


@dataclass(frozen=True, slots=True)
class Span:
    """`starts` <= offset < `ends`. `cut_off`: partitions of which Kafka no longer keeps earlier records.

    `partitions`: how many the topic has.
    """

    starts: dict[TopicPartition, int]
    ends: dict[TopicPartition, int]
    cut_off: frozenset[TopicPartition]

    @property
    def partitions(self) -> int:
        return len(self.starts)

    @property
    def filled(self) -> list[TopicPartition]:
        """Those in which there is something to read."""
        return sorted(partition for partition in self.starts if self.starts[partition] < self.ends[partition])

    @property
    def records(self) -> int:
        return sum(self.ends[partition] - self.starts[partition] for partition in self.filled)


def span(kafka: KafkaSettings, topic: str, since: datetime | None, until: datetime | None) -> Span:
    """Records that Kafka took from `since` on and before `until`; None: from the oldest, up to where it ends now.

    Raises DependencyError when there are none.
    """
    full = name(kafka, topic)
    reader = consumer(kafka)
    try:
        with errors_of(kafka):
            numbers = reader.partitions_for_topic(full)
            if not numbers:
                raise DependencyError(f"topic {full} does not exist", "emostream topics apply creates it")
            all_of_it = [TopicPartition(full, number) for number in sorted(numbers)]
            oldest, ends = reader.beginning_offsets(all_of_it), reader.end_offsets(all_of_it)
            starts = oldest if since is None else _at(reader, since, ends)
            until_ends = ends if until is None else _at(reader, until, ends)
    finally:
        reader.close(autocommit=False)
    cut_off = frozenset(at for at in all_of_it if oldest[at] and starts[at] <= oldest[at])
    found = Span(starts, until_ends, cut_off)
    if not found.filled:
        raise DependencyError(f"topic {full}: {_nothing(since, until)}", _hint(bool(cut_off) or any(ends.values())))
    return found


def first_taken(kafka: KafkaSettings, topic: str, span: Span, at: TopicPartition) -> datetime:
    """When Kafka took the first record of the span in this partition; now, if it keeps none of them any more."""
    with Reader(kafka, [topic], {at.partition}) as reader:
        reader.from_offsets({at: span.starts[at]})
        for record in reader.to_end():
            return datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return datetime.now(UTC)


def partitions(kafka: KafkaSettings, topic: str) -> int:
    """How many a topic has; 0: there is none."""
    reader = consumer(kafka)
    try:
        with errors_of(kafka):
            return len(reader.partitions_for_topic(name(kafka, topic)) or ())
    finally:
        reader.close(autocommit=False)


def _at(reader: KafkaConsumer, moment: datetime, ends: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """The first offset of each partition that is not older."""
    found = reader.offsets_for_times(dict.fromkeys(ends, int(moment.timestamp() * 1000)))
    return {at: end if found.get(at) is None else found[at].offset for at, end in ends.items()}


def _nothing(since: datetime | None, until: datetime | None) -> str:
    if since is None and until is None:
        return "nothing is kept there"
    limits = [(word, at) for word, at in (("since", since), ("before", until)) if at is not None]
    told = " and ".join(f"{word} {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" for word, at in limits)
    return f"nothing is kept there {told}"


def _hint(once: bool) -> str:
    if once:
        return "try an earlier --since; how long records are kept is set by kafka.frames_retention_* and kafka.events_*"
    return "nothing was ever written there: do kafka.bootstrap and kafka.topic_prefix name the right place?"
