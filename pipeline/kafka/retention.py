"""The topics' settings on the broker: how long records are kept, above all, which is never longer than promised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.errors import DependencyError
from pipeline.kafka.clients import admin, apply_topics, errors_of
from pipeline.kafka.held import KEPT, Difference, Held, differences, held_topics
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, PREVIEWS, Topic, plan

OF_PEOPLE = (FRAMES, PREVIEWS)
"""Topics of pictures: each role that starts sees to them."""
SEGMENT = "segment.ms"  # whole segments are deleted, each when its last record is old enough
HOW = ("cleanup.policy", "message.timestamp.type")  # deleted at all, and by the broker's clock
FOR_EVER = -1


def overlong(planned: Mapping[str, Topic], held: Mapping[str, Held]) -> list[Difference]:
    """What lets topics keep their records for longer than planned. Pure."""
    return [each for each in differences(planned, held) if lengthens(each)]


def lengthens(each: Difference) -> bool:
    """Whether records stay for longer than planned because of it."""
    if each.field in HOW:
        return True
    if each.field not in (KEPT, SEGMENT) or not each.found:
        return False
    wanted, found = int(each.wanted), int(each.found)
    return wanted != FOR_EVER and not 0 <= found <= wanted


def shorten(kafka: KafkaSettings, topics: Collection[str]) -> list[Difference]:
    """Has the broker keep these topics no longer than planned; returns what was otherwise. Raises DependencyError."""
    planned = {short: topic for short, topic in plan(kafka).items() if short in topics}
    return _alter(kafka, overlong(planned, held_topics(kafka, planned)))


def agree(kafka: KafkaSettings) -> list[Difference]:
    """Has the broker keep all topics that are there as planned, also for longer; returns what was otherwise.

    Partitions stay as they are: keys would move. Raises DependencyError.
    """
    planned = plan(kafka)
    return _alter(kafka, alterable(differences(planned, held_topics(kafka, planned))))


def alterable(found: Iterable[Difference]) -> list[Difference]:
    """Those that are settings of a topic that is there."""
    return [each for each in found if each.field not in ("topic", "partitions")]


def apply(kafka: KafkaSettings) -> None:
    """As each role does that starts: creates the topics that are missing, and shortens those of pictures."""
    apply_topics(kafka)
    shorten(kafka, OF_PEOPLE)


def _alter(kafka: KafkaSettings, found: list[Difference]) -> list[Difference]:
    changes: dict[str, dict[str, str]] = {}
    for each in found:
        changes.setdefault(each.topic, {})[each.field] = each.wanted
    if not changes:
        return []
    client = admin(kafka)
    try:
        with errors_of(kafka):
            resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs) for name, configs in changes.items()]
            answers = client.alter_configs(resources).get("topic", {})
    finally:
        client.close()
    refused = {name: answer for name, answer in answers.items() if str(answer) != "OK"}
    for name, answer in refused.items():
        hint = "this user has to be allowed to alter the topic's configuration"
        raise DependencyError(f"Kafka does not keep {name} as the settings say ({answer})", hint)
    return found
