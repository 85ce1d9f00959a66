"""What each role may do on the brokers, and nothing else: the one table that ACLs are made from. Pure.

To read or write something includes to describe it, as Kafka has it. An idempotent producer needs no more than to write
to its topics. Keys cannot be told apart by ACLs: who writes to `frames` writes for any camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pipeline.settings import Settings
from pipeline.topics import (
    ALERTS,
    AUDIT,
    CAMERA_STATUS,
    CAMERAS,
    DEAD_LETTERS,
    EVENTS,
    FRAMES,
    PREVIEWS,
    ROLES,
    ROLLOUTS,
    STATE,
    WINDOWS,
    name,
)

Kind = Literal["topic", "group", "transactional-id", "cluster"]
Operation = Literal[
    "read", "write", "create", "delete", "alter", "describe", "describe-configs", "alter-configs", "cluster-action"
]
CLUSTER = "kafka-cluster"
ALL = (FRAMES, EVENTS, CAMERA_STATUS, CAMERAS, DEAD_LETTERS, PREVIEWS, WINDOWS, ALERTS, STATE, ROLES, ROLLOUTS, AUDIT)


@dataclass(frozen=True, order=True)
class Grant:
    """One operation on one thing. `prefixed`: on all whose names begin so."""

    kind: Kind
    name: str
    operation: Operation
    prefixed: bool = False


@dataclass(frozen=True)
class _Needs:
    """Of one role, topics by their short names. `groups`: fields of settings.kafka; `kept`: topics whose settings it
    looks at, so that pictures are not kept for too long."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    describes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    watched_groups: tuple[str, ...] = ()
    transactions: bool = False
    others: tuple[Grant, ...] = field(default=())


WATCHED = (CAMERAS, ROLES, CAMERA_STATUS, WINDOWS, ALERTS, EVENTS, ROLLOUTS)

NEEDS = {
    "capture": _Needs(
        reads=(CAMERAS, CAMERA_STATUS),  # of its own sessions, to number the next
        writes=(FRAMES, CAMERA_STATUS, ROLES),
        groups=("capture_group",),
        watched_groups=("group",),  # files wait for the analyzers
    ),
    "analyze": _Needs(
        reads=(FRAMES, EVENTS, ROLLOUTS),  # of events: where the one it replaces ended
        writes=(EVENTS, DEAD_LETTERS, CAMERA_STATUS, PREVIEWS, ROLES),
        kept=(FRAMES, PREVIEWS),
        groups=("group",),
        transactions=True,
    ),
    "aggregate": _Needs(
        reads=(EVENTS, STATE, CAMERA_STATUS, ROLLOUTS, ROLES),  # of roles: what analyzers measured of a rollout
        writes=(EVENTS, STATE, WINDOWS, ALERTS, ROLES, ROLLOUTS, AUDIT),  # into events: that a host is gone
        describes=ALL,  # how long they are, for /metrics
        groups=("aggregate_group",),
        watched_groups=("group",),
        transactions=True,
        others=(Grant("cluster", CLUSTER, "describe"),),  # how full the brokers' disks are
    ),
    "webhooks": _Needs(reads=(ALERTS,), writes=(DEAD_LETTERS, ROLES), groups=("webhooks_group",)),
    "api": _Needs(
        reads=WATCHED,
        writes=(CAMERAS, STATE, ROLLOUTS, AUDIT, ROLES),  # into state: that an alert is acknowledged
        describes=ALL,  # whether they are as planned, for /readyz
        watched_groups=("group",),
    ),
    "dashboard": _Needs(
        reads=(*WATCHED, PREVIEWS),
        writes=(ROLES,),
        describes=(FRAMES,),  # how far the analyzers are behind
        watched_groups=("group",),
    ),
    "operator": _Needs(
        reads=(*WATCHED, AUDIT),
        writes=(CAMERAS, STATE, ROLLOUTS, AUDIT),
        describes=ALL,
        kept=ALL,  # `topics check`
    ),
    "reader": _Needs(reads=(EVENTS, WINDOWS, ALERTS, CAMERA_STATUS)),
}
"""By role. `operator`: people at the command line. `reader`: consumers of the results. Neither of them sees pictures.
Who applies topics and ACLs is a super user of the brokers, and nobody of these."""

GROUPS_OF_MANY = {"capture_group": ".", "webhooks_group": "-"}
"""Names of groups that are begun by a setting; what stands between it and the rest."""
TRANSACTED = {"analyze": "group", "aggregate": "aggregate_group"}


def grants(settings: Settings, role: str) -> list[Grant]:
    """What a role needs with these settings, in order, each once."""
    return sorted(set(_grants(settings, role)))


def _grants(settings: Settings, role: str) -> Iterator[Grant]:
    needs, kafka = NEEDS[role], settings.kafka
    for topic in needs.reads:
        yield Grant("topic", name(kafka, topic), "read")
    for topic in needs.writes:
        yield Grant("topic", name(kafka, topic), "write")
    for topic in set(needs.describes) - {*needs.reads, *needs.writes}:
        yield Grant("topic", name(kafka, topic), "describe")
    for topic in needs.kept:
        yield Grant("topic", name(kafka, topic), "describe-configs")
    for group in needs.groups:
        begun, between = getattr(kafka, group), GROUPS_OF_MANY.get(group, "")
        yield Grant("group", begun + between, "read", prefixed=bool(between))
    for group in needs.watched_groups:
        yield Grant("group", getattr(kafka, group), "describe")
    if needs.transactions and settings.delivery == "exactly_once":
        yield Grant("transactional-id", f"{getattr(kafka, TRANSACTED[role])}-", "write", prefixed=True)
    yield from needs.others
