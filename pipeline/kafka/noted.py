"""Offsets that are committed with a note: from where a successor has to read again what is still being made of it.

What stands before the offset is written, all but one thing: sums that records go on being added to. These are made
anew, from the first record on that they hold.
"""

from __future__ import annotations

from collections.abc import Iterable

from kafka import KafkaConsumer, TopicPartition

NOTE = "from="


def note(since: int | None) -> str:
    """`since`: None where nothing is being made."""
    return "" if since is None else f"{NOTE}{since}"


def noted(text: str) -> int | None:
    """What `note` wrote; None for anything else."""
    number = text.removeprefix(NOTE)
    return int(number) if text.startswith(NOTE) and number.isascii() and number.isdigit() else None


def to_noted(
    consumer: KafkaConsumer, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, tuple[int | None, int | None]]:
    """Read on from where the notes say. The committed offsets, None where there is none, and those of the notes."""
    offsets: dict[TopicPartition, tuple[int | None, int | None]] = {}
    for partition in partitions:
        known = consumer.committed(partition, metadata=True)
        if known is None:
            consumer.seek_to_beginning(partition)
            offsets[partition] = None, None
            continue
        since = noted(known.metadata or "")
        begin = known.offset if since is None else min(since, known.offset)
        consumer.seek(partition, begin)
        offsets[partition] = known.offset, begin
    return offsets
