"""ACLs of each role on a real broker that denies by default: what is in the table is allowed, all else is refused."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import AuthorizationError as Refused
from kafka.errors import KafkaError

from pipeline.errors import DependencyError
from pipeline.kafka import acls
from pipeline.kafka.clients import admin, apply_topics, consumer, poll, producer, subscribe
from pipeline.kafka.grants import ALL, NEEDS, grants
from pipeline.kafka.reader import Reader
from pipeline.kafka.retention import shorten
from pipeline.settings import KafkaSettings, Settings
from pipeline.topics import ALERTS, CAMERAS, EVENTS, FRAMES, PREVIEWS, name, plan
from tests.secured import ADMIN, SecuredKafka

pytestmark = pytest.mark.slow

PREFIX = "rights"
PATIENCE = 30.0
USERS = {role: f"rights-{role}" for role in NEEDS}


def own(kafka: KafkaSettings) -> KafkaSettings:
    return kafka.model_copy(update={"topic_prefix": PREFIX})


@pytest.fixture(scope="module")
def super_user(secured: SecuredKafka) -> KafkaSettings:
    """Topics with a record each, users, and their rights."""
    kafka = own(secured.settings(ADMIN))
    apply_topics(kafka)
    with closing(producer(kafka)) as to:
        for topic in ALL:
            to.send(name(kafka, topic), b"there", key=b"key", partition=0).get(timeout=PATIENCE)
    secured.add(*USERS.values(), "nobody")
    acls.apply(kafka, rights(kafka))
    return kafka


def rights(kafka: KafkaSettings) -> list[acls.Right]:
    return acls.planned(Settings(kafka=kafka, delivery="exactly_once"), list(NEEDS), "rights-{role}")


def of_topics(role: str, kafka: KafkaSettings) -> dict[str, set[str]]:
    """By topic, what the table allows. Who may do anything with a topic may describe it."""
    found: dict[str, set[str]] = {}
    for each in grants(Settings(kafka=kafka), role):
        if each.kind == "topic":
            found.setdefault(each.name, {"describe"}).add(each.operation)
    return found


def test_every_topic_is_spoken_of() -> None:
    assert set(ALL) == set(plan(KafkaSettings()))


def test_what_is_there_is_left_and_what_is_too_much_goes(super_user: KafkaSettings, secured: SecuredKafka) -> None:
    wanted = rights(super_user)
    assert acls.apply(super_user, wanted) == ([], [])
    too_much = acls.Right(USERS["capture"], acls.Grant("topic", name(super_user, "audit"), "read"))
    assert acls.apply(super_user, [*wanted, too_much]) == ([too_much], [])
    assert acls.apply(super_user, wanted) == ([], [too_much])


@pytest.mark.parametrize("role", NEEDS)
def test_the_broker_allows_what_the_table_says_and_nothing_else(
    role: str, super_user: KafkaSettings, secured: SecuredKafka
) -> None:
    kafka = own(secured.settings(USERS[role]))
    with closing(admin(kafka)) as client:
        seen = {topic["name"]: topic["authorized_operations"] for topic in client.describe_topics(None)}
    told = {topic: {each.lower().replace("_", "-") for each in operations} for topic, operations in seen.items()}
    assert told == of_topics(role, kafka)


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("capture", EVENTS),
        ("analyze", FRAMES),
        ("aggregate", FRAMES),
        ("webhooks", ALERTS),
        ("api", FRAMES),
        ("dashboard", CAMERAS),
        ("operator", EVENTS),
        ("reader", ALERTS),
    ],
)
def test_a_record_is_refused_where_its_role_may_not_write(
    role: str, topic: str, super_user: KafkaSettings, secured: SecuredKafka
) -> None:
    kafka = own(secured.settings(USERS[role]))
    before = ends(super_user, topic)
    with closing(producer(kafka, max_block_ms=10_000, enable_idempotence=False)) as to, pytest.raises(Refused):
        to.send(name(kafka, topic), b"forged", key=b"key", partition=0).get(timeout=PATIENCE)
    assert ends(super_user, topic) == before


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("capture", FRAMES),
        ("aggregate", FRAMES),
        ("webhooks", FRAMES),
        ("api", PREVIEWS),
        ("operator", FRAMES),
        ("reader", PREVIEWS),
    ],
)
def test_no_picture_is_read_by_those_who_need_none(
    role: str, topic: str, super_user: KafkaSettings, secured: SecuredKafka
) -> None:
    kafka = own(secured.settings(USERS[role]))
    with pytest.raises(DependencyError) as refused:
        whole(kafka, topic)
    assert "topics acls" in refused.value.hint


def whole(kafka: KafkaSettings, topic: str) -> list[Any]:
    with Reader(kafka, [topic]) as reader:
        reader.from_beginning()
        return list(reader.to_end())


def ends(kafka: KafkaSettings, topic: str) -> dict[TopicPartition, int]:
    with closing(consumer(kafka)) as reader:
        return dict(reader.end_offsets([TopicPartition(name(kafka, topic), number) for number in range(3)]))


@pytest.mark.parametrize("role", NEEDS)
def test_a_role_changes_nothing_of_the_brokers(role: str, super_user: KafkaSettings, secured: SecuredKafka) -> None:
    """It makes no topic, keeps nothing for longer, and gives nobody rights."""
    kafka = own(secured.settings(USERS[role]))
    frames = name(kafka, FRAMES)
    with closing(admin(kafka)) as client:
        with pytest.raises(Refused):
            client.create_topics([NewTopic(f"{PREFIX}.new", 1, 1)])
        with pytest.raises(Refused):
            client.delete_topics([frames])
        longer = ConfigResource(ConfigResourceType.TOPIC, frames, {"retention.ms": "-1"})
        answers = client.alter_configs([longer], raise_on_unknown=False, incremental=True)
        assert "AuthorizationFailed" in str(answers)
    with pytest.raises(DependencyError, match="AuthorizationFailed"):
        acls.apply(kafka, [acls.Right(USERS[role], acls.Grant("topic", frames, "alter"))])
    assert retention(super_user, frames) == plan(super_user)[FRAMES].config["retention.ms"]


def retention(kafka: KafkaSettings, topic: str) -> str:
    with closing(admin(kafka)) as client:
        told = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return str(told["topic"][topic]["retention.ms"]["value"])


@pytest.mark.parametrize(
    ("role", "group"), [("dashboard", "emostream-analyze"), ("webhooks", "emostream-analyze"), ("capture", "mine")]
)
def test_a_role_joins_no_group_of_others(
    role: str, group: str, super_user: KafkaSettings, secured: SecuredKafka
) -> None:
    """Whoever joins the analyzers' group takes frames from them."""
    kafka = own(secured.settings(USERS[role]))
    with closing(consumer(kafka, group)) as reader, pytest.raises(DependencyError, match="GroupAuthorizationFailed"):
        joined(reader, kafka)


def joined(reader: KafkaConsumer, kafka: KafkaSettings) -> None:
    subscribe(reader, kafka, [name(kafka, ALERTS if "webhooks" in str(kafka.security.username) else CAMERAS)])
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        poll(reader, 200)


def test_transactional_ids_of_others_are_refused(super_user: KafkaSettings, secured: SecuredKafka) -> None:
    """Whoever begins a transaction under the id of another ends the other's."""
    aggregate = own(secured.settings(USERS["aggregate"]))
    with closing(producer(aggregate, transactional_id="emostream-aggregate-0")) as to:
        to.init_transactions()
    with closing(producer(aggregate, transactional_id="emostream-analyze-0")) as to, pytest.raises(KafkaError) as error:
        to.init_transactions()
    assert "AuthorizationFailed" in repr(error.value)


def test_who_may_create_no_topics_goes_on_with_those_that_are_there(
    super_user: KafkaSettings, secured: SecuredKafka
) -> None:
    analyze = own(secured.settings(USERS["analyze"]))
    assert apply_topics(analyze) == []
    assert shorten(analyze, [FRAMES, PREVIEWS]) == []


def test_a_user_without_rights_is_told_of_them(super_user: KafkaSettings, secured: SecuredKafka) -> None:
    nobody = own(secured.settings("nobody"))
    with closing(consumer(nobody)) as reader, pytest.raises(DependencyError) as refused:
        subscribe(reader, nobody, [name(nobody, CAMERAS)])
    assert "topics acls" in refused.value.hint
