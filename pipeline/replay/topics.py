"""A replay's own topics: every topic of the plan, with the replay's name in its prefix."""

from __future__ import annotations

import re
from contextlib import suppress

from kafka.errors import UnknownTopicOrPartitionError

from pipeline.errors import UsageError
from pipeline.kafka.clients import admin, apply_topics, errors_of
from pipeline.settings import KafkaSettings
from pipeline.topics import plan

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
"""Without dots, so that no replay's topics lie below another's."""


def own(kafka: KafkaSettings, name: str) -> KafkaSettings:
    """The settings under which a replay writes. Raises UsageError when the name is none."""
    if not NAME.fullmatch(name):
        hint = "letters, digits, dash and underscore, at most 63"
        raise UsageError(f"--name: {name!r} is no name of a replay", hint)
    replay = f"replay-{name}"
    return kafka.model_copy(update={"topic_prefix": f"{kafka.topic_prefix}.{replay}" if kafka.topic_prefix else replay})


def create(kafka: KafkaSettings, name: str, partitions: int) -> KafkaSettings:
    """`partitions`: as the topic that is replayed has. Raises UsageError when a replay of this name was made before."""
    mine = own(kafka, name).model_copy(update={"partitions": partitions})
    if _existing(mine):
        hint = f"choose another name, or remove them with emostream replay --delete --name {name}"
        raise UsageError(f"--name: the topics of a replay {name!r} are there already", hint)
    apply_topics(mine)
    return mine


def delete(kafka: KafkaSettings, name: str) -> list[str]:
    """Removes a replay's topics and returns their names. Raises UsageError when there are none."""
    mine = own(kafka, name)
    found = _existing(mine)
    if not found:
        raise UsageError(f"--name: there is no replay {name!r}", "emostream replay --name names a new one")
    client = admin(mine)
    try:
        with errors_of(mine), suppress(UnknownTopicOrPartitionError):  # somebody else was quicker
            client.delete_topics(found)
    finally:
        client.close()
    return found


def _existing(mine: KafkaSettings) -> list[str]:
    client = admin(mine)
    try:
        with errors_of(mine):
            there = set(client.list_topics())
    finally:
        client.close()
    return sorted(topic.name for topic in plan(mine).values() if topic.name in there)
