"""The parts of base/ that follow from the pipeline: topics, users with what each may do, alerts.

    python -m deploy.kubernetes.made        # after a change of the topics, the grants or the rules; a test tells
    python -m deploy.kubernetes.made emostream.yaml > kafka.yaml      # an overlay's patches, with its own settings

Topics are those of `pipeline.topics.plan`, users' rights those of `pipeline.kafka.grants`, alerts those of
`deploy/prometheus/rules`. An overlay whose settings differ in what topics or users follow from (partitions, retention,
groups, `delivery: exactly_once`) names kafka.yaml under `patches`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.kafka.grants import NEEDS, Grant, grants
from pipeline.settings import Settings, load
from pipeline.topics import CAMERA_STATUS, CAMERAS, FRAMES, ROLES, plan

HERE = Path(__file__).parent
BASE = HERE / "base"
RULES = HERE.parent / "prometheus" / "rules"
SITE = HERE / "overlays" / "edge-site"
SITE_TOPICS = (FRAMES, CAMERA_STATUS, CAMERAS, ROLES)
CLUSTER = {"strimzi.io/cluster": "emostream"}
PROMETHEUS = {"release": "prometheus"}  # as in monitoring/scraping.yaml: as your Prometheus selects
KAFKA = "kafka.strimzi.io/v1"
HEADER = "# Made by `python -m deploy.kubernetes.made`: change what it is made from.\n"
KINDS = {"topic": "topic", "group": "group", "transactional-id": "transactionalId", "cluster": "cluster"}


def topics(settings: Settings, chosen: Iterable[str] = ()) -> Iterator[dict[str, Any]]:
    """One KafkaTopic for each topic of the plan, or those chosen."""
    for short, topic in plan(settings.kafka).items():
        if chosen and short not in chosen:
            continue
        yield {
            "apiVersion": KAFKA,
            "kind": "KafkaTopic",
            "metadata": {"name": topic.name, "labels": CLUSTER},
            "spec": {
                "partitions": topic.partitions,
                "replicas": settings.kafka.replication,
                "config": dict(sorted(topic.config.items())),
            },
        }


def users(settings: Settings, roles: Iterable[str] = NEEDS) -> Iterator[dict[str, Any]]:
    """One KafkaUser for each role, with its grants and no others."""
    for role in roles:
        yield {
            "apiVersion": KAFKA,
            "kind": "KafkaUser",
            "metadata": {"name": f"emostream-{role}", "labels": CLUSTER},
            "spec": {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": list(_acls(grants(settings, role)))},
            },
        }


def _acls(granted: list[Grant]) -> Iterator[dict[str, Any]]:
    things = sorted({(grant.kind, grant.name, grant.prefixed) for grant in granted})
    for kind, name, prefixed in things:
        operations = [
            "".join(word.capitalize() for word in grant.operation.split("-"))
            for grant in granted
            if (grant.kind, grant.name, grant.prefixed) == (kind, name, prefixed)
        ]
        resource: dict[str, str] = {"type": KINDS[kind]}
        if kind != "cluster":
            resource |= {"name": name, "patternType": "prefix" if prefixed else "literal"}
        yield {"resource": resource, "operations": operations, "host": "*"}


def alerts() -> Iterator[dict[str, Any]]:
    """One PrometheusRule for each file of rules."""
    for file in sorted(RULES.glob("*.yml")):
        yield {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"emostream-{file.stem}", "labels": PROMETHEUS},
            "spec": yaml.safe_load(file.read_text()),
        }


def files() -> dict[Path, str]:
    """What is to stand in each file."""
    settings, site = load(BASE / "emostream.yaml"), load(SITE / "emostream.yaml")
    made = {
        BASE / "topics" / "topics.yaml": topics(settings),
        BASE / "topics" / "users.yaml": users(settings),
        BASE / "monitoring" / "rules.yaml": alerts(),
        SITE / "topics.yaml": topics(site, SITE_TOPICS),
        SITE / "users.yaml": users(site, ["capture"]),
    }
    return {path: HEADER + yaml.safe_dump_all(each, sort_keys=False, width=118) for path, each in made.items()}


def patches(settings: Settings) -> str:
    """What stands in base/topics, as it is with other settings. Names have to be the same: a prefix makes others."""
    made = [*topics(settings), *users(settings)]
    for each in made:
        each["metadata"]["namespace"] = "emostream"
    return HEADER + yaml.safe_dump_all(made, sort_keys=False, width=118)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(patches(load(Path(sys.argv[1]))))
    else:
        for path, text in files().items():
            path.write_text(text)
