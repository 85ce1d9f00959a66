"""What people ask of alerts, at the command line and through the API: written into the log that aggregators read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kafka.errors import KafkaError

from pipeline.aggregate.alerts.commands import Acknowledge, Command, Forget, Silence
from pipeline.errors import DependencyError, UsageError
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import Alert, Scope
from pipeline.settings import NO_DATA, KafkaSettings, Settings
from pipeline.topics import ALERTS, STATE, name

LONGEST = timedelta(days=1)  # of a silence: as long as `aggregate-state` keeps records
WRITE_SECONDS = 10.0
REQUEST_MS = 5_000  # less than that, or the client refuses it


@dataclass(frozen=True)
class Target:
    """Alerts of a rule, of a camera, zone or site, or both; `scope`: what `id` names, where that is not clear."""

    site: str
    rule: str | None = None
    scope: Scope | None = None
    id: str | None = None

    def check(self, settings: Settings) -> None:
        """Raises UsageError when nothing is named, or a rule that the settings do not have."""
        if self.rule is None and self.id is None:
            raise UsageError("nothing is named", "a rule, a camera, zone or site, or both")
        rules = [NO_DATA, *(each.id for each in settings.alerts)]
        if self.rule is not None and self.rule not in rules:
            raise UsageError(f"rule: {self.rule!r} is not known", f"one of {', '.join(rules)}")

    @property
    def place(self) -> str:
        """As the audit log names it."""
        return f"rule/{self.rule}" if self.id is None else f"{self.scope or 'scope'}/{self.id}"

    def __str__(self) -> str:
        rule = f" of rule {self.rule}" if self.rule else ""
        return f"alerts{rule}" + (f" of {self.id}" if self.id else "")


def newest(kafka: KafkaSettings) -> dict[str, Alert]:
    """The last record of every alert that the topic still holds, by id."""
    found: dict[str, Alert] = {}
    with Reader(kafka, [ALERTS]) as reader:
        reader.from_beginning()
        for record in reader.to_end():
            alert = parse(record)
            if isinstance(alert, Alert) and alert.update >= found.get(alert.alert_id, alert).update:
                found[alert.alert_id] = alert
    return found


def acknowledge(kafka: KafkaSettings, alert_id: str, by: str, now: datetime) -> None:
    """Somebody looks after an alert."""
    _write(kafka, Acknowledge(alert_id=alert_id, at=now, by=by))


def silence(kafka: KafkaSettings, target: Target, until: datetime, by: str, reason: str, now: datetime) -> None:
    """Such alerts call nobody until then; a time that is over ends a silence. At most LONGEST from now."""
    _write(kafka, Silence(at=now, by=by, until=until, reason=reason, **vars(target)))


def forget(kafka: KafkaSettings, target: Target, by: str, now: datetime) -> None:
    """Standing alerts are closed, and what is usual is learned anew: somebody else lives there, a camera is gone."""
    _write(kafka, Forget(at=now, by=by, **vars(target)))


def _write(kafka: KafkaSettings, command: Command) -> None:
    """Into every partition: whoever it concerns finds it in order with what it concerns.

    Raises DependencyError when Kafka has not taken it everywhere within WRITE_SECONDS. To ask again does no harm.
    """
    to = producer(kafka, request_timeout_ms=REQUEST_MS, delivery_timeout_ms=int(WRITE_SECONDS * 1000), linger_ms=0)
    topic, key, value = name(kafka, STATE), command.key.encode(), command.encode()
    try:
        sent = [to.send(topic, key=key, value=value, partition=number) for number in range(kafka.partitions)]
        for each in sent:
            each.get(WRITE_SECONDS)
    except KafkaError as error:
        message = f"Kafka at {kafka.bootstrap} did not take it ({error or type(error).__name__})"
        raise DependencyError(message, "ask again when Kafka is back") from None
    finally:
        to.close(timeout=0)
