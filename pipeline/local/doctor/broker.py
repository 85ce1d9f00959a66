"""The site's Kafka: whether it is reached, holds the topics as planned, and has the right time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from pipeline.kafka.clients import advice, reachable
from pipeline.kafka.held import READABLE, Difference, clock_offset, differences, held_topics
from pipeline.kafka.retention import alterable, lengthens
from pipeline.local.doctor.check import Check, guarded
from pipeline.settings import KafkaSettings
from pipeline.topics import FRAMES, PREVIEWS, plan
from pipeline.wording import Language, kept

SKEW_SECONDS = 1.0
WRONG_SECONDS = 60.0
PICTURES = (FRAMES, PREVIEWS)
FOR_EVER = "-1"


def checks(kafka: KafkaSettings) -> Iterator[Check]:
    """Only the first one where no Kafka is: what it holds cannot be told then."""
    there = guarded("broker", lambda: _broker(kafka))
    yield there
    if there.status == "ok":
        yield guarded("topics", lambda: _topics(kafka))
        yield guarded("clock", lambda: _clock(kafka))


def _broker(kafka: KafkaSettings) -> Check:
    if reachable(kafka):
        return Check("broker", "ok", f"Kafka at {kafka.bootstrap}")
    default = kafka.bootstrap == KafkaSettings.model_fields["bootstrap"].default
    return Check("broker", "warn" if default else "fail", f"nobody listens at {kafka.bootstrap}", advice(kafka))


def _topics(kafka: KafkaSettings) -> Check:
    planned = plan(kafka)
    found = differences(planned, held_topics(kafka, planned))
    pictures = {planned[short].name for short in PICTURES}
    if not found:
        return Check("topics", "ok", f"{len(planned)} as planned")
    missing = [each.topic for each in found if each.field == "topic"]
    if len(missing) == len(planned):
        return Check("topics", "warn", "none is there yet", "`emostream up` or `emostream topics apply` creates them")
    grave = [each for each in found if _grave(each, pictures)]
    lines = [_words(each) for each in grave or found]
    return Check("topics", "fail" if grave else "warn", "; ".join(lines), "\n".join(_fixes(grave or found)))


def _grave(each: Difference, pictures: Iterable[str]) -> bool:
    """Missing, unreadable, or pictures of people that are kept for longer than the settings promise."""
    if each.field == "compression.type":
        return each.found not in READABLE
    return each.field == "topic" or (each.topic in pictures and lengthens(each))


def _words(each: Difference) -> str:
    match each.field:
        case "topic":
            return f"{each.topic} is missing"
        case "retention.ms":
            wanted, found = (_kept(value) for value in (each.wanted, each.found))
            return f"{each.topic} keeps its records for {found}, the settings say {wanted}"
        case "compression.type" if each.found not in READABLE:
            return f"{each.topic} is compressed with {each.found}, which nobody here can read"
        case _:
            return f"{each.topic}: {each.field} is {each.found or 'not set'}, planned {each.wanted}"


def _kept(value: str) -> str:
    return "ever" if value in ("", FOR_EVER) else kept(Language.EN, int(value) / 1000)


def _fixes(found: list[Difference]) -> Iterator[str]:
    fields = {each.field for each in found}
    if "topic" in fields:
        yield "`emostream topics apply` creates what is missing"
    if "partitions" in fields:
        yield "partitions: kafka.partitions of the settings has to say what is there; keys would move if it grew"
    if alterable(found):
        yield "`emostream topics apply` has the topics kept as the settings say"


def _clock(kafka: KafkaSettings, clock: Callable[[], float] = time.time) -> Check:
    """What is sure to be wrong counts: the uncertainty is taken off."""
    offset = clock_offset(kafka, clock)
    side = "ahead of" if offset.seconds > 0 else "behind"
    detail = f"{abs(offset.seconds):.3f} s {side} Kafka's, give or take {offset.uncertainty:.3f} s"
    sure = abs(offset.seconds) - offset.uncertainty
    hint = "times of frames come from this clock: let it be set by NTP (chrony, timesyncd)"
    if sure >= WRONG_SECONDS:
        return Check("clock", "fail", detail, hint)
    return Check("clock", "warn" if sure >= SKEW_SECONDS else "ok", detail, hint)
