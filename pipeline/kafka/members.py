"""Members of a group that keep their place while they are away, and how one gives it up for good."""

from __future__ import annotations

import logging

from kafka.admin import MemberToRemove
from kafka.errors import KafkaError

from pipeline.errors import DependencyError
from pipeline.kafka.clients import admin
from pipeline.settings import KafkaSettings

log = logging.getLogger(__name__)


def instance(kafka: KafkaSettings, index: int) -> str:
    """The analyzer of this number in the group: a replacement takes its partitions over at once."""
    return f"{kafka.group}-{index}"


def leave(kafka: KafkaSettings, index: int) -> None:
    """Its partitions go to the others now, and not when its session has timed out, as happens if Kafka is away."""
    try:
        client = admin(kafka)
        try:
            client.remove_group_members(kafka.group, [MemberToRemove(group_instance_id=instance(kafka, index))])
        finally:
            client.close()
    except (KafkaError, DependencyError) as error:
        log.warning("the group was not told that analyzer %d is gone for good: %r", index, error)
