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


def to_noted(consumer: KafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
    """Read on from where the notes say. The committed offsets, None where there is none."""
    offsets: dict[TopicPartition, int | None] = {}
    for partition in partitions:
        known = consumer.committed(partition, metadata=True)
        if known is None:
            offsets[partition] = None
            consumer.seek_to_beginning(partition)
            continue
        offsets[partition] = known.offset
        since = noted(known.metadata or "")
        consumer.seek(partition, known.offset if since is None else min(since, known.offset))
    return offsets
