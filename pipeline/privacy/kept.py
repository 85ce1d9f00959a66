"""What is kept of people, where and for how long, in plain words: what was promised beside what is so. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipeline.kafka.held import KEPT, Held
from pipeline.kafka.retention import overlong
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
    Topic,
)

HOLDS = {
    FRAMES: "The cameras' pictures as they were captured, black where a mask is.",
    PREVIEWS: "Small pictures of each camera, one a second, too blurred to tell a face by; faces that were found are "
    "filled before.",
    EVENTS: "Of each picture: where faces were, how well they could be read, which expression was apparent, and a "
    "random number for as long as a face stays in view. No picture, nothing that a face could be known again by.",
    WINDOWS: "Of each minute, camera, zone and site: how many faces, and which expressions were apparent.",
    ALERTS: "When a rule on these minutes was met, and when no longer.",
    STATE: "What is needed to go on counting after a restart: sums of ten seconds, and random numbers of faces.",
    CAMERA_STATUS: "When cameras came and went, and when they saw nothing.",
    CAMERAS: "Which cameras there are to be, without their passwords.",
    DEAD_LETTERS: "Why a record could not be used. Never the picture itself.",
    ROLES: "Which processes run where, and how a rollout of another model does.",
    ROLLOUTS: "Which other version of the model is brought in, and how far it is.",
    AUDIT: "Who changed what, for those who have to answer for it.",
}
SUMS = {
    EVENTS: "Of each picture: that it was looked at. Of each ten seconds and part of a picture: how many faces, and "
    "which expressions were apparent, as sums. No single face.",
    WINDOWS: "Of each minute, camera, zone and site: how many faces, and which expressions were apparent; withheld "
    "where fewer than {k} tracks are behind it, or where that could be calculated.",
    STATE: "What is needed to go on counting after a restart: sums of ten seconds, of few faces, too.",
    PREVIEWS: "Nothing: there are no previews where only sums are told.",
}
OF_PEOPLE = (FRAMES, PREVIEWS, EVENTS, STATE, WINDOWS, ALERTS)


class Verdict(StrEnum):
    AS_PROMISED = "as promised"
    TOO_LONG = "kept longer than promised"
    MISSING = "not there"


@dataclass(frozen=True, slots=True)
class Contents:
    """What is on a topic now. `oldest`: when its oldest record was taken, None of an empty one; `bytes`: on the disks
    of all brokers, None where that is not told."""

    records: int
    oldest: datetime | None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One topic. Times in seconds, None: for ever. `gone`: within how long a record is off the disk for good."""

    topic: str
    holds: str
    pictures: bool
    of_people: bool
    promised: float | None
    held: float | None
    gone: float | None
    contents: Contents | None
    verdict: Verdict


def kept(
    settings: Settings,
    planned: Mapping[str, Topic],
    held: Mapping[str, Held],
    contents: Mapping[str, Contents],
    check_seconds: float,
) -> list[Kept]:
    """All topics, those of people first. `check_seconds`: how often the broker looks for what is old enough."""
    rows = []
    wrong = {each.topic for each in overlong(planned, held)}
    for short, topic in planned.items():
        there = held.get(topic.name)
        verdict = Verdict.AS_PROMISED if topic.name not in wrong else Verdict.TOO_LONG
        rows.append(
            Kept(
                topic=topic.name,
                holds=_holds(settings, short),
                pictures=short in (FRAMES, PREVIEWS),
                of_people=short in OF_PEOPLE,
                promised=_seconds(topic.config),
                held=None if there is None else _seconds(there.config),
                gone=None if there is None else _gone(there.config, check_seconds),
                contents=contents.get(topic.name),
                verdict=Verdict.MISSING if there is None else verdict,
            )
        )
    return sorted(rows, key=lambda row: (not row.pictures, not row.of_people))


def copies(names: Sequence[str], planned: Mapping[str, Topic]) -> list[str]:
    """Topics of replays, which hold what the site's own hold: removed with `emostream replay --delete`."""
    prefix = planned[FRAMES].name.removesuffix(FRAMES)
    return sorted(name for name in names if name.startswith(f"{prefix}replay-"))


def _holds(settings: Settings, short: str) -> str:
    words = {**HOLDS, **SUMS} if settings.privacy.aggregates else HOLDS
    return words[short].format(k=settings.privacy.k_minimum)


def _seconds(config: Mapping[str, str]) -> float | None:
    if "delete" not in config.get("cleanup.policy", "delete"):
        return None
    millis = int(config.get(KEPT, -1))
    return None if millis < 0 else millis / 1000


def _gone(config: Mapping[str, str], check_seconds: float) -> float | None:
    """Kafka deletes whole segments: each when its last record is old enough, it is looked at, and a delay is over."""
    seconds = _seconds(config)
    if seconds is None:
        return None
    segment = int(config.get("segment.ms", 0)) / 1000
    return seconds + segment + check_seconds + int(config.get("file.delete.delay.ms", 0)) / 1000
